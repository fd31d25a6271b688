#include "model/cuda/conv_planner.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

// Of the heuristics' list, best guess first: the fastest is among the first, and every more costs time once.
constexpr size_t kMaxTimed = 12;
// Remembered in place of a choice where the library has no engine.
constexpr char kNone[] = "none";
// Names of plans that are gone are dropped when there are so many more names than the last time.
constexpr size_t kSweepSize = 4096;

}  // namespace

absl::StatusOr<std::shared_ptr<const ConvPlan>> ConvPlanner::Get(const ConvProblem& problem, int64_t max_workspace) {
  const std::string name = absl::StrCat(problem.ToString(), " within ", max_workspace);
  if (auto plan = plans_[name].lock(); plan != nullptr) return plan;
  ASSIGN_OR_RETURN(auto plan, Choose(problem, max_workspace));
  plans_[name] = plan;
  if (plans_.size() % kSweepSize == 0) {
    for (auto entry = plans_.begin(); entry != plans_.end();) {
      entry = entry->second.expired() ? plans_.erase(entry) : std::next(entry);
    }
  }
  return plan;
}

// Remembered choices first: that of this very problem, then that of its size class. A class's choice that does not fit
// one of its problems leaves the class as it is, and the problem gets a choice of its own.
absl::StatusOr<std::shared_ptr<const ConvPlan>> ConvPlanner::Choose(const ConvProblem& problem, int64_t max_workspace) {
  // Under a memory limit slower engines win, which others must not follow.
  const std::string limit = max_workspace == kMaxConvWorkspace ? "" : absl::StrCat(" within ", max_workspace, " bytes");
  const std::string own_key = absl::StrCat(key_prefix_, problem.ToString(), limit);
  const std::string class_key = absl::StrCat(key_prefix_, problem.SizeClass(), limit);
  const std::optional<std::string> of_own = cache_->Find(own_key), of_class = cache_->Find(class_key);
  for (const std::optional<std::string>& known : {of_own, of_class}) {
    if (!known.has_value()) continue;
    if (*known == kNone) return std::shared_ptr<const ConvPlan>();
    if (auto plan = BuildKnown(problem, *known, max_workspace); plan != nullptr) return plan;
  }
  ASSIGN_OR_RETURN(Fastest fastest, Tune(problem, max_workspace));
  if (!fastest.all_timed) return fastest.plan;
  const std::string choice = fastest.plan == nullptr ? kNone : fastest.choice;
  // Another thread may have timed the same meanwhile: the first is followed, so that GPUs of one kind compute the same.
  const std::string stands =
      of_class.has_value() ? cache_->Insert(own_key, choice, of_own) : cache_->Insert(class_key, choice, of_class);
  if (stands == choice || stands == kNone) return fastest.plan;
  auto plan = BuildKnown(problem, stands, max_workspace);
  return plan != nullptr ? plan : fastest.plan;
}

absl::StatusOr<std::unique_ptr<ConvPlan>> ConvPlanner::Build(const ConvProblem& problem, const ConvChoice& choice) {
  ++counts_.built;
  return library_->Build(problem, choice);
}

std::shared_ptr<const ConvPlan> ConvPlanner::BuildKnown(const ConvProblem& problem, const std::string& choice,
                                                        int64_t max_workspace) {
  const auto parsed = ConvChoice::Parse(choice);
  if (!parsed.ok()) {
    NoteFailure(problem, choice, parsed.status());
    return nullptr;
  }
  auto plan = Build(problem, *parsed);
  if (!plan.ok()) {
    NoteFailure(problem, choice, plan.status());
    return nullptr;
  }
  if ((*plan)->workspace_bytes() > max_workspace) return nullptr;
  return std::move(*plan);
}

absl::Status ConvPlanner::TryAll(const ConvProblem& problem, const std::vector<ConvChoice>& choices,
                                 int64_t max_workspace, ConvTimer* timer, Fastest* fastest) {
  absl::Status exhausted;
  float best = std::numeric_limits<float>::infinity();
  size_t timed = 0;
  for (const ConvChoice& choice : choices) {
    if (timed == kMaxTimed) break;
    auto plan = Build(problem, choice);
    if (!plan.ok()) {
      NoteFailure(problem, choice.ToString(), plan.status());
      continue;
    }
    if ((*plan)->workspace_bytes() > max_workspace) continue;
    const auto milliseconds = timer->Time(**plan);
    if (absl::IsResourceExhausted(milliseconds.status())) {
      exhausted = milliseconds.status();
      continue;
    }
    // Some engines turn out unfit when they are run. After a failure inside a kernel nothing works any more, and the
    // next call that waits for the device says so.
    if (!milliseconds.ok()) {
      NoteFailure(problem, choice.ToString(), milliseconds.status());
      continue;
    }
    ++timed;
    ++counts_.timed;
    if (*milliseconds >= best) continue;
    best = *milliseconds;
    fastest->plan = std::move(*plan);
    fastest->choice = choice.ToString();
  }
  // Want of memory is no want of engines: with less in its place, there may be enough.
  if (fastest->plan == nullptr) RETURN_IF_ERROR(exhausted);
  fastest->all_timed = exhausted.ok();
  return absl::OkStatus();
}

// The fallback list takes cuDNN longer than all the rest, and is never better than the first.
absl::StatusOr<ConvPlanner::Fastest> ConvPlanner::Tune(const ConvProblem& problem, int64_t max_workspace) {
  Fastest fastest;
  std::unique_ptr<ConvTimer> timer;
  for (const auto heuristic : {ConvLibrary::Heuristic::kBest, ConvLibrary::Heuristic::kFallback}) {
    ++counts_.queries;
    ASSIGN_OR_RETURN(const std::vector<ConvChoice> choices, library_->Propose(problem, heuristic));
    if (choices.empty()) continue;
    if (timer == nullptr) {
      ASSIGN_OR_RETURN(timer, timers_(problem));
    }
    RETURN_IF_ERROR(TryAll(problem, choices, max_workspace, timer.get(), &fastest));
    if (fastest.plan != nullptr) break;
  }
  return fastest;
}

void ConvPlanner::NoteFailure(const ConvProblem& problem, const std::string& choice, const absl::Status& why) {
  if (!told_.insert(absl::StrCat(static_cast<int>(problem.pass), " ", choice)).second) return;
  absl::FPrintF(stderr, "cuDNN: %s cannot compute %s: %s; another engine is taken\n", choice, problem.ToString(),
                why.message());
}

}  // namespace hardface::model
