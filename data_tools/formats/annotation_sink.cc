#include "data_tools/formats/annotation_sink.h"

#include <cmath>
#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/paths.h"

namespace hardface::data {
namespace {

// READ turns text into the number that a reader of type T sees.
template <typename T, typename Read>
std::string Shortest(T value, int max_digits, Read read) {
  if (std::floor(value) == value && std::fabs(value) < 1e7) return absl::StrCat(static_cast<int64_t>(value));
  for (int digits = 6; digits < max_digits; ++digits) {
    const std::string text = absl::StrFormat("%.*g", digits, value);
    if (read(text) == value) return text;
  }
  return absl::StrFormat("%.*g", max_digits, value);
}

}  // namespace

void Losses::Add(const std::string& kind, const std::string& image) {
  Loss& loss = by_kind_[kind];
  if (loss.count++ == 0) loss.first = image;
}

std::string AnnotationSink::PathFor(const std::string& image) {
  const std::filesystem::path normal = std::filesystem::path(image).lexically_normal();
  std::string inside = PathInside(image);
  if (inside.empty()) inside = "unnamed";
  if (inside == normal) return inside;
  const nlohmann::ordered_json line = {{"image", image}, {"file", inside}};
  absl::StrAppend(&renamed_, line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), "\n");
  ++renamed_count_;
  return inside;
}

absl::Status WriteNewFile(const std::string& path, absl::string_view bytes) {
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    if (part == "..") return absl::InternalError(absl::StrCat(path, ": an output's file must not lead out of it"));
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::ofstream stream(path, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (stream) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(path, ": cannot write (", bytes.size(), " bytes); is the disk full?"));
}

std::string ShortestNumber(double value) {
  return Shortest(value, 17, [](const std::string& text) {
    double read = 0;
    return absl::SimpleAtod(text, &read) ? read : std::nan("");
  });
}

std::string ShortestNumber(float value) {
  return Shortest(value, 9, [](const std::string& text) {
    float read = 0;
    return absl::SimpleAtof(text, &read) ? read : std::nanf("");
  });
}

std::string ClassOf(const Face& face) {
  if (!face.attributes.is_object()) return "face";
  const auto found = face.attributes.find("class");
  const bool usable = found != face.attributes.end() && found->is_string() && *found != "";
  return usable ? found->get<std::string>() : "face";
}

}  // namespace hardface::data
