#include "data_tools/formats/yolo_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/atomic_output.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ErrorOf(const std::string& yaml) {
  return std::string(ParseYoloYaml(yaml, "data.yaml").status().message());
}

TEST(ParseYoloYamlTest, UnderstandsAllFormsOfNames) {
  for (const char* yaml :
       {"nc: 2\nnames: ['a b', c]", "names:\n- a b\n- \"c\"\nnc: 2\n",
        "path: x\nnames: # classes\n  0: a b\n  1: 'c' # last\nval: y\n", "names: {0: a b, 1: c}",
        "names: [a b,\n  c]\n", "\xef\xbb\xbfnames: [a b, c]", "names: !!map {1: c, 0: 'a b'}\r\n"}) {
    const auto parsed = ParseYoloYaml(yaml, "data.yaml");
    ASSERT_TRUE(parsed.ok()) << yaml << parsed.status();
    EXPECT_THAT(parsed->names, ElementsAre("a b", "c")) << yaml;
  }
  EXPECT_THAT(ParseYoloYaml("names: {0: face, 2: mask}\nnc: 3", "")->names, ElementsAre("face", "", "mask"));
  EXPECT_THAT(ParseYoloYaml("names: [2024, yes, no]", "")->names, ElementsAre("2024", "yes", "no"));
  for (const char* yaml : {"nc: 2", "names: [a", "names:\nnc: 2", "", "names: face", "names: {a: b}", "names: [[a]]",
                           "names: {0: [a]}", "- names"}) {
    EXPECT_THAT(ErrorOf(yaml), HasSubstr("data.yaml")) << yaml;
  }
}

TEST(ParseYoloYamlTest, ReadsPlacesAndTheShapeOfPoses) {
  const auto yaml = ParseYoloYaml(
      "path: ../elsewhere\ntrain: [a, b]\nval: images/val\ntest:\nkpt_shape: [5, 3]\nnames: [face]\nflip_idx: [1, 0]\n",
      "data.yaml");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  EXPECT_EQ(yaml->path, "../elsewhere");
  ASSERT_EQ(yaml->splits.size(), 2u);
  EXPECT_THAT(yaml->splits[0].places, ElementsAre("a", "b"));
  EXPECT_EQ(yaml->splits[1].name, "val");
  EXPECT_EQ(yaml->points, 5);
  EXPECT_EQ(yaml->point_size, 3);
}

TEST(ParseYoloYamlTest, ErrorsNameFileLineAndKey) {
  EXPECT_THAT(ErrorOf("names: [face]\nnc: 2\n"),
              AllOf(HasSubstr("data.yaml:2"), HasSubstr("`nc` is 2"), HasSubstr("1")));
  EXPECT_THAT(ErrorOf("names: [face]\nkpt_shape: [5, 4]\n"), AllOf(HasSubstr("data.yaml:2"), HasSubstr("`kpt_shape`")));
  EXPECT_THAT(ErrorOf("names: [face]\ntrain: {a: b}\n"), AllOf(HasSubstr("data.yaml:2"), HasSubstr("`train`")));
  EXPECT_THAT(ErrorOf("names: [face]\nval: [a\n"), AllOf(HasSubstr("data.yaml:"), HasSubstr("not valid YAML")));
}

TEST(ParseYoloYamlTest, AKeyThatStandsTwiceIsAnError) {
  EXPECT_THAT(ErrorOf("names: [face]\nnc: 1\nnames: [person]\n"),
              HasSubstr("data.yaml:3: the key `names` stands twice"));
  EXPECT_THAT(ErrorOf("names:\n  0: face\n  0: mask\n"), HasSubstr("data.yaml:3: the key `0` stands twice"));
}

TEST(SplitPlacesTest, StartFromPathWhichStartsFromTheFile) {
  const std::string folder = std::filesystem::path(::testing::TempDir() + "/yolo_yaml").lexically_normal().string();
  ASSERT_TRUE(WriteFileAtomically(folder + "/elsewhere/images/train/a.jpg", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/cfg/images/b.jpg", "x").ok());
  const std::string file = folder + "/cfg/data.yaml";
  const auto places = [&](const std::string& yaml, const std::vector<std::string>& names) {
    return SplitPlaces(*ParseYoloYaml(yaml + "\nnames: [face]", file), file, names);
  };
  EXPECT_THAT(*places("path: ../elsewhere\ntrain: images/train\nval: images/train", {}),
              ElementsAre(folder + "/elsewhere/images/train"))
      << "each once";
  EXPECT_THAT(*places("train: images\nval: ../elsewhere/images", {"val"}), ElementsAre(folder + "/elsewhere/images"));
  EXPECT_THAT(*places("train: ../images", {}), ElementsAre(folder + "/cfg/images")) << "a ../ too many";
  EXPECT_THAT(*places("path: " + folder, {}), IsEmpty());
  EXPECT_THAT(std::string(places("train: nowhere", {}).status().message()),
              AllOf(HasSubstr("`train` is nowhere"), HasSubstr(folder + "/cfg/nowhere"), HasSubstr("--images")));
  EXPECT_THAT(std::string(places("train: images", {"test"}).status().message()), HasSubstr("has no key `test`"));
}

}  // namespace
}  // namespace hardface::data
