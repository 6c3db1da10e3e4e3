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
constexpr size_t kMostChunkBytes = 0x7FFFFFFF;
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

// Colour types and their bands. Source: PNG, table 11.1.
struct Kind {
  uint8_t colourType;
  size_t bands;
};
constexpr Kind kGrey{0, 1}, kColour{2, 3}, kGreyAlpha{4, 2}, kColourAlpha{6, kBands};

// The kind with the fewest bands that holds a picture: less to compress.
const Kind& kindFor(const uint8_t* rgba, size_t pixels) {
  uint8_t colour = 0, opaque = 0xFF;
  for (size_t i = 0; i < pixels; ++i, rgba += kBands) {
    colour = static_cast<uint8_t>(colour | (rgba[0] ^ rgba[1]) | (rgba[1] ^ rgba[2]));
    opaque = static_cast<uint8_t>(opaque & rgba[3]);
  }
  if (opaque == 0xFF) return colour == 0 ? kGrey : kColour;
  return colour == 0 ? kGreyAlpha : kColourAlpha;
}

std::vector<uint8_t> packedAs(const Kind& kind, const uint8_t* rgba, size_t pixels) {
  std::vector<uint8_t> packed(pixels * kind.bands);
  uint8_t* to = packed.data();
  const auto copy = [&](auto... bands) {
    for (size_t i = 0; i < pixels; ++i, rgba += kBands) ((*to++ = rgba[bands]), ...);
  };
  if (kind.bands == 1) copy(0);
  if (kind.bands == 2) copy(0, 3);
  if (kind.bands == 3) copy(0, 1, 2);
  return packed;
}

}  // namespace

std::vector<uint8_t> encodePng(int width, int height, const uint8_t* rgba) {
  const size_t pixels = static_cast<size_t>(width) * height;
  const Kind& kind = kindFor(rgba, pixels);
  const size_t row = static_cast<size_t>(width) * kind.bands;
  std::vector<uint8_t> packed, filtered((row + 1) * static_cast<size_t>(height));
  if (kind.bands < kBands) {
    packed = packedAs(kind, rgba, pixels);
    rgba = packed.data();
  }
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
  if (size > kMostChunkBytes) throw RasterFailure("picture", "is too large for a PNG");

  std::vector<uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  std::vector<uint8_t> header;
  appendNumber(header, static_cast<uint32_t>(width));
  appendNumber(header, static_cast<uint32_t>(height));
  header.insert(header.end(), {8, kind.colourType, 0, 0, 0});  // 8 bits, not interlaced
  appendChunk(out, "IHDR", header);
  appendChunk(out, "IDAT", data);
  appendChunk(out, "IEND", {});
  return out;
}

}  // namespace altiplano::raster
