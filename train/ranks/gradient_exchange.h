// Sums the gradients of all ranks and passes of a step, layer by layer while the backward pass goes on.
#ifndef HARDFACE_TRAIN_RANKS_GRADIENT_EXCHANGE_H_
#define HARDFACE_TRAIN_RANKS_GRADIENT_EXCHANGE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/weights/parameters.h"
#include "train/ranks/communicator.h"

namespace hardface::train {

enum class Reduction {
  kFast,     // each rank sums its passes, then the ranks' sums are added in the communicator's order
  kOrdered,  // the passes of all ranks are added one after another: N ranks of M passes give the bits of 1 rank of N x
             // M
};

inline std::vector<std::pair<std::string, Reduction>> FlagChoices(Reduction) {
  return {{"fast", Reduction::kFast}, {"ordered", Reduction::kOrdered}};
}

struct GradientExchangeOptions {
  Reduction reduction = Reduction::kFast;
  int itersize = 1;                         // of a step, on each rank
  int64_t bucket_bytes = int64_t{4} << 20;  // gradients travel in buckets of at least this size
};

// A step: BeginStep(); for each pass, Backward into pass_gradients(pass), calling Complete() for every layer during the
// last one; Finish(). Then gradients() holds the sum over all ranks and passes.
class GradientExchange {
 public:
  GradientExchange(const std::vector<model::ParameterSpec>& specs, const GradientExchangeOptions& options,
                   Communicator* communicator);

  void BeginStep();
  // Where to add the gradients of a pass, 0 .. passes - 1.
  model::ParameterSet* pass_gradients(int pass);
  // The last pass adds nothing more to LAYER's parameters.
  void Complete(const std::string& layer);
  absl::Status Finish();

  const model::ParameterSet& gradients() const { return sums_; }

 private:
  struct Bucket {
    std::vector<std::string> names;     // of parameters, in the order they were completed
    int64_t count = 0;                  // floats of all of them
    std::vector<float> sent, received;  // kFast: sent is also what comes back
  };

  bool exchanges() const { return options_.reduction == Reduction::kOrdered || communicator_->size() > 1; }
  void StartBucket(Bucket* bucket);
  void FinishBucket(Bucket* bucket);

  const GradientExchangeOptions options_;
  Communicator* const communicator_;
  model::ParameterSet sums_;
  std::vector<model::ParameterSet> of_passes_;  // kOrdered
  std::vector<Bucket> buckets_;                 // kept from step to step, so that nothing is allocated
  size_t open_ = 0;                             // the bucket being filled
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RANKS_GRADIENT_EXCHANGE_H_
