#include "data_tools/formats/import_formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(ImportFormatsTest, AnUnknownNameIsAnErrorThatListsAll) {
  EXPECT_THAT(std::string(FindImportFormat("pascal").status().message()),
              AllOf(HasSubstr("\"pascal\""), HasSubstr(ImportFormatNames())));
  for (const ImportFormat& format : ImportFormats()) EXPECT_EQ(*FindImportFormat(format.name), &format);
}

// A file that is not there is an error of every format, and none is a crash.
TEST(ImportFormatsTest, EveryFormatOpensOrSaysWhyNot) {
  SourceSettings settings;
  settings.input = settings.images = ::testing::TempDir() + "/no_such_thing";
  settings.csv.box = {"x", "y", "w", "h"};
  for (const ImportFormat& format : ImportFormats()) {
    EXPECT_THAT(std::string(format.open(settings).status().message()), HasSubstr("no_such_thing")) << format.name;
  }
}

// As PowerShell's ">" and Excel write it.
TEST(ImportFormatsTest, TextInUtf16IsAnErrorThatSaysSo) {
  SourceSettings settings;
  settings.input = ::testing::TempDir() + "/utf16-ellipseList.txt";
  settings.csv.box = {"x", "y", "w", "h"};
  ASSERT_TRUE(WriteFileAtomically(settings.input, std::string("\xff\xfe"
                                                              "a\0\n\0",
                                                              6))
                  .ok());
  for (const char* name : {"wider", "retinaface", "coco", "odgt", "csv", "fddb"}) {
    absl::Status status;
    AnnotatedImage image;
    auto source = (*FindImportFormat(name))->open(settings);
    status = source.ok() ? source->source->Next(&image).status() : source.status();
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(settings.input), HasSubstr("UTF-16"))) << name;
  }
}

TEST(ImportFormatsTest, NoTwoFormatsShareANameOrAFlag) {
  std::set<std::string> names, flags;
  for (const ImportFormat& format : ImportFormats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    for (const std::string& flag : format.flags) EXPECT_TRUE(flags.insert(flag).second) << flag;
  }
}

// The rows of the page's table of import's formats: name to what --input is.
std::map<std::string, std::string> DocumentedFormats() {
  const std::string page = *ReadFile("docs/DATA_TOOLS.md");
  const absl::string_view section = absl::string_view(page).substr(page.find("\n## import\n") + 1);
  std::map<std::string, std::string> rows;
  for (absl::string_view line : absl::StrSplit(section.substr(0, section.find("\n## ")), '\n')) {
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (cells.size() != 5 || cells[1].find('`') == std::string::npos || cells[1].find("--") != std::string::npos)
      continue;
    const auto plain = [](const std::string& cell) {
      return std::string(absl::StripAsciiWhitespace(absl::StrReplaceAll(cell, {{"`", ""}})));
    };
    rows[plain(cells[1])] = plain(cells[2]);
  }
  return rows;
}

TEST(ImportFormatsTest, ThePageListsTheSameFormats) {
  std::map<std::string, std::string> expected;
  for (const ImportFormat& format : ImportFormats())
    expected[format.name] = format.input.empty() ? "none" : format.input;
  EXPECT_EQ(DocumentedFormats(), expected);
}

}  // namespace
}  // namespace hardface::data
