// A line of a training's log: for tools in metrics.jsonl, and for people beside the progress.
#ifndef HARDFACE_TRAIN_RUN_LOG_LINE_H_
#define HARDFACE_TRAIN_RUN_LOG_LINE_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "train/run/meter.h"

namespace hardface::train {

struct LogLine {
  int64_t iteration = 0;  // steps done
  int64_t epochs = 0;     // planned so far
  MeterReading reading;
  double learning_rate = 0;  // of the last step
  double hard_fraction = 0;  // of the dataset's entries, 0..1
  int64_t engine_bytes = 0;
  std::optional<double> best_ap;

  nlohmann::ordered_json ToJson() const;
  std::string ToText() const;
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_LOG_LINE_H_
