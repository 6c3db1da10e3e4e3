// SPDX-License-Identifier: Apache-2.0
#include "triangulate.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "triangulate.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "row_poly3_inl.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<double>;
using V = hn::Vec<D>;

void triangulateRows(ImageView<const float> disparity, int u0, int v0, const Poly3& poly, double originE,
                     double originN, const PointViews& out) {
  const D d;
  const hn::Rebind<float, D> df;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const V uOff = hn::Set(d, poly.off[0]), uScale = hn::Set(d, poly.scale[0]);
  const V dOff = hn::Set(d, poly.off[2]), dScale = hn::Set(d, poly.scale[2]);
  for (int j = 0; j < disparity.height; ++j) {
    const double y = (v0 + j - poly.off[1]) / poly.scale[1];
    const RowPoly3 east(poly.coefficients[0], poly.outOff[0] - originE, y);
    const RowPoly3 north(poly.coefficients[1], poly.outOff[1] - originN, y);
    const RowPoly3 up(poly.coefficients[2], poly.outOff[2], y);
    const float* in = disparity.row(j);
    int i = 0;
    for (; i + lanes <= disparity.width; i += lanes) {
      const V u = hn::Iota(d, u0 + i);
      const V x = hn::Div(hn::Sub(u, uOff), uScale);
      const V z = hn::Div(hn::Sub(hn::PromoteTo(d, hn::LoadU(df, in + i)), dOff), dScale);
      hn::StoreU(hn::DemoteTo(df, valueAt(east, x, z)), df, out.east.row(j) + i);
      hn::StoreU(hn::DemoteTo(df, valueAt(north, x, z)), df, out.north.row(j) + i);
      hn::StoreU(hn::DemoteTo(df, valueAt(up, x, z)), df, out.up.row(j) + i);
    }
    for (; i < disparity.width; ++i) {
      const double x = (u0 + i - poly.off[0]) / poly.scale[0];
      const double z = (in[i] - poly.off[2]) / poly.scale[2];
      out.east.at(i, j) = static_cast<float>(east.at(x, z));
      out.north.at(i, j) = static_cast<float>(north.at(x, z));
      out.up.at(i, j) = static_cast<float>(up.at(x, z));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(triangulateRows);

void triangulate(ImageView<const float> disparity, int u0, int v0, const Poly3& groundFromRect, double originE,
                 double originN, const PointViews& out) {
  HWY_DYNAMIC_DISPATCH(triangulateRows)(disparity, u0, v0, groundFromRect, originE, originN, out);
}

}  // namespace altiplano
#endif  // HWY_ONCE
