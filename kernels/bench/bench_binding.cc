// SPDX-License-Identifier: Apache-2.0
// The benches' own addon: times kernels inside C++, by each thread's CPU clock, so that nothing of JavaScript is measured.
// Not part of the product's addon. lib/bench.ts types it.
#include <hwy/highway.h>
#include <napi.h>
#include <time.h>

#include <barrier>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "args.h"
#include "array_pool.h"
#include "machine_limits.h"
#include "tile.h"

namespace altiplano::bench {
namespace {

using binding::arrayAt;
using binding::imageAt;
using binding::intAt;
using binding::newArray;
using TileHandle = Napi::External<std::unique_ptr<Tile>>;

double secondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Highway's targets from the best to the worst are bits from the lowest to the highest.
std::vector<int64_t> targets() {
  std::vector<int64_t> all;
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) all.push_back(left & ~(left - 1));
  return all;
}

// Holds every kernel of this process to the target named, or to what is below it for a kernel that wasn't compiled for it.
// '' = the best. For the whole process: nothing else may run kernels meanwhile.
class ForcedTarget {
 public:
  ForcedTarget(Napi::Env env, const std::string& name) {
    if (name.empty()) return;
    for (const int64_t target : targets()) {
      if (name != hwy::TargetName(target)) continue;
      hwy::SetSupportedTargetsForTest(hwy::SupportedTargets() & ~(target - 1));
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      return;
    }
    throw Napi::RangeError::New(env, "Expected a SIMD target of this CPU but received " + name);
  }
  ForcedTarget(const ForcedTarget&) = delete;
  ForcedTarget& operator=(const ForcedTarget&) = delete;
  ~ForcedTarget() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
};

struct Times {
  std::vector<double> cpu;  // repetition by repetition, in each of all threads
  std::vector<double> wall;  // of each repetition, from the common start to the last thread's end
};

// Runs work(thread) `repetitions` times in so many threads at the same time, each repetition started together; before(thread) isn't
// timed. One thread: the caller's.
Times timeTogether(int threads, int repetitions, const std::function<void(int)>& before, const std::function<void(int)>& work) {
  const auto index = [&](int r, int i) { return static_cast<size_t>(r * threads + i); };
  Times times{std::vector<double>(index(repetitions, 0)), std::vector<double>(static_cast<size_t>(repetitions))};
  std::vector<double> begun(index(repetitions, 0)), ended(index(repetitions, 0));
  std::vector<std::exception_ptr> failures(static_cast<size_t>(threads));
  std::barrier start(threads);
  const auto body = [&](int i) {
    for (int r = 0; r < repetitions; ++r) {
      start.arrive_and_wait();  // everybody is through with the last one
      try {
        before(i);
        start.arrive_and_wait();
        const double wall = secondsOf(CLOCK_MONOTONIC), cpu = secondsOf(CLOCK_THREAD_CPUTIME_ID);
        work(i);
        times.cpu[index(r, i)] = secondsOf(CLOCK_THREAD_CPUTIME_ID) - cpu;
        begun[index(r, i)] = wall, ended[index(r, i)] = secondsOf(CLOCK_MONOTONIC);
      } catch (...) {
        failures[static_cast<size_t>(i)] = std::current_exception();
        start.arrive_and_drop();
        return;
      }
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(body, i);
  body(0);
  for (std::thread& thread : others) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure != nullptr) std::rethrow_exception(failure);
  }
  for (int r = 0; r < repetitions; ++r) {
    const auto first = std::min_element(begun.begin() + r * threads, begun.begin() + (r + 1) * threads);
    const auto last = std::max_element(ended.begin() + r * threads, ended.begin() + (r + 1) * threads);
    times.wall[static_cast<size_t>(r)] = *last - *first;
  }
  return times;
}

Napi::Float64Array packed(Napi::Env env, const std::vector<double>& values) {
  auto array = newArray<double>(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Object packed(Napi::Env env, const Times& times) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("cpu", packed(env, times.cpu));
  object.Set("wall", packed(env, times.wall));
  return object;
}

std::string textAt(const Napi::Object& object, const char* name) { return object.Get(name).ToString().Utf8Value(); }

Tile& tileOf(const Napi::Value& handle) {
  std::unique_ptr<Tile>& tile = *handle.As<TileHandle>().Data();
  if (tile == nullptr) throw Napi::Error::New(handle.Env(), "The tile is closed");
  return *tile;
}

const Stage& stageOf(Napi::Env env, const std::string& name) {
  for (const Stage& stage : stages()) {
    if (name == stage.name) return stage;
  }
  throw Napi::RangeError::New(env, "Expected a stage but received " + name);
}

// targets(): string[], the best first.
Napi::Value targetsNative(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  for (const int64_t target : targets()) names.Set(names.Length(), hwy::TargetName(target));
  return names;
}

// stages(): { name, hasTwin }[], in the order of the road.
Napi::Value stagesNative(const Napi::CallbackInfo& info) {
  Napi::Array all = Napi::Array::New(info.Env());
  for (const Stage& stage : stages()) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", stage.name);
    entry.Set("hasTwin", stage.twin != nullptr);
    all.Set(all.Length(), entry);
  }
  return all;
}

// openTile({ ref, sec, low, width, height, secWidth, count, secOffset, is8Bit }): handle. Runs the whole road once.
Napi::Value openTile(const Napi::CallbackInfo& info) {
  const Napi::Object given = info[0].As<Napi::Object>();
  const int width = intAt(given, "width"), height = intAt(given, "height"), secWidth = intAt(given, "secWidth");
  PairInput input;
  input.ref = imageAt<float>(given, "ref", width, height);
  input.sec = imageAt<float>(given, "sec", secWidth, height);
  input.low = imageAt<int16_t>(given, "low", width, height);
  input.count = intAt(given, "count"), input.secOffset = intAt(given, "secOffset");
  input.is8Bit = given.Get("is8Bit").ToBoolean().Value();
  auto tile = std::make_unique<std::unique_ptr<Tile>>(std::make_unique<Tile>(input));
  std::unique_ptr<Tile>* owned = tile.release();
  return TileHandle::New(info.Env(), owned, [](Napi::Env, std::unique_ptr<Tile>* data) { delete data; });
}

// closeTile(handle): frees its memory now and not at some collection.
void closeTile(const Napi::CallbackInfo& info) { info[0].As<TileHandle>().Data()->reset(); }

// timeStage({ tiles, stage, target, repetitions }): { cpu, wall }, seconds. One thread per tile.
Napi::Value timeStage(const Napi::CallbackInfo& info) {
  const Napi::Object given = info[0].As<Napi::Object>();
  const Stage& stage = stageOf(info.Env(), textAt(given, "stage"));
  const Napi::Array handles = given.Get("tiles").As<Napi::Array>();
  std::vector<Tile*> tiles;
  for (uint32_t i = 0; i < handles.Length(); ++i) tiles.push_back(&tileOf(handles.Get(i)));
  const ForcedTarget forced(info.Env(), textAt(given, "target"));
  return packed(info.Env(), timeTogether(
      static_cast<int>(tiles.size()), intAt(given, "repetitions"), [&](int i) { stage.before(*tiles[static_cast<size_t>(i)]); },
      [&](int i) { stage.run(*tiles[static_cast<size_t>(i)]); }));
}

// digest({ tile, stage, target, twin }): string. Runs the stage, or its slow twin, and hashes what it wrote.
Napi::Value digestNative(const Napi::CallbackInfo& info) {
  const Napi::Object given = info[0].As<Napi::Object>();
  const Stage& stage = stageOf(info.Env(), textAt(given, "stage"));
  Tile& tile = tileOf(given.Get("tile"));
  const ForcedTarget forced(info.Env(), textAt(given, "target"));
  stage.before(tile);
  (given.Get("twin").ToBoolean().Value() ? stage.twin : stage.run)(tile);
  return Napi::String::New(info.Env(), std::to_string(stage.digest(tile)));
}

Napi::Value dense(Napi::Env env, Image<float>& image) {
  const ImageView<float> view = image.view();
  auto values = newArray<float>(env, static_cast<size_t>(view.width) * static_cast<size_t>(view.height));
  for (int v = 0; v < view.height; ++v) std::copy_n(view.row(v), view.width, values.Data() + static_cast<size_t>(v) * static_cast<size_t>(view.width));
  return values;
}

// filteredDisparity(tile): Float32Array, (height, width), what the road makes of the pair.
Napi::Value filteredDisparity(const Napi::CallbackInfo& info) { return dense(info.Env(), tileOf(info[0]).filtered.disparity); }

// stageDisparity(tile): Float32Array, (height, width), what the stage of matching that ran last made of the pair.
Napi::Value stageDisparity(const Napi::CallbackInfo& info) { return dense(info.Env(), tileOf(info[0]).work.disparity); }

// timeStream({ kind, bytes, threads, repetitions, passes }): { cpu, wall, bytesMoved } where bytesMoved is per thread and repetition.
Napi::Value timeStream(const Napi::CallbackInfo& info) {
  const Napi::Object given = info[0].As<Napi::Object>();
  const std::string name = textAt(given, "kind");
  const Stream kind = name == "read" ? Stream::kRead : name == "copy" ? Stream::kCopy : Stream::kTriad;
  const int threads = intAt(given, "threads"), passes = intAt(given, "passes");
  std::vector<std::unique_ptr<StreamArrays>> arrays;
  for (int i = 0; i < threads; ++i) arrays.push_back(std::make_unique<StreamArrays>(static_cast<size_t>(binding::numberAt(given, "bytes"))));
  double moved = 0;
  Napi::Object result = packed(info.Env(), timeTogether(threads, intAt(given, "repetitions"), [](int) {}, [&](int i) {
    size_t bytes = 0;
    for (int pass = 0; pass < passes; ++pass) bytes += arrays[static_cast<size_t>(i)]->pass(kind);
    if (i == 0) moved = static_cast<double>(bytes);
  }));
  result.Set("amount", moved);
  return result;
}

// timeArithmetic({ kind, target, threads, repetitions, rounds }): { cpu, wall, amount }, lane bytes per thread and repetition.
Napi::Value timeArithmetic(const Napi::CallbackInfo& info) {
  const Napi::Object given = info[0].As<Napi::Object>();
  const std::string name = textAt(given, "kind");
  const Arithmetic kind = name == "int8" ? Arithmetic::kInt8 : name == "int16" ? Arithmetic::kInt16 : Arithmetic::kFloat;
  const int rounds = intAt(given, "rounds");
  const ForcedTarget forced(info.Env(), textAt(given, "target"));
  double operated = 0;
  Napi::Object result = packed(info.Env(), timeTogether(intAt(given, "threads"), intAt(given, "repetitions"), [](int) {}, [&](int i) {
    const uint64_t bytes = arithmetic(kind, rounds);
    if (i == 0) operated = static_cast<double>(bytes);
  }));
  result.Set("amount", operated);
  return result;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new binding::ArrayPool());
  exports.Set("targets", Napi::Function::New<targetsNative>(env, "targets"));
  exports.Set("stages", Napi::Function::New<stagesNative>(env, "stages"));
  exports.Set("openTile", Napi::Function::New<openTile>(env, "openTile"));
  exports.Set("closeTile", Napi::Function::New<closeTile>(env, "closeTile"));
  exports.Set("timeStage", Napi::Function::New<timeStage>(env, "timeStage"));
  exports.Set("digest", Napi::Function::New<digestNative>(env, "digest"));
  exports.Set("filteredDisparity", Napi::Function::New<filteredDisparity>(env, "filteredDisparity"));
  exports.Set("stageDisparity", Napi::Function::New<stageDisparity>(env, "stageDisparity"));
  exports.Set("timeStream", Napi::Function::New<timeStream>(env, "timeStream"));
  exports.Set("timeArithmetic", Napi::Function::New<timeArithmetic>(env, "timeArithmetic"));
  return exports;
}

NODE_API_MODULE(altiplano_kernels_bench, init)

}  // namespace
}  // namespace altiplano::bench
