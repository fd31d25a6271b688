// Progress of long work on stderr: a live line (done/total, rate, ETA) on a terminal, a plain line every few seconds in
// a log.
#ifndef HARDFACE_BASE_PROGRESS_H_
#define HARDFACE_BASE_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace hardface {

// Thread-safe. Example: Progress progress("import", 12880, "images"); ... progress.Advance(1); ... progress.Finish();
class Progress {
 public:
  // TOTAL 0: not known. UNIT is the plural of what is counted.
  Progress(std::string label, int64_t total, std::string unit);
  ~Progress();

  // DETAIL, where given, is shown behind the counts (for training: losses).
  void Advance(int64_t count, absl::string_view detail = {});
  // Shows the last state and ends the line. Called by the destructor if not before.
  void Finish();

 private:
  void Show(bool last);

  const std::string label_;
  const int64_t total_;
  const std::string unit_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point shown_;
  int64_t done_ = 0;
  std::string detail_;
  bool finished_ = false;
};

// "59 s", "12m 05s", "3h 07m".
std::string HumanDuration(double seconds);

}  // namespace hardface

#endif  // HARDFACE_BASE_PROGRESS_H_
