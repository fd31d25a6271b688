// How alike two words are, for messages that guess what was meant.
#ifndef HARDFACE_BASE_EDIT_DISTANCE_H_
#define HARDFACE_BASE_EDIT_DISTANCE_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace hardface {

// How many letters must be put in, taken out or replaced to make B of A (Levenshtein).
inline size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace hardface

#endif  // HARDFACE_BASE_EDIT_DISTANCE_H_
