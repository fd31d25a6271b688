#include "base/atomic_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/fresh_folder.h"
#include "base/output_guard.h"
#include "base/read_file.h"
#include "base/running_tool.h"
#include "base/written_files.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

size_t EntryCount(const std::string& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(AtomicFileTest, AppearsOnlyOnCommit) {
  const std::string folder = FreshFolder("commit");
  const std::string path = folder + "/made/on/the/way.txt";
  auto file = AtomicFile::Create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Write("hello").ok());
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(*ReadFile(path), "hello");
}

TEST(AtomicFileTest, WithoutCommitTheOldContentStaysAndNothingIsLeftBehind) {
  const std::string folder = FreshFolder("rollback");
  const std::string path = folder + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  {
    auto file = AtomicFile::Create(path);
    ASSERT_TRUE((*file)->Write("new, half").ok());
  }
  EXPECT_EQ(*ReadFile(path), "old");
  EXPECT_EQ(EntryCount(folder), 1u);
}

TEST(AtomicFileTest, LongUtf8NamesWithSpacesWork) {
  const std::string path =
      FreshFolder("long") + "/" + std::string(60, 'a') + " \xc3\xa9t\xc3\xa9 " + std::string(180, 'b');
  ASSERT_TRUE(WriteFileAtomically(path, "x").ok());
  EXPECT_EQ(*ReadFile(path), "x");
}

TEST(AtomicFolderTest, ReplacesAnEarlierOutputWhole) {
  const std::string path = FreshFolder("replace") + "/out";
  for (const char* name : {"first", "second"}) {
    auto folder = AtomicFolder::Create(path + "/");
    ASSERT_TRUE(folder.ok()) << folder.status();
    ASSERT_TRUE(WriteFileAtomically((*folder)->temporary_path() + "/provenance.json", "{}").ok());
    ASSERT_TRUE(WriteFileAtomically((*folder)->temporary_path() + "/" + name, name).ok());
    ASSERT_TRUE((*folder)->Commit().ok());
  }
  EXPECT_FALSE(fs::exists(path + "/first"));
  EXPECT_TRUE(fs::exists(path + "/second"));
  EXPECT_EQ(EntryCount(fs::path(path).parent_path()), 1u);
}

TEST(AtomicFolderTest, RefusesAFolderThatIsNotOurs) {
  const std::string path = FreshFolder("foreign");
  ASSERT_TRUE(WriteFileAtomically(path + "/thesis.tex", "years of work").ok());
  const auto folder = AtomicFolder::Create(path);
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(std::string(folder.status().message()), HasSubstr(path));
  EXPECT_TRUE(fs::exists(path + "/thesis.tex"));
}

TEST(AtomicFolderTest, FoldersThatBelongTogetherAreNewTogetherOrNotAtAll) {
  const std::string folder = FreshFolder("together");
  const auto write = [&folder](const std::string& text) {
    auto a = AtomicFolder::Create(folder + "/a", Replace::kAlways),
         b = AtomicFolder::Create(folder + "/b", Replace::kAlways);
    for (const auto& output : {a->get(), b->get()}) {
      EXPECT_TRUE(WriteFileAtomically(output->temporary_path() + "/file", text).ok());
    }
    if (text == "third") fs::remove_all((*b)->temporary_path());  // so that it cannot be renamed
    return AtomicFolder::CommitTogether({a->get(), b->get()});
  };
  for (const char* text : {"first", "second"}) {
    ASSERT_TRUE(write(text).ok());
    EXPECT_EQ(*ReadFile(folder + "/a/file"), text);
    EXPECT_EQ(*ReadFile(folder + "/b/file"), text);
    EXPECT_EQ(EntryCount(folder), 2u);
  }
  EXPECT_FALSE(write("third").ok());
  EXPECT_EQ(*ReadFile(folder + "/a/file"), "second");
  EXPECT_EQ(*ReadFile(folder + "/b/file"), "second");
  EXPECT_EQ(EntryCount(folder), 2u);
}

TEST(AtomicFolderTest, WithoutCommitNothingIsLeftBehind) {
  const std::string parent = FreshFolder("folder_rollback");
  { auto folder = AtomicFolder::Create(parent + "/out"); }
  EXPECT_EQ(EntryCount(parent), 0u);
}

// A tool of which users name outputs below one folder.
class ToolOutputTest : public ::testing::Test {
 protected:
  ToolOutputTest() : folder_(FreshFolder(::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    RunningTool().name = "test/tool";
    DeclareOutput(folder_);
  }
  ~ToolOutputTest() override { RunningTool().name.clear(); }

  static void AddUsersFile(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
  }

  static absl::Status WriteFolder(const std::string& path, const std::string& text) {
    auto folder = AtomicFolder::Create(path);
    if (!folder.ok()) return folder.status();
    const absl::Status written = WriteFileAtomically((*folder)->temporary_path() + "/deep/result", text);
    return written.ok() ? (*folder)->Commit() : written;
  }

  static void ExpectRefused(const absl::Status& status, const std::string& reason) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(reason));
    EXPECT_FALSE(status.ok()) << "not refused: " << reason;
  }

  const std::string folder_;
  const ToolScope scope_;
};

TEST_F(ToolOutputTest, ReplacesItsOwnFile) {
  const std::string path = folder_ + "/scores.jsonl";
  for (const char* text : {"first", "second", "second"}) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
    EXPECT_EQ(*ReadFile(path), text);
  }
  EXPECT_EQ(EntryCount(folder_), 2u) << "the file and its provenance";
}

TEST_F(ToolOutputTest, ReplacesNoFileThatItDidNotWrite) {
  const std::string path = folder_ + "/notes.txt";
  AddUsersFile(path, "years of work");
  ExpectRefused(WriteFileAtomically(path, "x"), "no " + path + ".provenance.json says that test/tool wrote it");
  RunningTool().name = "test/other";
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/other", "x").ok());
  RunningTool().name = "test/tool";
  ExpectRefused(WriteFileAtomically(folder_ + "/other", "y"), "was written by test/other");
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/own", "x").ok());
  AddUsersFile(folder_ + "/own", "mended by hand");
  ExpectRefused(WriteFileAtomically(folder_ + "/own", "y"), "was changed since");
  EXPECT_EQ(*ReadFile(path) + *ReadFile(folder_ + "/other") + *ReadFile(folder_ + "/own"),
            "years of workxmended by hand");
  AllowOverwriting(true);
  for (const char* name : {"/notes.txt", "/other", "/own"}) {
    EXPECT_TRUE(WriteFileAtomically(folder_ + name, "z").ok()) << name;
  }
}

TEST_F(ToolOutputTest, AFileWhoseHashIsNotRecordedMayHaveBeenChanged) {
  AddUsersFile(folder_ + "/scores.jsonl", "mended by hand");
  AddUsersFile(folder_ + "/scores.jsonl.provenance.json", R"({"tool":"test/tool","version":"0.0.1"})");
  ExpectRefused(WriteFileAtomically(folder_ + "/scores.jsonl", "x"), "does not record its hash");
}

TEST_F(ToolOutputTest, AnEmptyFileMayBeReplaced) {
  AddUsersFile(folder_ + "/empty", "");
  EXPECT_TRUE(WriteFileAtomically(folder_ + "/empty", "x").ok());
}

// Killed between the two renames: the provenance is the new one, the file still the old one.
TEST_F(ToolOutputTest, AKillBeforeTheLastRenameLeavesAFileThatTheNextRunKnows) {
  const std::string path = folder_ + "/scores.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  const auto announced = AnnouncedProvenance(path, std::string(64, '0'));
  ASSERT_TRUE(WriteFileAtomically(path + ".provenance.json", announced->dump(), Replace::kAlways).ok());
  EXPECT_TRUE(WriteFileAtomically(path, "new").ok());
}

TEST_F(ToolOutputTest, AProvenanceReplacesNothingElse) {
  AddUsersFile(folder_ + "/x.provenance.json", "a poem");
  ExpectRefused(WriteFileAtomically(folder_ + "/x", "x"), "x.provenance.json");
  EXPECT_EQ(*ReadFile(folder_ + "/x.provenance.json"), "a poem");
}

TEST_F(ToolOutputTest, LinksAndDevicesAreNotReplaced) {
  AddUsersFile(folder_ + "/far/away", "x");
  fs::create_symlink("far/away", folder_ + "/link");
  fs::create_symlink("nowhere", folder_ + "/dangling");
  fs::create_directory_symlink("far", folder_ + "/folder_link");
  ASSERT_EQ(mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  for (const char* name : {"/link", "/dangling"}) {
    ExpectRefused(WriteFileAtomically(folder_ + name, "y"), "symbolic link");
    EXPECT_TRUE(fs::is_symlink(folder_ + name));
  }
  ExpectRefused(WriteFileAtomically(folder_ + "/pipe", "y"), "no regular file");
  ExpectRefused(WriteFolder(folder_ + "/folder_link", "y"), "symbolic link");
  ExpectRefused(WriteFolder(folder_ + "/far/away", "y"), "is a file");
  ExpectRefused(WriteFileAtomically(folder_ + "/far", "y"), "is a folder");
}

TEST_F(ToolOutputTest, AFolderWithFilesOfTheUserStays) {
  const std::string path = folder_ + "/out";
  ASSERT_TRUE(WriteFolder(path, "first").ok());
  ASSERT_TRUE(WriteFolder(path, "second").ok());
  AddUsersFile(path + "/.DS_Store", "of a file manager");
  ASSERT_TRUE(WriteFolder(path, "third").ok());
  AddUsersFile(path + "/deep/notes.txt", "mine");
  ExpectRefused(WriteFolder(path, "fourth"), "test/tool did not write: deep/notes.txt");
  fs::remove(path + "/deep/notes.txt");
  fs::create_symlink("/dev/null", path + "/link");
  ExpectRefused(WriteFolder(path, "fourth"), "did not write: link");
  fs::remove(path + "/link");
  AddUsersFile(path + "/deep/result", "mended");
  ExpectRefused(WriteFolder(path, "fourth"), "changed since test/tool wrote it: deep/result");
  EXPECT_EQ(*ReadFile(path + "/deep/result"), "mended");
  AllowOverwriting(true);
  EXPECT_TRUE(WriteFolder(path, "fourth").ok());
}

TEST_F(ToolOutputTest, EmptyFoldersOfTheUserStayAndThoseOfTheToolDoNotDisturb) {
  const std::string folder = FreshFolder("empty_folders"), output = folder + "/out";
  const auto write = [&output]() -> absl::Status {
    auto created = AtomicFolder::Create(output);
    if (!created.ok()) return created.status();
    EXPECT_TRUE(WriteFileAtomically((*created)->temporary_path() + "/deep/file", "x").ok());
    fs::create_directories((*created)->temporary_path() + "/labels/none");
    return (*created)->Commit();
  };
  DeclareOutput(output);
  ASSERT_TRUE(write().ok());
  ASSERT_TRUE(write().ok());
  fs::create_directories(output + "/deep/mine");
  EXPECT_THAT(std::string(write().message()), HasSubstr("did not write: deep/mine/"));
  EXPECT_TRUE(fs::exists(output + "/deep/mine"));
  fs::remove(output + "/deep/mine");
  EXPECT_TRUE(write().ok());
}

// A copy, an archive or a checkout: the provenance is no older than the file that was changed by hand.
TEST_F(ToolOutputTest, AChangedFileIsKnownInACopyOfItsFolder) {
  const std::string path = folder_ + "/out";
  ASSERT_TRUE(WriteFolder(path, "first").ok());
  AddUsersFile(path + "/deep/result", "mended");
  const std::string provenance = *ReadFile(path + "/provenance.json");
  AddUsersFile(path + "/provenance.json", provenance);
  ExpectRefused(WriteFolder(path, "second"), "changed since test/tool wrote it: deep/result");
  EXPECT_EQ(*ReadFile(path + "/deep/result"), "mended");
  AddUsersFile(path + "/deep/result", "first");
  EXPECT_TRUE(WriteFolder(path, "second").ok());
}

TEST_F(ToolOutputTest, AFileThatComesWhileTheToolWorksIsNotLost) {
  const std::string path = folder_ + "/out";
  ASSERT_TRUE(WriteFolder(path, "first").ok());
  const auto folder = AtomicFolder::Create(path);
  ASSERT_TRUE(folder.ok());
  AddUsersFile(path + "/notes.txt", "mine");
  ExpectRefused((*folder)->Commit(), "notes.txt");
  EXPECT_TRUE(fs::exists(path + "/notes.txt"));
}

TEST_F(ToolOutputTest, FoldersOfOtherToolsAndTreasuresStay) {
  RunningTool().name = "test/other";
  ASSERT_TRUE(WriteFolder(folder_ + "/other", "x").ok());
  ASSERT_TRUE(WriteFolder(folder_ + "/dataset", "x").ok());
  AddUsersFile(folder_ + "/dataset/manifest.jsonl", "{}");
  ASSERT_TRUE(WriteFolder(folder_ + "/model", "x").ok());
  AddUsersFile(folder_ + "/model/best.safetensors", "x");
  RunningTool().name = "test/tool";
  ASSERT_TRUE(WriteFolder(folder_ + "/run", "x").ok());
  fs::create_directories(folder_ + "/run/checkpoints");
  ExpectRefused(WriteFolder(folder_ + "/other", "y"), "was written by test/other, not by test/tool");
  for (const bool overwrite : {false, true}) {
    AllowOverwriting(overwrite);
    ExpectRefused(WriteFolder(folder_ + "/dataset", "y"), "is a dataset");
    ExpectRefused(WriteFolder(folder_ + "/model", "y"), "holds a model (best.safetensors)");
    ExpectRefused(WriteFolder(folder_ + "/run", "y"), "checkpoints");
  }
  EXPECT_TRUE(WriteFolder(folder_ + "/other", "y").ok());
}

TEST_F(ToolOutputTest, TheWayThroughFoldersThatAreNotThereIsSeenThrough) {
  AddUsersFile(folder_ + "/home/thesis.tex", "years of work");
  ExpectRefused(WriteFileAtomically(folder_ + "/none/../home/thesis.tex", "x"), "exists, and no");
  ExpectRefused(WriteFolder(folder_ + "/none/../home", "x"), "is no output of these tools");
  EXPECT_FALSE(fs::exists(folder_ + "/none"));
  ASSERT_TRUE(WriteFolder(folder_ + "/none/../out", "x").ok());
  EXPECT_EQ(*ReadFile(folder_ + "/out/deep/result"), "x");
}

TEST_F(ToolOutputTest, NothingIsOverwrittenThatNoToolWroteNorTheCurrentFolder) {
  AddUsersFile(folder_ + "/home/thesis.tex", "years of work");
  fs::create_directories(folder_ + "/here");
  AllowOverwriting(true);
  ExpectRefused(WriteFolder(folder_ + "/home", "x"), "is no output of these tools");
  const fs::path before = fs::current_path();
  fs::current_path(folder_ + "/here");
  for (const char* name : {".", "../here", "../here/."}) ExpectRefused(WriteFolder(name, "x"), "is the current folder");
  EXPECT_TRUE(WriteFolder("inside", "x").ok());
  fs::current_path(before);
}

TEST_F(ToolOutputTest, NamesThatAreNotUtf8AreKnownAgain) {
  for (int round = 0; round < 2; ++round) {
    auto folder = AtomicFolder::Create(folder_ + "/out");
    ASSERT_TRUE(folder.ok()) << folder.status();
    ASSERT_TRUE(WriteFileAtomically((*folder)->temporary_path() + "/caf\xe9", "x").ok());
    ASSERT_TRUE((*folder)->Commit().ok());
  }
}

TEST_F(ToolOutputTest, WhatNoFlagNamesIsNotWritten) {
  const std::string elsewhere = FreshFolder("elsewhere");
  ExpectRefused(WriteFileAtomically(elsewhere + "/x", "x"), "no flag of its table");
  EXPECT_EQ(EntryCount(elsewhere), 0u);
  EXPECT_TRUE(WriteFileAtomically(elsewhere + "/cache", "x", Replace::kAlways).ok());
}

TEST_F(ToolOutputTest, LeftoversOfKilledRunsAreRemovedAndThoseOfLivingOnesStay) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);  // from now on nobody has this number
  const std::string gone = std::to_string(child), alive = std::to_string(getppid());
  AddUsersFile(folder_ + "/.out.tmp-" + gone + "/half", "x");
  AddUsersFile(folder_ + "/.out.tmp-" + gone + "-2/half", "x");
  AddUsersFile(folder_ + "/.out.tmp-" + alive + "/half", "x");
  AddUsersFile(folder_ + "/.out.tmp-notes", "the user's");
  AddUsersFile(folder_ + "/.other.tmp-" + gone, "of another output");
  AddUsersFile(folder_ + "/.page.html.tmp-" + gone, "half");
  ASSERT_TRUE(WriteFolder(folder_ + "/out", "x").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/page.html", "x").ok());
  EXPECT_FALSE(fs::exists(folder_ + "/.out.tmp-" + gone));
  EXPECT_FALSE(fs::exists(folder_ + "/.out.tmp-" + gone + "-2"));
  EXPECT_FALSE(fs::exists(folder_ + "/.page.html.tmp-" + gone));
  EXPECT_TRUE(fs::exists(folder_ + "/.out.tmp-" + alive));
  EXPECT_TRUE(fs::exists(folder_ + "/.out.tmp-notes"));
  EXPECT_TRUE(fs::exists(folder_ + "/.other.tmp-" + gone));
}

TEST_F(ToolOutputTest, AKilledRunWhoseExitCodeNobodyAsksForIsGone) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const std::string leftover = folder_ + "/.out.tmp-" + std::to_string(child);
  AddUsersFile(leftover + "/half", "x");
  ASSERT_TRUE(WriteFolder(folder_ + "/out", "x").ok());
  EXPECT_FALSE(fs::exists(leftover));
  waitpid(child, nullptr, 0);
}

TEST_F(ToolOutputTest, TwoRunsOnOneOutputDoNotDisturbEachOther) {
  const auto first = AtomicFolder::Create(folder_ + "/out"), second = AtomicFolder::Create(folder_ + "/out");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_TRUE(fs::exists((*first)->temporary_path()));
  EXPECT_NE((*first)->temporary_path(), (*second)->temporary_path());
}

// Begins work on PATH in the resumable way, as a process that is killed: nothing is cleaned up behind it.
absl::Status WorkAndDie(const std::string& path, const std::string& progress) {
  const pid_t child = fork();
  if (child == 0) {
    auto folder = AtomicFolder::CreateResumable(path, "progress", Begin::kAnew);
    const std::string at = folder.ok() ? (*folder)->temporary_path() : "";
    std::ofstream(at + "/provenance.json") << R"({"tool":"test/tool"})";
    std::ofstream(at + "/progress") << progress;
    std::ofstream(absl::StrCat(at, "/.half.tmp-", getpid())) << "half";
    _exit(folder.ok() ? 0 : 1);
  }
  int state = 0;
  waitpid(child, &state, 0);
  return state == 0 ? absl::OkStatus() : absl::InternalError("the child failed");
}

TEST_F(ToolOutputTest, ResumableWorkStaysAndIsGoneOnWith) {
  const std::string path = folder_ + "/out", unfinished = path + ".unfinished";
  ASSERT_TRUE(WorkAndDie(path, "one\n").ok());
  ExpectRefused(AtomicFolder::CreateResumable(path, "progress", Begin::kAnew).status(), "--resume");
  EXPECT_EQ(*ReadFile(unfinished + "/progress"), "one\n");
  {
    auto folder = AtomicFolder::CreateResumable(path, "progress", Begin::kGoOn);
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_TRUE((*folder)->goes_on());
    EXPECT_EQ(EntryCount(unfinished), 2u) << "what was half written is removed";
    ExpectRefused(AtomicFolder::CreateResumable(path, "progress", Begin::kGoOn).status(), "another process is at work");
  }
  EXPECT_TRUE(fs::exists(unfinished)) << "a failed process leaves it, too";
  AllowOverwriting(true);
  auto anew = AtomicFolder::CreateResumable(path, "progress", Begin::kAnew);
  ASSERT_TRUE(anew.ok()) << anew.status();
  EXPECT_FALSE((*anew)->goes_on());
  EXPECT_EQ(EntryCount(unfinished), 0u);
  ASSERT_TRUE(WriteFileAtomically(unfinished + "/result", "x").ok());
  ASSERT_TRUE((*anew)->Commit().ok());
  EXPECT_EQ(*ReadFile(path + "/result"), "x");
  EXPECT_EQ(EntryCount(folder_), 1u);
}

TEST_F(ToolOutputTest, ResumableWorkReplacesAnEarlierOutputAndNothingElse) {
  const std::string path = folder_ + "/out", unfinished = path + ".unfinished";
  ASSERT_TRUE(WorkAndDie(path, "").ok()) << "nothing done: begun anew without a word";
  for (const char* text : {"first", "second"}) {
    auto folder = AtomicFolder::CreateResumable(path, "progress", Begin::kGoOn);
    ASSERT_TRUE(folder.ok()) << folder.status();
    EXPECT_FALSE((*folder)->goes_on());
    ASSERT_TRUE(WriteFileAtomically(unfinished + "/progress", text).ok());
    ASSERT_TRUE((*folder)->Commit().ok());
    EXPECT_EQ(*ReadFile(path + "/progress"), text);
  }
  EXPECT_EQ(EntryCount(folder_), 1u);
  AddUsersFile(unfinished + "/progress", "mine");
  ExpectRefused(AtomicFolder::CreateResumable(path, "progress", Begin::kGoOn).status(), "Move it away");
  EXPECT_EQ(*ReadFile(unfinished + "/progress"), "mine");
}

TEST_F(ToolOutputTest, AnOldOutputThatAKilledRunSetAsideComesBack) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(WriteFolder(folder_ + "/out", "old").ok());
  fs::rename(folder_ + "/out", folder_ + "/.out.tmp-" + std::to_string(child) + ".old");
  { const auto fails_later = AtomicFolder::Create(folder_ + "/out"); }
  EXPECT_EQ(*ReadFile(folder_ + "/out/deep/result"), "old");
}

TEST(ReadFileTest, NamesTheMissingFile) {
  const auto text = ReadFile("/no/such/file");
  EXPECT_EQ(text.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(text.status().message()), HasSubstr("/no/such/file"));
}

TEST(PathExistsTest, TellsMissingFromUnknown) {
  const std::string folder = FreshFolder("exists");
  EXPECT_TRUE(*PathExists(folder));
  EXPECT_FALSE(*PathExists(folder + "/none/at/all"));
  const std::string long_name = folder + "/" + std::string(300, 'x');
  EXPECT_THAT(std::string(PathExists(long_name).status().message()), HasSubstr(long_name));
}

TEST(ReadFileTest, NamesThatAreTooLongAreErrors) {
  const std::string long_name = FreshFolder("too_long") + "/" + std::string(300, 'x');
  EXPECT_THAT(std::string(ReadFile(long_name).status().message()), HasSubstr(long_name));
  EXPECT_FALSE(WriteFileAtomically(long_name + "/y", "z").ok());
  EXPECT_FALSE(AtomicFolder::Create(long_name + "/y").ok());
}

}  // namespace
}  // namespace hardface
