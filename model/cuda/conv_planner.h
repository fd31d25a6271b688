// Chooses how convolutions are computed. The heuristics of cuDNN take some 12 ms of the CPU for each problem, and
// trying what they propose takes longer; pictures of many sizes make thousands of problems. So they are asked once for
// each size class (ConvProblem::SizeClass), the fastest engine is remembered with its knobs, and plans for all other
// problems of the class are made from that directly, in 0.1 to 0.25 ms.
#ifndef HARDFACE_MODEL_CUDA_CONV_PLANNER_H_
#define HARDFACE_MODEL_CUDA_CONV_PLANNER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/cuda/conv_plan.h"
#include "model/cuda/conv_problem.h"
#include "model/cuda/plan_cache.h"

namespace hardface::model {

// The workspace in bytes that a convolution may take where nobody says otherwise: enough for every engine that is fast
// here.
inline constexpr int64_t kMaxConvWorkspace = int64_t{1} << 30;

// What planning has cost so far.
struct ConvPlannerCounts {
  int64_t queries = 0;  // of the library's heuristics
  int64_t timed = 0;    // plans
  int64_t built = 0;    // plans, those timed included
};

// One thread at a time.
class ConvPlanner {
 public:
  using TimerFactory = std::function<absl::StatusOr<std::unique_ptr<ConvTimer>>(const ConvProblem&)>;

  // CACHE holds what earlier processes chose; KEY_PREFIX names what a choice depends on beside the problem.
  ConvPlanner(std::unique_ptr<ConvLibrary> library, TimerFactory timers, std::shared_ptr<PlanCache> cache,
              std::string key_prefix)
      : library_(std::move(library)),
        timers_(std::move(timers)),
        cache_(std::move(cache)),
        key_prefix_(std::move(key_prefix)) {}

  // The plan for PROBLEM that takes at most MAX_WORKSPACE bytes; equal problems get the same one as long as somebody
  // holds it. Null where the library has no engine, as for some fused graphs. ResourceExhausted where there is too
  // little device memory to time engines with.
  absl::StatusOr<std::shared_ptr<const ConvPlan>> Get(const ConvProblem& problem, int64_t max_workspace);

  const ConvPlannerCounts& counts() const { return counts_; }

 private:
  struct Fastest {
    std::shared_ptr<const ConvPlan> plan;  // null where no engine works
    std::string choice;
    bool all_timed = true;  // none was left out for want of memory
  };

  absl::StatusOr<std::unique_ptr<ConvPlan>> Build(const ConvProblem& problem, const ConvChoice& choice);
  // The plan of a remembered CHOICE; null where it cannot be made for PROBLEM.
  std::shared_ptr<const ConvPlan> BuildKnown(const ConvProblem& problem, const std::string& choice,
                                             int64_t max_workspace);
  absl::Status TryAll(const ConvProblem& problem, const std::vector<ConvChoice>& choices, int64_t max_workspace,
                      ConvTimer* timer, Fastest* fastest);
  absl::StatusOr<Fastest> Tune(const ConvProblem& problem, int64_t max_workspace);
  absl::StatusOr<std::shared_ptr<const ConvPlan>> Choose(const ConvProblem& problem, int64_t max_workspace);
  // Says once for each engine and pass that it failed.
  void NoteFailure(const ConvProblem& problem, const std::string& choice, const absl::Status& why);

  const std::unique_ptr<ConvLibrary> library_;
  const TimerFactory timers_;
  const std::shared_ptr<PlanCache> cache_;
  const std::string key_prefix_;
  std::map<std::string, std::weak_ptr<const ConvPlan>> plans_;  // by problem and workspace
  std::set<std::string> told_;
  ConvPlannerCounts counts_;
};

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_CUDA_CONV_PLANNER_H_
