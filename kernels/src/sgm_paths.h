// SPDX-License-Identifier: Apache-2.0
// Part of sgm.cc: where the values of paths lie.
#ifndef ALTIPLANO_KERNELS_SGM_PATHS_H_
#define ALTIPLANO_KERNELS_SGM_PATHS_H_

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "big_buffer.h"
#include "image.h"

namespace altiplano {

inline constexpr int kPaths = 4, kAbove = 3;  // kAbove: those from another row
inline constexpr uint8_t kInfinite = 255;
// Where the previous pixel of each path (along the row, above left, above, above right) lies along u, times the
// sweep's direction.
inline constexpr int kSteps[kPaths] = {-1, -1, 0, 1};
// Slots are whole cache lines or halves of them, as vectors are. In the gap's middle lies min L. A row of fewer candidates than the
// slots have room for (`room`) is followed by kAfterRow of 255.
inline constexpr int kAfterRow = 32;  // half of the widest gap
constexpr int gapOf(int room) { return room % 64 == 0 ? 64 : 32; }

// What a path from another row knows of that row and, as far as it is done, of this one:
//
//   255 ... least ... 255 | L(0) L(1) ... L(count-1) 255 ... | 255 ... least     one slot of gap + room bytes per pixel
//          gap            |           room bytes             |   next slot's gap
//
// A neighbour whose `low` differs by a little is read so many bytes further on, into the gap if need be. Pixel i (counted
// in the sweep's direction) is written to slot i, and its predecessor is always in slot i + 1, because
// from row to row all slots are renumbered: by `drift` = 2 for the path from above left, 1 from above, 0 from above right.
// So one row of slots is enough, and nothing is overwritten before it was read.
class PathRow {
 public:
  PathRow(int pixels, int room, int drift)
      : drift_(drift), slots_(pixels + 1), gap_(gapOf(room)), slot_(room + gap_), spare_(kRows * drift), start_(spare_),
        bytes_(static_cast<size_t>(slots_ + spare_) * static_cast<size_t>(slot_) + kRowAlignment) {
    std::memset(bytes_.data(), kInfinite, bytes_.size());
  }
  void nextRow() {
    if (start_ < drift_) {
      std::memmove(slotAt(spare_), slotAt(start_), static_cast<size_t>(slots_) * static_cast<size_t>(slot_));
      start_ = spare_;
    }
    start_ -= drift_;
  }
  uint8_t* l(int i) { return slotAt(start_ + i) + gap_; }

 private:
  static constexpr int kRows = 32;  // until all slots are moved back
  uint8_t* slotAt(int slot) { return bytes_.data() + static_cast<ptrdiff_t>(slot) * slot_; }
  int drift_, slots_, gap_, slot_, spare_, start_;
  BigBuffer bytes_;
};

// L of the path along the row, with room on both sides for shifted reads of whole vectors.
class Along {
 public:
  explicit Along(int room) : values_(room + 2 * kRoom, 1) { clear(); }
  // Before a row of fewer candidates than the one before.
  void clear() { std::memset(values_.view().row(0), kInfinite, static_cast<size_t>(values_.width())); }
  uint8_t* l() { return values_.view().row(0) + kRoom; }

 private:
  static constexpr int kRoom = 128;
  Image<uint8_t> values_;
};

// L as pixels see it whose `low` differs from that of the paths' previous pixels.
class Shifted {
 public:
  explicit Shifted(int room) : room_(room), gap_(gapOf(room)), rows_(room + 2 * kRowAlignment, kPaths + 1) {}

  // The `from` values at `l` as `to` candidates see them whose `low` is higher by `shift`, in place if what follows them allows it.
  const uint8_t* of(const uint8_t* l, int from, int to, int shift, int path) {
    const int half = gap_ / 2;
    if (std::abs(shift) < half - 1 && to + shift < from + half) return l + shift;
    uint8_t* const copy = rows_.view().row(path) + gap_;
    std::memset(copy - gap_, kInfinite, static_cast<size_t>(room_ + 2 * gap_));
    const int first = std::max(0, shift - gap_), last = std::min(from, shift + room_ + gap_);
    if (first < last) std::memcpy(copy + first - shift, l + first, static_cast<size_t>(last - first));
    return copy;
  }
  // Aligned room for a copy.
  uint8_t* copy() { return rows_.view().row(kPaths); }

 private:
  int room_, gap_;
  Image<uint8_t> rows_;
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_SGM_PATHS_H_
