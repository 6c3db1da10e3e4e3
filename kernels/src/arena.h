// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_ARENA_H_
#define ALTIPLANO_KERNELS_ARENA_H_

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "big_buffer.h"
#include "image.h"

namespace altiplano {

// Hands out images one behind the other in a block of memory, which they share until it is used for something else. Their
// contents are undefined; rows are laid out as Image's.
class Arena {
 public:
  // What image<T>(width, height) takes.
  template <typename T>
  static size_t bytesOf(int width, int height) {
    return sizeof(T) * strideOf<T>(width) * static_cast<size_t>(height) + kRowAlignment;
  }

  Arena(BigBuffer& memory, size_t bytes) : next_(memory.atLeast(bytes)), end_(next_ + bytes) {}
  template <typename T>
  ImageView<T> image(int width, int height) {
    T* const data = reinterpret_cast<T*>(next_);
    next_ += bytesOf<T>(width, height);
    assert(next_ <= end_);
    return {data, width, height, static_cast<ptrdiff_t>(strideOf<T>(width))};
  }

 private:
  template <typename T>
  static size_t strideOf(int width) {
    return (static_cast<size_t>(width) * sizeof(T) + 2 * kRowAlignment - 1) / kRowAlignment * kRowAlignment / sizeof(T);
  }
  uint8_t* next_;
  uint8_t* end_;
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_ARENA_H_
