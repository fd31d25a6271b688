// Several ranks with a device each, on devices that are the CPU (model/cuda/emulation).
#include <gtest/gtest.h>

#include "train/ranks/thread_ranks.h"
#include "train/run/small_training.h"
#include "train/run/trainer.h"

namespace hardface::train {
namespace {

TEST(EmulatedRanksTest, RanksTakeTheStepsOfOneRank) {
  const std::string dataset = MakeSquares("emulated_ranks", 7);
  const auto weights_of = [&](const std::string& output, int ranks, bool cuda) {
    TrainerOptions options = SmallTraining(dataset, output, 5);
    options.step.solver.kind = SolverOptions::Kind::kSgd;
    options.step.solver.schedule.base = 0.001;
    options.step.targets.hard_negative_share = 1;
    options.hard_negatives_at_start = 1;
    options.step.batch = 1;
    options.step.itersize = 4 / ranks;
    options.step.bucket_bytes = 20000;  // several buckets a step
    options.checkpoint_every = 5;
    options.precision = model::Precision::kFp32;
    RunRanks(ranks, [&](Communicator* communicator) {
      TrainerOptions own = options;
      if (cuda) own.device = {model::Device::Kind::kCuda, communicator->rank()};
      const absl::Status status = Train(own, communicator);
      EXPECT_TRUE(status.ok()) << status;
    });
    return WeightsOf(options.output);
  };
  const model::ParameterSet expected = weights_of("cpu", 1, /*cuda=*/false);
  for (const int ranks : {1, 2}) {
    const model::ParameterSet actual = weights_of("cuda" + std::to_string(ranks), ranks, /*cuda=*/true);
    ASSERT_EQ(actual.size(), expected.size());
    for (const auto& [name, array] : expected) {
      for (size_t i = 0; i < array.values.size(); ++i) {
        ASSERT_NEAR(actual.at(name).values[i], array.values[i], 1e-4) << ranks << " ranks, " << name << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace hardface::train
