// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_BINDING_POLY3_ARGS_H_
#define ALTIPLANO_BINDING_POLY3_ARGS_H_

#include <cstring>

#include "args.h"
#include "polynomial.h"

namespace altiplano::binding {

// A Poly3 as lib/polynomial.ts packs it.
inline Poly3 poly3Of(const Napi::Value& packed) {
  Poly3 poly;
  std::memcpy(&poly, arrayOf<double>(packed, kPoly3Doubles, "polynomial"), sizeof poly);
  return poly;
}

}  // namespace altiplano::binding

#endif  // ALTIPLANO_BINDING_POLY3_ARGS_H_
