#include "model/cuda/conv_plan.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hardface::model {

std::string ConvChoice::ToString() const {
  std::string text = absl::StrCat("engine ", engine, " knobs");
  for (const auto& [type, value] : knobs) absl::StrAppend(&text, " ", type, "=", value);
  return text;
}

absl::StatusOr<ConvChoice> ConvChoice::Parse(const std::string& text) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is no choice of an engine, such as \"engine 57 knobs 0=3 12=1\""));
  const std::vector<std::string> words = absl::StrSplit(text, ' ');
  ConvChoice choice;
  if (words.size() < 3 || words[0] != "engine" || words[2] != "knobs" || !absl::SimpleAtoi(words[1], &choice.engine)) {
    return wrong;
  }
  for (size_t i = 3; i < words.size(); ++i) {
    const std::vector<std::string> sides = absl::StrSplit(words[i], '=');
    std::pair<int64_t, int64_t> knob;
    if (sides.size() != 2 || !absl::SimpleAtoi(sides[0], &knob.first) || !absl::SimpleAtoi(sides[1], &knob.second)) {
      return wrong;
    }
    choice.knobs.push_back(knob);
  }
  return choice;
}

}  // namespace hardface::model
