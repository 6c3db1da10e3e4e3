// SPDX-License-Identifier: Apache-2.0
#include "array_pool.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "big_buffer.h"

namespace altiplano::binding {
namespace {

constexpr size_t kSmall = size_t{1} << 16;
// A block isn't lent for less than a fourth of its size: those of pixels and those of their flags would change places, until all were as large.
constexpr size_t kMostTooLarge = 4;
// Blocks that nobody took for so many arrays, some tasks' worth, are given back.
constexpr int kPatience = 256;

struct Block {
  BigBuffer memory;
  int passedBy = 0;  // arrays made since it was last used
};

}  // namespace

// What the collector holds for a buffer, some time longer than the buffer lives: by then what lay there may have been lent again.
struct ArrayPool::Loan {
  std::shared_ptr<Blocks> blocks;
  BigBuffer memory;  // until it is taken back
};

struct ArrayPool::Blocks {
  std::vector<Block> free;
  std::unordered_map<const void*, Loan*> lent;  // by where their bytes are

  // The least block that is large enough; else the largest, which grows; else a new one.
  BigBuffer take(size_t bytes) {
    for (Block& block : free) ++block.passedBy;
    std::erase_if(free, [](const Block& block) { return block.passedBy > kPatience; });
    auto best = free.end();
    for (auto block = free.begin(); block != free.end(); ++block) {
      const size_t size = block->memory.size();
      if (size / kMostTooLarge >= bytes) continue;
      const size_t known = best == free.end() ? 0 : best->memory.size();
      if (known >= bytes ? size >= bytes && size < known : size > known) best = block;
    }
    BigBuffer memory;
    if (best != free.end()) {
      memory = std::move(best->memory);
      free.erase(best);
    }
    memory.atLeast(bytes);
    return memory;
  }
};

ArrayPool::ArrayPool() : blocks_(std::make_shared<Blocks>()) {}
ArrayPool::~ArrayPool() = default;

Napi::ArrayBuffer ArrayPool::make(Napi::Env env, size_t bytes) {
  if (bytes < kSmall) return Napi::ArrayBuffer::New(env, bytes);
  auto loan = std::make_unique<Loan>(Loan{blocks_, blocks_->take(bytes)});
  void* const data = loan->memory.data();
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, data, bytes, [](Napi::Env, void* lent, Loan* ended) {
    if (ended->memory.data() != nullptr) ended->blocks->lent.erase(lent);
    delete ended;
  }, loan.get());
  blocks_->lent[data] = loan.release();
  return buffer;
}

void ArrayPool::takeBack(Napi::ArrayBuffer buffer) {
  const auto found = blocks_->lent.find(buffer.Data());
  buffer.Detach();
  if (found == blocks_->lent.end()) return;
  blocks_->free.push_back({std::move(found->second->memory)});
  blocks_->lent.erase(found);
}

}  // namespace altiplano::binding
