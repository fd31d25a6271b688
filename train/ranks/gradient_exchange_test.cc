// Gradients and visits of several ranks put together.
#include "train/ranks/gradient_exchange.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/random.h"
#include "train/ranks/thread_ranks.h"
#include "train/ranks/visit_exchange.h"

namespace hardface::train {
namespace {

std::vector<model::ParameterSpec> Specs() {
  std::vector<model::ParameterSpec> specs;
  for (const auto& [layer, size] : std::map<std::string, int>{{"a", 700}, {"b", 3}, {"c", 1100}}) {
    model::ParameterSpec weight, bias;
    weight.name = layer + ".weight";
    weight.dims = {size};
    bias.name = layer + ".bias";
    bias.dims = {5};
    specs.push_back(weight);
    specs.push_back(bias);
  }
  return specs;
}

// The gradient that pass number PASS of a step adds to NAME: values of very different sizes, so that the order of the
// addends shows in the sum's bits.
void AddGradients(uint64_t step, int pass, model::ParameterSet* to) {
  for (auto& [name, array] : *to) {
    Random random({step, static_cast<uint64_t>(pass), HashText(name)});
    for (float& value : array.values)
      value += static_cast<float>(random.Uniform(-1, 1) * std::pow(10, random.Integer(-4, 4)));
  }
}

// The sums of two steps, done by RANKS ranks of PASSES passes each.
std::vector<model::ParameterSet> SumsOf(int ranks, int passes, Reduction reduction) {
  std::vector<model::ParameterSet> sums[8];
  RunRanks(ranks, [&](Communicator* communicator) {
    GradientExchangeOptions options;
    options.reduction = reduction;
    options.itersize = passes;
    options.bucket_bytes = 1000;
    GradientExchange exchange(Specs(), options, communicator);
    for (uint64_t step = 0; step < 2; ++step) {
      exchange.BeginStep();
      for (int pass = 0; pass < passes; ++pass) {
        AddGradients(step, communicator->rank() * passes + pass, exchange.pass_gradients(pass));
      }
      for (const char* layer : {"c", "b", "a"}) exchange.Complete(layer);
      ASSERT_TRUE(exchange.Finish().ok());
      sums[communicator->rank()].push_back(exchange.gradients());
    }
  });
  for (int rank = 1; rank < ranks; ++rank) {
    for (size_t step = 0; step < 2; ++step) {
      for (const auto& [name, array] : sums[0][step]) {
        EXPECT_EQ(sums[rank][step].at(name).values, array.values) << name << " of rank " << rank;
      }
    }
  }
  return sums[0];
}

TEST(GradientExchangeTest, OrderedSumsAreTheSameBitsForAnySplitOfThePasses) {
  const auto alone = SumsOf(1, 4, Reduction::kOrdered);
  for (const int ranks : {2, 4}) {
    const auto shared = SumsOf(ranks, 4 / ranks, Reduction::kOrdered);
    for (size_t step = 0; step < 2; ++step) {
      for (const auto& [name, array] : alone[step]) EXPECT_EQ(shared[step].at(name).values, array.values) << name;
    }
  }
}

TEST(GradientExchangeTest, FastSumsAgreeToRounding) {
  const auto alone = SumsOf(1, 4, Reduction::kFast);
  for (const int ranks : {2, 4}) {
    const auto shared = SumsOf(ranks, 4 / ranks, Reduction::kFast);
    for (size_t step = 0; step < 2; ++step) {
      for (const auto& [name, array] : alone[step]) {
        for (size_t i = 0; i < array.values.size(); ++i) {
          EXPECT_NEAR(shared[step].at(name).values[i], array.values[i], 0.02) << name << " " << i;
        }
      }
    }
  }
}

TEST(GatherVisitsTest, GivesOneRanksOrder) {
  RunRanks(3, [](Communicator* communicator) {
    std::vector<mining::Visit> mine;
    for (int step = 0; step < 4; ++step) {
      mining::Visit visit;
      visit.sample = step * 3 + communicator->rank();
      visit.entry = 100 + visit.sample;
      visit.scale = 0.1 * step;
      visit.difficulty = {0.25f, 7, step};
      if (communicator->rank() == 1) visit.difficulty.wpas.reset();
      mine.push_back(visit);
    }
    const auto all = GatherVisits(mine, communicator);
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ(all->size(), 12u);
    for (size_t i = 0; i < all->size(); ++i) {
      const mining::Visit& visit = (*all)[i];
      EXPECT_EQ(visit.sample, static_cast<int64_t>(i));
      EXPECT_EQ(visit.entry, 100 + visit.sample);
      EXPECT_EQ(visit.scale, 0.1 * static_cast<double>(i / 3));
      EXPECT_EQ(visit.difficulty.wpas.has_value(), i % 3 != 1);
      EXPECT_EQ(visit.difficulty.positives, 7);
      EXPECT_EQ(visit.difficulty.iteration, static_cast<int64_t>(i / 3));
    }
  });
}

TEST(RequireSameOnAllRanksTest, NamesTheRankAndTheLineThatDiffers) {
  RunRanks(3, [](Communicator* communicator) {
    const std::string text = communicator->rank() == 2 ? "--batch=2\n--seed=9" : "--batch=2\n--seed=1";
    const std::string message(RequireSameOnAllRanks("settings", text, communicator).message());
    EXPECT_NE(message.find("rank 2 has \"--seed=9\""), std::string::npos) << message;
    EXPECT_TRUE(RequireSameOnAllRanks("settings", "same", communicator).ok());
  });
}

}  // namespace
}  // namespace hardface::train
