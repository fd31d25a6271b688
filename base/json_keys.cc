#include "base/json_keys.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/edit_distance.h"

namespace hardface {
namespace {

// "ignored", "Ignore" and "ignor" mean "ignore"; "weight" does not mean "height", nor "clip" "flip": people do not err
// in a word's first letter.
bool IsMisspelt(const std::string& key, absl::string_view known) {
  const std::string lower = absl::AsciiStrToLower(key);
  if (lower.empty() || lower[0] != known[0]) return false;
  constexpr size_t kLong = 5;  // of shorter words many differ by two letters only
  return absl::StartsWith(lower, known) || (known.size() >= kLong && EditDistance(lower, known) <= 2);
}

}  // namespace

absl::Status CheckNoMisspeltKey(const nlohmann::json& object, std::initializer_list<absl::string_view> known,
                                absl::string_view place) {
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    for (const absl::string_view meant : known) {
      if (!IsMisspelt(key, meant) || object.contains(std::string(meant))) continue;
      return absl::InvalidArgumentError(absl::StrCat(place, ": the key \"", key.substr(0, 80),
                                                     "\" has no meaning here; did you mean \"", meant, "\"?"));
    }
  }
  return absl::OkStatus();
}

}  // namespace hardface
