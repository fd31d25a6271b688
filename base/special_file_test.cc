#include "base/special_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <thread>

#include "base/fresh_folder.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/text_file.h"

namespace hardface {
namespace {

using ::testing::HasSubstr;

TEST(SpecialFileTest, TellsPipesAndDevices) {
  const std::string folder = FreshFolder(), pipe = folder + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(SpecialFileKind(pipe), "pipe");
  EXPECT_EQ(SpecialFileKind("/dev/zero"), "device");
  for (const std::string& plain : {folder, std::string("/dev/null"), folder + "/none"}) {
    EXPECT_EQ(SpecialFileKind(plain), "") << plain;
    EXPECT_FALSE(IsEndless(plain)) << plain;
  }
  EXPECT_FALSE(IsEndless(pipe));
}

// A folder of images may hold one, and nobody may ever write to it.
TEST(SpecialFileTest, APipeIsReadOnlyWhereItMayBeOne) {
  const std::string pipe = FreshFolder() + "/a.jpg";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const absl::Status& status : {ReadFile(pipe).status(), HashFile(pipe).status(), CheckIsNotSpecial(pipe)}) {
    EXPECT_EQ(std::string(status.message()), pipe + ": is a pipe, not a file");
  }
  std::thread writer([&pipe] { std::ofstream(pipe) << "pixels"; });
  EXPECT_EQ(*ReadFileOrPipe(pipe), "pixels");
  writer.join();
}

// A manifest may name such a thing as an image.
TEST(SpecialFileTest, EndlessDevicesAreNotRead) {
  for (const char* device : {"/dev/zero", "/dev/urandom"}) {
    EXPECT_TRUE(IsEndless(device));
    EXPECT_THAT(std::string(ReadFile(device).status().message()), HasSubstr("is a device"));
    EXPECT_THAT(std::string(LineReader::Open(device, "a hint").status().message()), HasSubstr("is a device"));
  }
}

}  // namespace
}  // namespace hardface
