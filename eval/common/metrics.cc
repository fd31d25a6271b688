#include "eval/common/metrics.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json_text.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface::eval {
namespace {

// Texts need not be UTF-8; what is not becomes U+FFFD.
std::string Text(const Metrics& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Metrics::error_handler_t::replace);
}

std::string ValueText(const Metrics& value) {
  if (value.is_null()) return "nan";
  if (value.is_number_float()) return absl::StrFormat("%.6f", value.get<double>());
  return value.is_string() ? value.get<std::string>() : Text(value, /*indent=*/-1);
}

bool IsFlat(const Metrics& metrics) {
  if (!metrics.is_object()) return false;
  for (const auto& value : metrics) {
    if (value.is_structured()) return false;
  }
  return true;
}

}  // namespace

std::string MetricsLine(const Metrics& metrics) {
  std::string line;
  for (const auto& [name, value] : metrics.items()) {
    absl::StrAppend(&line, line.empty() ? "" : " ", name, "=", ValueText(value));
  }
  return line;
}

absl::StatusOr<Metrics> ReadMetrics(const std::string& path) {
  const std::string file = FileOrInFolder(path, "metrics.json");
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(file));
  ASSIGN_OR_RETURN(const Metrics metrics, ParseJson<Metrics>(text, file));
  if (!IsFlat(metrics)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": expected one JSON object of names and numbers, as the scorers of eval/ write it"));
  }
  return metrics;
}

absl::StatusOr<std::unique_ptr<ScoreOutput>> ScoreOutput::Create(const std::string& folder) {
  ASSIGN_OR_RETURN(std::unique_ptr<AtomicFolder> atomic, AtomicFolder::Create(folder));
  return std::unique_ptr<ScoreOutput>(new ScoreOutput(std::move(atomic)));
}

absl::Status ScoreOutput::Write(absl::string_view name, absl::string_view bytes) {
  return WriteFileAtomically(absl::StrCat(folder_->temporary_path(), "/", name), bytes);
}

absl::Status ScoreOutput::Commit(const Metrics& metrics, const Provenance& provenance) {
  RETURN_IF_ERROR(Write("metrics.json", Text(metrics, /*indent=*/2) + "\n"));
  RETURN_IF_ERROR(provenance.WriteInto(folder_->temporary_path()));
  RETURN_IF_ERROR(folder_->Commit());
  std::printf("%s\n", MetricsLine(metrics).c_str());
  return absl::OkStatus();
}

}  // namespace hardface::eval
