// SPDX-License-Identifier: Apache-2.0
#include "byte_runs.h"

namespace altiplano {

size_t findByteRunsReference(const uint8_t* bytes, size_t count, ByteRun* runs) {
  size_t found = 0;
  for (size_t from = 1; from < count;) {
    size_t to = from;
    while (to < count && bytes[to] == bytes[to - 1]) ++to;
    if (to - from >= kShortestRun) runs[found++] = {static_cast<uint32_t>(from), static_cast<uint32_t>(to - from)};
    from = to + 1;
  }
  return found;
}

}  // namespace altiplano
