#include "eval/published/published_results.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::eval {
namespace {

constexpr char kHeader[] = "method,dataset,subset,metric,percent,protocol,source";

}  // namespace

absl::StatusOr<std::vector<PublishedResult>> ReadPublishedResults(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  TextLines lines(text);
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", lines.number(), ": ", what));
  };
  std::vector<PublishedResult> results;
  bool header = false;
  while (lines.NextFilled()) {
    if (absl::StartsWith(lines.line(), "#")) continue;
    if (!header) {
      if (lines.line() != kHeader) return error(absl::StrCat("the first line must be \"", kHeader, "\""));
      header = true;
      continue;
    }
    const std::vector<std::string> fields = absl::StrSplit(lines.line(), absl::MaxSplits(',', 6));
    if (fields.size() != 7) return error(absl::StrCat("has ", fields.size(), " fields; seven are needed: ", kHeader));
    double percent = 0;
    if (!ParseNumber(fields[4], &percent) || percent < 0 || percent > 100) {
      return error(absl::StrCat("\"", fields[4], "\" is no percentage; give a number from 0 to 100"));
    }
    for (const int needed : {0, 1, 3, 6}) {
      if (fields[static_cast<size_t>(needed)].empty()) {
        return error(absl::StrCat("field ", needed + 1, " is empty; method, dataset, metric and source are needed"));
      }
    }
    results.push_back({fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6]});
  }
  if (results.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": holds no result"));
  return results;
}

}  // namespace hardface::eval
