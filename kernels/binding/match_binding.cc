// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

namespace altiplano::binding {

void registerMatch(Napi::Env, Napi::Object) {}

}  // namespace altiplano::binding
