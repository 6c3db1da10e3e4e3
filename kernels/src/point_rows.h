// SPDX-License-Identifier: Apache-2.0
#ifndef ALTIPLANO_KERNELS_POINT_ROWS_H_
#define ALTIPLANO_KERNELS_POINT_ROWS_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "big_buffer.h"
#include "rasterize_cell.h"

namespace altiplano {

// Points by the row of cells they lie in, each row's in the order they came. A row is a chain of short runs, so that no point
// has to be counted before it is put in its place, and moved only once.
class PointRows {
 public:
  // For at most so many points, which lie in `memory`: it must be used for nothing else meanwhile.
  PointRows(int rows, size_t most, BigBuffer& memory)
      : chains_(static_cast<size_t>(rows)), next_(reinterpret_cast<Run*>(memory.atLeast(bytesOf(rows, most)))), end_(next_ + runsOf(rows, most)) {}
  static size_t bytesOf(int rows, size_t most) { return sizeof(Run) * runsOf(rows, most); }

  void add(int row, int column, const CellPoint& point) {
    Chain& chain = chains_[static_cast<size_t>(row)];
    if (chain.used == kRun) extend(chain);
    __builtin_prefetch(reinterpret_cast<const char*>(chain.last) + sizeof(CellPoint) * (chain.used + kAhead), 1);
    chain.last->points[chain.used] = point;
    chain.last->columns[chain.used++] = column;
  }

  // Calls use(points, columns, n) for every run of a row.
  template <class Use>
  void forRow(int row, Use use) const {
    const Chain& chain = chains_[static_cast<size_t>(row)];
    if (chain.first == nullptr) return;
    for (const Run* run = chain.first; run != chain.last; run = run->next) use(run->points, run->columns, kRun);
    use(chain.last->points, chain.last->columns, chain.used);
  }

 private:
  static constexpr int kRun = 128;
  // Points of a column of the images go to as many rows: what each writes next is fetched while the others are at it. Past the
  // points of a run lie its columns.
  static constexpr int kAhead = 8;
  static_assert(sizeof(CellPoint) * kAhead <= sizeof(int32_t) * kRun);
  // Of a run not yet begun, lines of points, and of columns, that are fetched.
  static constexpr int kLinesAhead = 8;
  struct Run {
    CellPoint points[kRun];
    int32_t columns[kRun];
    Run* next;
  };
  // The last run of every row may be all but empty.
  static size_t runsOf(int rows, size_t most) { return most / kRun + static_cast<size_t>(rows); }
  struct Chain {
    Run* first = nullptr;
    Run* last = nullptr;
    int used = kRun;  // of the last run
  };

  void extend(Chain& chain) {
    assert(next_ != end_);
    Run* fresh = next_++;
    // The run after it will be begun soon, by whichever row: its first lines are fetched meanwhile.
    for (int line = 0; line < kLinesAhead; ++line) {
      __builtin_prefetch(reinterpret_cast<const char*>(next_) + 64 * line, 1);
      __builtin_prefetch(reinterpret_cast<const char*>(next_) + sizeof(CellPoint) * kRun + 64 * line, 1);
    }
    (chain.first == nullptr ? chain.first : chain.last->next) = fresh;
    chain.last = fresh;
    chain.used = 0;
  }

  std::vector<Chain> chains_;
  Run* next_;
  Run* end_;
};

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_POINT_ROWS_H_
