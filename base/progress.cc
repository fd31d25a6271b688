#include "base/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace hardface {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

std::string HumanDuration(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return absl::StrFormat("%d s", whole);
  if (whole < 3600) return absl::StrFormat("%dm %02ds", whole / 60, whole % 60);
  return absl::StrFormat("%dh %02dm", whole / 3600, whole / 60 % 60);
}

Progress::Progress(std::string label, int64_t total, std::string unit)
    : label_(std::move(label)),
      total_(total),
      unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      shown_(start_) {}

Progress::~Progress() { Finish(); }

void Progress::Advance(int64_t count, absl::string_view detail) {
  std::lock_guard<std::mutex> lock(mutex_);
  done_ += count;
  if (!detail.empty()) detail_ = std::string(detail);
  const double interval_seconds = terminal_ ? 0.2 : 10.0;
  if (SecondsBetween(shown_, Clock::now()) >= interval_seconds) Show(/*last=*/false);
}

void Progress::Finish() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  finished_ = true;
  Show(/*last=*/true);
}

void Progress::Show(bool last) {
  shown_ = Clock::now();
  const double elapsed = SecondsBetween(start_, shown_);
  const double rate = elapsed > 0 ? static_cast<double>(done_) / elapsed : 0;
  std::string line = absl::StrCat(label_, ": ", done_);
  if (total_ > 0) absl::StrAppend(&line, "/", total_);
  absl::StrAppendFormat(&line, " %s, %.4g/s", unit_, rate);
  if (last) {
    absl::StrAppend(&line, ", took ", HumanDuration(elapsed));
  } else if (total_ > 0 && rate > 0) {
    absl::StrAppend(&line, ", ETA ", HumanDuration(static_cast<double>(total_ - done_) / rate));
  }
  if (!detail_.empty()) absl::StrAppend(&line, ", ", detail_);
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s%s", line.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

}  // namespace hardface
