#include "eval/common/kuhn_assignment.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

namespace hardface::eval {
namespace {

constexpr double kEpsilon = 1e-15;  // the tool's own
// Each change pairs a row or shrinks a dual; rounding must not keep it going for ever.
constexpr int kMaxDualChanges = 1'000'000;

// At most as many rows as columns.
class KuhnSolver {
 public:
  KuhnSolver(absl::Span<const double* const> weights, int columns)
      : weights_(weights),
        rows_(static_cast<int>(weights.size())),
        columns_(columns),
        row_dual_(rows_, 0),
        column_dual_(columns_, 0),
        tight_(static_cast<size_t>(rows_) * columns_),
        tight_in_column_(columns_),
        column_of_(rows_, -1),
        row_of_(columns_, -1),
        found_from_(rows_, -1) {}

  std::vector<double> Solve() {
    const bool rows_first = InitialCover();
    UpdateTight();
    InitialPairs(rows_first);
    do {
      while (Augment()) {
      }
    } while (++dual_changes_ < kMaxDualChanges && ChangeDuals());
    std::vector<double> pairs;
    for (int i = 0; i < rows_; ++i) {
      const double weight = weights_[i][std::max(column_of_[i], 0)];
      if (weight > 0) pairs.push_back(weight);
    }
    return pairs;
  }

 private:
  // The duals are the maxima of the rows or of the columns, whichever sum is less.
  bool InitialCover() {
    std::vector<double> row_best(rows_, 0), column_best(columns_, 0);
    for (int i = 0; i < rows_; ++i) {
      for (int j = 0; j < columns_; ++j) {
        row_best[i] = std::max(row_best[i], weights_[i][j]);
        column_best[j] = std::max(column_best[j], weights_[i][j]);
      }
    }
    const bool rows_first = std::accumulate(row_best.begin(), row_best.end(), 0.0) <=
                            std::accumulate(column_best.begin(), column_best.end(), 0.0);
    (rows_first ? row_dual_ : column_dual_) = rows_first ? row_best : column_best;
    return rows_first;
  }

  size_t Index(int i, int j) const { return static_cast<size_t>(i) * columns_ + j; }
  bool IsTight(int i, int j) const { return tight_[Index(i, j)] != 0; }
  double Slack(int i, int j) const { return row_dual_[i] + column_dual_[j] - weights_[i][j]; }

  void Pair(int i, int j) {
    column_of_[i] = j;
    row_of_[j] = i;
  }

  // Pairs whose slack has become positive are given up.
  void UpdateTight() {
    std::fill(tight_in_column_.begin(), tight_in_column_.end(), 0);
    for (int i = 0; i < rows_; ++i) {
      const double* const weights = weights_[i];
      const double row_dual = row_dual_[i];
      uint8_t* const tight = &tight_[Index(i, 0)];
      for (int j = 0; j < columns_; ++j) {
        tight[j] = std::fabs(row_dual + column_dual_[j] - weights[j]) < kEpsilon;
        tight_in_column_[j] += tight[j];
      }
      const int paired = column_of_[i];
      if (paired < 0 || tight[paired]) continue;
      column_of_[i] = -1;
      row_of_[paired] = -1;
    }
  }

  void InitialPairs(bool rows_first) {
    const int outer = rows_first ? rows_ : columns_, inner = rows_first ? columns_ : rows_;
    for (int a = 0; a < outer; ++a) {
      for (int b = 0; b < inner; ++b) {
        const int i = rows_first ? a : b, j = rows_first ? b : a;
        if (!IsTight(i, j) || column_of_[i] >= 0 || row_of_[j] >= 0) continue;
        Pair(i, j);
        break;
      }
    }
  }

  // Routine I: an alternating path of tight pairs from a free column to a free row. Rows that are reached are
  // essential.
  bool Augment() {
    std::fill(found_from_.begin(), found_from_.end(), -1);
    std::vector<int> queue;
    for (int j = 0; j < columns_; ++j) {
      if (row_of_[j] < 0 && tight_in_column_[j] > 0) queue.push_back(j);
    }
    for (size_t k = 0; k < queue.size(); ++k) {
      const int j = queue[k];
      for (int i = 0; i < rows_; ++i) {
        if (!IsTight(i, j) || found_from_[i] >= 0) continue;
        found_from_[i] = j;
        if (column_of_[i] < 0) {
          Flip(i);
          return true;
        }
        queue.push_back(column_of_[i]);
      }
    }
    return false;
  }

  void Flip(int i) {
    while (i >= 0) {
      const int j = found_from_[i];
      const int next = row_of_[j];
      Pair(i, j);
      i = next;
    }
  }

  // Rows and columns that cover the tight pairs: rows that the last search reached, and the columns of pairs whose row
  // it did not reach.
  struct Cover {
    std::vector<uint8_t> rows, columns;
  };
  Cover FindCover() const {
    Cover cover{std::vector<uint8_t>(rows_), std::vector<uint8_t>(columns_)};
    for (int i = 0; i < rows_; ++i) cover.rows[i] = found_from_[i] >= 0;
    for (int j = 0; j < columns_; ++j) cover.columns[j] = row_of_[j] >= 0 && !cover.rows[row_of_[j]];
    return cover;
  }

  // The least slack of the pairs outside the cover, by which the duals may change; 0 where there is none.
  double LeastSlack(const Cover& cover) const {
    double least = 0;
    for (int i = 0; i < rows_; ++i) {
      if (cover.rows[i]) continue;
      for (int j = 0; j < columns_; ++j) {
        if (cover.columns[j]) continue;
        const double slack = Slack(i, j);
        if (std::fabs(least) < kEpsilon || (slack > -kEpsilon && slack < least)) least = slack;
      }
    }
    return least;
  }

  // Lowers the duals that are not covered by STEP, or by as much as leaves none below 0, and raises the covered ones of
  // the other side as much. The step taken.
  static double MoveDuals(double step, const std::vector<uint8_t>& covered, std::vector<double>* lowered,
                          const std::vector<uint8_t>& other_covered, std::vector<double>* raised) {
    for (size_t k = 0; k < lowered->size(); ++k) {
      if (!covered[k]) step = std::min(step, (*lowered)[k]);
    }
    for (size_t k = 0; k < lowered->size(); ++k) (*lowered)[k] -= covered[k] ? 0 : step;
    for (size_t k = 0; k < raised->size(); ++k) (*raised)[k] += other_covered[k] ? step : 0;
    return step;
  }

  // Routine II: makes a further pair tight. False: done. The duals of the columns fall once a row's dual is 0, until
  // then those of the rows.
  bool ChangeDuals() {
    const Cover cover = FindCover();
    const double wanted = LeastSlack(cover);
    if (std::fabs(wanted) < kEpsilon) return false;
    const bool columns_fall = std::find(row_dual_.begin(), row_dual_.end(), 0.0) != row_dual_.end();
    const double step = columns_fall ? MoveDuals(wanted, cover.columns, &column_dual_, cover.rows, &row_dual_)
                                     : MoveDuals(wanted, cover.rows, &row_dual_, cover.columns, &column_dual_);
    UpdateTight();
    // A step of 0 changes nothing: the tool would go on for ever; for us it ends there.
    return step != 0 || wanted == 0;
  }

  const absl::Span<const double* const> weights_;
  int dual_changes_ = 0;
  const int rows_, columns_;
  std::vector<double> row_dual_, column_dual_;
  std::vector<uint8_t> tight_;           // [row][column], one after another: the duals sum to the pair's weight
  std::vector<int> tight_in_column_;     // how many
  std::vector<int> column_of_, row_of_;  // the pairs; -1: none
  std::vector<int> found_from_;          // the column from which Routine I reached a row; -1: not reached
};

// What the method comes to for a single row: it is paired with the first column that is tight at the row's maximum, and
// no change of duals takes it away (each is one subtraction and one addition of the same step, far within kEpsilon).
std::vector<double> BestOfRow(const double* row, int columns) {
  const double best = *std::max_element(row, row + columns);
  const double* const first =
      std::find_if(row, row + columns, [best](double weight) { return std::fabs(best - weight) < kEpsilon; });
  return *first > 0 ? std::vector<double>{*first} : std::vector<double>{};
}

}  // namespace

std::vector<double> KuhnPairWeights(absl::Span<const double* const> weights, int detections) {
  if (weights.empty() || detections == 0) return {};
  if (weights.size() == 1) return BestOfRow(weights[0], detections);
  if (static_cast<int>(weights.size()) <= detections) return KuhnSolver(weights, detections).Solve();
  const int faces = static_cast<int>(weights.size());
  std::vector<double> transposed;
  for (int j = 0; j < detections; ++j) {
    for (int i = 0; i < faces; ++i) transposed.push_back(weights[i][j]);
  }
  std::vector<const double*> rows;
  for (int j = 0; j < detections; ++j) rows.push_back(&transposed[static_cast<size_t>(j) * faces]);
  return KuhnSolver(rows, faces).Solve();
}

std::vector<double> KuhnPairWeights(const std::vector<std::vector<double>>& weights) {
  std::vector<const double*> rows;
  for (const std::vector<double>& row : weights) rows.push_back(row.data());
  return KuhnPairWeights(rows, weights.empty() ? 0 : static_cast<int>(weights[0].size()));
}

}  // namespace hardface::eval
