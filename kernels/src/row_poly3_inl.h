// SPDX-License-Identifier: Apache-2.0
// RowPoly3 by vectors. Included behind Highway, once per target.
#if defined(ALTIPLANO_KERNELS_ROW_POLY3_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ALTIPLANO_KERNELS_ROW_POLY3_INL_H_
#undef ALTIPLANO_KERNELS_ROW_POLY3_INL_H_
#else
#define ALTIPLANO_KERNELS_ROW_POLY3_INL_H_
#endif

#include "polynomial.h"

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// RowPoly3::at, lane by lane: the same operations in the same order.
template <class V>
HWY_INLINE V valueAt(const RowPoly3& p, V x, V z) {
  const hn::DFromV<V> d;
  const V byX3 = hn::Add(hn::Set(d, p.x2), hn::Mul(x, hn::Set(d, p.x3)));
  const V byX = hn::Add(hn::Set(d, p.x0), hn::Mul(x, hn::Add(hn::Set(d, p.x1), hn::Mul(x, byX3))));
  const V byXZ = hn::Add(hn::Set(d, p.z1), hn::Mul(x, hn::Set(d, p.z2)));
  const V byZ = hn::Add(hn::Set(d, p.z0), hn::Mul(x, byXZ));
  const V byZZ = hn::Add(hn::Set(d, p.zz0), hn::Mul(x, hn::Set(d, p.zz1)));
  return hn::Add(byX, hn::Mul(z, hn::Add(byZ, hn::Mul(z, hn::Add(byZZ, hn::Mul(z, hn::Set(d, p.zzz)))))));
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#endif  // per target
