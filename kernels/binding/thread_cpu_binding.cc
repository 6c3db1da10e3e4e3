// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <ctime>

namespace altiplano::binding {
namespace {

// threadCpuSeconds() -> number: of the calling thread.
Napi::Value threadCpuSeconds(const Napi::CallbackInfo& info) {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return Napi::Number::New(info.Env(), static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9);
}

}  // namespace

void registerThreadCpu(Napi::Env env, Napi::Object exports) {
  exports.Set("threadCpuSeconds", Napi::Function::New<threadCpuSeconds>(env, "threadCpuSeconds"));
}

}  // namespace altiplano::binding
