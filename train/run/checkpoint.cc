#include "train/run/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/atomic_output.h"
#include "base/json_text.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/written_files.h"
#include "model/weights/safetensors.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "hardface.checkpoint";
constexpr int kVersion = 3;  // 2 did not name the entries
constexpr int kOldestVersion = 2;
constexpr char kWeightPrefix[] = "weights.";
constexpr char kSolverPrefix[] = "solver.";

Json LedgerToJson(const std::vector<mining::LedgerEntry>& ledger) {
  // [wpas or null, positives, iteration, was easy, recent WPAS ...], or null for an entry never visited
  Json rows = Json::array();
  for (const mining::LedgerEntry& entry : ledger) {
    if (!entry.visited) {
      rows.push_back(nullptr);
      continue;
    }
    const mining::Difficulty& d = entry.difficulty;
    Json row = {d.wpas.has_value() ? Json(*d.wpas) : Json(nullptr), d.positives, d.iteration, entry.was_easy};
    for (const float wpas : entry.recent) row.push_back(wpas);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<mining::LedgerEntry> LedgerFromJson(const Json& rows) {
  std::vector<mining::LedgerEntry> ledger;
  for (const Json& row : rows) {
    mining::LedgerEntry entry;
    entry.visited = !row.is_null();
    if (entry.visited) {
      if (!row.at(0).is_null()) entry.difficulty.wpas = row.at(0).get<float>();
      entry.difficulty.positives = row.at(1).get<int>();
      entry.difficulty.iteration = row.at(2).get<int64_t>();
      entry.was_easy = row.at(3).get<bool>();
      for (size_t i = 4; i < row.size(); ++i) entry.recent.push_back(row.at(i).get<float>());
    }
    ledger.push_back(entry);
  }
  return ledger;
}

Json ToJson(const RankState& state) {
  const DataPosition& position = state.position;
  return {{"epochs_planned", position.epochs_planned},
          {"next", position.next},
          {"samples", position.samples},
          {"order", position.order},
          {"ledger", LedgerToJson(state.ledger)}};
}

RankState RankStateOf(const Json& json) {
  RankState state;
  state.position.epochs_planned = json.at("epochs_planned").get<int64_t>();
  state.position.next = json.at("next").get<int64_t>();
  state.position.samples = json.at("samples").get<int64_t>();
  state.position.order = json.at("order").get<std::vector<int64_t>>();
  state.ledger = LedgerFromJson(json.at("ledger"));
  return state;
}

// Of the files beside state.json.
struct Hashes {
  std::string solver, entries;
};

Json StateToJson(const TrainingState& state, const Hashes& hashes) {
  Json json = {{"format", kFormat},
               {"version", kVersion},
               {"iteration", state.iteration},
               {"ranks", state.ranks},
               {"metrics_bytes", state.metrics_bytes},
               {"ledger_bytes", state.ledger_bytes},
               {"best_ap", state.best_ap.has_value() ? Json(*state.best_ap) : Json(nullptr)},
               {"solver_sha256", hashes.solver},
               {"entries_sha256", hashes.entries},
               {"manifest_sha256", state.manifest_sha256}};
  json["rank_states"] = Json::array();
  for (const RankState& of_rank : state.rank_states) json["rank_states"].push_back(ToJson(of_rank));
  return json;
}

// Indices that the training will follow without asking again.
absl::Status CheckRankState(const RankState& state, const std::string& path) {
  const DataPosition& position = state.position;
  const auto entries = static_cast<int64_t>(state.ledger.size()), visits = static_cast<int64_t>(position.order.size());
  const bool in_ledger = std::all_of(position.order.begin(), position.order.end(),
                                     [entries](int64_t entry) { return entry >= 0 && entry < entries; });
  if (in_ledger && position.next >= 0 && position.next <= visits && position.epochs_planned >= 0 &&
      position.samples >= 0) {
    return absl::OkStatus();
  }
  return absl::DataLossError(absl::StrCat(path, ": broken checkpoint state: its place in the data (\"next\" ",
                                          position.next, ", \"samples\" ", position.samples,
                                          ") or \"order\" does not fit its ledger of ", entries, " entries"));
}

absl::Status CheckState(const TrainingState& state, const std::string& path) {
  if (state.rank_states.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": has no rank's state"));
  if (state.iteration < 0 || state.ranks < 1 || state.metrics_bytes < 0 || state.ledger_bytes < 0) {
    return absl::DataLossError(absl::StrCat(path, ": broken checkpoint state: \"iteration\" ", state.iteration,
                                            ", \"ranks\" ", state.ranks, ", \"metrics_bytes\" ", state.metrics_bytes,
                                            ", \"ledger_bytes\" ", state.ledger_bytes));
  }
  for (const RankState& of_rank : state.rank_states) RETURN_IF_ERROR(CheckRankState(of_rank, path));
  return absl::OkStatus();
}

absl::Status StateFromJson(const std::string& path, TrainingState* state, Hashes* hashes) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(text, path));
  try {
    const int64_t version = json.at("version").get<int64_t>();
    if (json.at("format") != kFormat || version < kOldestVersion || version > kVersion) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": is a checkpoint of version ", version,
                                                     "; this version of hardface reads ", kOldestVersion, " to ",
                                                     kVersion));
    }
    state->iteration = json.at("iteration").get<int64_t>();
    state->ranks = json.at("ranks").get<int>();
    state->metrics_bytes = json.at("metrics_bytes").get<int64_t>();
    state->ledger_bytes = json.at("ledger_bytes").get<int64_t>();
    if (!json.at("best_ap").is_null()) state->best_ap = json.at("best_ap").get<double>();
    hashes->solver = json.at("solver_sha256").get<std::string>();
    if (version >= 3) {
      hashes->entries = json.at("entries_sha256").get<std::string>();
      state->manifest_sha256 = json.at("manifest_sha256").get<std::string>();
    }
    for (const Json& of_rank : json.at("rank_states")) state->rank_states.push_back(RankStateOf(of_rank));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": broken checkpoint state: ", error.what()));
  }
  return CheckState(*state, path);
}

absl::Status WriteEntries(const std::string& path, const std::vector<EntryName>& entries) {
  ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
  for (const EntryName& entry : entries) {
    RETURN_IF_ERROR(
        file->Write(absl::StrCat("{\"image\":", Json(entry.image).dump(), entry.flip ? ",\"flip\":true}\n" : "}\n")));
  }
  return file->Commit();
}

absl::Status ReadEntries(const std::string& path, std::vector<EntryName>* entries) {
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(path, "the checkpoint is not whole"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(lines->line(), lines->place()));
    if (!json.is_object() || !json.contains("image") || !json["image"].is_string()) {
      return absl::DataLossError(absl::StrCat(lines->place(), ": has no \"image\""));
    }
    entries->push_back({json["image"].get<std::string>(), json.value("flip", Json(false)) == Json(true)});
  }
}

absl::Status CheckHash(const std::string& path, const std::string& expected) {
  ASSIGN_OR_RETURN(const std::string hash, HashFile(path));
  if (hash == expected) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(path, ": its SHA-256 is not the one that state.json holds"));
}

// "iteration-00001000", and no copy of it that somebody made beside it.
bool IsCheckpointName(absl::string_view name) {
  return absl::ConsumePrefix(&name, "iteration-") && name.size() >= 8 &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); });
}

absl::Status WriteFolder(const std::string& folder, const TrainingState& state, const model::Model& model) {
  ASSIGN_OR_RETURN(const auto output, AtomicFolder::Create(folder, Replace::kAlways));
  model::SafeTensors solver;
  for (const auto& [name, array] : state.parameters) solver.tensors[kWeightPrefix + name] = array;
  for (const auto& [name, array] : state.solver) solver.tensors[kSolverPrefix + name] = array;
  const std::string solver_path = output->temporary_path() + "/solver.safetensors";
  RETURN_IF_ERROR(model::SaveModel(output->temporary_path() + "/model.safetensors", model));
  RETURN_IF_ERROR(model::WriteSafeTensors(solver_path, solver));
  const std::string entries_path = output->temporary_path() + "/entries.jsonl";
  RETURN_IF_ERROR(WriteEntries(entries_path, state.entries));
  Hashes hashes;
  ASSIGN_OR_RETURN(hashes.solver, HashFile(solver_path));
  ASSIGN_OR_RETURN(hashes.entries, HashFile(entries_path));
  RETURN_IF_ERROR(
      WriteFileAtomically(output->temporary_path() + "/state.json", StateToJson(state, hashes).dump() + "\n"));
  RETURN_IF_ERROR(Provenance().WriteInto(output->temporary_path()));
  return output->Commit();
}

}  // namespace

std::string RankStateToJson(const RankState& state) { return ToJson(state).dump(); }

absl::StatusOr<RankState> RankStateFromJson(const std::string& text, const std::string& source) {
  ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(text, source));
  try {
    return RankStateOf(json);
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": ", error.what()));
  }
}

std::vector<std::string> ListCheckpoints(const std::string& output) {
  std::vector<std::string> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(output + "/checkpoints", error)) {
    if (IsCheckpointName(entry.path().filename().string())) folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

absl::Status SaveCheckpoint(const std::string& output, const TrainingState& state, const model::Model& model,
                            int keep) {
  RETURN_IF_ERROR(WriteFolder(absl::StrFormat("%s/checkpoints/iteration-%08d", output, state.iteration), state, model));
  RETURN_IF_ERROR(model::SaveModel(output + "/model.safetensors", model));
  const std::vector<std::string> folders = ListCheckpoints(output);
  std::error_code ignored;
  for (size_t i = 0; i + static_cast<size_t>(keep) < folders.size(); ++i) {
    if (!HoldsStrangers(folders[i])) fs::remove_all(folders[i], ignored);  // else somebody keeps things in it
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainingState> LoadCheckpoint(const std::string& folder) {
  TrainingState state;
  Hashes hashes;
  RETURN_IF_ERROR(StateFromJson(folder + "/state.json", &state, &hashes));
  RETURN_IF_ERROR(CheckHash(folder + "/solver.safetensors", hashes.solver));
  if (!hashes.entries.empty()) {
    RETURN_IF_ERROR(CheckHash(folder + "/entries.jsonl", hashes.entries));
    RETURN_IF_ERROR(ReadEntries(folder + "/entries.jsonl", &state.entries));
  }
  ASSIGN_OR_RETURN(model::SafeTensors content, model::ReadSafeTensors(folder + "/solver.safetensors"));
  for (auto& [name, array] : content.tensors) {
    absl::string_view rest = name;
    if (absl::ConsumePrefix(&rest, kWeightPrefix)) {
      state.parameters[std::string(rest)] = std::move(array);
    } else if (absl::ConsumePrefix(&rest, kSolverPrefix)) {
      state.solver[std::string(rest)] = std::move(array);
    }
  }
  return state;
}

absl::StatusOr<std::optional<FoundCheckpoint>> LoadNewestCheckpoint(const std::string& output,
                                                                    std::vector<std::string>* warnings) {
  std::vector<std::string> folders = ListCheckpoints(output);
  if (folders.empty()) return std::nullopt;
  for (; !folders.empty(); folders.pop_back()) {
    absl::StatusOr<TrainingState> state = LoadCheckpoint(folders.back());
    if (state.ok()) return FoundCheckpoint{folders.back(), std::move(*state)};
    warnings->push_back(absl::StrCat("broken checkpoint, left aside: ", state.status().message()));
  }
  return absl::DataLossError(absl::StrCat(output, ": every checkpoint is broken; the last: ", warnings->back(),
                                          ". Start anew with another --output"));
}

}  // namespace hardface::train
