// Outcome sets: a scorer's rankings with what is read off them, so that figures can be computed again with images
// weighted otherwise. Bootstrap and comparison work on them; outcomes.jsonl holds them on disk.
#ifndef HARDFACE_EVAL_COMMON_OUTCOME_SET_H_
#define HARDFACE_EVAL_COMMON_OUTCOME_SET_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/common/ranking.h"

namespace hardface::eval {

struct OutcomeSet {
  std::string name;  // of the metric: "hard", "discrete_at_1000"
  Ties ties = Ties::kApart;
  double false_positives = 0;  // the metric is the rate at so many; 0: the metric is AP
  Ranking ranking;
};

// The metric, each image counting WEIGHTS[image] times (empty: once).
double Evaluate(const OutcomeSet& set, absl::Span<const int> weights = {});

struct Outcomes {
  std::vector<std::string> images;  // what Outcome::image is an index to
  std::vector<OutcomeSet> sets;
};

// outcomes.jsonl: a header {"format":"hardface.outcomes","version":2,"sets":[{"name","ties","false_positives"},..]},
// then one line an image:
//   {"image":"..","sets":[{"faces":3,"steps":[[score,true_positives,false_positives,rank],..]},..]}
// "rank" is the step's place, from 0, in the scorer's ranking of all images together: protocols order equal scores in
// their own ways (face_eval by the lines of the detections' file), and AP depends on that order.
std::string OutcomesToJsonl(const Outcomes& outcomes);
// PATH: that file, or a folder with one.
absl::StatusOr<Outcomes> ReadOutcomes(const std::string& path);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_OUTCOME_SET_H_
