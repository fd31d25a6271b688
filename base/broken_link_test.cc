#include "base/broken_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/folder_walk.h"
#include "base/fresh_folder.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text_file.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(BrokenLinkTest, NamesTheLinkAndItsTarget) {
  const std::string folder = fs::path(FreshFolder()).lexically_normal().string();
  fs::create_symlink("../old disk/a.jpg", folder + "/a.jpg");
  fs::create_directory_symlink("/nowhere at all", folder + "/photos");
  fs::create_directory(folder + "/there");
  fs::create_directory_symlink("there", folder + "/link");
  fs::create_symlink("circle", folder + "/circle");
  EXPECT_EQ(BrokenLink(folder + "/a.jpg"),
            " (" + folder + "/a.jpg is a link to ../old disk/a.jpg, and nothing is there)");
  EXPECT_EQ(BrokenLink(folder + "/photos/deep/b.jpg"),
            " (" + folder + "/photos is a link to /nowhere at all, and nothing is there)");
  EXPECT_EQ(BrokenLink(folder + "/link/b.jpg"), "") << "the link leads to a folder, which lacks the file";
  for (const std::string& path : {folder + "/none.jpg", folder + "/circle", folder, std::string()}) {
    EXPECT_EQ(BrokenLink(path), "") << path;
  }
}

TEST(BrokenLinkTest, EndsTheErrorsOfReading) {
  const std::string link = fs::path(FreshFolder()).lexically_normal().string() + "/link";
  fs::create_symlink("gone", link);
  const auto message = [](const absl::Status& status) { return std::string(status.message()); };
  const std::string expected = link + " is a link to gone, and nothing is there";
  EXPECT_THAT(message(ReadFile(link).status()), HasSubstr(expected));
  EXPECT_THAT(message(LineReader::Open(link, "a hint").status()), HasSubstr(expected));
  EXPECT_THAT(message(FilesUnder(link, {".jpg"}).status()), HasSubstr(expected));
  EXPECT_THAT(message(HashFile(link).status()), HasSubstr(expected));
  EXPECT_THAT(message(ReadFile(link + "2").status()), Not(HasSubstr("link to")));
}

}  // namespace
}  // namespace hardface
