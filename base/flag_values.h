// Flags' values as what they mean; every failure is a UsageError that names flag, value and what is allowed.
#ifndef HARDFACE_BASE_FLAG_VALUES_H_
#define HARDFACE_BASE_FLAG_VALUES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/tool_main.h"

namespace hardface {

// One of several words.
template <typename Value>
absl::Status Choose(absl::string_view flag, const std::string& text,
                    const std::vector<std::pair<std::string, Value>>& choices, Value* value) {
  std::string known;
  for (const auto& [name, choice] : choices) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", name);
    if (text != name) continue;
    *value = choice;
    return absl::OkStatus();
  }
  return UsageError(absl::StrCat("--", flag, "=", text, ": give one of ", known));
}

// A list of positive whole numbers.
template <typename Integer>
absl::Status ParsePositive(absl::string_view flag, const std::vector<std::string>& texts,
                           std::vector<Integer>* values) {
  values->clear();
  for (const std::string& text : texts) {
    Integer value = 0;
    if (!absl::SimpleAtoi(text, &value) || value <= 0) {
      return UsageError(absl::StrCat("--", flag, ": \"", text, "\" is not a positive whole number"));
    }
    values->push_back(value);
  }
  return absl::OkStatus();
}

// LOW <= VALUE <= HIGH; NaN fails.
inline absl::Status RequireRange(absl::string_view flag, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return UsageError(absl::StrCat("--", flag, "=", value, ": give a number from ", low, " to ", high));
}

}  // namespace hardface

#endif  // HARDFACE_BASE_FLAG_VALUES_H_
