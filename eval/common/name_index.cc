#include "eval/common/name_index.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "data_tools/images/image_kind.h"

namespace hardface::eval {
namespace {

// "./a/b.jpg" -> "a/b"
absl::string_view Key(absl::string_view path) {
  while (absl::ConsumePrefix(&path, "./")) {
  }
  return WithoutImageExtension(path);
}

// Calls FOUND with what stands behind each slash, the longest first, until it returns true.
template <typename Found>
void ForEachEnding(absl::string_view key, const Found& found) {
  for (size_t slash = key.find('/'); slash != absl::string_view::npos; slash = key.find('/', slash + 1)) {
    if (found(key.substr(slash + 1))) return;
  }
}

template <typename Map, typename Name>
void AddOnce(const Name& name, int64_t index, Map* map) {
  const auto [known, fresh] = map->try_emplace(name, index);
  if (!fresh && known->second != index) known->second = NameIndex::kSeveral;
}

}  // namespace

absl::string_view WithoutImageExtension(absl::string_view name) {
  const auto strip = [&name](absl::string_view extension) {
    const bool found = absl::EndsWithIgnoreCase(name, extension);
    if (found) name.remove_suffix(extension.size());
    return found;
  };
  if (strip(".txt")) return name;
  for (const std::string& extension : data::ImageExtensions()) {
    if (strip(extension)) return name;
  }
  return name;
}

void NameIndex::Add(absl::string_view name) {
  const absl::string_view key = Key(name);
  const int64_t index = count_++;
  AddOnce(key, index, &whole_);
  ForEachEnding(key, [&](absl::string_view ending) {
    AddOnce(ending, index, &endings_);
    return false;
  });
  const absl::string_view last = key.substr(key.rfind('/') + 1);  // npos + 1 is 0
  int64_t number = 0;
  const bool digits = !last.empty() && std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
  if (digits && absl::SimpleAtoi(last, &number)) AddOnce(number, index, &numbers_);
}

int64_t NameIndex::Find(absl::string_view path) const {
  const absl::string_view key = Key(path);
  if (const auto found = whole_.find(key); found != whole_.end()) return found->second;
  if (const auto found = endings_.find(key); found != endings_.end()) return found->second;
  int64_t index = kNone;
  ForEachEnding(key, [&](absl::string_view ending) {
    const auto found = whole_.find(ending);
    if (found == whole_.end()) return false;
    index = found->second;
    return true;
  });
  return index;
}

int64_t NameIndex::FindNumber(int64_t number) const {
  const auto found = numbers_.find(number);
  return found == numbers_.end() ? int64_t{kNone} : found->second;
}

}  // namespace hardface::eval
