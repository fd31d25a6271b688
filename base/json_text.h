// Parsing of JSON that somebody else wrote: nesting is limited, and errors say where.
#ifndef HARDFACE_BASE_JSON_TEXT_H_
#define HARDFACE_BASE_JSON_TEXT_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/text_lines.h"

namespace hardface {

// Our own files nest five deep, and COCO's four. The library parses any depth, but it copies and writes values by
// recursion: a megabyte of brackets would overflow the stack.
inline constexpr int kMaxJsonDepth = 64;

// What a scan of JSON's brackets and colons tells; those in strings do not count.
struct JsonShape {
  int depth = 0;        // of nested lists and objects, at most kMaxJsonDepth + 1
  int64_t members = 0;  // of all objects, a member that stands twice counted twice
};

inline JsonShape ShapeOfJson(absl::string_view text) {
  JsonShape shape;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size() && shape.depth <= kMaxJsonDepth; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      shape.depth = std::max(shape.depth, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ':') {
      ++shape.members;
    }
  }
  return shape;
}

// How many members JSON's objects have in all.
template <typename Json>
int64_t CountMembers(const Json& json) {
  int64_t count = json.is_object() ? static_cast<int64_t>(json.size()) : 0;
  if (!json.is_structured()) return count;
  for (const Json& child : json) {
    if (child.is_structured()) count += CountMembers(child);
  }
  return count;
}

// An error that names the first key that stands twice in one object of TEXT, which is valid JSON and in which there is
// one. The parser takes the last of two, which is right as often as the first.
absl::Status RepeatedKey(absl::string_view text, absl::string_view place);

inline absl::Status TooDeep(absl::string_view place) {
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": lists and objects are nested more than ", kMaxJsonDepth, " deep, which is the limit"));
}

// An error where TEXT holds a zero byte, at which the library stops reading as if the text ended there.
inline absl::Status CheckNoZeroByte(absl::string_view text, absl::string_view place) {
  const size_t zero = text.find('\0');
  if (zero == absl::string_view::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": not valid JSON: byte ", zero, " is zero, which no text holds; is the file damaged?"));
}

// TEXT as JSON, with or without a byte-order mark. Errors begin with PLACE ("detections.jsonl:7") and have the parser's
// words, which name line and column within TEXT. A key that stands twice in one object is an error.
template <typename Json = nlohmann::json>
absl::StatusOr<Json> ParseJson(absl::string_view text, absl::string_view place) {
  text = WithoutByteOrderMark(text);
  if (absl::Status status = CheckNoZeroByte(text, place); !status.ok()) return status;
  const JsonShape shape = ShapeOfJson(text);
  if (shape.depth > kMaxJsonDepth) return TooDeep(place);
  try {
    Json json = Json::parse(text.begin(), text.end());
    if (CountMembers(json) != shape.members) return RepeatedKey(text, place);
    return json;
  } catch (const typename Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": not valid JSON: ", error.what()));
  }
}

// JSON for a message: at most 80 bytes of it, whatever its strings hold.
inline std::string ShowJson(const nlohmann::json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace).substr(0, 80);
}

// The member KEY; null where OBJECT is none or lacks it, so that callers check the type only.
inline const nlohmann::json& JsonMember(const nlohmann::json& object, const char* key) {
  static const auto* const kNull = new nlohmann::json();
  if (!object.is_object()) return *kNull;
  const auto found = object.find(key);
  return found == object.end() ? *kNull : *found;
}

// An id as what it is compared by: 42 and 42.0 are one, "42" is another. The whole of it, however long.
inline std::string JsonIdText(const nlohmann::json& id) {
  constexpr double kExact = 9e15;  // below it every whole number is a double
  if (id.is_number_float() && std::floor(id.get<double>()) == id.get<double>() &&
      std::fabs(id.get<double>()) < kExact) {
    return absl::StrCat(static_cast<int64_t>(id.get<double>()));
  }
  return id.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

// TEXT as a JSON list whose elements are handed to TAKE(Json element, int64_t number from 1) -> absl::Status one by
// one, so that a list of millions is never in memory as a whole. Errors are those of ParseJson and TAKE; WHAT is the
// list that was expected, in words.
template <typename Json = nlohmann::json, typename Take>
absl::Status ParseJsonList(absl::string_view text, absl::string_view place, absl::string_view what, const Take& take) {
  text = WithoutByteOrderMark(text);
  if (absl::Status status = CheckNoZeroByte(text, place); !status.ok()) return status;
  const JsonShape shape = ShapeOfJson(text);
  if (shape.depth > kMaxJsonDepth) return TooDeep(place);
  using Event = typename Json::parse_event_t;
  absl::Status status;
  bool is_list = false;
  int64_t number = 0, members = 0;
  const auto callback = [&](int depth, Event event, Json& parsed) {
    if (depth == 0 && event == Event::array_start) is_list = true;
    const bool is_element =
        depth == 1 && (event == Event::object_end || event == Event::array_end || event == Event::value);
    if (!is_element || !is_list) return true;
    ++number;
    members += CountMembers(parsed);
    if (status.ok()) status = take(std::move(parsed), number);
    return false;  // forgets the element
  };
  try {
    [[maybe_unused]] const Json forgotten = Json::parse(text.begin(), text.end(), callback);
  } catch (const typename Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": not valid JSON: ", error.what()));
  }
  if (is_list && status.ok() && members != shape.members) return RepeatedKey(text, place);
  if (is_list) return status;
  return absl::InvalidArgumentError(absl::StrCat(place, ": is no JSON list; expected ", what));
}

}  // namespace hardface

#endif  // HARDFACE_BASE_JSON_TEXT_H_
