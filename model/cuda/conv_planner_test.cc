// How often cuDNN is asked, over pictures of many sizes, with a library that counts.
#include "model/cuda/conv_planner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/cuda/conv_plan.h"
#include "model/cuda/conv_problem.h"
#include "model/cuda/plan_cache.h"

namespace hardface::model {
namespace {

class FakePlan : public ConvPlan {
 public:
  FakePlan(int64_t engine, int64_t workspace_bytes) : engine(engine), workspace_bytes_(workspace_bytes) {}
  int64_t workspace_bytes() const override { return workspace_bytes_; }
  std::unique_ptr<ConvCall> NewCall() const override { return nullptr; }

  const int64_t engine;

 private:
  const int64_t workspace_bytes_;
};

// What a test wants of the library; engines are fast in the order of their numbers.
struct Behaviour {
  std::vector<ConvChoice> best = {{7, {{0, 2}, {12, 1}}}, {3, {}}, {9, {}}};
  std::vector<ConvChoice> fallback = {{1, {}}};
  std::set<int64_t> unfit;                // Build() fails
  std::set<int64_t> unfit_above;          // Build() fails for more than 10000 pixels
  std::set<int64_t> fails_when_run;       // Time() fails
  std::set<int64_t> too_large_to_time;    // Time() is ResourceExhausted
  std::map<int64_t, int64_t> workspaces;  // bytes
  std::vector<ConvLibrary::Heuristic> asked;
};

class FakeLibrary : public ConvLibrary {
 public:
  explicit FakeLibrary(Behaviour* behaviour) : behaviour_(behaviour) {}
  absl::StatusOr<std::vector<ConvChoice>> Propose(const ConvProblem&, Heuristic heuristic) override {
    behaviour_->asked.push_back(heuristic);
    return heuristic == Heuristic::kBest ? behaviour_->best : behaviour_->fallback;
  }
  absl::StatusOr<std::unique_ptr<ConvPlan>> Build(const ConvProblem& problem, const ConvChoice& choice) override {
    const bool large = problem.pixels() > 10000;
    if (behaviour_->unfit.count(choice.engine) != 0 || (large && behaviour_->unfit_above.count(choice.engine) != 0)) {
      return absl::UnimplementedError("not for this");
    }
    return std::make_unique<FakePlan>(choice.engine, behaviour_->workspaces[choice.engine]);
  }

 private:
  Behaviour* const behaviour_;
};

class FakeTimer : public ConvTimer {
 public:
  explicit FakeTimer(const Behaviour& behaviour) : behaviour_(behaviour) {}
  absl::StatusOr<float> Time(const ConvPlan& plan) override {
    const int64_t engine = static_cast<const FakePlan&>(plan).engine;
    if (behaviour_.fails_when_run.count(engine) != 0) return absl::InternalError("unfit");
    if (behaviour_.too_large_to_time.count(engine) != 0) return absl::ResourceExhaustedError("too large");
    return static_cast<float>(engine);
  }

 private:
  const Behaviour& behaviour_;
};

class ConvPlannerTest : public ::testing::Test {
 protected:
  std::unique_ptr<ConvPlanner> NewPlanner(const std::string& prefix = "a GPU: ") {
    return std::make_unique<ConvPlanner>(
        std::make_unique<FakeLibrary>(&behaviour_),
        [this](const ConvProblem&) -> absl::StatusOr<std::unique_ptr<ConvTimer>> {
          return std::make_unique<FakeTimer>(behaviour_);
        },
        cache_, prefix);
  }
  static ConvProblem Problem(int h, int w) {
    ConvProblem problem;
    problem.pass = ConvPass::kForwardBiasRelu;
    problem.n = 1;
    problem.h = h;
    problem.w = w;
    problem.in_channels = problem.out_channels = 64;
    return problem;
  }
  static int64_t EngineOf(ConvPlanner* planner, const ConvProblem& problem, int64_t workspace = kMaxConvWorkspace) {
    const auto plan = planner->Get(problem, workspace);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() && *plan != nullptr ? static_cast<const FakePlan&>(**plan).engine : -1;
  }

  Behaviour behaviour_;
  const std::shared_ptr<PlanCache> cache_ = PlanCache::Open("");
};

TEST_F(ConvPlannerTest, TheFastestEngineIsTakenAndTheFallbackListIsNotAskedFor) {
  const auto planner = NewPlanner();
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80)), 3);
  EXPECT_EQ(behaviour_.asked, std::vector<ConvLibrary::Heuristic>{ConvLibrary::Heuristic::kBest});
}

TEST_F(ConvPlannerTest, ManySizesCostOneQueryForEachSizeClass) {
  const auto planner = NewPlanner();
  std::vector<std::shared_ptr<const ConvPlan>> held;
  std::set<std::string> problems, classes;
  // Short sides as a pyramid has them, and the ratios of photographs.
  for (const int side : {100, 300, 600, 1000, 1400}) {
    for (double ratio = 0.66; ratio < 1.8; ratio += 0.02) {
      const ConvProblem problem = Problem(side / 16 * 2, static_cast<int>(side * ratio) / 16 * 2);
      problems.insert(problem.ToString());
      classes.insert(problem.SizeClass());
      const auto plan = planner->Get(problem, kMaxConvWorkspace);
      ASSERT_TRUE(plan.ok()) << plan.status();
      held.push_back(*plan);
    }
  }
  ASSERT_GT(problems.size(), 150u);
  EXPECT_LT(classes.size(), 20u);
  EXPECT_EQ(planner->counts().queries, static_cast<int64_t>(classes.size()));
  // One plan a problem, beside those that were timed.
  EXPECT_EQ(planner->counts().built - planner->counts().timed, static_cast<int64_t>(problems.size() - classes.size()));
}

TEST_F(ConvPlannerTest, EqualProblemsShareOnePlanAsLongAsItIsHeld) {
  const auto planner = NewPlanner();
  auto first = *planner->Get(Problem(80, 80), kMaxConvWorkspace);
  EXPECT_EQ(first, *planner->Get(Problem(80, 80), kMaxConvWorkspace));
  EXPECT_NE(first, *planner->Get(Problem(80, 88), kMaxConvWorkspace));
  const int64_t built = planner->counts().built;
  first = nullptr;
  ASSERT_TRUE(planner->Get(Problem(80, 80), kMaxConvWorkspace).ok());
  EXPECT_EQ(planner->counts().built, built + 1) << "nobody holds it, so it is made again, without a query";
  EXPECT_EQ(planner->counts().queries, 1);
}

TEST_F(ConvPlannerTest, AnotherProcessAsksNothing) {
  EXPECT_EQ(EngineOf(NewPlanner().get(), Problem(80, 80)), 3);
  const auto other = NewPlanner();
  EXPECT_EQ(EngineOf(other.get(), Problem(80, 80)), 3);
  EXPECT_EQ(other->counts().queries, 0);
  const auto elsewhere = NewPlanner("another driver: ");
  EXPECT_EQ(EngineOf(elsewhere.get(), Problem(80, 80)), 3);
  EXPECT_EQ(elsewhere->counts().queries, 1);
}

TEST_F(ConvPlannerTest, WhereTheFirstListIsEmptyOrUnfitTheSecondIsAsked) {
  behaviour_.unfit = {7, 3};
  behaviour_.fails_when_run = {9};
  const auto planner = NewPlanner();
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80)), 1);
  EXPECT_EQ(planner->counts().queries, 2);
}

TEST_F(ConvPlannerTest, ThatThereIsNoEngineIsRememberedToo) {
  behaviour_.best = behaviour_.fallback = {};
  const auto planner = NewPlanner();
  for (int run = 0; run < 3; ++run) EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80 + 2 * run)), -1);
  EXPECT_EQ(planner->counts().queries, 2);
}

TEST_F(ConvPlannerTest, AProblemThatItsClassesEngineCannotComputeGetsItsOwn) {
  behaviour_.unfit_above = {3};
  const auto planner = NewPlanner();
  ASSERT_EQ(Problem(80, 120).SizeClass(), Problem(100, 101).SizeClass());
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 120)), 3);
  EXPECT_EQ(EngineOf(planner.get(), Problem(100, 101)), 7);
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 122)), 3) << "the class keeps its choice";
  EXPECT_EQ(planner->counts().queries, 2);
  EXPECT_EQ(EngineOf(planner.get(), Problem(100, 101)), 7);
  EXPECT_EQ(planner->counts().queries, 2);
}

TEST_F(ConvPlannerTest, ALimitOfWorkspaceIsKeptAndDoesNotChangeTheChoiceWithout) {
  behaviour_.workspaces = {{3, 1000}, {7, 10}};
  const auto planner = NewPlanner();
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80), /*workspace=*/500), 7);
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80)), 3);
}

TEST_F(ConvPlannerTest, WantOfMemoryIsNotRemembered) {
  behaviour_.too_large_to_time = {3};
  const auto planner = NewPlanner();
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80)), 7);
  behaviour_.too_large_to_time = {};
  EXPECT_EQ(EngineOf(planner.get(), Problem(80, 80)), 3);
  behaviour_.too_large_to_time = {1, 3, 7, 9};
  EXPECT_EQ(planner->Get(Problem(10, 10), kMaxConvWorkspace).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ConvPlannerTest, AFailureIsToldOnce) {
  behaviour_.unfit = {3};
  const auto planner = NewPlanner();
  ::testing::internal::CaptureStderr();
  for (const int side : {10, 100, 1000}) EXPECT_EQ(EngineOf(planner.get(), Problem(side, side)), 7);
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("engine 3"), std::string::npos) << told;
  EXPECT_EQ(told.find("engine 3"), told.rfind("engine 3")) << told;
}

TEST(ConvProblemTest, SizeClassesAreStepsOfTheSquareRootOfTwo) {
  ConvProblem problem;
  problem.n = problem.h = 1;
  std::string last;
  int classes = 0;
  for (problem.w = 1024; problem.w < 4096; ++problem.w) {
    if (problem.SizeClass() == last) continue;
    EXPECT_NEAR(problem.w, 1024 * std::pow(2, 0.5 * classes), 1) << problem.SizeClass();
    last = problem.SizeClass();
    ++classes;
  }
  EXPECT_EQ(classes, 4);
  ConvProblem other = problem;
  other.dilation = 2;
  EXPECT_NE(problem.SizeClass(), other.SizeClass());
}

TEST(ConvChoiceTest, ComesBackFromItsText) {
  for (const ConvChoice& choice : {ConvChoice{57, {{0, 3}, {12, -1}}}, ConvChoice{0, {}}}) {
    const auto back = ConvChoice::Parse(choice.ToString());
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->engine, choice.engine);
    EXPECT_EQ(back->knobs, choice.knobs);
  }
  for (const char* text : {"", "a3:engine57", "engine x knobs", "engine 1", "engine 1 knobs 2", "engine 1 knobs 2=y"}) {
    EXPECT_EQ(ConvChoice::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace hardface::model
