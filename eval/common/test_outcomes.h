// Outcomes for tests of what is made of them.
#ifndef HARDFACE_EVAL_COMMON_TEST_OUTCOMES_H_
#define HARDFACE_EVAL_COMMON_TEST_OUTCOMES_H_

#include <string>

#include "eval/common/outcome_set.h"

namespace hardface::eval {

// IMAGES images of one face each; the first FOUND of them are found, at falling scores: AP is their share.
inline Outcomes FirstFound(int images, int found) {
  Outcomes outcomes;
  OutcomeSet set;
  set.name = "ap";
  for (int i = 0; i < images; ++i) {
    outcomes.images.push_back("image " + std::to_string(i));
    set.ranking.faces.push_back(1);
    if (i < found) set.ranking.outcomes.push_back({1.0 - 0.001 * i, i, 1, 0});
  }
  outcomes.sets.push_back(set);
  return outcomes;
}

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_TEST_OUTCOMES_H_
