// Parsing of JSON that somebody else wrote: nesting is limited, and errors say where.
#ifndef HARDFACE_BASE_JSON_TEXT_H_
#define HARDFACE_BASE_JSON_TEXT_H_

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/text_lines.h"

namespace hardface {

// Our own files nest five deep, and COCO's four. The library parses any depth, but it copies and writes values by
// recursion: a megabyte of brackets would overflow the stack.
inline constexpr int kMaxJsonDepth = 64;

// How deep TEXT nests lists and objects, at most kMaxJsonDepth + 1. Brackets in strings do not count.
inline int JsonDepth(absl::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && deepest <= kMaxJsonDepth; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

// TEXT as JSON, with or without a byte-order mark. Errors begin with PLACE ("detections.jsonl:7") and have the parser's
// words, which name line and column within TEXT.
template <typename Json = nlohmann::json>
absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view place) {
  text = WithoutByteOrderMark(text);
  if (JsonDepth(text) > kMaxJsonDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": lists and objects are nested more than ", kMaxJsonDepth, " deep, which is the limit"));
  }
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const typename Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": not valid JSON: ", error.what()));
  }
}

}  // namespace hardface

#endif  // HARDFACE_BASE_JSON_TEXT_H_
