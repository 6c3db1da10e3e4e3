// SPDX-License-Identifier: Apache-2.0
#include "triangulate.h"

namespace altiplano {

void triangulateReference(ImageView<const float> disparity, int u0, int v0, const Poly3& poly, double originE,
                          double originN, const PointViews& out) {
  for (int j = 0; j < disparity.height; ++j) {
    const double y = (v0 + j - poly.off[1]) / poly.scale[1];
    for (int i = 0; i < disparity.width; ++i) {
      const double x = (u0 + i - poly.off[0]) / poly.scale[0];
      const double z = (disparity.at(i, j) - poly.off[2]) / poly.scale[2];
      const auto value = [&](int k, double origin) {
        return static_cast<float>(RowPoly3(poly.coefficients[k], poly.outOff[k] - origin, y).at(x, z));
      };
      out.east.at(i, j) = value(0, originE);
      out.north.at(i, j) = value(1, originN);
      out.up.at(i, j) = value(2, 0);
    }
  }
}

}  // namespace altiplano
