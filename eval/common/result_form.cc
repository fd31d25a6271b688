#include "eval/common/result_form.h"

#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "base/paths.h"
#include "base/text_lines.h"

namespace hardface::eval {
namespace {

// The first letter of a file's text; 0 where there is none.
char FirstLetter(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string start(256, '\0');
  stream.read(&start[0], static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<size_t>(stream.gcount()));
  const absl::string_view text = absl::StripLeadingAsciiWhitespace(WithoutByteOrderMark(start));
  return text.empty() ? '\0' : text[0];
}

}  // namespace

ResultForm FormOfResults(const std::string& path) {
  if (IsFolder(path)) return IsThere(path + "/detections.jsonl") ? ResultForm::kJsonl : ResultForm::kTree;
  if (std::filesystem::path(path).extension() == ".jsonl") return ResultForm::kJsonl;
  const char first = FirstLetter(path);
  if (first == '[') return ResultForm::kCoco;
  return first == '{' ? ResultForm::kJsonl : ResultForm::kTree;
}

}  // namespace hardface::eval
