// The main() of a fuzz target in an ordinary build: runs the target on its seeds, and on some thousands of damaged
// copies of them, always the same ones. --config=fuzz puts libFuzzer in its place.
//
// Arguments: the seeds' files. The number of damaged copies, all seeds together, is FUZZ_MUTATIONS in the environment.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/read_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace hardface {
namespace {

// What breaks parsers, beside bytes of chance.
constexpr const char* kNasty[] = {"-1",
                                  "1e999",
                                  "nan",
                                  "-inf",
                                  "99999999999999999999",
                                  "2147483648",
                                  "\xff\xff\xff\x7f",
                                  "\x80\x00\x00\x00",
                                  "\xff",
                                  "\n",
                                  "\r\n",
                                  "\"",
                                  "{",
                                  "[[[[[[",
                                  "]}",
                                  "<",
                                  ">",
                                  "&#0;",
                                  "\xc3",
                                  ",",
                                  ":",
                                  " ",
                                  "0",
                                  "-0",
                                  "0x10",
                                  "1e-320",
                                  "../../",
                                  "/",
                                  "%s",
                                  "\xef\xbb\xbf",
                                  "\\u0000",
                                  "null"};

// TEXT with one to eight changes: bytes replaced, bits turned, parts removed, doubled, moved or taken from OTHER.
std::string Damage(std::string text, const std::string& other, Random* random) {
  for (int changes = random->Integer(1, 8); changes > 0 && !text.empty(); --changes) {
    const size_t at = random->Index(text.size());
    const size_t length = std::min<size_t>(random->Index(16), text.size() - at);
    switch (random->Integer(0, 7)) {
      case 0:
        text[at] = static_cast<char>(random->Next());
        break;
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << random->Index(8)));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(random->Index(text.size()), random->Index(64)));
        break;
      case 4:
        text.replace(at, length, kNasty[random->Index(std::size(kNasty))]);
        break;
      case 5:
        text.insert(at, kNasty[random->Index(std::size(kNasty))]);
        break;
      case 6:
        if (!other.empty()) text.insert(at, other.substr(random->Index(other.size()), random->Index(256)));
        break;
      default:
        if (random->Chance(0.1)) text.resize(at);
    }
  }
  return text;
}

void Try(const std::string& bytes) {
  // A copy of just this size on the heap, so that the address sanitizer sees every byte read beyond it.
  const std::vector<uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

int Run(int argc, char** argv) {
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i) {
    const absl::StatusOr<std::string> seed = ReadFile(argv[i]);
    if (!seed.ok()) {
      std::fprintf(stderr, "Error: %s\n", std::string(seed.status().message()).c_str());
      return 1;
    }
    seeds.push_back(*seed);
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "Error: no seeds; give their files as arguments\n");
    return 1;
  }
  Try("");
  for (const std::string& seed : seeds) Try(seed);
  const char* const wanted = std::getenv("FUZZ_MUTATIONS");
  const int mutations = wanted == nullptr ? 3000 : std::atoi(wanted);
  for (int i = 0; i < mutations; ++i) {
    Random random({static_cast<uint64_t>(i)});
    const std::string& seed = seeds[static_cast<size_t>(i) % seeds.size()];
    Try(Damage(seed, seeds[random.Index(seeds.size())], &random));
  }
  std::printf("%d inputs\n", 1 + static_cast<int>(seeds.size()) + mutations);
  return 0;
}

}  // namespace
}  // namespace hardface

int main(int argc, char** argv) { return hardface::Run(argc, argv); }
