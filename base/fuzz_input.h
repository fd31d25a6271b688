// What fuzz targets share (hf_fuzz_test, base/rules.bzl): the input as text, and as a file.
#ifndef HARDFACE_BASE_FUZZ_INPUT_H_
#define HARDFACE_BASE_FUZZ_INPUT_H_

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace hardface {

inline absl::string_view FuzzText(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A folder of this process's own, in memory where there is such a place: a fuzzer writes thousands of files a second.
inline const std::string& FuzzFolder() {
  static const auto* const kFolder = [] {
    const char* const of_test = std::getenv("TEST_TMPDIR");
    const std::string parent = of_test != nullptr ? of_test : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    auto* folder = new std::string(absl::StrCat(parent, "/hardface-fuzz-", getpid()));
    std::filesystem::create_directories(*folder);
    if (of_test == nullptr) std::atexit([] { std::filesystem::remove_all(FuzzFolder()); });
    return folder;
  }();
  return *kFolder;
}

// BYTES as the file NAME of FuzzFolder(), which the next call replaces.
inline std::string FuzzFile(absl::string_view bytes, const std::string& name) {
  std::string path = absl::StrCat(FuzzFolder(), "/", name);
  std::FILE* const file = std::fopen(path.c_str(), "wbe");
  HARDFACE_CHECK(file != nullptr);
  // Empty bytes may have no address, which fwrite does not allow.
  HARDFACE_CHECK(bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
  HARDFACE_CHECK(std::fclose(file) == 0);
  return path;
}

}  // namespace hardface

#endif  // HARDFACE_BASE_FUZZ_INPUT_H_
