// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include <cstring>

#include "args.h"
#include "rpc.h"

namespace altiplano::binding {
namespace {

using Kernel = void (*)(const RpcModel&, const double*, size_t, double*);

// (model: Float64Array(90), triples: Float64Array(3 n)) -> Float64Array(2 n)
template <Kernel kernel>
Napi::Value run(const Napi::CallbackInfo& info) {
  RpcModel model;
  std::memcpy(&model, arrayOf<double>(info[0], kRpcModelDoubles, "model"), sizeof model);
  const double* triples = arrayOf<double>(info[1], 0, "points");
  const size_t n = info[1].As<Napi::TypedArray>().ElementLength() / 3;
  auto pairs = newArray<double>(info.Env(), 2 * n);
  kernel(model, triples, n, pairs.Data());
  return pairs;
}

}  // namespace

void registerRpc(Napi::Env env, Napi::Object exports) {
  exports.Set("rpcProject", Napi::Function::New(env, run<rpcProject>, "rpcProject"));
  exports.Set("rpcLocalize", Napi::Function::New(env, run<rpcLocalize>, "rpcLocalize"));
}

}  // namespace altiplano::binding
