// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_BIG_BUFFER_H_
#define ALTIPLANO_KERNELS_BIG_BUFFER_H_

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

namespace altiplano {

// Bytes of undefined contents, aligned to cache lines; large ones lie on huge pages where the system has them. The system
// clears what it hands out, which takes a volume as long as the sweeps over it: what is needed again should be kept. Large
// ones can grow without being handed out again: address space for several times as much is set aside, and memory comes where it is touched.
class BigBuffer {
 public:
  BigBuffer() = default;
  explicit BigBuffer(size_t size) : size_(size), capacity_(size) {
#ifdef __linux__
    if (size >= 2 * kHugePage) {
      for (const size_t times : {kSpareSpace, size_t{1}}) {
        capacity_ = (size * times + kHugePage - 1) / kHugePage * kHugePage;
        const size_t mapped = capacity_ + kHugePage;
        void* const memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) continue;  // address space may be limited
        owned_ = {static_cast<uint8_t*>(memory), Release{mapped}};
        data_ = owned_.get() + (kHugePage - reinterpret_cast<uintptr_t>(memory) % kHugePage) % kHugePage;
        // Advice: where it isn't taken, the pages are small.
        madvise(data_, capacity_, MADV_HUGEPAGE);
        return;
      }
      throw std::bad_alloc();
    }
#endif
    owned_.reset(static_cast<uint8_t*>(std::aligned_alloc(kLine, (size + kLine - 1) / kLine * kLine)));
    data_ = owned_.get();
    if (data_ == nullptr) throw std::bad_alloc();
  }
  BigBuffer(BigBuffer&& from) noexcept { *this = std::move(from); }
  BigBuffer& operator=(BigBuffer&& from) noexcept {
    owned_ = std::move(from.owned_);
    data_ = std::exchange(from.data_, nullptr);
    size_ = std::exchange(from.size_, 0);
    capacity_ = std::exchange(from.capacity_, 0);
    tooLarge_ = std::exchange(from.tooLarge_, 0);
    return *this;
  }
  // Room for `size` bytes: what there is, if it is large enough and was not many times too large time and again, or else anew.
  uint8_t* room(size_t size) {
    tooLarge_ = size_ / 4 > size ? tooLarge_ + 1 : 0;
    if (tooLarge_ > kPatience) *this = BigBuffer();
    return atLeast(size);
  }
  // The same, however large it is.
  uint8_t* atLeast(size_t size) {
    if (capacity_ < size) {
      *this = BigBuffer();
      *this = BigBuffer(size);
    }
    size_ = std::max(size_, size);
    return data();
  }
  uint8_t* data() const { return data_; }
  // The most asked for so far.
  size_t size() const { return size_; }

 private:
  static constexpr size_t kHugePage = size_t{2} << 20, kLine = 64;
  static constexpr size_t kSpareSpace = 4;
  static constexpr int kPatience = 16;  // small tasks come between large ones, at a scene's rim and of other levels
  struct Release {
    size_t mapped;  // 0: from the heap
    void operator()(uint8_t* p) const {
#ifdef __linux__
      if (mapped > 0) {
        munmap(p, mapped);
        return;
      }
#endif
      std::free(p);
    }
  };
  std::unique_ptr<uint8_t, Release> owned_;
  uint8_t* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
  int tooLarge_ = 0;  // times in turn
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_BIG_BUFFER_H_
