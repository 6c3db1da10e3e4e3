// SPDX-License-Identifier: Apache-2.0
#include "png.h"

#include <cpl_compressor.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "gdal_error.h"

namespace altiplano::raster {
namespace {

constexpr size_t kBands = 4;
constexpr uint8_t kUp = 2;  // the filter: each byte minus the one above

// Of every byte; the polynomial's bits reversed. Source: PNG, annex D.
constexpr std::array<uint32_t, 256> kCrcs = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? 0xEDB88320U ^ (crc >> 1U) : crc >> 1U;
    table[byte] = crc;
  }
  return table;
}();

void appendNumber(std::vector<uint8_t>& out, uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(number >> shift));
}

// Length, type and data; the checksum is of type and data.
void appendChunk(std::vector<uint8_t>& out, std::string_view type, const std::vector<uint8_t>& data) {
  appendNumber(out, static_cast<uint32_t>(data.size()));
  const size_t from = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  uint32_t crc = ~0U;
  for (size_t i = from; i < out.size(); ++i) crc = kCrcs[(crc ^ out[i]) & 0xFFU] ^ (crc >> 8U);
  appendNumber(out, ~crc);
}

}  // namespace

std::vector<uint8_t> encodePng(int width, int height, const uint8_t* rgba) {
  const size_t row = static_cast<size_t>(width) * kBands;
  std::vector<uint8_t> filtered((row + 1) * static_cast<size_t>(height));
  const std::vector<uint8_t> nothing(row);
  uint8_t* to = filtered.data();
  for (int y = 0; y < height; ++y, to += row) {
    const uint8_t* const here = rgba + row * static_cast<size_t>(y);
    const uint8_t* const above = y == 0 ? nothing.data() : here - row;
    *to++ = kUp;
    for (size_t i = 0; i < row; ++i) to[i] = static_cast<uint8_t>(here[i] - above[i]);
  }

  const CPLCompressor* const compressor = CPLGetCompressor("zlib");
  const char* const options[] = {"LEVEL=1", nullptr};
  std::vector<uint8_t> data(filtered.size() + filtered.size() / 64 + 1024);  // it grows by some bytes per kilobyte at most
  void* encoded = data.data();
  size_t size = data.size();
  if (compressor == nullptr || !compressor->pfnFunc(filtered.data(), filtered.size(), &encoded, &size, options, compressor->user_data)) {
    throw RasterFailure("picture", "can't be compressed");
  }
  data.resize(size);

  std::vector<uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  std::vector<uint8_t> header;
  appendNumber(header, static_cast<uint32_t>(width));
  appendNumber(header, static_cast<uint32_t>(height));
  header.insert(header.end(), {8, 6, 0, 0, 0});  // 8 bits, red, green, blue and alpha, not interlaced
  appendChunk(out, "IHDR", header);
  appendChunk(out, "IDAT", data);
  appendChunk(out, "IEND", {});
  return out;
}

}  // namespace altiplano::raster
