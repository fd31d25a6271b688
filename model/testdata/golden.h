// Finds and reads the recordings that the golden tests compare with.
#ifndef HARDFACE_MODEL_TESTDATA_GOLDEN_H_
#define HARDFACE_MODEL_TESTDATA_GOLDEN_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/check.h"

namespace hardface::model {

// $HARDFACE_GOLDEN_DIR, or the committed recordings.
inline std::string GoldenFolder() {
  const char* folder = std::getenv("HARDFACE_GOLDEN_DIR");
  return folder != nullptr ? folder : "model/testdata";
}

// What GoldenNames gives when the folder in $HARDFACE_GOLDEN_DIR has no recording of a kind: tests skip it, saying so.
inline constexpr char kNoRecording[] = "no_recording";

// The recordings whose file names start and end like this, without the extension, sorted. None is a bug in the setup:
// the tests must not pass by finding nothing.
inline std::vector<std::string> GoldenNames(const std::string& prefix, const std::string& extension) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(GoldenFolder())) {
    if (entry.path().extension() == extension && entry.path().filename().string().rfind(prefix, 0) == 0) {
      names.push_back(entry.path().stem().string());
    }
  }
  if (names.empty()) {
    HARDFACE_CHECK(std::getenv("HARDFACE_GOLDEN_DIR") != nullptr);
    names.push_back(kNoRecording);
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline nlohmann::json ReadGoldenJson(const std::string& name) {
  std::ifstream stream(GoldenFolder() + "/" + name);
  return nlohmann::json::parse(stream);
}

#define SKIP_WITHOUT_RECORDING(name)             \
  if ((name) == ::hardface::model::kNoRecording) \
  GTEST_SKIP() << "no recording of this kind in " << ::hardface::model::GoldenFolder()

inline std::string GoldenTestName(const ::testing::TestParamInfo<std::string>& info) { return info.param; }

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_TESTDATA_GOLDEN_H_
