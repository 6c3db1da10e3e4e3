// SPDX-License-Identifier: Apache-2.0
// Bytes that repeat the one before them: all that is worth copying in a predicted tile, whose other bytes are noise.
#ifndef ALTIPLANO_KERNELS_BYTE_RUNS_H_
#define ALTIPLANO_KERNELS_BYTE_RUNS_H_

#include <cstddef>
#include <cstdint>

namespace altiplano {

inline constexpr uint32_t kShortestRun = 8;
inline constexpr size_t kMostRunBytes = 128 << 10;
inline constexpr size_t kMostRuns = kMostRunBytes / (kShortestRun + 1);

// Bytes [from, from + length), each equal to the one before it.
struct ByteRun {
  uint32_t from, length;
};

// Finds all runs of at least kShortestRun bytes, as long as they are, in ascending order; returns how many. The first byte is in none.
// count: at most kMostRunBytes. runs: room for kMostRuns.
size_t findByteRuns(const uint8_t* bytes, size_t count, ByteRun* runs);

// The slow twin: equal.
size_t findByteRunsReference(const uint8_t* bytes, size_t count, ByteRun* runs);

}  // namespace altiplano

#endif  // ALTIPLANO_KERNELS_BYTE_RUNS_H_
