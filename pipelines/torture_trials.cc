#include "pipelines/torture_trials.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/random.h"
#include "base/read_file.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Contents = std::map<std::string, std::string>;

constexpr int kTimeoutMs = 120'000;

ToolLimits Watched() {
  ToolLimits limits;
  limits.timeout_ms = kTimeoutMs;
  return limits;
}

// What of CONTENTS belongs to OUTPUT: itself and what is in it.
Contents Of(const Contents& contents, const std::string& output) {
  Contents own;
  for (const auto& [name, hash] : contents) {
    if (name == output || absl::StartsWith(name, output + "/")) own[name] = hash;
  }
  return own;
}

// An error is told as one: a line that begins with "Error: " and goes on.
bool SaysWhy(const ToolOutcome& outcome) {
  for (const absl::string_view line : absl::StrSplit(outcome.error, '\n')) {
    if (absl::StartsWith(line, "Error: ") && line.size() > 10) return true;
  }
  return false;
}

// The states that a case's outputs may be in: both undisturbed ones.
struct States {
  Contents first, second;
};

// What happened over many runs of one tool.
struct Tally {
  std::map<std::string, int> counts;
  std::vector<std::string> faults;
  double seconds = 0;
  int64_t max_bytes = 0;

  void See(const ToolOutcome& outcome) {
    seconds = std::max(seconds, outcome.seconds);
    max_bytes = std::max(max_bytes, outcome.max_bytes);
    if (outcome.timed_out) faults.push_back("it did not end");
  }

  void Report(const std::string& part, const std::string& subject, const std::string& trial,
              TortureReport* report) const {
    std::string result = absl::StrJoin(counts, ", ", [](std::string* text, const auto& count) {
      absl::StrAppend(text, count.second, " ", count.first);
    });
    if (!faults.empty()) absl::StrAppend(&result, "; ", faults.size(), " faults, the first: ", faults[0]);
    report->Add({part, subject, trial, result, faults.empty(), seconds, max_bytes});
  }
};

bool MakeStates(const TortureWorkspace& workspace, const TortureCase& tried, States* states, Tally* tally) {
  workspace.Remove(tried.outputs);
  for (const auto& [flags, contents] :
       {std::pair(&tried.first, &states->first), std::pair(&tried.second, &states->second)}) {
    const ToolOutcome outcome = workspace.Run(tried.tool, *flags, Watched());
    tally->See(outcome);
    if (outcome.exit_code != 0) {
      tally->faults.push_back(absl::StrCat("undisturbed: ", outcome.error));
      return false;
    }
    *contents = workspace.Contents(tried);
  }
  if (states->first == states->second) tally->faults.push_back("both settings give the same output");
  return states->first != states->second;
}

// "old", "new", "none", or what is wrong.
std::string StateOf(const Contents& now, const States& states, const TortureCase& tried) {
  int first = 0, second = 0, none = 0;
  for (const std::string& output : tried.outputs) {
    const Contents own = Of(now, output);
    if (own.empty()) {
      ++none;
    } else if (own == Of(states.first, output)) {
      ++first;
    } else if (own == Of(states.second, output)) {
      ++second;
    } else {
      return absl::StrCat("FAULT: ", output, " is neither the old nor the new one");
    }
  }
  if (tried.tool == "data_tools/split" && first > 0 && second > 0) return "FAULT: a mixture of old and new parts";
  if (none == static_cast<int>(tried.outputs.size())) return "nothing there";
  return "old or new output";
}

void Judge(const TortureWorkspace& workspace, const States& states, const TortureCase& tried, Tally* tally) {
  const std::string state = StateOf(workspace.Contents(tried), states, tried);
  if (absl::StartsWith(state, "FAULT")) tally->faults.push_back(state);
  ++tally->counts[state];
}

// Runs TRIED with FLAGS as a user would where a killed run left unfinished work: detect goes on with it by --resume,
// and where the work was another's, the error says that --overwrite loses it.
ToolOutcome RunAgain(const TortureWorkspace& workspace, const TortureCase& tried, std::vector<std::string> flags,
                     const ToolLimits& limits) {
  std::error_code ignored;
  if (!fs::exists(workspace.At("out.unfinished"), ignored)) return workspace.Run(tried.tool, flags, limits);
  flags.push_back("--resume");
  const ToolOutcome outcome = workspace.Run(tried.tool, flags, limits);
  if (outcome.exit_code != 1 || !absl::StrContains(outcome.error, "begin anew by --overwrite")) return outcome;
  flags.back() = "--overwrite";
  return workspace.Run(tried.tool, flags, limits);
}

// A run to the end makes good what was disturbed.
void FinishWork(const TortureWorkspace& workspace, const States& states, const TortureCase& tried, Tally* tally) {
  const ToolOutcome outcome = RunAgain(workspace, tried, tried.second, Watched());
  tally->See(outcome);
  if (outcome.exit_code != 0) {
    tally->faults.push_back(absl::StrCat("the next run: ", outcome.error));
  } else if (workspace.Contents(tried) != states.second) {
    tally->faults.push_back("the next run gives another output");
  } else if (const auto left = workspace.Leftovers(); !left.empty()) {
    tally->faults.push_back(absl::StrCat("left behind: ", left[0]));
  }
}

}  // namespace

void KillTools(const TortureWorkspace& workspace, int kills, uint64_t seed, TortureReport* report) {
  for (const TortureCase& tried : workspace.Cases()) {
    Tally tally;
    States states;
    if (MakeStates(workspace, tried, &states, &tally)) {
      Random random({seed, HashText(tried.tool)});
      const double longest = 1100 * tally.seconds;  // milliseconds, and a little more
      for (int i = 0; i < kills; ++i) {
        ToolLimits limits = KilledAfter(static_cast<int>(random.Uniform(0, longest)));
        limits.kill_signal = i % 2 == 0 ? SIGKILL : SIGTERM;
        const ToolOutcome outcome = RunAgain(workspace, tried, i % 4 < 2 ? tried.first : tried.second, limits);
        if (outcome.signal == 0) ++tally.counts["runs had ended before"];
        if (outcome.signal == 0 && outcome.exit_code != 0) tally.faults.push_back(outcome.error);
        Judge(workspace, states, tried, &tally);
        if (i % 10 == 9) FinishWork(workspace, states, tried, &tally);
      }
      FinishWork(workspace, states, tried, &tally);
    }
    tally.Report("kills", tried.tool, absl::StrCat(kills, " kills (SIGKILL, SIGTERM) at random moments"), report);
    workspace.Remove(tried.outputs);
  }
}

void KillTraining(const TortureWorkspace& workspace, int kills, uint64_t seed, TortureReport* report) {
  const std::vector<std::string> settings = {
      "--dataset=data",   "--width_divisor=16", "--initialization=he", "--early_rate=1",       "--input_divisor=64",
      "--short_sides=64", "--iterations=400",   "--threads=1",         "--checkpoint_every=5", "--device=cpu"};
  const auto train = [&](const std::string& output, const ToolLimits& limits) {
    std::vector<std::string> flags = settings;
    flags.insert(flags.end(), {"--resume", "--output=" + output});
    return workspace.Run("train/train", flags, limits);
  };
  Tally tally;
  workspace.Remove({"whole", "parts"});
  const ToolOutcome whole = train("whole", Watched());
  tally.See(whole);
  Random random({seed});
  const double longest = 2000 * whole.seconds / kills;
  int done = 0;
  for (; done < kills; ++done) {
    ToolLimits limits = KilledAfter(static_cast<int>(random.Uniform(0, longest)));
    limits.kill_signal = done % 2 == 0 ? SIGKILL : SIGTERM;
    const ToolOutcome outcome = train("parts", limits);
    if (outcome.exit_code == 0) break;
    if (outcome.exit_code == 3) ++tally.counts["stopped with a checkpoint (exit code 3)"];
    if (outcome.signal != 0) ++tally.counts["killed"];
    if (outcome.exit_code == 1 || outcome.exit_code == 2) tally.faults.push_back(outcome.error);
  }
  const ToolOutcome last = train("parts", Watched());
  tally.See(last);
  if (whole.exit_code != 0 || last.exit_code != 0) tally.faults.push_back(whole.error + last.error);
  for (const char* file : {"model.safetensors", "ledger.jsonl", "difficulty.jsonl"}) {
    const auto of = [&](const char* run) { return ReadFile(workspace.At(absl::StrCat(run, "/", file))).value_or(run); };
    if (of("whole") != of("parts")) tally.faults.push_back(absl::StrCat(file, " differs"));
  }
  tally.Report("kills", "train/train",
               absl::StrCat(done, " kills (SIGKILL, SIGTERM), each followed by --resume; the bits"), report);
}

namespace {

int64_t PagesOf(const std::string& path) {
  const int64_t page = sysconf(_SC_PAGESIZE);
  int64_t pages = 0;
  std::error_code error;
  if (!fs::is_directory(path, error)) return 1 + static_cast<int64_t>(fs::file_size(path, error)) / page;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    pages += entry.is_regular_file() ? 1 + static_cast<int64_t>(entry.file_size()) / page : 1;
  }
  return pages;
}

// A file system of PAGES pages in the workspace, where the process may mount one.
class SmallDisk {
 public:
  SmallDisk(std::string folder, int64_t pages) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    const std::string size = absl::StrCat("size=", pages * sysconf(_SC_PAGESIZE), ",mode=777");
    mounted_ = mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.c_str(), MNT_DETACH);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  bool mounted() const { return mounted_; }

 private:
  const std::string folder_;
  bool mounted_ = false;
};

// TRIED with its outputs in the folder FOLDER of the workspace.
TortureCase Within(const std::string& folder, const TortureCase& tried) {
  TortureCase moved = tried;
  for (std::vector<std::string>* flags : {&moved.first, &moved.second}) {
    for (std::string& flag : *flags) {
      const size_t at = flag.find("=out");
      if (at == std::string::npos) continue;
      flag.insert(at + 1, folder + "/");
      if (const size_t comma = flag.find(",out"); comma != std::string::npos) flag.insert(comma + 1, folder + "/");
    }
  }
  for (std::string& output : moved.outputs) output = folder + "/" + output;
  return moved;
}

// SECOND after FIRST fails, says why, and FIRST's output stays.
void ExpectFailure(const TortureWorkspace& workspace, const TortureCase& tried, const Contents& before,
                   const ToolLimits& limits, bool can_say_why, Tally* tally) {
  const ToolOutcome outcome = workspace.Run(tried.tool, tried.second, limits);
  tally->See(outcome);
  const Contents now = workspace.Contents(tried);
  if (outcome.exit_code == 0) {
    ++tally->counts["done all the same"];
  } else if (outcome.exit_code != 1 || (can_say_why && !SaysWhy(outcome))) {
    tally->faults.push_back(
        absl::StrCat("exit code ", outcome.exit_code, ", signal ", outcome.signal, ": ", outcome.error.substr(0, 200)));
  } else {
    ++tally->counts[now.empty() ? "error, nothing there" : "error, old output there"];
    if (now != before) tally->faults.push_back("the old output changed");
  }
}

}  // namespace

void FillDisks(const TortureWorkspace& workspace, TortureReport* report) {
  bool can_mount = true;
  for (const TortureCase& plain : workspace.Cases()) {
    Tally tally;
    States states;
    if (!MakeStates(workspace, plain, &states, &tally)) continue;
    int64_t pages = 0;
    for (const std::string& output : plain.outputs) pages += PagesOf(workspace.At(output));
    // A file that may not grow, as where a quota ends.
    ToolLimits limits = OnAFullDisk(64);
    limits.timeout_ms = kTimeoutMs;
    workspace.Remove(plain.outputs);
    workspace.Run(plain.tool, plain.first);
    ExpectFailure(workspace, plain, workspace.Contents(plain), limits, /*can_say_why=*/false, &tally);
    workspace.Remove(plain.outputs);
    ExpectFailure(workspace, plain, {}, limits, /*can_say_why=*/false, &tally);
    FinishWork(workspace, states, plain, &tally);
    workspace.Remove(plain.outputs);
    {
      const SmallDisk disk(workspace.At("disk"), pages + std::max<int64_t>(2, pages / 4));
      can_mount = disk.mounted();
      if (can_mount) {
        const TortureCase tried = Within("disk", plain);
        workspace.Run(tried.tool, tried.first);
        ExpectFailure(workspace, tried, workspace.Contents(tried), Watched(), /*can_say_why=*/true, &tally);
      }
    }
    tally.Report("disk", plain.tool,
                 can_mount ? "files that may not grow; a tmpfs with room for one output" : "files that may not grow",
                 report);
  }
  if (!can_mount)
    report->Skip("disk", "no tmpfs can be mounted here (this takes root), so only files' sizes were limited");
}

void ForbidWriting(const TortureWorkspace& workspace, TortureReport* report) {
  for (const TortureCase& plain : workspace.Cases()) {
    const std::string folder = workspace.At("locked");
    fs::create_directories(folder);
    const TortureCase tried = Within("locked", plain);
    Tally tally;
    ToolLimits limits = Watched();
    if (geteuid() == 0) {
      // Root may write anywhere, except where nobody may: a read-only mount.
      if (mount("tmpfs", folder.c_str(), "tmpfs", 0, nullptr) != 0) {
        report->Skip("unwritable", "as root, this takes the right to mount; run it as another user");
        return;
      }
    }
    workspace.Run(tried.tool, tried.first);
    const Contents before = workspace.Contents(tried);
    if (geteuid() == 0) {
      mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr);
    } else {
      fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
    }
    ExpectFailure(workspace, tried, before, limits, /*can_say_why=*/true, &tally);
    if (geteuid() == 0) {
      umount2(folder.c_str(), MNT_DETACH);
    } else {
      fs::permissions(folder, fs::perms::owner_all);
    }
    fs::remove_all(folder);
    tally.Report("unwritable", plain.tool, "an output in a folder that may not be written to", report);
  }
}

namespace {

// The files below READS, each with its content.
std::map<std::string, std::string> FilesOf(const TortureWorkspace& workspace, const std::vector<std::string>& reads) {
  std::map<std::string, std::string> files;
  for (const std::string& name : reads) {
    const std::string path = workspace.At(name);
    std::error_code error;
    if (fs::is_regular_file(path, error)) files[path] = ReadFile(path).value_or("");
    if (!fs::is_directory(path, error)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
      if (entry.is_regular_file()) files[entry.path().string()] = ReadFile(entry.path().string()).value_or("");
    }
  }
  return files;
}

void Disturb(const std::string& path, const std::string& content, Random* random) {
  std::error_code ignored;
  switch (random->Integer(0, 3)) {
    case 0:
      fs::resize_file(path, random->Index(content.size() + 1), ignored);
      return;
    case 1: {
      std::ofstream file(path, std::ios::binary | std::ios::in);
      file.seekp(static_cast<std::streamoff>(random->Index(content.size() + 1)));
      for (int i = 0; i < 64; ++i) file.put(static_cast<char>(random->Next()));
      return;
    }
    case 2:
      fs::remove(path, ignored);
      return;
    default:
      fs::remove(path, ignored);
      fs::create_directory(path, ignored);
  }
}

}  // namespace

void ChangeInputs(const TortureWorkspace& workspace, int times, uint64_t seed, TortureReport* report) {
  for (const TortureCase& tried : workspace.Cases()) {
    if (tried.reads.empty()) continue;
    const std::map<std::string, std::string> files = FilesOf(workspace, tried.reads);
    std::vector<std::string> paths;
    for (const auto& [path, content] : files) paths.push_back(path);
    Tally tally;
    States states;
    if (!MakeStates(workspace, tried, &states, &tally)) continue;
    const double longest = 1000 * tally.seconds;
    Random random({seed, HashText(tried.tool)});
    for (int i = 0; i < times; ++i) {
      const std::string& path = paths[random.Index(paths.size())];
      ToolLimits limits = Watched();
      limits.disturb_after_ms = static_cast<int>(random.Uniform(0, longest));
      limits.disturb = [&] { Disturb(path, files.at(path), &random); };
      workspace.Remove(tried.outputs);
      const ToolOutcome outcome = workspace.Run(tried.tool, tried.first, limits);
      tally.See(outcome);
      fs::remove_all(path);
      std::ofstream(path, std::ios::binary) << files.at(path);
      const bool good = outcome.exit_code == 0 || (outcome.exit_code == 1 && SaysWhy(outcome));
      ++tally.counts[outcome.exit_code == 0 ? "done" : "error"];
      if (!good) {
        tally.faults.push_back(absl::StrCat("exit code ", outcome.exit_code, ", signal ", outcome.signal, " (", path,
                                            "): ", outcome.error.substr(0, 200)));
      }
      // What was half written must not be there. (detect goes on without an image that it cannot read, and says so.)
      if (outcome.exit_code != 0 && tried.tool != "infer/detect" &&
          !workspace.Contents(std::vector<std::string>{tried.outputs[0]}).empty()) {
        tally.faults.push_back("an error, and an output all the same");
      }
    }
    workspace.Remove(tried.outputs);
    FinishWork(workspace, states, tried, &tally);
    workspace.Remove(tried.outputs);
    tally.Report("changes", tried.tool, absl::StrCat(times, " inputs cut, overwritten or removed while it ran"),
                 report);
  }
}

void LimitMemory(const TortureWorkspace& workspace, TortureReport* report) {
  for (const TortureCase& tried : workspace.Cases()) {
    Tally tally;
    States states;
    if (!MakeStates(workspace, tried, &states, &tally)) continue;
    for (int64_t limit = int64_t{2} << 30; limit > (int64_t{16} << 20); limit = limit * 4 / 5) {
      ToolLimits limits = Watched();
      limits.max_memory_bytes = limit;
      const ToolOutcome outcome = workspace.Run(tried.tool, tried.first, limits);
      tally.See(outcome);
      // Below some size the system's loader, or a library before main(), gives up, and nobody can catch that.
      if (outcome.exit_code == 127 || (outcome.signal != 0 && !absl::StrContains(outcome.error, ": "))) {
        ++tally.counts["too little to start"];
      } else if (outcome.exit_code == 0) {
        ++tally.counts["done"];
      } else if (outcome.exit_code == 1 && SaysWhy(outcome)) {
        ++tally.counts["error"];
      } else {
        tally.faults.push_back(absl::StrCat(limit >> 20, " MB: exit code ", outcome.exit_code, ", signal ",
                                            outcome.signal, ": ", outcome.error.substr(0, 200)));
      }
      Judge(workspace, states, tried, &tally);
    }
    FinishWork(workspace, states, tried, &tally);
    workspace.Remove(tried.outputs);
    tally.Report("memory", tried.tool, "2 GB of addresses down to 16 MB, in steps of a fifth", report);
  }
}

void CompareBytes(const TortureWorkspace& workspace, TortureReport* report) {
  // Another folder, and a name of another length: nothing of either may be in an output.
  const TortureWorkspace elsewhere(fs::path(workspace.ProgramOf("")).parent_path().string(),
                                   workspace.folder() + "-elsewhere/and deeper");
  fs::remove_all(elsewhere.folder());
  fs::create_directories(fs::path(elsewhere.folder()).parent_path());
  fs::copy(workspace.folder(), elsewhere.folder(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  for (const TortureCase& tried : workspace.Cases()) {
    Tally tally;
    const auto run = [&](const TortureWorkspace& where, const std::vector<std::string>& more) {
      where.Remove(tried.outputs);
      std::vector<std::string> flags = tried.first;
      flags.insert(flags.end(), more.begin(), more.end());
      const ToolOutcome outcome = where.Run(tried.tool, flags, Watched());
      tally.See(outcome);
      if (outcome.exit_code != 0) tally.faults.push_back(outcome.error);
      Contents contents = where.Contents(tried);
      where.Remove(tried.outputs);
      return contents;
    };
    const Contents first = run(workspace, {}), second = run(workspace, {}), third = run(elsewhere, {});
    if (first != second) tally.faults.push_back("two runs differ");
    if (first != third) tally.faults.push_back("a run in another folder differs");
    if (tried.threaded) {
      Contents one = run(workspace, {"--threads=1"}), two = run(workspace, {"--threads=2"});
      for (const std::string& output : tried.outputs) {  // which hold the flag
        one.erase(output + "/provenance.json");
        two.erase(output + "/provenance.json");
      }
      if (one != two) tally.faults.push_back("1 and 2 threads differ");
    }
    tally.counts["outputs of the same bytes"] = tried.threaded ? 5 : 3;
    tally.Report("same", tried.tool,
                 absl::StrCat("twice, in another folder", tried.threaded ? ", with 1 and 2 threads" : ""), report);
  }
  fs::remove_all(workspace.folder() + "-elsewhere");
}

}  // namespace hardface
