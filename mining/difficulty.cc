#include "mining/difficulty.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"

namespace hardface::mining {

std::string DifficultyToJson(const std::string& image, bool flip, const Difficulty& difficulty) {
  const std::string wpas = difficulty.wpas.has_value() ? absl::StrFormat("%.9g", *difficulty.wpas) : "null";
  return absl::StrCat("{\"image\":", nlohmann::json(image).dump(), ",\"flip\":", flip ? "true" : "false",
                      ",\"wpas\":", wpas, ",\"positives\":", difficulty.positives,
                      ",\"iteration\":", difficulty.iteration, "}");
}

absl::StatusOr<std::unique_ptr<DifficultyReader>> DifficultyReader::Open(const std::string& path) {
  std::unique_ptr<DifficultyReader> reader(new DifficultyReader);
  reader->path_ = path;
  reader->stream_.open(path);
  if (!reader->stream_)
    return absl::NotFoundError(absl::StrCat(path, ": cannot read; mining:score writes such a file"));
  return reader;
}

absl::StatusOr<ScoredEntry> DifficultyFromJson(absl::string_view line, const std::string& place, double* scale) {
  ScoredEntry entry;
  try {
    const nlohmann::json json = nlohmann::json::parse(line);
    entry.image = json.at("image").get<std::string>();
    entry.flip = json.at("flip").get<bool>();
    entry.difficulty.positives = json.at("positives").get<int>();
    entry.difficulty.iteration = json.at("iteration").get<int64_t>();
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

absl::StatusOr<bool> DifficultyReader::Next(ScoredEntry* entry) {
  std::string line;
  do {
    if (!std::getline(stream_, line)) return false;
    ++line_number_;
  } while (line.empty());
  ASSIGN_OR_RETURN(*entry, DifficultyFromJson(line, absl::StrCat(path_, ":", line_number_)));
  return true;
}

absl::StatusOr<DifficultyTable> ReadDifficulty(const std::string& path) {
  ASSIGN_OR_RETURN(const auto reader, DifficultyReader::Open(path));
  DifficultyTable table;
  ScoredEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return table;
    table[{entry.image, entry.flip}] = entry.difficulty;
  }
}

absl::StatusOr<std::optional<Difficulty>> DifficultyLookup::Take(const std::string& image, bool flip) {
  if (auto node = passed_over_.extract({image, flip}); !node.empty()) return node.mapped();
  ScoredEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader_->Next(&entry));
    if (!more) return std::nullopt;
    if (entry.image == image && entry.flip == flip) return entry.difficulty;
    passed_over_[{entry.image, entry.flip}] = entry.difficulty;
  }
}

bool IsEasy(const Difficulty* difficulty, const HardImageOptions& options) {
  if (difficulty == nullptr) return false;
  if (!difficulty->wpas.has_value()) return options.without_positives == WithoutPositives::kEasy;
  return *difficulty->wpas >= options.threshold;
}

bool KeepInEpoch(const Difficulty* difficulty, const HardImageOptions& options, Random* random) {
  if (IsEasy(difficulty, options)) return !random->Chance(options.drop);
  const bool without = difficulty != nullptr && !difficulty->wpas.has_value();
  return !without || options.without_positives != WithoutPositives::kLeaveOut;
}

}  // namespace hardface::mining
