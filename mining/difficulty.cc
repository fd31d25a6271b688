#include "mining/difficulty.h"

#include <climits>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json_text.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface::mining {
namespace {

// A whole number from 0 to MOST.
absl::StatusOr<int64_t> CountOf(const nlohmann::json& json, const std::string& key, uint64_t most,
                                const std::string& place) {
  const nlohmann::json& value = json.at(key);
  if (value.is_number_unsigned() && value.get<uint64_t>() <= most) return value.get<int64_t>();
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": \"", key, "\" is ", value.dump(), "; expected a whole number of at least 0"));
}

}  // namespace

std::string DifficultyToJson(const std::string& image, bool flip, const Difficulty& difficulty) {
  const std::string wpas = difficulty.wpas.has_value() ? absl::StrFormat("%.9g", *difficulty.wpas) : "null";
  return absl::StrCat("{\"image\":", nlohmann::json(image).dump(), ",\"flip\":", flip ? "true" : "false",
                      ",\"wpas\":", wpas, ",\"positives\":", difficulty.positives,
                      ",\"iteration\":", difficulty.iteration, "}");
}

absl::StatusOr<ScoredEntry> DifficultyFromJson(absl::string_view line, const std::string& place, double* scale) {
  ScoredEntry entry;
  ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(line, place));
  try {
    entry.image = PlainName(json.at("image").get<std::string>());
    entry.flip = json.value("flip", false);
    ASSIGN_OR_RETURN(const int64_t positives, CountOf(json, "positives", INT_MAX, place));
    entry.difficulty.positives = static_cast<int>(positives);
    ASSIGN_OR_RETURN(entry.difficulty.iteration, CountOf(json, "iteration", INT64_MAX, place));
    if (scale != nullptr) {
      const nlohmann::json value = json.value("scale", nlohmann::json(1.0));
      if (!value.is_number() || !(value.get<double>() > 0)) {
        return absl::InvalidArgumentError(
            absl::StrCat(place, ": \"scale\" is ", value.dump(), "; expected a number > 0"));
      }
      *scale = value.get<double>();
    }
    const nlohmann::json& wpas = json.at("wpas");
    if (wpas.is_null()) return entry;
    entry.difficulty.wpas = wpas.get<float>();
    if (*entry.difficulty.wpas >= 0 && *entry.difficulty.wpas <= 1) return entry;
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": \"wpas\" is ", wpas.dump(), "; expected a probability or null"));
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        place, ": expected {\"image\":\"..\",\"flip\":false,\"wpas\":0.9,\"positives\":12,\"iteration\":4000}: ",
        error.what()));
  }
}

absl::StatusOr<DifficultyTable> ReadDifficulty(const std::string& path) {
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(path, "mining:score writes such a file"));
  DifficultyTable table;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) return table;
    ASSIGN_OR_RETURN(ScoredEntry entry, DifficultyFromJson(lines->line(), lines->place()));
    const auto [known, fresh] = table.try_emplace({std::move(entry.image), entry.flip}, entry.difficulty);
    if (!fresh && entry.difficulty.iteration >= known->second.iteration) known->second = entry.difficulty;
  }
}

bool IsEasy(const Difficulty* difficulty, const HardImageOptions& options) {
  if (difficulty == nullptr) return false;
  if (!difficulty->wpas.has_value()) return options.without_positives == WithoutPositives::kEasy;
  return *difficulty->wpas >= options.threshold;
}

bool IsNeverKept(const Difficulty* difficulty, const HardImageOptions& options) {
  if (IsEasy(difficulty, options)) return options.drop >= 1;
  const bool without = difficulty != nullptr && !difficulty->wpas.has_value();
  return without && options.without_positives == WithoutPositives::kLeaveOut;
}

bool KeepInEpoch(const Difficulty* difficulty, const HardImageOptions& options, Random* random) {
  return IsEasy(difficulty, options) ? !random->Chance(options.drop) : !IsNeverKept(difficulty, options);
}

}  // namespace hardface::mining
