#include "eval/common/result_form.h"

#include <gtest/gtest.h>

#include "base/atomic_output.h"

namespace hardface::eval {
namespace {

ResultForm FormOf(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/result_form_test/" + name;
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return FormOfResults(path);
}

TEST(FormOfResults, IsToldByTheText) {
  EXPECT_EQ(FormOf("a.json", "\xef\xbb\xbf \n[{"), ResultForm::kCoco);
  EXPECT_EQ(FormOf("a.txt", "[]"), ResultForm::kCoco);
  EXPECT_EQ(FormOf("lines.json", "{\"image\":\"[\"}"), ResultForm::kJsonl);
  EXPECT_EQ(FormOf("empty.jsonl", ""), ResultForm::kJsonl);
  EXPECT_EQ(FormOf("a.zip", "PK"), ResultForm::kTree);
  EXPECT_EQ(FormOf("empty", ""), ResultForm::kTree);
  EXPECT_EQ(FormOfResults("/no/such/file"), ResultForm::kTree);
  EXPECT_EQ(FormOfResults("/no/such.jsonl"), ResultForm::kJsonl);
}

TEST(FormOfResults, OfFoldersDependsOnWhatTheyHold) {
  const std::string folder = ::testing::TempDir() + "/result_form_test";
  FormOf("tree/0--A/one.txt", "one");
  FormOf("lines/detections.jsonl", "{}");
  EXPECT_EQ(FormOfResults(folder + "/tree"), ResultForm::kTree);
  EXPECT_EQ(FormOfResults(folder + "/lines"), ResultForm::kJsonl);
}

}  // namespace
}  // namespace hardface::eval
