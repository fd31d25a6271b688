#include "train/run/run_log.h"

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace hardface::train {
namespace {

// TensorBoard groups curves by what stands before the slash.
std::string ScalarName(const std::string& key) {
  if (key == "loss") return "loss/total";
  if (key == "classification" || key == "regression") return absl::StrCat("loss/", key);
  if (key == "validation_ap") return "validation/ap";
  return absl::StrCat("training/", key);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunLog>> RunLog::Open(const std::string& folder, int64_t iteration,
                                                     int64_t metrics_bytes, int64_t ledger_bytes) {
  std::unique_ptr<RunLog> log(new RunLog);
  ASSIGN_OR_RETURN(log->metrics_, AppendFile::Open(folder + "/metrics.jsonl", metrics_bytes));
  ASSIGN_OR_RETURN(log->ledger_, AppendFile::Open(folder + "/ledger.jsonl", ledger_bytes));
  ASSIGN_OR_RETURN(log->messages_, AppendFile::Open(folder + "/messages.txt", std::numeric_limits<int64_t>::max()));
  ASSIGN_OR_RETURN(log->events_, EventFile::Create(folder, iteration));
  return log;
}

absl::Status RunLog::AddMetrics(const nlohmann::ordered_json& line) {
  RETURN_IF_ERROR(metrics_->Append(line.dump() + "\n"));
  RETURN_IF_ERROR(metrics_->Flush());
  std::vector<std::pair<std::string, double>> scalars;
  for (const auto& [key, value] : line.items()) {
    if (key != "iteration") scalars.emplace_back(ScalarName(key), value.get<double>());
  }
  RETURN_IF_ERROR(events_->AddScalars(line.at("iteration").get<int64_t>(), scalars));
  return events_->Flush();
}

absl::Status RunLog::AddMessage(int64_t iteration, const std::string& message) {
  RETURN_IF_ERROR(messages_->Append(absl::StrCat("iteration ", iteration, ": ", message, "\n")));
  return messages_->Flush();
}

absl::Status RunLog::AddVisits(const data::Dataset& dataset, const std::vector<mining::Visit>& visits) {
  for (const mining::Visit& visit : visits) {
    const data::DatasetEntry& entry = dataset.entries[static_cast<size_t>(visit.entry)];
    RETURN_IF_ERROR(
        ledger_->Append(mining::VisitToJson(entry.image, entry.flip, visit.scale, visit.difficulty) + "\n"));
  }
  return ledger_->Flush();
}

absl::Status RunLog::Sync() {
  RETURN_IF_ERROR(metrics_->Sync());
  return ledger_->Sync();
}

}  // namespace hardface::train
