#include "train/run/meter.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace hardface::train {

double Meter::SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string Meter::Sums::ToText() const {
  return absl::StrFormat("%.17g %.17g %d %.17g", loss.classification, loss.regression, images, waiting_seconds);
}

absl::Status Meter::Sums::Add(const std::string& text) {
  const std::vector<std::string> fields = absl::StrSplit(text, ' ');
  Sums other;
  if (fields.size() != 4 || !absl::SimpleAtod(fields[0], &other.loss.classification) ||
      !absl::SimpleAtod(fields[1], &other.loss.regression) || !absl::SimpleAtoi(fields[2], &other.images) ||
      !absl::SimpleAtod(fields[3], &other.waiting_seconds)) {
    return absl::InternalError(
        absl::StrCat("a rank's sums cannot be read: \"", text, "\"; do all ranks run the same version of train?"));
  }
  loss.classification += other.loss.classification;
  loss.regression += other.loss.regression;
  images += other.images;
  waiting_seconds += other.waiting_seconds;
  return absl::OkStatus();
}

void Meter::Start(const WorkDone& work) {
  sums_ = Sums();
  gradient_norm_ = 0;
  steps_ = steps_left_out_ = 0;
  start_ = Now();
  work_at_start_ = work;
}

void Meter::AddImage(const LossParts& loss) {
  sums_.loss.classification += loss.classification;
  sums_.loss.regression += loss.regression;
  ++sums_.images;
}

void Meter::AddStep(double gradient_norm) {
  gradient_norm_ += gradient_norm;
  ++steps_;
}

absl::StatusOr<MeterReading> Meter::Read(const WorkDone& work, int workers, Communicator* communicator) {
  ASSIGN_OR_RETURN(const std::vector<std::string> of_ranks, communicator->GatherTexts(sums_.ToText()));
  Sums all;
  for (const std::string& text : of_ranks) RETURN_IF_ERROR(all.Add(text));
  const double images = static_cast<double>(all.images), divisor = std::max<double>(1, images);
  const double seconds = Now() - start_, waiting = all.waiting_seconds / communicator->size();
  const int64_t made = work.samples - work_at_start_.samples;
  const int64_t all_workers = int64_t{workers} * communicator->size();
  const double busy = work.busy_seconds - work_at_start_.busy_seconds;
  MeterReading reading;
  reading.loss = {all.loss.classification / divisor, all.loss.regression / divisor};
  reading.total_loss = all.loss.total() / divisor;
  reading.gradient_norm = gradient_norm_ / static_cast<double>(std::max<int64_t>(1, steps_));
  reading.steps_left_out = steps_left_out_;
  reading.images_per_second = images / seconds;
  reading.data_images_per_second = busy > 0 ? static_cast<double>(made * all_workers) / busy : 0;
  reading.compute_images_per_second = seconds > waiting ? images / (seconds - waiting) : 0;
  reading.data_wait_fraction = waiting / seconds;
  Start(work);
  return reading;
}

}  // namespace hardface::train
