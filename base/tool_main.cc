#include "base/tool_main.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <new>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/flags/commandlineflag.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface {
namespace {

constexpr char kUsagePayload[] = "hardface/usage";
constexpr int kMaxFlagFileDepth = 8;

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

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

absl::Status UnknownFlag(absl::string_view name, absl::string_view where) {
  std::string nearest;
  size_t best = 4;
  for (const auto& [candidate, flag] : ToolFlags()) {
    const size_t distance = EditDistance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = absl::StrCat(" Did you mean --", candidate, "?");
    }
  }
  return UsageError(absl::StrCat(where, "unknown flag --", name, ".", nearest, " --help lists all flags"));
}

std::string HelpText(const ToolInfo& info) {
  std::string text = absl::StrCat(info.name, ": ", info.summary, "\n\nUsage: ", info.name, " [flags] ", info.arguments,
                                  "\n\nFlags:\n");
  for (const auto& [name, flag] : ToolFlags()) {
    const std::string value = flag->DefaultValue();
    absl::StrAppend(&text, "  --", name, "  ", flag->Help(),
                    value.empty() ? "" : absl::StrCat(" (default: ", value, ")"), "\n");
  }
  return absl::StrCat(text, "  --flagfile  reads flags from a file, one --name=value a line\n  --help  shows this\n");
}

// Parses one command line or flag file.
class FlagParser {
 public:
  // WHERE stands before errors ("" or "FILE:LINE: ").
  absl::Status Parse(const std::vector<std::pair<std::string, std::string>>& tokens_and_places, int depth) {
    bool only_arguments = false;
    for (size_t i = 0; i < tokens_and_places.size(); ++i) {
      const auto& [token, where] = tokens_and_places[i];
      if (only_arguments || token.size() < 2 || token[0] != '-') {
        arguments_.push_back(token);
        continue;
      }
      if (token == "--") {
        only_arguments = true;
        continue;
      }
      absl::string_view body = token;
      absl::ConsumePrefix(&body, "-");
      absl::ConsumePrefix(&body, "-");
      const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(body, absl::MaxSplits('=', 1));
      const absl::string_view name = parts.first;
      bool has_value = absl::StrContains(body, '=');
      std::string value(parts.second);
      if (name == "help" || name == "helpfull") {
        help_ = true;
        continue;
      }
      absl::CommandLineFlag* flag = absl::FindCommandLineFlag(name);
      const bool known = flag != nullptr && IsToolFlag(*flag);
      if (!known && !has_value && absl::ConsumePrefix(&body, "no")) {
        absl::CommandLineFlag* negated = absl::FindCommandLineFlag(body);
        if (negated != nullptr && IsToolFlag(*negated) && negated->IsOfType<bool>()) {
          RETURN_IF_ERROR(Set(*negated, "false", where));
          continue;
        }
      }
      if (name != "flagfile" && !known) return UnknownFlag(name, where);
      if (!has_value && known && flag->IsOfType<bool>()) {
        value = "true";
      } else if (!has_value) {
        if (++i == tokens_and_places.size()) {
          return UsageError(absl::StrCat(where, "--", name, " needs a value: --", name, "=VALUE"));
        }
        value = tokens_and_places[i].first;
      }
      RETURN_IF_ERROR(name == "flagfile" ? ParseFile(value, depth + 1) : Set(*flag, value, where));
    }
    return absl::OkStatus();
  }

  bool help() const { return help_; }
  std::vector<std::string> TakeArguments() { return std::move(arguments_); }

 private:
  static absl::Status Set(absl::CommandLineFlag& flag, const std::string& value, absl::string_view where) {
    std::string error;
    if (flag.ParseFrom(value, &error)) return absl::OkStatus();
    return UsageError(absl::StrCat(where, "--", flag.Name(), "=", value, " is not a valid value",
                                   error.empty() ? "" : ": ", error, " (", flag.Help(), ")"));
  }

  absl::Status ParseFile(const std::string& path, int depth) {
    if (depth > kMaxFlagFileDepth)
      return UsageError(absl::StrCat("--flagfile=", path, ": flag files include each other"));
    const absl::StatusOr<std::string> text = ReadTextFile(path);
    if (!text.ok()) return UsageError(absl::StrCat("--flagfile=", path, ": ", text.status().message()));
    std::vector<std::pair<std::string, std::string>> tokens;
    int line_number = 0;
    for (absl::string_view line : absl::StrSplit(*text, '\n')) {
      ++line_number;
      line = absl::StripAsciiWhitespace(line);
      if (line.empty() || line[0] == '#') continue;
      const std::string where = absl::StrCat(path, ":", line_number, ": ");
      if (line[0] != '-') return UsageError(absl::StrCat(where, "expected --name=value, got \"", line, "\""));
      tokens.emplace_back(std::string(line), where);
    }
    return Parse(tokens, depth);
  }

  std::vector<std::string> arguments_;
  bool help_ = false;
};

// What was printed must have arrived: a full disk or a closed pipe shows here at the latest.
absl::Status FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::InternalError("cannot write to the standard output; is the disk full?");
}

// Runs WORK. An exception becomes an error, and what it leaves behind has cleaned up after itself by then.
absl::Status WithoutExceptions(const std::function<absl::Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::exception& exception) {
    return absl::InternalError(absl::StrCat("unexpected: ", exception.what()));
  }
}

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

bool IsUsageError(const absl::Status& status) { return status.GetPayload(kUsagePayload).has_value(); }

absl::Status RequireFlag(absl::string_view flag, absl::string_view value) {
  if (!value.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("--", flag, " must be given. --help says what it means"));
}

absl::StatusOr<std::vector<std::string>> ParseToolFlags(int argc, char** argv, const ToolInfo& info) {
  if (const char* folder = std::getenv("BUILD_WORKING_DIRECTORY"); folder != nullptr && chdir(folder) != 0) {
    return absl::InternalError(absl::StrCat(folder, ": cannot enter this folder (BUILD_WORKING_DIRECTORY)"));
  }
  std::vector<std::pair<std::string, std::string>> tokens;
  for (int i = 1; i < argc; ++i) tokens.emplace_back(argv[i], "");
  FlagParser parser;
  RETURN_IF_ERROR(parser.Parse(tokens, /*depth=*/0));
  if (parser.help()) {
    std::fputs(HelpText(info).c_str(), stdout);
    RETURN_IF_ERROR(FlushOutput());
    std::exit(0);
  }
  std::vector<std::string> arguments = parser.TakeArguments();
  if (!arguments.empty() && info.arguments.empty()) {
    return UsageError(absl::StrCat("unexpected argument \"", arguments[0], "\"; ", info.name, " takes flags only"));
  }
  RunningTool().name = info.name;
  for (const auto& [name, flag] : ToolFlags()) RunningTool().flags[name] = flag->CurrentValue();
  return arguments;
}

int ToolMain(int argc, char** argv, const ToolInfo& info,
             const std::function<absl::Status(const std::vector<std::string>& arguments)>& run) {
  const absl::Status status = WithoutExceptions([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<std::string> arguments, ParseToolFlags(argc, argv, info));
    RETURN_IF_ERROR(run(arguments));
    return FlushOutput();
  });
  if (status.ok()) return 0;
  std::fprintf(stderr, "Error: %s\n", std::string(status.message()).c_str());
  return IsUsageError(status) ? 2 : 1;
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
