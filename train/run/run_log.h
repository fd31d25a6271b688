// What a training writes while it goes on, for people and for tools: metrics.jsonl, ledger.jsonl, messages.txt and
// TensorBoard's event file.
#ifndef HARDFACE_TRAIN_RUN_RUN_LOG_H_
#define HARDFACE_TRAIN_RUN_RUN_LOG_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/append_file.h"
#include "data_tools/dataset/dataset.h"
#include "mining/ledger.h"
#include "train/run/event_file.h"

namespace hardface::train {

class RunLog {
 public:
  // Goes on in FOLDER at ITERATION, with the first bytes of metrics.jsonl and ledger.jsonl that a checkpoint names:
  // what an interrupted training wrote after it is written again. (0, 0 and 0 start anew.)
  static absl::StatusOr<std::unique_ptr<RunLog>> Open(const std::string& folder, int64_t iteration,
                                                      int64_t metrics_bytes, int64_t ledger_bytes);

  // A line of metrics.jsonl: an object of numbers, "iteration" among them; the others become TensorBoard's scalars.
  absl::Status AddMetrics(const nlohmann::ordered_json& line);
  // A line of messages.txt: what people should know of this run. All of them stay, whatever a resumed training cuts off
  // elsewhere.
  absl::Status AddMessage(int64_t iteration, const std::string& message);
  absl::Status AddVisits(const data::Dataset& dataset, const std::vector<mining::Visit>& visits);
  // So that a checkpoint may name what has been written.
  absl::Status Sync();

  int64_t metrics_bytes() const { return metrics_->size(); }
  int64_t ledger_bytes() const { return ledger_->size(); }

 private:
  RunLog() = default;

  std::unique_ptr<AppendFile> metrics_, ledger_, messages_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_RUN_LOG_H_
