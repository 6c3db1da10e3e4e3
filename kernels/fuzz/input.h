// SPDX-License-Identifier: Apache-2.0
// A fuzzer's bytes as the arguments of a function: numbers of every kind, the odd ones often.
#ifndef ALTIPLANO_FUZZ_INPUT_H_
#define ALTIPLANO_FUZZ_INPUT_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <vector>

namespace altiplano::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  // The next byte; zeros after the last.
  uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }

  // In [low, high].
  int integer(int low, int high) {
    const uint32_t value = static_cast<uint32_t>(byte()) | static_cast<uint32_t>(byte()) << 8;
    return low + static_cast<int>(value % (static_cast<uint32_t>(high - low) + 1));
  }

  bool flag() { return (byte() & 1) != 0; }

  // Any double: of each eight one is odd, one has arbitrary bits, the others lie within +-scale.
  double number(double scale) {
    static constexpr double kOdd[] = {0.0, -0.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity(), 1e300, -1e300, 5e-324, 2147483647.0, -2147483648.0, 1e9, 0.5};
    const uint8_t kind = byte();
    if (kind % 8 == 0) return kOdd[byte() % std::size(kOdd)];
    if (kind % 8 == 1) {
      uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits = bits << 8 | byte();
      double value = 0;
      std::memcpy(&value, &bits, sizeof value);
      return value;
    }
    return scale * (integer(0, 65535) / 32767.5 - 1);
  }

  double finite(double scale) {
    const double value = number(scale);
    return std::isfinite(value) ? value : scale;
  }

  // Pixels: a pattern that goes on from the bytes there are, so that large images need no large inputs.
  std::vector<float> floats(size_t count, double scale) {
    std::vector<float> out(count);
    uint32_t state = 1 + integer(0, 65534);
    const int oddness = integer(0, 40);
    for (float& value : out) {
      state ^= state << 13, state ^= state >> 17, state ^= state << 5;  // Marsaglia, Xorshift RNGs, 2003
      value = state % 41 < static_cast<uint32_t>(oddness) / 8 ? static_cast<float>(number(scale)) : static_cast<float>(scale * (state % 1000) / 1000);
    }
    return out;
  }

  std::vector<uint8_t> mask(size_t count) {
    std::vector<uint8_t> out(count);
    uint32_t state = 1 + integer(0, 65534);
    const uint32_t share = byte();
    for (uint8_t& value : out) {
      state ^= state << 13, state ^= state >> 17, state ^= state << 5;
      value = state % 256 >= share;
    }
    return out;
  }

  const uint8_t* rest() const { return data_ + at_; }
  size_t left() const { return size_ - at_; }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

// Ends the program as a crash does, so that the fuzzer keeps the input.
inline void expect(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace altiplano::fuzz

#endif  // ALTIPLANO_FUZZ_INPUT_H_
