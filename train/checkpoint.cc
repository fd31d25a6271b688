#include "train/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "data_tools/base/atomic_output.h"
#include "data_tools/base/provenance.h"
#include "data_tools/base/status_macros.h"
#include "model/safetensors.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "hardface.checkpoint";
constexpr int kVersion = 1;
constexpr char kWeightPrefix[] = "weights.";
constexpr char kSolverPrefix[] = "solver.";

Json LedgerToJson(const std::vector<LedgerEntry>& ledger) {
  Json rows = Json::array();  // [wpas or null, positives, iteration], or null for an entry never visited
  for (const LedgerEntry& entry : ledger) {
    if (!entry.visited) {
      rows.push_back(nullptr);
      continue;
    }
    const Difficulty& d = entry.difficulty;
    rows.push_back({d.wpas.has_value() ? Json(*d.wpas) : Json(nullptr), d.positives, d.iteration});
  }
  return rows;
}

std::vector<LedgerEntry> LedgerFromJson(const Json& rows) {
  std::vector<LedgerEntry> ledger;
  for (const Json& row : rows) {
    LedgerEntry entry;
    entry.visited = !row.is_null();
    if (entry.visited) {
      if (!row.at(0).is_null()) entry.difficulty.wpas = row.at(0).get<float>();
      entry.difficulty.positives = row.at(1).get<int>();
      entry.difficulty.iteration = row.at(2).get<int64_t>();
    }
    ledger.push_back(entry);
  }
  return ledger;
}

Json StateToJson(const TrainingState& state) {
  const DataPosition& position = state.position;
  return {{"format", kFormat},
          {"version", kVersion},
          {"iteration", state.iteration},
          {"epochs_planned", position.epochs_planned},
          {"next", position.next},
          {"samples", position.samples},
          {"order", position.order},
          {"ledger", LedgerToJson(state.ledger)}};
}

absl::Status StateFromJson(const std::string& path, TrainingState* state) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != kFormat || json.at("version") > kVersion) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": not a checkpoint of this version of hardface"));
    }
    state->iteration = json.at("iteration").get<int64_t>();
    state->position.epochs_planned = json.at("epochs_planned").get<int64_t>();
    state->position.next = json.at("next").get<int64_t>();
    state->position.samples = json.at("samples").get<int64_t>();
    state->position.order = json.at("order").get<std::vector<int64_t>>();
    state->ledger = LedgerFromJson(json.at("ledger"));
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": broken checkpoint state: ", error.what()));
  }
  return absl::OkStatus();
}

absl::Status WriteFolder(const std::string& folder, const TrainingState& state, const Model& model) {
  ASSIGN_OR_RETURN(const auto output, AtomicFolder::Create(folder));
  SafeTensors solver;
  for (const auto& [name, array] : state.parameters) solver.tensors[kWeightPrefix + name] = array;
  for (const auto& [name, array] : state.solver) solver.tensors[kSolverPrefix + name] = array;
  RETURN_IF_ERROR(SaveModel(output->temporary_path() + "/model.safetensors", model));
  RETURN_IF_ERROR(WriteSafeTensors(output->temporary_path() + "/solver.safetensors", solver));
  RETURN_IF_ERROR(WriteFileAtomically(output->temporary_path() + "/state.json", StateToJson(state).dump() + "\n"));
  RETURN_IF_ERROR(Provenance().WriteInto(output->temporary_path()));
  return output->Commit();
}

}  // namespace

std::vector<std::string> ListCheckpoints(const std::string& output) {
  std::vector<std::string> folders;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(output + "/checkpoints", error)) {
    if (absl::StartsWith(entry.path().filename().string(), "iteration-")) folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

absl::Status SaveCheckpoint(const std::string& output, const TrainingState& state, const Model& model, int keep) {
  RETURN_IF_ERROR(WriteFolder(absl::StrFormat("%s/checkpoints/iteration-%08d", output, state.iteration), state, model));
  RETURN_IF_ERROR(SaveModel(output + "/model.safetensors", model));
  const std::vector<std::string> folders = ListCheckpoints(output);
  std::error_code ignored;
  for (size_t i = 0; i + static_cast<size_t>(keep) < folders.size(); ++i) fs::remove_all(folders[i], ignored);
  return absl::OkStatus();
}

absl::StatusOr<TrainingState> LoadCheckpoint(const std::string& folder) {
  TrainingState state;
  RETURN_IF_ERROR(StateFromJson(folder + "/state.json", &state));
  ASSIGN_OR_RETURN(SafeTensors content, ReadSafeTensors(folder + "/solver.safetensors"));
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

}  // namespace hardface
