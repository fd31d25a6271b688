#include "eval/common/outcome_set.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json_text.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::eval {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "hardface.outcomes";
constexpr int kVersion = 2;  // 1 had no ranks

absl::Status Bad(const std::string& place, int64_t line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ":", line, ": ", what));
}

// Names of images need not be UTF-8; what is not becomes U+FFFD.
std::string Text(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

bool IsNumberList(const Json& json, size_t size) {
  if (!json.is_array() || json.size() != size) return false;
  for (const Json& value : json) {
    if (!value.is_number() || !std::isfinite(value.get<double>())) return false;
  }
  return true;
}

// A set while it is read.
struct RankedSet {
  OutcomeSet set;
  std::vector<int64_t> ranks;  // of set.ranking.outcomes, which are in the file's order
};

absl::Status ReadHeader(const TextLines& lines, const std::string& place, std::vector<RankedSet>* sets) {
  ASSIGN_OR_RETURN(const Json header, ParseJson<Json>(lines.line(), absl::StrCat(place, ":1")));
  const bool good = header.is_object() && header.contains("format") && header["format"] == kFormat &&
                    header.contains("version") && header.contains("sets") && header["sets"].is_array() &&
                    !header["sets"].empty();
  if (!good) return Bad(place, 1, "is not an outcomes.jsonl; run the scorer with --outcomes");
  if (header["version"] != kVersion) {
    return Bad(place, 1,
               absl::StrCat("is of version ", Text(header["version"]), ", this tool reads version ", kVersion,
                            "; run the scorer with --outcomes again"));
  }
  for (const Json& json : header["sets"]) {
    if (!json.is_object() || !json.contains("name") || !json["name"].is_string() || !json.contains("ties") ||
        !json.contains("false_positives") || !json["false_positives"].is_number()) {
      return Bad(place, 1, "a set of the header lacks name, ties or false_positives");
    }
    OutcomeSet set;
    set.name = json["name"].get<std::string>();
    set.ties = json["ties"] == "together" ? Ties::kTogether : Ties::kApart;
    set.false_positives = json["false_positives"].get<double>();
    sets->push_back({std::move(set), {}});
  }
  return absl::OkStatus();
}

absl::Status ReadImage(const TextLines& lines, const std::string& place, std::vector<std::string>* images,
                       std::vector<RankedSet>* sets) {
  ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(lines.line(), absl::StrCat(place, ":", lines.number())));
  if (!json.is_object() || !json.contains("image") || !json["image"].is_string() || !json.contains("sets") ||
      !json["sets"].is_array() || json["sets"].size() != sets->size()) {
    return Bad(place, lines.number(), "expected an image with as many sets as the header names");
  }
  const auto image = static_cast<int32_t>(images->size());
  images->push_back(json["image"].get<std::string>());
  for (size_t s = 0; s < sets->size(); ++s) {
    const Json& set = json["sets"][s];
    if (!set.is_object() || !set.contains("faces") || !set["faces"].is_number_integer() || set["faces"] < 0 ||
        !set.contains("steps") || !set["steps"].is_array()) {
      return Bad(place, lines.number(), "a set lacks \"faces\" or \"steps\"");
    }
    Ranking& ranking = (*sets)[s].set.ranking;
    ranking.faces.push_back(set["faces"].get<int64_t>());
    for (const Json& step : set["steps"]) {
      if (!IsNumberList(step, 4) || !step[3].is_number_integer()) {
        return Bad(place, lines.number(), "a step is not [score, true_positives, false_positives, rank]");
      }
      ranking.outcomes.push_back({step[0], image, step[1], step[2]});
      (*sets)[s].ranks.push_back(step[3].get<int64_t>());
    }
  }
  return absl::OkStatus();
}

// The set with its outcomes in the order of their ranks, which must be 0, 1, 2 and so on in falling score.
absl::StatusOr<OutcomeSet> InOrder(RankedSet ranked, const std::string& place) {
  const std::vector<Outcome> outcomes = std::move(ranked.set.ranking.outcomes);
  constexpr Outcome kFree = {0, -1, 0, 0};
  std::vector<Outcome> ordered(outcomes.size(), kFree);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const int64_t rank = ranked.ranks[i];
    if (rank < 0 || rank >= static_cast<int64_t>(ordered.size()) || ordered[rank].image >= 0) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": set ", ranked.set.name, " has rank ", rank,
                                                     " twice or lacks others; lines are missing ",
                                                     "or doubled: run the scorer with --outcomes again"));
    }
    ordered[rank] = outcomes[i];
  }
  const auto rises = [](const Outcome& a, const Outcome& b) { return a.score < b.score; };
  if (std::adjacent_find(ordered.begin(), ordered.end(), rises) != ordered.end()) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": set ", ranked.set.name, ": ranks and scores disagree"));
  }
  ranked.set.ranking.outcomes = std::move(ordered);
  return std::move(ranked.set);
}

}  // namespace

double Evaluate(const OutcomeSet& set, absl::Span<const int> weights) {
  if (set.false_positives == 0) return AveragePrecision(set.ranking, set.ties, weights);
  const std::vector<CurvePoint> curve = MakeCurve(set.ranking, set.ties, weights);
  return RateAtFalsePositives(curve, set.false_positives);
}

std::string OutcomesToJsonl(const Outcomes& outcomes) {
  Json header = {{"format", kFormat}, {"version", kVersion}, {"sets", Json::array()}};
  for (const OutcomeSet& set : outcomes.sets) {
    header["sets"].push_back({{"name", set.name},
                              {"ties", set.ties == Ties::kTogether ? "together" : "apart"},
                              {"false_positives", set.false_positives}});
  }
  std::vector<std::vector<std::string>> steps(outcomes.sets.size(), std::vector<std::string>(outcomes.images.size()));
  for (size_t s = 0; s < outcomes.sets.size(); ++s) {
    const std::vector<Outcome>& ranked = outcomes.sets[s].ranking.outcomes;
    for (size_t rank = 0; rank < ranked.size(); ++rank) {
      std::string& text = steps[s][ranked[rank].image];
      absl::StrAppendFormat(&text, "%s[%.17g,%.17g,%.17g,%d]", text.empty() ? "" : ",", ranked[rank].score,
                            ranked[rank].true_positives, ranked[rank].false_positives, rank);
    }
  }
  std::string text = Text(header) + "\n";
  for (size_t i = 0; i < outcomes.images.size(); ++i) {
    absl::StrAppend(&text, "{\"image\":", Text(outcomes.images[i]), ",\"sets\":[");
    for (size_t s = 0; s < outcomes.sets.size(); ++s) {
      absl::StrAppend(&text, s == 0 ? "" : ",", "{\"faces\":", outcomes.sets[s].ranking.faces[i], ",\"steps\":[",
                      steps[s][i], "]}");
    }
    text += "]}\n";
  }
  return text;
}

absl::StatusOr<Outcomes> ReadOutcomes(const std::string& path) {
  const std::string file = FileOrInFolder(path, "outcomes.jsonl");
  const absl::StatusOr<std::string> text = ReadTextFile(file);
  if (!text.ok()) {
    return absl::NotFoundError(absl::StrCat(text.status().message(), ". Run the scorer with --outcomes"));
  }
  Outcomes outcomes;
  std::vector<RankedSet> sets;
  TextLines lines(*text);
  if (!lines.NextFilled()) return Bad(file, 1, "is empty; run the scorer with --outcomes");
  RETURN_IF_ERROR(ReadHeader(lines, file, &sets));
  while (lines.NextFilled()) RETURN_IF_ERROR(ReadImage(lines, file, &outcomes.images, &sets));
  for (RankedSet& set : sets) {
    ASSIGN_OR_RETURN(outcomes.sets.emplace_back(), InOrder(std::move(set), file));
  }
  return outcomes;
}

}  // namespace hardface::eval
