// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "simd_target.h"

namespace altiplano::binding {
namespace {

Napi::Value simdTargetName(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), simdTarget()); }

}  // namespace

void registerSimdTarget(Napi::Env env, Napi::Object exports) {
  exports.Set("simdTarget", Napi::Function::New<simdTargetName>(env, "simdTarget"));
}

}  // namespace altiplano::binding
