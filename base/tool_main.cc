#include "base/tool_main.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/broken_link.h"
#include "base/check.h"
#include "base/edit_distance.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/running_tool.h"
#include "base/special_file.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/without_exceptions.h"
#include "base/written_files.h"

namespace hardface {
namespace {

constexpr char kUsagePayload[] = "hardface/usage";
constexpr char kStoppedPayload[] = "hardface/stopped";
constexpr int kMaxFlagFileDepth = 8;
constexpr char kOverwriteHelp[] =
    "Replaces an existing output that another tool wrote or that was changed since. It never replaces an input, "
    "another tool's dataset, or the folder of a model or a training.";

// Abseil's own flags (--flagfile, --undefok, ...) are declared in its sources or ours; a tool's flags in its *_main.cc.
bool IsToolFlag(const absl::CommandLineFlag& flag) {
  return absl::EndsWith(flag.Filename(), "_main.cc") || absl::EndsWith(flag.Filename(), "_flags.cc");
}

std::map<std::string, absl::CommandLineFlag*> ToolFlags() {
  std::map<std::string, absl::CommandLineFlag*> flags;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    if (IsToolFlag(*flag)) flags.emplace(std::string(name), flag);
  }
  return flags;
}

absl::CommandLineFlag* FindToolFlag(absl::string_view name) {
  absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && IsToolFlag(*flag) ? flag : nullptr;
}

// A setting and where it stands: in flag files before errors as "FILE:LINE: ", on the command line as "".
struct FlagToken {
  std::string text;
  std::string where;
};

// "--name=value" taken apart.
struct GivenFlag {
  explicit GivenFlag(absl::string_view text) {
    absl::ConsumePrefix(&text, "-");
    absl::ConsumePrefix(&text, "-");
    const size_t equals = text.find('=');
    name = text.substr(0, equals);
    if (equals != absl::string_view::npos) value = std::string(text.substr(equals + 1));
  }

  absl::string_view name;
  std::optional<std::string> value;
};

absl::Status UnknownFlag(const GivenFlag& given, const std::vector<RenamedFlag>& renamed, absl::string_view where) {
  for (const RenamedFlag& flag : renamed) {
    if (flag.before != given.name) continue;
    return UsageError(absl::StrCat(where, "--", flag.before, " is now called --", flag.now, "; write --", flag.now,
                                   given.value.has_value() ? absl::StrCat("=", *given.value) : ""));
  }
  std::string nearest;
  size_t best = 4;
  for (const auto& [candidate, flag] : ToolFlags()) {
    const size_t distance = EditDistance(given.name, candidate);
    if (distance < best) {
      best = distance;
      nearest = absl::StrCat(" Did you mean --", candidate, "?");
    }
  }
  return UsageError(absl::StrCat(where, "unknown flag --", given.name, ".", nearest, " --help lists all flags."));
}

// What --help says of a flag that names a path.
std::string UseText(const ToolPaths& paths, const std::string& flag) {
  for (const PathFlag& path : paths.flags()) {
    if (path.flag != flag) continue;
    switch (path.use) {
      case kReadsFile:
        return " [reads: file]";
      case kReadsFolder:
        return " [reads: folder or file]";
      case kReadsDataset:
        return " [reads: dataset]";
      case kReadsImages:
        return " [reads: images]";
      case kWrites:
      case kWritesRun:
        return " [writes]";
    }
  }
  return "";
}

// What a user types to run this tool: a release's command says so (release/hardface.sh).
std::string CommandName(const ToolInfo& info) {
  const char* const command = std::getenv("HARDFACE_COMMAND");
  return command != nullptr && *command != '\0' ? command : info.name;
}

std::string HelpText(const ToolInfo& info) {
  const std::string command = CommandName(info);
  std::string text =
      absl::StrCat(command, ": ", info.summary, "\n\nUsage: ", command, " [flags] ", info.arguments, "\n\nFlags:\n");
  for (const auto& [name, flag] : ToolFlags()) {
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name, "  ", flag->Help(),
                    value.empty() ? "" : absl::StrCat(" (default: ", value, ")"), UseText(info.paths, name), "\n");
  }
  if (info.paths.writes()) absl::StrAppend(&text, "  --overwrite  ", kOverwriteHelp, "\n");
  return absl::StrCat(text,
                      "  --flagfile  Reads flags from a file, one --name=value a line.\n"
                      "  --help  Shows this text.\n"
                      "  --version  Shows the version of hardface.\n");
}

// Parses one command line and the flag files that it names.
class FlagParser {
 public:
  // INFO must outlive it.
  explicit FlagParser(const ToolInfo& info) : info_(info), takes_overwrite_(info.paths.writes()) {}

  // A flag's value may stand in the token behind it; what follows "--" are arguments, whatever they look like.
  absl::Status Parse(const std::vector<FlagToken>& tokens, int depth) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto& [text, where] = tokens[i];
      if (text == "--") {
        for (++i; i < tokens.size(); ++i) arguments_.push_back(tokens[i].text);
        break;
      }
      if (text.size() < 2 || text[0] != '-') {
        arguments_.push_back(text);
        continue;
      }
      GivenFlag given(text);
      if (TakeBuiltIn(given)) continue;
      ASSIGN_OR_RETURN(const MeantFlag meant, Find(given, where));
      if (!given.value.has_value()) given.value = meant.implied;
      if (!given.value.has_value()) {
        if (++i == tokens.size()) {
          return UsageError(absl::StrCat(where, "--", given.name, " needs a value: --", given.name, "=VALUE"));
        }
        given.value = tokens[i].text;
      }
      RETURN_IF_ERROR(meant.flag == nullptr ? ParseFile(*given.value, depth + 1)
                                            : Set(*meant.flag, *given.value, where));
    }
    return absl::OkStatus();
  }

  bool help() const { return help_; }
  bool version() const { return version_; }
  bool overwrite() const { return overwrite_; }
  const std::vector<std::string>& flag_files() const { return flag_files_; }
  std::vector<std::string> TakeArguments() { return std::move(arguments_); }

 private:
  struct MeantFlag {
    absl::CommandLineFlag* flag = nullptr;  // null: --flagfile
    std::optional<std::string> implied;     // the value where none is given
  };

  absl::StatusOr<MeantFlag> Find(const GivenFlag& given, absl::string_view where) const {
    if (given.name == "flagfile") return MeantFlag();
    if (absl::CommandLineFlag* const flag = FindToolFlag(given.name); flag != nullptr) {
      return flag->IsOfType<bool>() ? MeantFlag{flag, "true"} : MeantFlag{flag, std::nullopt};
    }
    absl::string_view positive = given.name;
    if (!given.value.has_value() && absl::ConsumePrefix(&positive, "no")) {
      absl::CommandLineFlag* const flag = FindToolFlag(positive);
      if (flag != nullptr && flag->IsOfType<bool>()) return MeantFlag{flag, "false"};
    }
    return UnknownFlag(given, info_.renamed, where);
  }

  // The flags that every tool has, and that its outputs do not record.
  bool TakeBuiltIn(const GivenFlag& given) {
    if (given.name == "help" || given.name == "helpfull") return help_ = true;
    if (given.name == "version" && !given.value.has_value()) return version_ = true;
    return takes_overwrite_ && TakeOverwrite(given);
  }

  static absl::Status Set(absl::CommandLineFlag& flag, const std::string& value, absl::string_view where) {
    std::string error;
    if (flag.ParseFrom(value, &error)) return absl::OkStatus();
    absl::string_view why = error;  // Abseil's sentence repeats flag and value; only what may follow it is news
    absl::ConsumePrefix(&why, absl::StrCat("Illegal value '", value, "' specified for flag '", flag.Name(), "'"));
    absl::ConsumePrefix(&why, "; ");
    return UsageError(absl::StrCat(where, "--", flag.Name(), "=", value, " is not a valid value",
                                   why.empty() ? "" : ": ", why, ". ", flag.Help()));
  }

  absl::Status ParseFile(const std::string& path, int depth) {
    if (depth > kMaxFlagFileDepth)
      return UsageError(absl::StrCat("--flagfile=", path, ": the flag files include each other"));
    flag_files_.push_back(path);
    const absl::StatusOr<std::string> text = ReadTextFileOrPipe(path);
    if (!text.ok()) return UsageError(absl::StrCat("--flagfile=", path, ": ", text.status().message()));
    std::vector<FlagToken> tokens;
    int line_number = 0;
    for (absl::string_view line : absl::StrSplit(*text, '\n')) {
      ++line_number;
      line = absl::StripAsciiWhitespace(line);
      if (line.empty() || line[0] == '#') continue;
      const std::string where = absl::StrCat(path, ":", line_number, ": ");
      if (line[0] != '-') return UsageError(absl::StrCat(where, "expected --name=value, got \"", line, "\""));
      tokens.push_back({std::string(line), where});
    }
    return Parse(tokens, depth);
  }

  // --overwrite is no setting of a tool, which its outputs would record, but says what may become of them.
  bool TakeOverwrite(const GivenFlag& given) {
    const bool off = given.name == "nooverwrite" && !given.value.has_value();
    if (given.name != "overwrite" && !off) return false;
    bool on = true;
    if (given.value.has_value() && !absl::SimpleAtob(*given.value, &on)) return false;
    overwrite_ = on && !off;
    return true;
  }

  const ToolInfo& info_;
  const bool takes_overwrite_;
  std::vector<std::string> arguments_, flag_files_;
  bool help_ = false, version_ = false, overwrite_ = false;
};

// What was printed must have arrived: a full disk or a closed pipe shows here at the latest.
absl::Status FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::InternalError("the standard output cannot be written to; is the disk full?");
}

// The paths that PATH's flag, or the arguments, give.
std::vector<std::string> PathsOf(const PathFlag& path, const std::vector<std::string>& arguments) {
  if (path.flag.empty()) return arguments;
  const absl::CommandLineFlag* const flag = FindToolFlag(path.flag);
  HARDFACE_CHECK(flag != nullptr);  // the tool's table names a flag that it does not have
  const std::string value = flag->CurrentValue();
  if (value.empty()) return path.when_empty.empty() ? std::vector<std::string>() : std::vector{path.when_empty};
  if (path.form == PathForm::kOne) return {value};
  std::vector<std::string> paths = absl::StrSplit(value, ',', absl::SkipEmpty());
  for (std::string& named : paths) {
    if (path.form == PathForm::kNamedList) named.erase(0, named.find('=') + 1);
  }
  return paths;
}

void NoteInput(const std::string& path, PathUse use) {
  switch (use) {
    case kReadsFile:
      return ProtectInput(path, InputKind::kFile);
    case kReadsFolder:
      return ProtectInput(path, InputKind::kFolder);
    case kReadsImages:
      return ProtectInput(path, InputKind::kImages);
    case kReadsDataset: {
      const bool manifest = !IsFolder(path) && IsThere(path);
      const std::string folder = manifest ? std::filesystem::path(path).parent_path().string() : path;
      return ProtectInput(folder.empty() ? "." : folder, InputKind::kFolder);
    }
    case kWrites:
    case kWritesRun:
      return;
  }
}

bool IsOutput(PathUse use) { return use == kWrites || use == kWritesRun; }

// Inputs that are not there are the tool's affair, as it may do without. A link to nothing is a mistake everywhere; of
// a pipe the first look at its form would take away what comes after, and the second would find nothing or wait.
absl::Status CheckCanBeRead(const PathFlag& path, const std::string& value) {
  if (IsOutput(path.use)) return absl::OkStatus();
  const std::string place = absl::StrCat(path.flag.empty() ? "" : absl::StrCat("--", path.flag, "="), value);
  if (const std::string broken = BrokenLink(value); !broken.empty()) {
    return absl::NotFoundError(absl::StrCat(place, ": is not there", broken, "; mend the link, or name another place"));
  }
  if (path.use == kReadsImages) return absl::OkStatus();  // images are read once and have no hash
  const std::string kind = SpecialFileKind(value);
  if (kind.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": is a ", kind,
                   ", which can be read but once; inputs are read again, for their hashes. "
                   "Write it to a file, and name that"));
}

// A training goes on by "--flagfile=RUN/flags.txt --output=RUN --resume".
void NoteFlagFiles(const std::vector<std::string>& runs) {
  for (const std::string& file : RunningTool().flag_files) {
    const bool in_a_run =
        std::any_of(runs.begin(), runs.end(), [&](const std::string& run) { return LiesWithin(file, run); });
    if (!in_a_run) ProtectInput(file, InputKind::kFile);
  }
}

// One output must not be or hold another.
absl::Status CheckApart(const std::vector<std::string>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (size_t j = 0; j < outputs.size(); ++j) {
      if (i == j || !LiesWithin(outputs[i], outputs[j])) continue;
      return UsageError(
          absl::StrCat("the output ", outputs[i], outputs[i] == outputs[j] ? " stands twice" : " is or lies in ",
                       outputs[i] == outputs[j] ? "" : outputs[j], "; each output needs a place of its own"));
    }
  }
  return absl::OkStatus();
}

// What cannot be replaced is said before any work is done, not when it is to be written. (Whether the tool writes a
// file or a folder, it knows itself.)
absl::Status CheckMayBeReplaced(const std::string& output) {
  return IsFolder(output) ? CheckReplaceableFolder(output) : CheckReplaceableFile(output);
}

absl::Status CheckPaths(const ToolInfo& info, const std::vector<std::string>& arguments) {
  std::vector<std::string> outputs, runs;
  for (const PathFlag& path : info.paths.flags()) {
    for (const std::string& value : PathsOf(path, arguments)) {
      RETURN_IF_ERROR(CheckCanBeRead(path, value));
      if (IsOutput(path.use)) outputs.push_back(value);
      if (path.use == kWritesRun) runs.push_back(value);
      NoteInput(value, path.use);
    }
  }
  NoteFlagFiles(runs);
  for (const std::string& output : outputs) DeclareOutput(output);
  RETURN_IF_ERROR(CheckApart(outputs));
  for (const std::string& output : outputs) RETURN_IF_ERROR(CheckOutput(output));
  for (const std::string& output : outputs) {
    if (runs.empty()) RETURN_IF_ERROR(CheckMayBeReplaced(output));
  }
  return absl::OkStatus();
}

}  // namespace

bool ToolPaths::writes() const {
  return std::any_of(flags_.begin(), flags_.end(), [](const PathFlag& path) { return IsOutput(path.use); });
}

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

absl::Status Stopped(absl::string_view message) {
  absl::Status status = absl::CancelledError(message);
  status.SetPayload(kStoppedPayload, absl::Cord());
  return status;
}

bool IsStopped(const absl::Status& status) { return status.GetPayload(kStoppedPayload).has_value(); }

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsagePayload).has_value(); }

absl::Status RequireFlag(absl::string_view flag, absl::string_view value) {
  if (!value.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("--", flag, " must be given. --help says what it means."));
}

// --threads means the same in all tools; a number below 0 would be taken for all processors.
absl::Status CheckThreads() {
  const absl::CommandLineFlag* const flag = FindToolFlag("threads");
  int threads = 0;
  if (flag == nullptr || !absl::SimpleAtoi(flag->CurrentValue(), &threads) || threads >= 0) return absl::OkStatus();
  return UsageError(absl::StrCat("--threads=", threads, ": give a number of threads, or 0 for all processors"));
}

absl::StatusOr<std::vector<std::string>> ParseToolFlags(int argc, char** argv, const ToolInfo& info) {
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY"); folder != nullptr && chdir(folder) != 0) {
    return absl::InternalError(absl::StrCat(folder, ": cannot enter this folder (BUILD_WORKING_DIRECTORY)"));
  }
  std::vector<FlagToken> tokens;
  for (int i = 1; i < argc; ++i) tokens.push_back({argv[i], ""});
  FlagParser parser(info);
  RETURN_IF_ERROR(parser.Parse(tokens, /*depth=*/0));
  if (parser.help() || parser.version()) {
    const std::string version = absl::StrCat(info.name, " (hardface ", kVersion, ")\n");
    std::fputs(parser.help() ? HelpText(info).c_str() : version.c_str(), stdout);
    RETURN_IF_ERROR(FlushOutput());
    std::exit(0);
  }
  std::vector<std::string> arguments = parser.TakeArguments();
  if (!arguments.empty() && info.arguments.empty()) {
    return UsageError(absl::StrCat("unexpected argument \"", arguments[0], "\"; ", info.name, " takes flags only"));
  }
  RETURN_IF_ERROR(CheckThreads());
  AllowOverwriting(parser.overwrite());
  RunningTool().name = info.name;
  RunningTool().flag_files = parser.flag_files();
  for (const auto& [name, flag] : ToolFlags()) RunningTool().flags[name] = flag->CurrentValue();
  return arguments;
}

int ToolMain(int argc, char** argv, const ToolInfo& info,
             const std::function<absl::Status(const std::vector<std::string>& arguments)>& run) {
  const ToolScope scope;
  const absl::Status status = WithoutExceptions([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<std::string> arguments, ParseToolFlags(argc, argv, info));
    RETURN_IF_ERROR(CheckPaths(info, arguments));
    RETURN_IF_ERROR(run(arguments));
    return FlushOutput();
  });
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", IsStopped(status) ? "Stopped" : "Error", std::string(status.message()).c_str());
  return IsStopped(status) ? 3 : IsUsageError(status) ? 2 : 1;
}

bool FlagDiffers(absl::string_view name) {
  const absl::CommandLineFlag* const flag = absl::FindCommandLineFlag(name);
  return flag != nullptr && flag->CurrentValue() != flag->DefaultValue();
}

std::string FlagTable() {
  std::string table;
  size_t width = 0;
  for (const auto& [name, flag] : ToolFlags()) width = std::max(width, name.size());
  for (const auto& [name, flag] : ToolFlags()) {
    const std::string value = flag->CurrentValue(), otherwise = flag->DefaultValue();
    absl::StrAppendFormat(&table, "  %-*s  %s", static_cast<int>(width), name, value.empty() ? "-" : value);
    if (value != otherwise) absl::StrAppend(&table, "  (default: ", otherwise.empty() ? "-" : otherwise, ")");
    absl::StrAppend(&table, "\n");
  }
  return table;
}

std::string EffectiveFlags() {
  std::string text;
  for (const auto& [name, flag] : ToolFlags()) absl::StrAppend(&text, "--", name, "=", flag->CurrentValue(), "\n");
  return text;
}

}  // namespace hardface
