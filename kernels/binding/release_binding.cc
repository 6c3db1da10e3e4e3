// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "args.h"

namespace altiplano::binding {
namespace {

// makeBuffer(bytes): an ArrayBuffer, see ArrayPool.
Napi::Value makeBuffer(const Napi::CallbackInfo& info) {
  return ArrayPool::of(info.Env()).make(info.Env(), info[0].As<Napi::Number>().Int64Value());
}

// releaseArrays(arrays): detaches the buffers of typed arrays, which gives their memory back at once.
void releaseArrays(const Napi::CallbackInfo& info) {
  const Napi::Array arrays = info[0].As<Napi::Array>();
  for (uint32_t i = 0; i < arrays.Length(); ++i) {
    const Napi::Value array = arrays.Get(i);
    if (!array.IsTypedArray()) throw Napi::TypeError::New(info.Env(), "Expected typed arrays");
    ArrayPool::of(info.Env()).takeBack(array.As<Napi::TypedArray>().ArrayBuffer());
  }
}

}  // namespace

void registerRelease(Napi::Env env, Napi::Object exports) {
  exports.Set("makeBuffer", Napi::Function::New<makeBuffer>(env, "makeBuffer"));
  exports.Set("releaseArrays", Napi::Function::New<releaseArrays>(env, "releaseArrays"));
}

}  // namespace altiplano::binding
