// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

namespace altiplano::binding {

void registerTriangulate(Napi::Env, Napi::Object) {}

}  // namespace altiplano::binding
