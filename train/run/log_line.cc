#include "train/run/log_line.h"

#include "absl/strings/str_format.h"

namespace hardface::train {

nlohmann::ordered_json LogLine::ToJson() const {
  return {{"iteration", iteration},
          {"epoch", epochs},
          {"loss", reading.total_loss},
          {"classification", reading.loss.classification},
          {"regression", reading.loss.regression},
          {"gradient_norm", reading.gradient_norm},
          {"learning_rate", learning_rate},
          {"hard_fraction", hard_fraction},
          {"images_per_second", reading.images_per_second},
          {"data_images_per_second", reading.data_images_per_second},
          {"compute_images_per_second", reading.compute_images_per_second},
          {"data_wait_fraction", reading.data_wait_fraction},
          {"engine_bytes", engine_bytes},
          {"steps_left_out", reading.steps_left_out}};
}

std::string LogLine::ToText() const {
  return absl::StrFormat(
      "loss %.4f (%.4f + %.4f), rate %.3g, hard %.0f%%, %.1f images/s (data %.0f, compute %.1f), waiting for data "
      "%.0f%%%s",
      reading.total_loss, reading.loss.classification, reading.loss.regression, learning_rate, 100 * hard_fraction,
      reading.images_per_second, reading.data_images_per_second, reading.compute_images_per_second,
      100 * reading.data_wait_fraction, best_ap.has_value() ? absl::StrFormat(", best AP %.4f", *best_ap) : "");
}

}  // namespace hardface::train
