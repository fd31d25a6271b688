#include "base/json_text.h"

#include <vector>

#include "absl/container/flat_hash_set.h"

namespace hardface {
namespace {

// The end of the string that begins at TEXT[BEGIN], behind its closing quote.
size_t EndOfString(absl::string_view text, size_t begin) {
  size_t end = begin + 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  return std::min(text.size(), end + 1);
}

}  // namespace

absl::Status RepeatedKey(absl::string_view text, absl::string_view place) {
  std::vector<absl::flat_hash_set<std::string>> open;  // the keys so far of each object or list around
  std::string last;                                    // the string before a colon: a key
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      const size_t end = EndOfString(text, i);
      last = nlohmann::json::parse(text.substr(i, end - i), /*cb=*/nullptr, /*allow_exceptions=*/false).dump();
      i = end - 1;
    } else if (text[i] == '[' || text[i] == '{') {
      open.emplace_back();
    } else if (text[i] == ']' || text[i] == '}') {
      open.pop_back();
    } else if (text[i] == ':' && !open.back().insert(last).second) {
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(i), '\n');
      const bool many_lines = text.find('\n') != absl::string_view::npos;
      return absl::InvalidArgumentError(absl::StrCat(
          place, ": the key ", last.substr(0, 80), " stands twice in one object",
          many_lines ? absl::StrCat(" (line ", line, ")") : "", ", and only one can be meant; remove the other"));
    }
  }
  return absl::InternalError(absl::StrCat(place, ": this JSON was not read as a whole"));
}

}  // namespace hardface
