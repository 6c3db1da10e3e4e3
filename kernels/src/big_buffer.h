// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_BIG_BUFFER_H_
#define ALTIPLANO_KERNELS_BIG_BUFFER_H_

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace altiplano {

// Bytes of undefined contents, aligned to cache lines; large ones lie on huge pages where the system has them. The system
// clears what it hands out, which takes a volume as long as the sweeps over it: what is needed again should be kept.
class BigBuffer {
 public:
  BigBuffer() = default;
  explicit BigBuffer(size_t size) : size_(size) {
    const size_t alignment = size >= 2 * kHugePage ? kHugePage : 64;
    const size_t rounded = (size + alignment - 1) / alignment * alignment;
    data_.reset(static_cast<uint8_t*>(std::aligned_alloc(alignment, rounded)));
    if (data_ == nullptr) throw std::bad_alloc();
#ifdef __linux__
    // Advice: where it isn't taken, the pages are small.
    if (alignment == kHugePage) madvise(data_.get(), rounded, MADV_HUGEPAGE);
#endif
  }
  // Room for `size` bytes: what there is, if it is large enough but not many times too large, or else anew.
  uint8_t* room(size_t size) {
    if (size_ / 4 > size) *this = BigBuffer();
    return atLeast(size);
  }
  // The same, however large it is.
  uint8_t* atLeast(size_t size) {
    if (size_ < size) {
      *this = BigBuffer();
      *this = BigBuffer(size);
    }
    return data();
  }
  uint8_t* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20;
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  size_t size_ = 0;
  std::unique_ptr<uint8_t, Free> data_;
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_BIG_BUFFER_H_
