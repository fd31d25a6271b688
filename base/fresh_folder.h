// For tests: an empty folder of a test's own.
#ifndef HARDFACE_BASE_FRESH_FOLDER_H_
#define HARDFACE_BASE_FRESH_FOLDER_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace hardface {

// Makes, below the tests' temporary folder, an empty folder that is named after the running test and NAME. What an
// earlier run left there is removed. Called again with the same NAME in one test, it empties the folder.
inline std::string FreshFolder(const std::string& name = "") {
  const ::testing::TestInfo* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string own = std::string(test->test_suite_name()) + "_" + test->name() + (name.empty() ? "" : "_" + name);
  std::replace(own.begin(), own.end(), '/', '_');  // of parametrised tests
  const std::string folder = ::testing::TempDir() + "/" + own;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace hardface

#endif  // HARDFACE_BASE_FRESH_FOLDER_H_
