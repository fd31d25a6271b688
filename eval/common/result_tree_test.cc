// Result trees in folders and archives: what they hold, and what is refused.
#include "eval/common/result_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "base/atomic_output.h"
#include "base/read_file.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string Path(const std::string& name) { return ::testing::TempDir() + "/result_tree_test_" + name; }

// Packs (name, text) pairs. FILTER: ARCHIVE_FILTER_...; FORMAT: ARCHIVE_FORMAT_...
std::string Pack(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files, int filter,
                 int format) {
  const std::string path = Path(name);
  const std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), &archive_write_free);
  archive_write_set_format(writer.get(), format);
  archive_write_add_filter(writer.get(), filter);
  EXPECT_EQ(archive_write_open_filename(writer.get(), path.c_str()), ARCHIVE_OK);
  for (const auto& [entry_name, text] : files) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), &archive_entry_free);
    archive_entry_set_pathname(entry.get(), entry_name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    EXPECT_EQ(archive_write_header(writer.get(), entry.get()), ARCHIVE_OK);
    archive_write_data(writer.get(), text.data(), text.size());
  }
  EXPECT_EQ(archive_write_close(writer.get()), ARCHIVE_OK);
  return path;
}

std::string Message(const std::string& path) { return std::string(ReadResultTree(path, 1).status().message()); }

struct Packing {
  const char* name;
  int filter, format;
};
constexpr Packing kPackings[] = {
    {"r.tar", ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_USTAR},
    {"r.tar.gz", ARCHIVE_FILTER_GZIP, ARCHIVE_FORMAT_TAR_USTAR},
    {"r.tar.zst", ARCHIVE_FILTER_ZSTD, ARCHIVE_FORMAT_TAR_USTAR},
    {"r.zip", ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_ZIP},
};

TEST(ReadResultTree, NamesThatLeadElsewhereAreHarmless) {
  for (const auto& [name, filter, format] : kPackings) {
    const std::string path = Pack(name,
                                  {{"../../../../0--A/one.txt", "one\n0\n"},
                                   {"/tmp/result_tree_test_outside.txt", "x"},
                                   {"0--A/../1--B/two.txt", "two\n0\n"},
                                   {"notes.md", "no result"}},
                                  filter, format);
    const auto tree = ReadResultTree(path, 1);
    ASSERT_TRUE(tree.ok()) << name << ": " << tree.status();
    std::vector<std::string> names;
    for (const ResultFile& file : tree->files) names.push_back(file.name);
    EXPECT_THAT(names, ::testing::ElementsAre("0--A/one.txt", "1--B/two.txt", "tmp/result_tree_test_outside.txt"))
        << name;
    EXPECT_FALSE(fs::exists("/tmp/result_tree_test_outside.txt"));
  }
}

// PATH with a file, a hard link to TARGET and, where SYMBOLIC, a symbolic link.
std::string PackLinks(const std::string& name, const std::string& target, bool symbolic) {
  const std::string path = Path(name);
  const std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), &archive_write_free);
  archive_write_set_format(writer.get(), ARCHIVE_FORMAT_TAR_USTAR);
  EXPECT_EQ(archive_write_open_filename(writer.get(), path.c_str()), ARCHIVE_OK);
  const std::string text = "a\n0\n";
  for (const char* entry_name : {"ev/a.txt", "ev/b.txt", "ev/c.txt"}) {
    const std::string entry_text = entry_name == std::string("ev/a.txt") ? text : "";
    if (entry_name == std::string("ev/c.txt") && !symbolic) break;
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), &archive_entry_free);
    archive_entry_set_pathname(entry.get(), entry_name);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(entry_text.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    if (entry_name == std::string("ev/b.txt")) archive_entry_set_hardlink(entry.get(), target.c_str());
    if (entry_name == std::string("ev/c.txt")) {
      archive_entry_set_filetype(entry.get(), AE_IFLNK);
      archive_entry_set_symlink(entry.get(), "a.txt");
    }
    EXPECT_EQ(archive_write_header(writer.get(), entry.get()), ARCHIVE_OK);
    archive_write_data(writer.get(), entry_text.data(), entry_text.size());
  }
  EXPECT_EQ(archive_write_close(writer.get()), ARCHIVE_OK);
  return path;
}

// tar writes a file's second name as a link without content.
TEST(ReadResultTree, LinksInArchivesHaveTheirContentOrAreErrors) {
  const auto tree = ReadResultTree(PackLinks("hard.tar", "ev/a.txt", false), 1);
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_EQ(tree->files.size(), 2u);
  EXPECT_EQ(tree->files[1].name, "ev/b.txt");
  EXPECT_EQ(tree->files[1].bytes, "a\n0\n");
  EXPECT_THAT(
      Message(PackLinks("lost.tar", "ev/none.txt", false)),
      ::testing::AllOf(HasSubstr("lost.tar:ev/b.txt: is a link to ev/none.txt"), HasSubstr("--hard-dereference")));
  EXPECT_THAT(Message(PackLinks("soft.tar", "ev/a.txt", true)),
              ::testing::AllOf(HasSubstr("soft.tar:ev/c.txt: is a link to a.txt"), HasSubstr("--dereference")));
}

// "cat a.tar b.tar", as people add results to an archive: read as a whole, or an error.
TEST(ReadResultTree, ArchivesBehindOneAnotherAreNotHalfRead) {
  for (const auto& [name, filter, format] : kPackings) {
    std::string bytes;
    for (const std::string image : {"a", "b", "c"}) {
      const std::string one = Pack(std::string("one_") + name, {{"ev/" + image + ".txt", "x\n0\n"}}, filter, format);
      EXPECT_TRUE(ReadResultTree(one, 1).ok()) << one;
      bytes += *ReadFile(one);
    }
    const std::string path = Path(std::string("several_") + name);
    ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
    if (format == ARCHIVE_FORMAT_ZIP) {
      EXPECT_THAT(Message(path), HasSubstr("r.zip: is a .zip behind"));
      continue;
    }
    const auto tree = ReadResultTree(path, 1);
    ASSERT_TRUE(tree.ok()) << tree.status();
    EXPECT_EQ(tree->files.size(), 3u) << path;
  }
}

// As many files as keep several threads at work.
TEST(ReadResultTree, SeveralThreadsReadTheSame) {
  for (int i = 0; i < 200; ++i) {
    const std::string name = Path("many") + "/ev/" + std::to_string(i) + ".txt";
    ASSERT_TRUE(WriteFileAtomically(name, std::string(static_cast<size_t>(i), 'x')).ok());
  }
  const auto one = ReadResultTree(Path("many"), 1), four = ReadResultTree(Path("many"), 4);
  ASSERT_TRUE(one.ok() && four.ok()) << four.status();
  EXPECT_EQ(four->files.size(), 200u);
  EXPECT_EQ(HashResultTree(one->files), HashResultTree(four->files));
}

// macOS's tar and zip put "._NAME" beside every file.
TEST(ReadResultTree, HiddenFilesAreNoResults) {
  const std::vector<std::pair<std::string, std::string>> files = {{"./0--A/a.txt", "a\n0\n"},
                                                                  {"./0--A/._a.txt", std::string("\0\5\26\7", 4)},
                                                                  {"__MACOSX/0--A/._a.txt", "x"},
                                                                  {".git/0--A/b.txt", "x"}};
  std::vector<std::string> paths = {Path("hidden")};
  for (const auto& [name, text] : files) ASSERT_TRUE(WriteFileAtomically(paths[0] + "/" + name, text).ok());
  for (const auto& [name, filter, format] : kPackings) {
    paths.push_back(Pack(std::string("hidden_") + name, files, filter, format));
  }
  for (const std::string& path : paths) {
    const auto tree = ReadResultTree(path, 1);
    ASSERT_TRUE(tree.ok()) << tree.status();
    ASSERT_EQ(tree->files.size(), 1u) << path;
    EXPECT_EQ(tree->files[0].name, "0--A/a.txt");
  }
}

TEST(ReadResultTree, BombsAreRefusedWithTheLimitStated) {
  const std::string much(80 << 20, '0');
  for (const auto& [name, filter, format] : kPackings) {
    if (filter == ARCHIVE_FILTER_NONE && format == ARCHIVE_FORMAT_TAR_USTAR) continue;  // as large as what it holds
    EXPECT_THAT(Message(Pack(name, {{"0--A/one.txt", much}}, filter, format)), HasSubstr("unpacks to more than 64 MB"))
        << name;
    // Also in an entry that is passed over, which has to be unpacked as well.
    EXPECT_THAT(Message(Pack(name, {{"0--A/one.jpg", much}, {"0--A/one.txt", "one\n0\n"}}, filter, format)),
                HasSubstr("unpacks to more than 64 MB"))
        << name;
  }
}

TEST(ReadPossiblyCompressedFile, BombsAreRefusedWithTheLimitStated) {
  const std::string path = Path("bomb.txt.gz");
  fs::remove(path);
  fs::rename(Pack("raw", {{"x", std::string(80 << 20, '0')}}, ARCHIVE_FILTER_GZIP, ARCHIVE_FORMAT_RAW), path);
  EXPECT_THAT(std::string(ReadPossiblyCompressedFile(path).status().message()), HasSubstr("more than 64 MB"));
}

TEST(ReadResultTree, FollowsLinkedFoldersOnceEach) {
  const std::string folder = Path("links");
  fs::remove_all(folder);
  ASSERT_TRUE(WriteFileAtomically(folder + "/elsewhere/0--A/one.txt", "one\n0\n").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/tree/1--B/two.txt", "two\n0\n").ok());
  fs::create_directory_symlink("../elsewhere/0--A", folder + "/tree/0--A");
  fs::create_directory_symlink("..", folder + "/tree/1--B/loop");
  const auto tree = ReadResultTree(folder + "/tree", 1);
  ASSERT_TRUE(tree.ok()) << tree.status();
  ASSERT_EQ(tree->files.size(), 2u);
  EXPECT_EQ(tree->files[0].name, "0--A/one.txt");
  EXPECT_EQ(tree->files[1].name, "1--B/two.txt");
}

TEST(ReadResultTree, APipeIsAnErrorAndNotAnEndlessWait) {
  const std::string folder = Path("pipe");
  fs::remove_all(folder);
  fs::create_directories(folder);
  ASSERT_EQ(mkfifo((folder + "/one.txt").c_str(), 0600), 0);
  EXPECT_THAT(Message(folder), HasSubstr("one.txt: is no file but a pipe"));
}

}  // namespace
}  // namespace hardface::eval
