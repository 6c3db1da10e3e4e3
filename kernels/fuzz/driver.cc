// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target where there is no libFuzzer: inputs from a seed, each a mutation of one that came before, so many or for so long. It sees no
// coverage, so it is blind where libFuzzer is led; the same seed makes the same inputs. Takes libFuzzer's flags and files:
//   fuzz_rpc -seed=1 -max_total_time=600      fuzz_rpc crash-rpc-1-4711
#include <csignal>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Bytes = std::vector<uint8_t>;
constexpr size_t kLargest = 4096;
constexpr size_t kKept = 64;

Bytes current;
std::string crashName;

// Keeps the input that ends the program; no more than open, write, close is safe to do here.
void keepInput() {
  if (std::FILE* file = std::fopen(crashName.c_str(), "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::fprintf(stderr, "input kept in %s\n", crashName.c_str());
}

void onSignal(int signal) {
  keepInput();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

Bytes mutated(Bytes bytes, const Bytes& other, std::mt19937_64& random) {
  static constexpr uint8_t kOdd[] = {0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x40};
  for (int changes = 1 + static_cast<int>(random() % 8); changes > 0; --changes) {
    const size_t at = bytes.empty() ? 0 : random() % bytes.size();
    switch (random() % 6) {
      case 0: bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(at), 1 + random() % 16, static_cast<uint8_t>(random())); break;
      case 1: bytes.resize(at); break;
      case 2: bytes.insert(bytes.end(), other.begin(), other.end()); break;
      case 3: if (!bytes.empty()) bytes[at] = kOdd[random() % std::size(kOdd)]; break;
      case 4: if (!bytes.empty()) bytes[at] ^= static_cast<uint8_t>(1U << random() % 8); break;
      default: for (size_t i = 0; i < 64; ++i) bytes.push_back(static_cast<uint8_t>(random()));
    }
  }
  if (bytes.size() > kLargest) bytes.resize(kLargest);
  return bytes;
}

int replay(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::fprintf(stderr, "%s: can't be read\n", path), 2;
  current.assign(std::istreambuf_iterator<char>(file), {});
  return LLVMFuzzerTestOneInput(current.data(), current.size());
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1;
  double seconds = 0;  // 0: as long as it takes
  uint64_t most = 0;   // 0: any number
  const std::string program = argv[0];
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "-seed=", 6) == 0) seed = std::strtoull(argv[i] + 6, nullptr, 10);
    else if (std::strncmp(argv[i], "-max_total_time=", 16) == 0) seconds = std::strtod(argv[i] + 16, nullptr);
    else if (std::strncmp(argv[i], "-runs=", 6) == 0) most = std::strtoull(argv[i] + 6, nullptr, 10);
    else return replay(argv[i]);
  }
  __sanitizer_set_death_callback(keepInput);
  for (const int signal : {SIGILL, SIGTRAP, SIGFPE}) std::signal(signal, onSignal);
  std::mt19937_64 random(seed);
  std::vector<Bytes> kept(kKept);
  const auto start = std::chrono::steady_clock::now();
  uint64_t runs = 0;
  const auto passed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  if (seconds == 0 && most == 0) seconds = 10;
  for (; (seconds == 0 || passed() < seconds) && (most == 0 || runs < most); ++runs) {
    Bytes& place = kept[random() % kKept];
    current = mutated(place, kept[random() % kKept], random);
    crashName = "crash-" + program.substr(program.rfind('/') + 1) + "-" + std::to_string(seed) + "-" + std::to_string(runs);
    // A copy of its own length, so that reading past it is seen.
    const Bytes exact(current);
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    place = current;
  }
  std::printf("%s: %llu inputs in %.1f s, seed %llu\n", program.c_str(), static_cast<unsigned long long>(runs), passed(), static_cast<unsigned long long>(seed));
  return 0;
}
