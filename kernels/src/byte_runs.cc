// SPDX-License-Identifier: Apache-2.0
#include "byte_runs.h"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "byte_runs.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace altiplano {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Bit i says that byte i equals the one before it; 0 for the first. Bits beyond `count` are 0 to the end of their word.
void markRepeats(const uint8_t* bytes, size_t count, uint64_t* bits) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  size_t word = 0;
  // Whole words, the first apart: nothing lies before its first byte.
  for (; word * 64 + 64 <= count; ++word) {
    if (word == 0 || 64 % lanes != 0 || lanes < 8) {
      uint64_t repeats = 0;
      for (size_t i = word == 0 ? 1 : 0; i < 64; ++i) repeats |= static_cast<uint64_t>(bytes[word * 64 + i] == bytes[word * 64 + i - 1]) << i;
      bits[word] = repeats;
      continue;
    }
    auto* const to = reinterpret_cast<uint8_t*>(bits + word);
    for (size_t i = 0; i < 64; i += lanes) {
      const uint8_t* const at = bytes + word * 64 + i;
      hn::StoreMaskBits(d, hn::Eq(hn::LoadU(d, at), hn::LoadU(d, at - 1)), to + i / 8);
    }
  }
  if (word * 64 == count) return;
  uint64_t repeats = 0;
  for (size_t i = word == 0 ? 1 : 0; word * 64 + i < count; ++i) repeats |= static_cast<uint64_t>(bytes[word * 64 + i] == bytes[word * 64 + i - 1]) << i;
  bits[word] = repeats;
}

}  // namespace HWY_NAMESPACE
}  // namespace altiplano
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace altiplano {

HWY_EXPORT(markRepeats);

size_t findByteRuns(const uint8_t* bytes, size_t count, ByteRun* runs) {
  static_assert(kShortestRun == 8 && std::endian::native == std::endian::little);
  // One word more, which is 0: every run ends.
  uint64_t bits[kMostRunBytes / 64 + 1];
  const size_t words = (count + 63) / 64;
  HWY_DYNAMIC_DISPATCH(markRepeats)(bytes, count, bits);
  bits[words] = 0;
  size_t found = 0, end = 0;  // of the last run, in bits
  for (size_t word = end / 64; word < words; word = word < end / 64 ? end / 64 : word + 1) {
    // Where eight ones begin: each step doubles how many a bit speaks for.
    const uint64_t low = bits[word], high = bits[word + 1];
    const uint64_t two = low & (low >> 1 | high << 63), twoNext = high & high >> 1;
    const uint64_t four = two & (two >> 2 | twoNext << 62), fourNext = twoNext & twoNext >> 2;
    uint64_t eight = four & (four >> 4 | fourNext << 60);
    if (end > word * 64) eight &= ~uint64_t{0} << (end - word * 64);
    while (eight != 0) {
      const size_t from = word * 64 + static_cast<size_t>(std::countr_zero(eight));
      end = from + kShortestRun;
      size_t at = end / 64;
      uint64_t others = ~bits[at] & ~uint64_t{0} << end % 64;
      while (others == 0) others = ~bits[++at];
      end = at * 64 + static_cast<size_t>(std::countr_zero(others));
      runs[found++] = {static_cast<uint32_t>(from), static_cast<uint32_t>(end - from)};
      eight = end >= word * 64 + 64 ? 0 : eight & ~uint64_t{0} << (end - word * 64);
    }
  }
  return found;
}

}  // namespace altiplano
#endif  // HWY_ONCE
