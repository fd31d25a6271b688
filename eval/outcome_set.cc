#include "eval/outcome_set.h"

#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "data_tools/base/atomic_output.h"
#include "data_tools/base/status_macros.h"
#include "eval/text_lines.h"

namespace hardface {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "hardface.outcomes";

absl::Status Bad(const std::string& place, int64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ":", line, ": ", what));
}

bool IsNumberList(const Json& json, size_t size) {
  if (!json.is_array() || json.size() != size) return false;
  for (const Json& value : json) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) return false;
  }
  return true;
}

absl::Status ReadHeader(const TextLines& lines, const std::string& place, Outcomes* outcomes) {
  const Json header = Json::parse(lines.line().begin(), lines.line().end(), nullptr, /*allow_exceptions=*/false);
  const bool good = header.is_object() && header.contains("format") && header["format"] == kFormat &&
                    header.contains("version") && header["version"] == 1 && header.contains("sets") &&
                    header["sets"].is_array() && !header["sets"].empty();
  if (!good) return Bad(place, 1, "is not an outcomes.jsonl; run the scorer with --outcomes");
  for (const Json& json : header["sets"]) {
    if (!json.is_object() || !json.contains("name") || !json["name"].is_string() || !json.contains("ties") ||
        !json.contains("false_positives") || !json["false_positives"].is_number()) {
      return Bad(place, 1, "a set of the header lacks name, ties or false_positives");
    }
    OutcomeSet set;
    set.name = json["name"].get<std::string>();
    set.ties = json["ties"] == "together" ? Ties::kTogether : Ties::kApart;
    set.false_positives = json["false_positives"].get<double>();
    outcomes->sets.push_back(std::move(set));
  }
  return absl::OkStatus();
}

absl::Status ReadImage(const TextLines& lines, const std::string& place, Outcomes* outcomes) {
  const Json json = Json::parse(lines.line().begin(), lines.line().end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("image") || !json["image"].is_string() || !json.contains("sets") ||
      !json["sets"].is_array() || json["sets"].size() != outcomes->sets.size()) {
    return Bad(place, lines.number(), "expected an image with as many sets as the header names");
  }
  const auto image = static_cast<int32_t>(outcomes->images.size());
  outcomes->images.push_back(json["image"].get<std::string>());
  for (size_t s = 0; s < outcomes->sets.size(); ++s) {
    const Json& set = json["sets"][s];
    if (!set.is_object() || !set.contains("faces") || !set["faces"].is_number_integer() || set["faces"] < 0 ||
        !set.contains("steps") || !set["steps"].is_array()) {
      return Bad(place, lines.number(), "a set lacks \"faces\" or \"steps\"");
    }
    Ranking& ranking = outcomes->sets[s].ranking;
    ranking.faces.push_back(set["faces"].get<int64_t>());
    for (const Json& step : set["steps"]) {
      if (!IsNumberList(step, 3)) {
        return Bad(place, lines.number(), "a step is not [score, true_positives, false_positives]");
      }
      ranking.outcomes.push_back({step[0], image, step[1], step[2]});
    }
  }
  return absl::OkStatus();
}

}  // namespace

double Evaluate(const OutcomeSet& set, absl::Span<const int> weights) {
  if (set.false_positives == 0) return AveragePrecision(set.ranking, set.ties, weights);
  const std::vector<CurvePoint> curve = MakeCurve(set.ranking, set.ties, weights);
  return RateAtFalsePositives(curve, set.false_positives);
}

std::string OutcomesToJsonl(const Outcomes& outcomes) {
  Json header = {{"format", kFormat}, {"version", 1}, {"sets", Json::array()}};
  for (const OutcomeSet& set : outcomes.sets) {
    header["sets"].push_back({{"name", set.name},
                              {"ties", set.ties == Ties::kTogether ? "together" : "apart"},
                              {"false_positives", set.false_positives}});
  }
  std::vector<std::vector<std::string>> steps(outcomes.sets.size(), std::vector<std::string>(outcomes.images.size()));
  for (size_t s = 0; s < outcomes.sets.size(); ++s) {
    for (const Outcome& outcome : outcomes.sets[s].ranking.outcomes) {
      std::string& text = steps[s][outcome.image];
      absl::StrAppendFormat(&text, "%s[%.17g,%.17g,%.17g]", text.empty() ? "" : ",", outcome.score,
                            outcome.true_positives, outcome.false_positives);
    }
  }
  std::string text = header.dump() + "\n";
  for (size_t i = 0; i < outcomes.images.size(); ++i) {
    absl::StrAppend(&text, "{\"image\":", Json(outcomes.images[i]).dump(), ",\"sets\":[");
    for (size_t s = 0; s < outcomes.sets.size(); ++s) {
      absl::StrAppend(&text, s == 0 ? "" : ",", "{\"faces\":", outcomes.sets[s].ranking.faces[i], ",\"steps\":[",
                      steps[s][i], "]}");
    }
    text += "]}\n";
  }
  return text;
}

absl::StatusOr<Outcomes> ReadOutcomes(const std::string& path) {
  const std::string file = std::filesystem::is_directory(path) ? path + "/outcomes.jsonl" : path;
  const absl::StatusOr<std::string> text = ReadFile(file);
  if (!text.ok()) {
    return absl::NotFoundError(absl::StrCat(text.status().message(), ". Run the scorer with --outcomes"));
  }
  Outcomes outcomes;
  TextLines lines(*text);
  if (!lines.NextFilled()) return Bad(file, 1, "is empty; run the scorer with --outcomes");
  RETURN_IF_ERROR(ReadHeader(lines, file, &outcomes));
  while (lines.NextFilled()) RETURN_IF_ERROR(ReadImage(lines, file, &outcomes));
  for (OutcomeSet& set : outcomes.sets) set.ranking.Sort();
  return outcomes;
}

}  // namespace hardface
