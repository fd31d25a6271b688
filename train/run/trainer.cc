#include "train/run/trainer.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/output_guard.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "train/ranks/visit_exchange.h"
#include "train/run/checkpoint.h"
#include "train/run/run_folder.h"
#include "train/run/run_log.h"
#include "train/run/training_entries.h"
#include "train/step/step_engine.h"

namespace hardface::train {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Sums since the last log line, of one rank or of all.
struct Meter {
  LossParts loss;
  int64_t images = 0, steps = 0;
  int64_t left_out = 0;  // steps, by the loss scale: the same on all ranks
  double gradient_norm = 0, waiting_seconds = 0;

  std::string ToText() const {
    return absl::StrFormat("%.17g %.17g %d %.17g", loss.classification, loss.regression, images, waiting_seconds);
  }
  void Add(const std::string& text) {
    const std::vector<std::string> fields = absl::StrSplit(text, ' ');
    double classification = 0, regression = 0, waiting = 0;
    int64_t count = 0;
    if (fields.size() != 4 || !absl::SimpleAtod(fields[0], &classification) ||
        !absl::SimpleAtod(fields[1], &regression) || !absl::SimpleAtoi(fields[2], &count) ||
        !absl::SimpleAtod(fields[3], &waiting)) {
      return;
    }
    loss.classification += classification;
    loss.regression += regression;
    images += count;
    waiting_seconds += waiting;
  }
};

// The settings in OLD and NEW flag files that differ, but for those that do not change what is computed.
std::vector<std::string> ChangedSettings(const std::string& old_flags, const std::string& new_flags) {
  std::map<std::string, std::string> before;
  const auto parse = [](absl::string_view line) {
    return std::pair<std::string, std::string>(absl::StrSplit(line, absl::MaxSplits('=', 1)));
  };
  for (const absl::string_view line : absl::StrSplit(old_flags, '\n', absl::SkipEmpty())) before.insert(parse(line));
  std::vector<std::string> changes;
  for (const absl::string_view line : absl::StrSplit(new_flags, '\n', absl::SkipEmpty())) {
    const auto [name, value] = parse(line);
    const auto found = before.find(name);
    if (found == before.end() || found->second == value || name == "--resume") continue;
    changes.push_back(absl::StrCat(name, " ", found->second, " -> ", value));
  }
  return changes;
}

class Trainer {
 public:
  Trainer(const TrainerOptions& options, Communicator* communicator)
      : options_(options), communicator_(communicator), leads_(communicator->rank() == 0) {}

  absl::Status Run();

 private:
  absl::Status Prepare();
  absl::Status InitializeModel();
  absl::Status MakeEngine();
  absl::Status Resume();
  // Maps what STATE says of its entries to the dataset's.
  absl::Status MapToDataset(const std::string& folder, TrainingState* state);
  absl::Status TakeRankState(const TrainingState& state);
  absl::Status StartOutputFolder();
  // One step of the solver over all ranks' passes.
  absl::Status Step();
  absl::Status Pass(int pass);
  // Checks and adds up what a step found, and notes its visits.
  absl::Status TakeOutcome(const StepOutcome& outcome);
  void NoteVisits(const data::TrainingSample& sample, const ImageOutcome& outcome);
  // Makes the visits since the last call known to all ranks, and writes them down. All ranks call it together.
  absl::Status MergeVisits();
  absl::Status Log(Progress* progress);
  absl::Status ValidateModel();
  absl::Status Checkpoint();
  // The signal that asked this rank, or the first of the others, to stop; 0: none. All ranks call it together.
  absl::StatusOr<int> StopSignal();
  absl::Status WriteDifficulty() const;
  // With the averaged weights, where an average is kept. After UpdateModel().
  absl::StatusOr<model::Model> ModelForUse();
  int RankSamples() const { return options_.batch * options_.passes; }
  double HardFraction() const;
  // Says something that matters for the whole training, on stderr and in messages.txt, where this rank leads.
  void Tell(const std::string& message) {
    if (!leads_) return;
    absl::FPrintF(stderr, "train: %s\n", message);
    messages_.push_back(message);
  }
  // Whether ranks know different things: each has a place in the data of its own.
  bool ranks_differ() const { return options_.sharing == Sharing::kReplicate && communicator_->size() > 1; }

  const TrainerOptions options_;
  Communicator* const communicator_;
  const bool leads_;  // this rank writes and reports
  RunFolderLock lock_;
  data::Dataset dataset_, validation_;
  std::string manifest_hash_;  // of the dataset
  std::unique_ptr<SampleStream> stream_;
  model::Model model_, teacher_;
  std::vector<model::ParameterSpec> specs_;
  std::unique_ptr<StepEngine> engine_;
  std::vector<mining::LedgerEntry> ledger_;
  std::vector<mining::Visit> visits_;               // since MergeVisits()
  std::vector<data::TrainingSample> step_samples_;  // of the step's images, in the engine's order, without their pixels
  int64_t iteration_ = 0;
  bool resumed_ = false;                          // from a checkpoint
  int64_t metrics_bytes_ = 0, ledger_bytes_ = 0;  // of a checkpoint that training goes on from
  std::optional<double> best_ap_;
  int bad_images_ = 0;
  Meter meter_;
  Clock::time_point meter_start_ = Clock::now();
  double busy_seconds_before_ = 0;  // of the loader threads, at the meter's start
  int64_t samples_made_before_ = 0;
  std::vector<std::string> messages_;  // told before the log was open
  std::unique_ptr<RunLog> log_;        // where this rank leads
};

absl::Status Trainer::InitializeModel() {
  ASSIGN_OR_RETURN(model_.detector, model::BuildDetector(options_.detector));
  model_.info = options_.info;
  specs_ = model::ListParameters(model_.detector.network);
  model_.parameters = model::InitializeParameters(specs_, options_.initialization, options_.seed);
  if (options_.init.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(model::ParameterSet given, model::LoadWeights(options_.init, options_.info.input_divisor));
  std::vector<std::string> fresh;
  int taken = 0;
  for (const model::ParameterSpec& spec : specs_) {
    const auto found = given.find(spec.name);
    if (found == given.end()) {
      fresh.push_back(spec.name);
      continue;
    }
    RETURN_IF_ERROR(model::CheckParameters({spec}, given, options_.init));
    model_.parameters[spec.name] = std::move(found->second);
    ++taken;
  }
  if (taken == 0) return absl::InvalidArgumentError(absl::StrCat(options_.init, ": holds no tensor of this network"));
  if (!fresh.empty()) {
    Tell(absl::StrCat(options_.init, " gives ", taken, " tensors; started at random: ", absl::StrJoin(fresh, " ")));
  }
  return absl::OkStatus();
}

absl::Status Trainer::Resume() {
  // One rank decides, so that all go on from the same checkpoint.
  std::string chosen;
  std::optional<FoundCheckpoint> found;
  if (leads_ && options_.resume) {
    std::vector<std::string> warnings;
    absl::StatusOr<std::optional<FoundCheckpoint>> newest = LoadNewestCheckpoint(options_.output, &warnings);
    for (const std::string& warning : warnings) Tell(warning);
    if (!newest.ok()) return newest.status();
    found = *std::move(newest);
    if (found.has_value()) chosen = found->folder;
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> folders, communicator_->GatherTexts(chosen));
  const std::string& folder = folders[0];
  if (folder.empty()) {
    if (options_.resume) {
      Tell(absl::StrCat("--resume is given, but ", options_.output,
                        " holds no checkpoint: training starts at iteration 0"));
    }
    return absl::OkStatus();
  }
  if (!leads_) {
    ASSIGN_OR_RETURN(TrainingState state, LoadCheckpoint(folder));
    found = FoundCheckpoint{folder, std::move(state)};
  }
  TrainingState& state = found->state;
  RETURN_IF_ERROR(model::CheckParameters(specs_, state.parameters, folder));
  RETURN_IF_ERROR(MapToDataset(folder, &state));
  iteration_ = state.iteration;
  metrics_bytes_ = state.metrics_bytes;
  ledger_bytes_ = state.ledger_bytes;
  best_ap_ = state.best_ap;
  model_.parameters = std::move(state.parameters);
  RETURN_IF_ERROR(engine_->Restore(state.solver, folder));
  Tell(absl::StrCat("resuming at iteration ", iteration_, " from ", folder));
  return TakeRankState(state);
}

absl::Status Trainer::MapToDataset(const std::string& folder, TrainingState* state) {
  const bool names_entries = !state->entries.empty();
  for (const RankState& of_rank : state->rank_states) {
    const size_t known = names_entries ? state->entries.size() : dataset_.entries.size();
    if (of_rank.ledger.size() == known) continue;
    return absl::InvalidArgumentError(absl::StrCat(folder, ": was trained on ", of_rank.ledger.size(), " entries, ",
                                                   names_entries ? folder + "/entries.jsonl" : options_.dataset,
                                                   " has ", known));
  }
  if (!names_entries) {
    Tell(absl::StrCat(folder, " is of an older hardface and does not name its entries: they are taken for those of ",
                      options_.dataset, " in the same order"));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<int64_t> places,
                   MapEntries(state->entries, dataset_.entries, folder, options_.dataset));
  const bool moved = !IsSameOrder(places);
  for (RankState& of_rank : state->rank_states) {
    if (moved) MoveEntries(places, &of_rank);
  }
  if (moved) {
    Tell(absl::StrCat(
        options_.dataset,
        " has its entries in another order than at the checkpoint: their difficulties and the running epoch "
        "were mapped by image and flip; later epochs are shuffled anew"));
  } else if (state->manifest_sha256 != manifest_hash_) {
    Tell(absl::StrCat(dataset_.manifest_path,
                      " has changed since the checkpoint, though not in its images: training goes on with the faces, "
                      "sizes and attributes as they are now"));
  }
  return absl::OkStatus();
}

absl::Status Trainer::TakeRankState(const TrainingState& state) {
  if (state.ranks != communicator_->size()) {
    Tell(absl::StrCat("the checkpoint was written by ", state.ranks, " ranks, now there are ", communicator_->size(),
                      ": training goes on, but not to the same bits unless ranks times passes stay the same"));
  }
  const auto rank = static_cast<size_t>(communicator_->rank());
  const bool known = rank < state.rank_states.size();
  const RankState& mine = state.rank_states[ranks_differ() && known ? rank : 0];
  ledger_ = mine.ledger;
  DataPosition position = mine.position;
  // A rank that was not there takes its own order, from the next epoch on.
  if (ranks_differ() && !known) position = {position.epochs_planned, {}, 0, position.samples};
  stream_->Restore(std::move(position));
  return absl::OkStatus();
}

absl::Status Trainer::StartOutputFolder() {
  const std::string& output = options_.output;
  RETURN_IF_ERROR(CheckOutput(output));  // the datasets' images are known by now
  std::error_code error;
  fs::create_directories(output, error);
  if (error) return absl::InternalError(absl::StrCat(output, ": cannot make this folder: ", error.message()));
  RETURN_IF_ERROR(lock_.Take(output));
  Provenance provenance;
  provenance.AddHashedInput(dataset_.manifest_path, manifest_hash_);
  if (!options_.init.empty()) RETURN_IF_ERROR(provenance.AddInput(options_.init));
  if (!options_.teacher.empty()) RETURN_IF_ERROR(provenance.AddInput(options_.teacher));
  RETURN_IF_ERROR(provenance.WriteInto(output));
  const std::string flags = EffectiveFlags();
  if (iteration_ > 0) {
    const absl::StatusOr<std::string> before = ReadFile(output + "/flags.txt");
    const std::vector<std::string> changes = ChangedSettings(before.ok() ? *before : "", flags);
    if (!changes.empty()) {
      Tell(absl::StrCat("settings changed since the checkpoint: ", absl::StrJoin(changes, ", ")));
    }
  }
  RETURN_IF_ERROR(WriteFileAtomically(output + "/flags.txt", flags));
  ASSIGN_OR_RETURN(log_, RunLog::Open(output, iteration_, metrics_bytes_, ledger_bytes_));
  for (const std::string& message : messages_) RETURN_IF_ERROR(log_->AddMessage(iteration_, message));
  return absl::OkStatus();
}

absl::Status Trainer::MakeEngine() {
  StepEngineOptions options;
  options.solver = options_.solver;
  options.targets = options_.targets;
  options.batch = options_.batch;
  options.passes = options_.passes;
  options.reduction = options_.reduction;
  options.bucket_bytes = options_.bucket_bytes;
  options.seed = options_.seed;
  options.device = options_.device;
  options.engine = options_.engine;
  options.precision = options_.precision;
  options.deterministic = options_.deterministic;
  if (!options_.teacher.empty()) {
    ASSIGN_OR_RETURN(teacher_, model::LoadModel(options_.teacher));
    options.teacher = &teacher_;
    options.teacher_weight = options_.teacher_weight;
    options.teacher_name = options_.teacher;
  }
  ASSIGN_OR_RETURN(engine_, MakeStepEngine(&model_, options, communicator_));
  return absl::OkStatus();
}

absl::Status Trainer::Prepare() {
  omp_set_num_threads(ResolveThreads(options_.threads));
  if (leads_) {
    RETURN_IF_ERROR(lock_.Take(options_.output));
    RETURN_IF_ERROR(ClaimRunFolder(options_.output, options_.resume));
  }
  ASSIGN_OR_RETURN(dataset_, data::ReadDataset(options_.dataset));
  if (dataset_.entries.empty())
    return absl::InvalidArgumentError(absl::StrCat(options_.dataset, ": the dataset is empty"));
  RETURN_IF_ERROR(RequireFaces(dataset_, /*count=*/0));
  if (!options_.validation.empty()) {
    ASSIGN_OR_RETURN(validation_, data::ReadDataset(options_.validation));
    RETURN_IF_ERROR(RequireFaces(validation_, options_.validating.images));
  }
  RETURN_IF_ERROR(InitializeModel());
  ASSIGN_OR_RETURN(manifest_hash_, HashFile(dataset_.manifest_path));
  RETURN_IF_ERROR(RequireSameOnAllRanks("settings or dataset",
                                        absl::StrCat(EffectiveFlags(), "manifest ", manifest_hash_), communicator_));
  RETURN_IF_ERROR(MakeEngine());
  ledger_.resize(dataset_.entries.size());
  SampleStreamOptions stream;
  stream.seed = options_.seed;
  stream.augment = options_.augment;
  stream.epoch.hard_image_mining = options_.hard_image_mining;
  stream.epoch.mining = options_.mining;
  stream.epoch.aspect_group = options_.augment.crops == data::CropStyle::kPaper ? options_.batch : 1;
  stream.samples_per_step = RankSamples();
  stream.loader_threads = options_.loader_threads;
  stream.image_cache_bytes = options_.image_cache_bytes;
  stream.sharing = options_.sharing;
  stream.rank = communicator_->rank();
  stream.ranks = communicator_->size();
  stream_ = std::make_unique<SampleStream>(&dataset_, stream);
  RETURN_IF_ERROR(Resume());
  return leads_ ? StartOutputFolder() : absl::OkStatus();
}

void Trainer::NoteVisits(const data::TrainingSample& sample, const ImageOutcome& outcome) {
  std::vector<mining::Visit> visits(sample.sources.size());
  for (size_t s = 0; s < visits.size(); ++s) {
    visits[s] = {outcome.number, sample.sources[s], sample.scales[s], {std::nullopt, 0, iteration_}};
  }
  for (size_t f = 0; f < sample.faces.size(); ++f) {
    const FaceOutcome& face = outcome.faces[f];
    mining::Difficulty& difficulty = visits[static_cast<size_t>(sample.faces[f].source)].difficulty;
    difficulty.positives += face.positives;
    if (face.worst.has_value()) difficulty.wpas = std::min(difficulty.wpas.value_or(1.0f), *face.worst);
  }
  visits_.insert(visits_.end(), visits.begin(), visits.end());
}

absl::Status Trainer::MergeVisits() {
  ASSIGN_OR_RETURN(const std::vector<mining::Visit> all, GatherVisits(visits_, communicator_));
  for (const mining::Visit& visit : options_.own_ledger ? visits_ : all) {
    mining::Record(visit, options_.mining, &ledger_[static_cast<size_t>(visit.entry)]);
  }
  visits_.clear();
  return log_ != nullptr ? log_->AddVisits(dataset_, all) : absl::OkStatus();
}

absl::Status Trainer::Pass(int pass) {
  const Clock::time_point start = Clock::now();
  std::vector<NumberedSample> samples;
  for (int i = 0; i < options_.batch; ++i) samples.push_back(stream_->Next());
  meter_.waiting_seconds += SecondsSince(start);

  std::vector<PassImage> images;
  for (const auto& [number, sample] : samples) {
    images.push_back({number, sample.ok() ? &*sample : nullptr});
    if (sample.ok()) continue;
    absl::FPrintF(stderr, "\ntrain: left out: %s\n", sample.status().message());
    if (++bad_images_ <= options_.max_bad_images) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "more than ", options_.max_bad_images, " images could not be read, the last one: ", sample.status().message()));
  }
  RETURN_IF_ERROR(engine_->Pass(pass, images));
  for (auto& [number, sample] : samples) {
    if (!sample.ok()) continue;
    sample->image = cv::Mat();
    step_samples_.push_back(*std::move(sample));
  }
  return absl::OkStatus();
}

absl::Status Trainer::TakeOutcome(const StepOutcome& outcome) {
  for (size_t i = 0; i < outcome.images.size(); ++i) {
    const ImageOutcome& image = outcome.images[i];
    const data::TrainingSample& sample = step_samples_[i];
    if (!std::isfinite(image.loss.total())) {
      return absl::InternalError(
          absl::StrCat("iteration ", iteration_, ": the loss is ", image.loss.total(), " on image ",
                       dataset_.entries[static_cast<size_t>(sample.sources[0])].image,
                       "; training has diverged. Lower --learning_rate, or set --clip_norm; the last checkpoint is in ",
                       options_.output));
    }
    meter_.loss.classification += image.loss.classification;
    meter_.loss.regression += image.loss.regression;
    ++meter_.images;
    NoteVisits(sample, image);
  }
  if (outcome.left_out) {
    ++meter_.left_out;
  } else if (!std::isfinite(outcome.gradient_norm)) {
    return absl::InternalError(
        absl::StrCat("iteration ", iteration_, ": the gradient's norm is ", outcome.gradient_norm,
                     "; training has diverged. Lower --learning_rate; the last checkpoint is in ", options_.output));
  } else {
    meter_.gradient_norm += outcome.gradient_norm;
    ++meter_.steps;
  }
  return absl::OkStatus();
}

absl::Status Trainer::Step() {
  const double ramp =
      options_.hard_negatives_ramp == 0
          ? 1.0
          : std::min(1.0, static_cast<double>(iteration_) / static_cast<double>(options_.hard_negatives_ramp));
  const double hard_negatives = options_.hard_negatives_at_start +
                                ramp * (options_.targets.hard_negative_share - options_.hard_negatives_at_start);
  if (stream_->NeedsPlan()) {
    // With sequences of their own the ranks come here at different times: they plan from what they merged last.
    if (!ranks_differ()) RETURN_IF_ERROR(MergeVisits());
    stream_->Plan(ledger_);
  }
  step_samples_.clear();
  RETURN_IF_ERROR(engine_->BeginStep(static_cast<float>(hard_negatives)));
  for (int pass = 0; pass < options_.passes; ++pass) RETURN_IF_ERROR(Pass(pass));
  ASSIGN_OR_RETURN(const StepOutcome outcome, engine_->FinishStep(iteration_));
  RETURN_IF_ERROR(TakeOutcome(outcome));
  ++iteration_;
  return absl::OkStatus();
}

double Trainer::HardFraction() const {
  int64_t hard = 0;
  for (const mining::LedgerEntry& entry : ledger_) hard += !mining::IsEasy(entry, options_.mining);
  return static_cast<double>(hard) / static_cast<double>(ledger_.size());
}

absl::Status Trainer::Log(Progress* progress) {
  RETURN_IF_ERROR(MergeVisits());
  ASSIGN_OR_RETURN(const std::vector<std::string> of_ranks, communicator_->GatherTexts(meter_.ToText()));
  Meter sum;
  for (const std::string& text : of_ranks) sum.Add(text);
  const double images = std::max<double>(1, static_cast<double>(sum.images)), seconds = SecondsSince(meter_start_);
  const double waiting = sum.waiting_seconds / communicator_->size();
  const double busy = stream_->busy_seconds() - busy_seconds_before_;
  const double rate = LearningRate(options_.solver.schedule, iteration_ - 1);
  // What either side alone would reach: the loader threads if nothing waited for the network, and the reverse.
  const int64_t loaders = int64_t{options_.loader_threads} * communicator_->size();
  const int64_t made = stream_->samples_made() - samples_made_before_;
  const double data_rate = busy > 0 ? static_cast<double>(made * loaders) / busy : 0;
  const double compute_rate = seconds > waiting ? static_cast<double>(sum.images) / (seconds - waiting) : 0;
  const double norm = meter_.gradient_norm / static_cast<double>(std::max<int64_t>(1, meter_.steps));
  const double hard = HardFraction();
  const int64_t left_out = meter_.left_out;
  meter_ = Meter();
  meter_start_ = Clock::now();
  busy_seconds_before_ = stream_->busy_seconds();
  samples_made_before_ = stream_->samples_made();
  if (!leads_) return absl::OkStatus();
  RETURN_IF_ERROR(log_->AddMetrics({{"iteration", iteration_},
                                    {"epoch", stream_->position().epochs_planned},
                                    {"loss", sum.loss.total() / images},
                                    {"classification", sum.loss.classification / images},
                                    {"regression", sum.loss.regression / images},
                                    {"gradient_norm", norm},
                                    {"learning_rate", rate},
                                    {"hard_fraction", hard},
                                    {"images_per_second", static_cast<double>(sum.images) / seconds},
                                    {"data_images_per_second", data_rate},
                                    {"compute_images_per_second", compute_rate},
                                    {"data_wait_fraction", waiting / seconds},
                                    {"engine_bytes", engine_->bytes()},
                                    {"steps_left_out", left_out}}));
  const std::string ap = best_ap_.has_value() ? absl::StrFormat(", best AP %.4f", *best_ap_) : "";
  progress->Advance(
      0, absl::StrFormat("loss %.4f (%.4f + %.4f), rate %.3g, hard %.0f%%, %.1f images/s (data %.0f, "
                         "compute %.1f), waiting for data %.0f%%%s",
                         sum.loss.total() / images, sum.loss.classification / images, sum.loss.regression / images,
                         rate, 100 * hard, static_cast<double>(sum.images) / seconds, data_rate, compute_rate,
                         100 * waiting / seconds, ap));
  return absl::OkStatus();
}

absl::StatusOr<model::Model> Trainer::ModelForUse() {
  model::Model model = model_;
  ASSIGN_OR_RETURN(model.parameters, engine_->AveragedParameters());
  model.info.iterations = iteration_;
  return model;
}

absl::Status Trainer::ValidateModel() {
  const Clock::time_point start = Clock::now();
  RETURN_IF_ERROR(engine_->UpdateModel());
  ASSIGN_OR_RETURN(const model::Model model, ModelForUse());
  ValidationOptions validating = options_.validating;
  validating.detect.engine = options_.engine;
  validating.detect.device = options_.device;
  validating.detect.precision = options_.precision;
  ASSIGN_OR_RETURN(const double ap, Validate(model, validation_, validating, communicator_));
  const bool best = ap > best_ap_.value_or(-1);
  if (best) best_ap_ = ap;
  meter_start_ += Clock::now() - start;  // time that is not training's
  if (!leads_) return absl::OkStatus();
  absl::FPrintF(stderr, "\ntrain: iteration %d: validation AP %.4f%s (%s)\n", iteration_, ap, best ? ", the best" : "",
                HumanDuration(SecondsSince(start)));
  if (best) RETURN_IF_ERROR(model::SaveModel(options_.output + "/best.safetensors", model));
  return log_->AddMetrics({{"iteration", iteration_}, {"validation_ap", ap}});
}

absl::Status Trainer::WriteDifficulty() const {
  ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(options_.output + "/difficulty.jsonl"));
  for (size_t i = 0; i < ledger_.size(); ++i) {
    if (!ledger_[i].visited) continue;
    const data::DatasetEntry& entry = dataset_.entries[i];
    RETURN_IF_ERROR(file->Write(mining::DifficultyToJson(entry.image, entry.flip, ledger_[i].difficulty) + "\n"));
  }
  return file->Commit();
}

absl::Status Trainer::Checkpoint() {
  RETURN_IF_ERROR(MergeVisits());
  RETURN_IF_ERROR(engine_->UpdateModel());
  const RankState mine{stream_->position(), ledger_};
  TrainingState state;
  state.iteration = iteration_;
  state.ranks = communicator_->size();
  if (communicator_->size() > 1) {
    uint64_t hash = 0;
    for (const auto& [name, array] : model_.parameters) {
      const std::string_view bytes(reinterpret_cast<const char*>(array.values.data()),
                                   array.values.size() * sizeof(float));
      hash = Random({hash, HashText(bytes)}).Next();
    }
    RETURN_IF_ERROR(RequireSameOnAllRanks("weights", absl::StrCat(hash), communicator_));
  }
  if (ranks_differ()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> texts, communicator_->GatherTexts(RankStateToJson(mine)));
    for (const std::string& text : texts) {
      ASSIGN_OR_RETURN(state.rank_states.emplace_back(), RankStateFromJson(text, "a rank's state"));
    }
  } else {
    state.rank_states = {mine};
  }
  if (!leads_) return absl::OkStatus();
  RETURN_IF_ERROR(log_->Sync());
  state.metrics_bytes = log_->metrics_bytes();
  state.ledger_bytes = log_->ledger_bytes();
  state.best_ap = best_ap_;
  state.manifest_sha256 = manifest_hash_;
  for (const data::DatasetEntry& entry : dataset_.entries) state.entries.push_back({entry.image, entry.flip});
  state.parameters = model_.parameters;
  ASSIGN_OR_RETURN(state.solver, engine_->SolverArrays());
  ASSIGN_OR_RETURN(const model::Model for_use, ModelForUse());
  RETURN_IF_ERROR(SaveCheckpoint(options_.output, state, for_use, options_.keep));
  return WriteDifficulty();
}

absl::StatusOr<int> Trainer::StopSignal() {
  const int mine = options_.stop == nullptr ? 0 : options_.stop->load();
  if (communicator_->size() == 1) return mine;
  // Signals reach the ranks at different steps, and all must stop after the same one.
  ASSIGN_OR_RETURN(const std::vector<std::string> of_ranks, communicator_->GatherTexts(absl::StrCat(mine)));
  for (const std::string& text : of_ranks) {
    int number = 0;
    if (absl::SimpleAtoi(text, &number) && number != 0) return number;
  }
  return 0;
}

absl::Status Trainer::Run() {
  RETURN_IF_ERROR(Prepare());
  const int64_t iterations = options_.solver.schedule.iterations;
  std::optional<Progress> progress;
  if (leads_) progress.emplace("train", iterations - iteration_, "steps");
  if (iteration_ >= iterations) {
    Tell(absl::StrCat("nothing is left to do: the checkpoint is at iteration ", iteration_, ", and --iterations is ",
                      iterations));
  }
  meter_start_ = Clock::now();
  int64_t most_bytes = 0;
  while (iteration_ < iterations) {
    RETURN_IF_ERROR(Step());
    if (leads_ && engine_->bytes() > most_bytes) {
      most_bytes = engine_->bytes() + engine_->bytes() / 8;  // small growth is no news
      absl::FPrintF(stderr, "\ntrain: memory for activations, gradients and weights: %.0f MB on %s\n",
                    static_cast<double>(engine_->bytes()) / 1e6, options_.device.ToString());
    }
    const bool last = iteration_ == iterations;
    const auto due = [&](int64_t every) { return every > 0 && (last || iteration_ % every == 0); };
    if (due(options_.log_every)) RETURN_IF_ERROR(Log(leads_ ? &*progress : nullptr));
    if (leads_) progress->Advance(1);
    if (due(options_.validate_every)) RETURN_IF_ERROR(ValidateModel());
    if (due(options_.checkpoint_every)) RETURN_IF_ERROR(Checkpoint());
    ASSIGN_OR_RETURN(const int stop_signal, StopSignal());
    if (stop_signal == 0 || last) continue;
    if (!due(options_.checkpoint_every)) RETURN_IF_ERROR(Checkpoint());
    return Stopped(absl::StrCat("by the signal ", strsignal(stop_signal), " after iteration ", iteration_,
                                ", whose checkpoint is in ", options_.output, "; --resume goes on from there"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Train(const TrainerOptions& options, Communicator* communicator) {
  return Trainer(options, communicator).Run();
}

}  // namespace hardface::train
