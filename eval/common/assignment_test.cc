#include "eval/common/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "eval/common/kuhn_assignment.h"

namespace hardface::eval {
namespace {

using Matrix = std::vector<std::vector<double>>;  // [detection][face]

double TotalOf(const Assignment& assignment) {
  double total = 0;
  for (size_t face = 0; face < assignment.partners().size(); ++face)
    total += assignment.PairWeight(static_cast<int>(face));
  return total;
}

// Tries every way to give each face a detection or none.
double BestTotal(const Matrix& weights, size_t face, std::vector<bool>* used) {
  if (face == weights[0].size()) return 0;
  double best = BestTotal(weights, face + 1, used);
  for (size_t j = 0; j < weights.size(); ++j) {
    if ((*used)[j]) continue;
    (*used)[j] = true;
    best = std::max(best, weights[j][face] + BestTotal(weights, face + 1, used));
    (*used)[j] = false;
  }
  return best;
}

TEST(Assignment, MovesAnEarlierDetectionWhenTheTotalGrows) {
  Assignment assignment(2);
  assignment.Add({0.9, 0.6});
  EXPECT_EQ(assignment.partners(), (std::vector<int>{0, -1}));
  assignment.Add({0.8, 0});
  EXPECT_EQ(assignment.partners(), (std::vector<int>{1, 0}));  // 0.8 + 0.6 > 0.9
}

TEST(Assignment, DropsADetectionForABetterOne) {
  Assignment assignment(1);
  assignment.Add({0.3});
  assignment.Add({0.2});
  EXPECT_EQ(assignment.partners(), std::vector<int>{0});
  assignment.Add({0.4});
  EXPECT_EQ(assignment.partners(), std::vector<int>{2});
}

TEST(Assignment, IsTheMaximumAfterEveryDetection) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random({seed});
    const int faces = random.Integer(1, 4);
    Assignment assignment(faces);
    Matrix weights;
    for (int j = 0; j < 6; ++j) {
      weights.emplace_back();
      for (int face = 0; face < faces; ++face) weights.back().push_back(random.Chance(0.4) ? 0 : random.Uniform());
      assignment.Add(weights.back());
      std::vector<bool> used(weights.size(), false);
      ASSERT_NEAR(TotalOf(assignment), BestTotal(weights, 0, &used), 1e-9) << "seed " << seed << ", detection " << j;
    }
  }
}

double KuhnTotal(const Matrix& by_face) {
  const std::vector<double> pairs = KuhnPairWeights(by_face);
  return std::accumulate(pairs.begin(), pairs.end(), 0.0);
}

TEST(KuhnAssignment, NeverExceedsTheMaximum) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random({seed});
    const int faces = random.Integer(1, 4), detections = random.Integer(1, 6);
    Matrix by_face(faces, std::vector<double>(detections)), by_detection(detections, std::vector<double>(faces));
    for (int i = 0; i < faces; ++i) {
      for (int j = 0; j < detections; ++j) by_face[i][j] = by_detection[j][i] = random.Uniform(0.1, 1);
    }
    std::vector<bool> used(detections, false);
    ASSERT_LE(KuhnTotal(by_face), BestTotal(by_detection, 0, &used) + 1e-9) << "seed " << seed;
    Assignment assignment(faces);
    for (const std::vector<double>& weights : by_detection) assignment.Add(weights);
    ASSERT_NEAR(TotalOf(assignment), BestTotal(by_detection, 0, &used), 1e-9);
  }
}

TEST(KuhnAssignment, StopsShortWhereTheOfficialToolDoes) {
  // A pattern met in FDDB: face 4 could be paired with detection 6 (0.0529), but the official curves lack that pair.
  const Matrix by_face = {{.7979, 0, 0, 0, 0, 0, 0},         {0, .7704, 0, 0, .1326, 0, 0},
                          {0, 0, 0, 0, 0, .7646, 0},         {0, 0, .1457, .7174, 0, 0, .2010},
                          {0, 0, .4403, .0813, 0, 0, .0529}, {0, 0, .6444, .0829, 0, 0, .0059}};
  EXPECT_NEAR(KuhnTotal(by_face), .7979 + .7704 + .7646 + .7174 + .6444, 1e-12);
}

TEST(KuhnAssignment, OneFaceGetsWhatTheWholeMethodGives) {
  // A matrix of one column is solved by the whole method, one of one row by its outcome: they must agree to the bit,
  // with weights that differ by rounding only and with equal ones too.
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random({seed, 77});
    Matrix row(1), column;
    for (int i = random.Integer(2, 12); i > 0; --i) {
      double weight = random.Integer(1, 5) / 7.0;
      for (int k = random.Integer(0, 6); k > 0; --k) weight = std::nextafter(weight, 1);
      row[0].push_back(weight);
      column.push_back({weight});
    }
    ASSERT_EQ(KuhnPairWeights(row), KuhnPairWeights(column)) << "seed " << seed;
  }
}

TEST(KuhnAssignment, TakesEmptyAndTallMatrices) {
  EXPECT_EQ(KuhnTotal({}), 0);
  EXPECT_EQ(KuhnTotal({{}}), 0);
  EXPECT_DOUBLE_EQ(KuhnTotal({{0.5}, {0.7}, {0.6}}), 0.7);
}

}  // namespace
}  // namespace hardface::eval
