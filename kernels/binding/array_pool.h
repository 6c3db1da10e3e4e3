// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_BINDING_ARRAY_POOL_H_
#define ALTIPLANO_BINDING_ARRAY_POOL_H_

#include <napi.h>

#include <cstddef>
#include <memory>

namespace altiplano::binding {

// Memory of large arrays, kept by the thread from one task to the next: the system clears each page that is touched for the first
// time, which takes as long as a kernel's pass over it, and JavaScript's collector need not watch what comes and goes.
// One for each environment, which owns it.
class ArrayPool {
 public:
  ArrayPool();
  ~ArrayPool();
  static ArrayPool& of(Napi::Env env) { return *env.GetInstanceData<ArrayPool>(); }

  // A buffer of exactly `bytes`. Of undefined contents, but small ones, which are JavaScript's own and cleared.
  Napi::ArrayBuffer make(Napi::Env env, size_t bytes);
  // Detaches a buffer. Its memory is used again, if it was made here, or else given back to the system.
  void takeBack(Napi::ArrayBuffer buffer);

 private:
  struct Loan;
  struct Blocks;
  // Buffers that were not taken back may be collected after the pool is gone.
  std::shared_ptr<Blocks> blocks_;
};

}  // namespace altiplano::binding

#endif  // ALTIPLANO_BINDING_ARRAY_POOL_H_
