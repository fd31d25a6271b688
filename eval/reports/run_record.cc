#include "eval/reports/run_record.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/json_text.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// "--name=value" lines, as train writes them.
absl::StatusOr<NamedTexts> ReadSettings(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  NamedTexts settings;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&line, "--")) continue;  // empty, or a comment
    settings.push_back(absl::StrSplit(line, absl::MaxSplits('=', 1)));
  }
  return settings;
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

NamedTexts TextsOf(const Json& object) {
  NamedTexts texts;
  for (const auto& [name, value] : object.items()) texts.emplace_back(name, TextOf(value));
  return texts;
}

absl::Status ReadProvenance(const std::string& path, RunRecord* run) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(text, path));
  if (!json.is_object()) return absl::InvalidArgumentError(absl::StrCat(path, ": is no JSON object; left out"));
  if (json.contains("tool")) run->made_by = TextOf(json["tool"]);
  if (json.contains("version")) absl::StrAppend(&run->made_by, " ", TextOf(json["version"]));
  if (run->settings.empty() && json.contains("flags")) run->settings = TextsOf(json["flags"]);
  if (json.contains("inputs")) run->inputs = TextsOf(json["inputs"]);
  return absl::OkStatus();
}

// Of one line of difficulty.jsonl; false: it is none.
bool AddWpas(const std::string& text, WpasList* list) {
  const Json line = ParseJson<Json>(text, "").value_or(Json());
  if (!line.is_object() || !line.contains("wpas")) return false;
  const Json& wpas = line["wpas"];
  if (wpas.is_null()) {
    ++list->without_positives;
    return true;
  }
  if (!wpas.is_number() || !(wpas.get<float>() >= 0 && wpas.get<float>() <= 1)) return false;
  list->scores.push_back(wpas.get<float>());
  return true;
}

absl::StatusOr<WpasList> ReadWpas(const std::string& path, std::vector<std::string>* warnings) {
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(path, "a training writes such a file"));
  WpasList list;
  LineWarnings broken(path);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) break;
    if (AddWpas(lines->line(), &list)) continue;
    broken.Add(lines->number(), absl::StrCat("left out: expected a \"wpas\" from 0 to 1, or null, got \"",
                                             lines->line().substr(0, 60), "\""));
  }
  for (const std::string& warning : broken.Take()) warnings->push_back(warning);
  return list;
}

std::vector<std::string> ListPictures(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string extension = absl::AsciiStrToLower(entry->path().extension().string());
    if (extension == ".png" || extension == ".jpg" || extension == ".jpeg") paths.push_back(entry->path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Reads FOLDER/NAME by READ where it is there; what fails is a warning.
template <typename Result>
void ReadWhereThere(const std::string& name, const std::function<absl::StatusOr<Result>(const std::string&)>& read,
                    std::optional<Result>* result, RunRecord* run) {
  const std::string path = absl::StrCat(run->folder, "/", name);
  if (!IsThere(path)) return;
  run->files.push_back(path);
  absl::StatusOr<Result> value = read(path);
  if (!value.ok()) {
    run->warnings.emplace_back(value.status().message());
    return;
  }
  *result = *std::move(value);
}

}  // namespace

std::string RunRecord::Setting(const std::string& name) const {
  for (const auto& [setting, value] : settings) {
    if (setting == name) return value;
  }
  return "";
}

absl::StatusOr<RunRecord> ReadRun(const std::string& folder, const std::string& name) {
  if (!IsFolder(folder)) return absl::NotFoundError(absl::StrCat(folder, ": is no folder; name a run's output folder"));
  RunRecord run;
  run.name = name;
  run.folder = folder;
  std::optional<NamedTexts> settings;
  ReadWhereThere<NamedTexts>("flags.txt", &ReadSettings, &settings, &run);
  if (settings.has_value()) run.settings = *std::move(settings);
  ReadWhereThere<MetricsLog>("metrics.jsonl", &ReadMetricsLog, &run.log, &run);
  if (run.log.has_value()) run.warnings.insert(run.warnings.end(), run.log->warnings.begin(), run.log->warnings.end());
  std::vector<std::string> broken_lines;
  ReadWhereThere<WpasList>(
      "difficulty.jsonl", [&](const std::string& path) { return ReadWpas(path, &broken_lines); }, &run.wpas, &run);
  run.warnings.insert(run.warnings.end(), broken_lines.begin(), broken_lines.end());
  ReadWhereThere<Metrics>("metrics.json", &ReadMetrics, &run.scores, &run);
  const auto read_curves = [&](const std::string& path) { return ReadPlotFile(name, path, /*curve=*/""); };
  ReadWhereThere<PlotFile>("pr.csv", read_curves, &run.pr, &run);
  ReadWhereThere<PlotFile>("roc.csv", read_curves, &run.roc, &run);
  run.drawn = ListPictures(folder + "/drawn");
  if (const std::string provenance = folder + "/provenance.json"; IsThere(provenance)) {
    run.files.push_back(provenance);
    const absl::Status status = ReadProvenance(provenance, &run);
    if (!status.ok()) run.warnings.emplace_back(status.message());
  }
  if (!run.files.empty() || !run.drawn.empty()) return run;
  return absl::NotFoundError(
      absl::StrCat(folder,
                   ": nothing to report: there is none of metrics.jsonl, difficulty.jsonl, metrics.json, pr.csv, "
                   "roc.csv, drawn/, flags.txt and provenance.json, which train, the scorers and infer:detect write"));
}

std::vector<std::string> RunNames(const std::vector<std::string>& folders) {
  std::vector<std::string> names;
  for (std::string folder : folders) {
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    const std::string name = fs::path(folder).filename().string();
    names.push_back(name.empty() || name == "." || name == ".." ? folder : name);
  }
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  const bool all_different = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
  return all_different ? names : folders;
}

}  // namespace hardface::eval
