// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_IMAGE_H_
#define ALTIPLANO_KERNELS_IMAGE_H_

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace altiplano {

// Every owned row starts on a cache line, and may be read one vector past its end.
inline constexpr size_t kRowAlignment = 64;

// Rows of pixels somebody else owns: pixel (x, y) is data[y * stride + x]; stride counts elements.
template <typename T>
struct ImageView {
  T* data = nullptr;
  int width = 0;
  int height = 0;
  ptrdiff_t stride = 0;

  T* row(int y) const { return data + y * stride; }
  T& at(int x, int y) const { return data[y * stride + x]; }
  operator ImageView<const T>() const
    requires(!std::is_const_v<T>)
  {
    return {data, width, height, stride};
  }
};

// A dense array (stride = width), as JavaScript's typed arrays are.
template <typename T>
ImageView<T> denseView(T* data, int width, int height) {
  return {data, width, height, width};
}

// Owns aligned rows padded by at least one cache line. Move-only. Contents start as zero bytes.
template <typename T>
class Image {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Image() = default;
  Image(int width, int height)
      : width_(width),
        height_(height),
        stride_(static_cast<ptrdiff_t>(
            ((static_cast<size_t>(width) * sizeof(T) + 2 * kRowAlignment - 1) / kRowAlignment) * kRowAlignment /
            sizeof(T))) {
    const size_t bytes = static_cast<size_t>(stride_) * sizeof(T) * static_cast<size_t>(height) + kRowAlignment;
    const size_t rounded = (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
    void* memory = std::aligned_alloc(kRowAlignment, rounded);
    if (memory == nullptr) throw std::bad_alloc();
    __builtin_memset(memory, 0, rounded);
    data_.reset(static_cast<T*>(memory));
  }

  int width() const { return width_; }
  int height() const { return height_; }
  ImageView<T> view() { return {data_.get(), width_, height_, stride_}; }
  ImageView<const T> view() const { return {data_.get(), width_, height_, stride_}; }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  int width_ = 0;
  int height_ = 0;
  ptrdiff_t stride_ = 0;
  std::unique_ptr<T, Free> data_;
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_IMAGE_H_
