#include "pipelines/torture_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"

namespace hardface {

void TortureReport::Add(const TortureRow& row) {
  rows_.push_back(row);
  failures_ += !row.holds;
  std::printf("%s  %-9s %-24s %s: %s (%.1f s, %.0f MB)\n", row.holds ? "holds" : "FAILS", row.part.c_str(),
              row.subject.c_str(), row.trial.c_str(), row.result.c_str(), row.seconds,
              static_cast<double>(row.max_bytes) / 1e6);
  std::fflush(stdout);
}

void TortureReport::Skip(const std::string& part, const std::string& why) {
  skipped_.push_back(absl::StrCat(part, ": ", why));
  std::printf("skipped  %s: %s\n", part.c_str(), why.c_str());
}

std::string TortureReport::Markdown(const std::string& command) const {
  std::string text = absl::StrCat("    ", command,
                                  "\n\n| part | subject | what was done | what came of it | longest | "
                                  "memory | |\n|---|---|---|---|---|---|---|\n");
  for (const TortureRow& row : rows_) {
    absl::StrAppendFormat(&text, "| %s | `%s` | %s | %s | %.1f s | %.0f MB | %s |\n", row.part, row.subject, row.trial,
                          row.result, row.seconds, static_cast<double>(row.max_bytes) / 1e6,
                          row.holds ? "holds" : "FAILS");
  }
  for (const std::string& why : skipped_) absl::StrAppend(&text, "\nSkipped: ", why, "\n");
  return text;
}

absl::Status TortureReport::Write(const std::string& folder, const std::string& command) const {
  ASSIGN_OR_RETURN(const auto output, AtomicFolder::Create(folder));
  std::string lines;
  for (const TortureRow& row : rows_) {
    const nlohmann::ordered_json line = {
        {"part", row.part},   {"subject", row.subject}, {"trial", row.trial},        {"result", row.result},
        {"holds", row.holds}, {"seconds", row.seconds}, {"max_bytes", row.max_bytes}};
    absl::StrAppend(&lines, line.dump(), "\n");
  }
  RETURN_IF_ERROR(WriteFileAtomically(output->temporary_path() + "/torture.jsonl", lines));
  RETURN_IF_ERROR(WriteFileAtomically(output->temporary_path() + "/torture.md", Markdown(command)));
  return output->Commit();
}

}  // namespace hardface
