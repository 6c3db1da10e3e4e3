// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

namespace altiplano::binding {
namespace {

// releaseArrays(arrays): detaches the buffers of typed arrays, which gives their memory back at once.
void releaseArrays(const Napi::CallbackInfo& info) {
  const Napi::Array arrays = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < arrays.Length(); ++i) {
    const Napi::Value array = arrays.Get(i);
    if (!array.IsTypedArray()) throw Napi::TypeError::New(info.Env(), "Expected typed arrays");
    array.As<Napi::TypedArray>().ArrayBuffer().Detach();
  }
}

}  // namespace

void registerRelease(Napi::Env env, Napi::Object exports) {
  exports.Set("releaseArrays", Napi::Function::New<releaseArrays>(env, "releaseArrays"));
}

}  // namespace altiplano::binding
