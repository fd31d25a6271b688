#include "base/gnuplot.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/atomic_output.h"

namespace hardface {
namespace {

// PATH with FOLDER in front, or alone, for the life of this object.
class PathOverride {
 public:
  explicit PathOverride(const std::string& path) : old_(std::getenv("PATH")) { setenv("PATH", path.c_str(), 1); }
  ~PathOverride() { setenv("PATH", old_.c_str(), 1); }

 private:
  const std::string old_;
};

TEST(Gnuplot, TextsCannotRunCommands) { EXPECT_EQ(GnuplotText("a\"; system `rm`\n\\"), "\"a\\\"; system 'rm' \\\\\""); }

TEST(Gnuplot, PicturesWithoutTheirEndAreNotComplete) {
  EXPECT_TRUE(CheckPicture("<?xml?><svg><g/></svg>\n", ".svg").ok());
  EXPECT_FALSE(CheckPicture("<?xml?><svg><g/>", ".svg").ok());
  EXPECT_FALSE(CheckPicture("", ".svg").ok());
  const std::string png = std::string("\x89PNG...") + std::string("\0\0\0\0IEND\xae\x42\x60\x82", 12);
  EXPECT_TRUE(CheckPicture(png, ".png").ok());
  EXPECT_FALSE(CheckPicture(png.substr(0, png.size() - 1), ".png").ok());
}

TEST(Gnuplot, ATruncatedPictureIsAnErrorThoughGnuplotSaysNothing) {
  const std::string folder = testing::TempDir() + "/fake";
  const std::string fake = folder + "/gnuplot";
  ASSERT_TRUE(WriteFileAtomically(fake, "#!/bin/sh\nprintf '<svg><g>'\n").ok());
  ASSERT_EQ(std::system(("chmod +x " + fake).c_str()), 0);
  const PathOverride path(folder + ":" + std::getenv("PATH"));
  EXPECT_EQ(RunGnuplot("plot x", ".svg").status().code(), absl::StatusCode::kDataLoss);
}

TEST(Gnuplot, WithoutGnuplotTheErrorSaysHowToGetIt) {
  const PathOverride path(testing::TempDir() + "/no_such_folder");
  const absl::Status status = RunGnuplot("plot x", ".svg").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("apt-get install gnuplot-nox"), std::string::npos);
}

TEST(Gnuplot, AWrongProgramIsAnError) {
  if (std::system("command -v gnuplot > /dev/null") != 0) GTEST_SKIP() << "gnuplot is not installed";
  EXPECT_FALSE(RunGnuplot("plot plot plot\n", ".svg").ok());
}

}  // namespace
}  // namespace hardface
