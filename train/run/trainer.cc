#include "train/run/trainer.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/atomic_output.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "mining/mining_ledger.h"
#include "train/ranks/visit_exchange.h"
#include "train/run/checkpoint.h"
#include "train/run/log_line.h"
#include "train/run/meter.h"
#include "train/run/resume.h"
#include "train/run/run_folder.h"
#include "train/run/start_model.h"
#include "train/run/tell.h"
#include "train/run/training_entries.h"

namespace hardface::train {
namespace {

// A hash of all weights, which ranks compare: they must hold the same bits.
std::string HashOf(const model::ParameterSet& parameters) {
  uint64_t hash = 0;
  for (const auto& [name, array] : parameters) {
    const std::string_view bytes(reinterpret_cast<const char*>(array.values.data()),
                                 array.values.size() * sizeof(float));
    hash = Random({hash, HashText(bytes)}).Next();
  }
  return absl::StrCat(hash);
}

class Trainer {
 public:
  Trainer(const TrainerOptions& options, Communicator* communicator)
      : options_(options),
        communicator_(communicator),
        folder_(communicator->rank() == 0 ? std::make_unique<RunFolder>(options.output) : nullptr) {}

  absl::Status Run();

 private:
  // Everything that can be wrong with the inputs is said here, before the first step.
  absl::Status Prepare();
  absl::Status ReadDatasets();
  absl::Status MakeEngine();
  void MakeStream();
  absl::Status Resume();

  // Which images the next stretch of training visits: all hard ones, and the easy ones that chance keeps (paper section
  // 3.3).
  absl::Status PlanEpoch();
  // One step of the solver over all ranks' passes: forward, loss and backward of each pass, then the update (paper
  // section 4.1). Also notes the WPAS of every image that it showed.
  absl::Status Step();
  absl::Status Pass(int pass);
  // Brings the next step's first images on their way while the engine computes this one.
  absl::Status StageNext();
  absl::Status TakeOutcome(const StepOutcome& outcome);
  absl::Status TakeImage(const data::TrainingSample& sample, const ImageOutcome& image);
  // The share of hard negatives in this step.
  double HardNegatives() const;

  // Makes the visits since the last call known to all ranks, and writes them down. All ranks call it together.
  absl::Status MergeVisits();
  absl::Status Log(Progress* progress);
  absl::Status ValidateModel();
  absl::Status Checkpoint();
  // An error where no rank could read a single image in this run, and either all of the dataset has had its turn or the
  // training is over: no step learnt anything. All ranks call it together.
  absl::Status CheckSomeWereRead();
  // A training whose images never showed a face to learn ends with a model that finds none.
  absl::Status TellIfNothingWasPositive();
  // The signal that asked this rank, or the first of the others, to stop; 0: none. All ranks call it together.
  absl::StatusOr<int> StopSignal();
  absl::Status StopWhereAsked();
  // Which ranks know what; one state where all know the same.
  absl::StatusOr<std::vector<RankState>> GatherRankStates();
  // With the averaged weights, where an average is kept. After UpdateModel().
  absl::StatusOr<model::Model> ModelForUse();
  void TellMemory();

  WorkDone Work() const { return {stream_->samples_made(), stream_->busy_seconds()}; }
  int64_t iterations() const { return options_.step.solver.schedule.iterations; }
  // Whether something that happens every so many iterations, and at the end, happens now.
  bool Due(int64_t every) const { return every > 0 && (iteration_ == iterations() || iteration_ % every == 0); }
  // Whether ranks know different things: each has a place in the data of its own.
  bool ranks_differ() const { return options_.stream.sharing == Sharing::kReplicate && communicator_->size() > 1; }

  const TrainerOptions options_;
  Communicator* const communicator_;
  const std::unique_ptr<RunFolder> folder_;  // where this rank leads: it writes and reports
  const TellFunction tell_ = [this](const std::string& message) {
    if (folder_ != nullptr) folder_->Tell(message);
  };
  data::Dataset dataset_, validation_;
  std::string manifest_hash_;  // of the dataset
  std::unique_ptr<SampleStream> stream_;
  model::Model model_, teacher_;
  std::unique_ptr<StepEngine> engine_;
  std::optional<Validator> validator_;  // from the first validation on
  std::optional<mining::MiningLedger> ledger_;
  std::vector<data::TrainingSample> step_samples_;  // of the step's images, in the engine's order, without their pixels
  int64_t iteration_ = 0;
  int64_t metrics_bytes_ = 0, ledger_bytes_ = 0;  // of a checkpoint that training goes on from
  std::optional<double> best_ap_;
  int64_t read_images_ = 0;  // by this rank in this run
  int bad_images_ = 0;
  std::string last_bad_image_;  // its error
  int64_t told_bytes_ = 0;      // of memory
  Meter meter_;
};

absl::Status Trainer::ReadDatasets() {
  ASSIGN_OR_RETURN(dataset_, data::ReadDataset(options_.dataset));
  if (dataset_.entries.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(options_.dataset, ": the dataset is empty"));
  }
  RETURN_IF_ERROR(RequireFaces(dataset_, /*count=*/0));
  if (options_.validation.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(validation_, data::ReadDataset(options_.validation));
  return RequireFaces(validation_, options_.validating.images);
}

absl::Status Trainer::MakeEngine() {
  StepEngineOptions options = options_.step;
  options.seed = options_.seed;
  options.device = options_.device;
  options.precision = options_.precision;
  if (!options_.teacher.empty()) {
    ASSIGN_OR_RETURN(teacher_, model::LoadModel(options_.teacher));
    options.teacher = &teacher_;
    options.teacher_name = options_.teacher;
  }
  ASSIGN_OR_RETURN(engine_, MakeStepEngine(&model_, options, communicator_));
  return absl::OkStatus();
}

void Trainer::MakeStream() {
  SampleStreamOptions options = options_.stream;
  options.seed = options_.seed;
  options.epoch.aspect_group = options.augment.crops == data::CropStyle::kPaper ? options_.step.batch : 1;
  options.samples_per_step = options_.step.batch * options_.step.itersize;
  options.rank = communicator_->rank();
  options.ranks = communicator_->size();
  stream_ = std::make_unique<SampleStream>(&dataset_, options);
}

absl::Status Trainer::Resume() {
  ASSIGN_OR_RETURN(std::optional<FoundCheckpoint> found,
                   FindCheckpoint(options_.output, options_.resume, communicator_, tell_));
  if (!found.has_value()) return absl::OkStatus();
  TrainingState& state = found->state;
  RETURN_IF_ERROR(
      model::CheckParameters(model::ListParameters(model_.detector.network), state.parameters, found->folder));
  RETURN_IF_ERROR(MapToDataset(found->folder, {dataset_, options_.dataset, manifest_hash_}, tell_, &state));
  iteration_ = state.iteration;
  metrics_bytes_ = state.metrics_bytes;
  ledger_bytes_ = state.ledger_bytes;
  best_ap_ = state.best_ap;
  model_.parameters = std::move(state.parameters);
  RETURN_IF_ERROR(engine_->Restore(state.solver, found->folder));
  tell_(absl::StrCat("resuming at iteration ", iteration_, " from ", found->folder));
  RankState mine = StateOfRank(state, ranks_differ(), *communicator_, tell_);
  ledger_->Restore(std::move(mine.ledger));
  stream_->Restore(std::move(mine.position));
  return absl::OkStatus();
}

absl::Status Trainer::Prepare() {
  omp_set_num_threads(ResolveThreads(options_.threads));
  if (folder_ != nullptr) RETURN_IF_ERROR(folder_->Claim(options_.resume));
  RETURN_IF_ERROR(ReadDatasets());
  ASSIGN_OR_RETURN(
      model_,
      StartModel({options_.detector, options_.info, options_.init, options_.initialization, options_.seed}, tell_));
  ASSIGN_OR_RETURN(manifest_hash_, HashFile(dataset_.manifest_path));
  RETURN_IF_ERROR(RequireSameOnAllRanks("settings or dataset",
                                        absl::StrCat(EffectiveFlags(), "manifest ", manifest_hash_), communicator_));
  RETURN_IF_ERROR(MakeEngine());
  ledger_.emplace(options_.stream.epoch.mining, dataset_.entries.size());
  MakeStream();
  RETURN_IF_ERROR(Resume());
  if (folder_ == nullptr) return absl::OkStatus();
  RunStart start{dataset_.manifest_path, manifest_hash_, {}, iteration_, metrics_bytes_, ledger_bytes_};
  for (const std::string& input : {options_.init, options_.teacher}) {
    if (!input.empty()) start.inputs.push_back(input);
  }
  return folder_->Start(start);
}

absl::Status Trainer::PlanEpoch() {
  // With sequences of their own the ranks come here at different times: they plan from what they merged last.
  if (!ranks_differ()) RETURN_IF_ERROR(MergeVisits());
  return stream_->Plan(ledger_->entries());
}

double Trainer::HardNegatives() const {
  const double ramp =
      options_.hard_negatives_ramp == 0
          ? 1.0
          : std::min(1.0, static_cast<double>(iteration_) / static_cast<double>(options_.hard_negatives_ramp));
  return options_.hard_negatives_at_start +
         ramp * (options_.step.targets.hard_negative_share - options_.hard_negatives_at_start);
}

absl::Status Trainer::Step() {
  step_samples_.clear();
  RETURN_IF_ERROR(engine_->BeginStep(static_cast<float>(HardNegatives())));
  for (int pass = 0; pass < options_.step.itersize; ++pass) RETURN_IF_ERROR(Pass(pass));
  ASSIGN_OR_RETURN(const StepOutcome outcome, engine_->FinishStep(iteration_, [this] { return StageNext(); }));
  RETURN_IF_ERROR(TakeOutcome(outcome));
  ++iteration_;
  return absl::OkStatus();
}

absl::Status Trainer::StageNext() {
  if (iteration_ + 1 == iterations()) return absl::OkStatus();
  const double start = meter_.Now();
  std::vector<PassImage> images;
  for (const NumberedSample& next : stream_->Peek(options_.step.batch)) {
    images.push_back({next.number, next.sample.ok() ? &*next.sample : nullptr});
  }
  meter_.AddWaiting(meter_.Now() - start);
  return images.empty() ? absl::OkStatus() : engine_->Stage(images);
}

absl::Status Trainer::Pass(int pass) {
  const double start = meter_.Now();
  std::vector<NumberedSample> samples;
  for (int i = 0; i < options_.step.batch; ++i) samples.push_back(stream_->Next());
  meter_.AddWaiting(meter_.Now() - start);

  std::vector<PassImage> images;
  for (const auto& [number, sample] : samples) {
    images.push_back({number, sample.ok() ? &*sample : nullptr});
    if (sample.ok()) continue;
    last_bad_image_ = std::string(sample.status().message());
    absl::FPrintF(stderr, "\ntrain: left out: %s\n", last_bad_image_);
    if (++bad_images_ <= options_.max_bad_images) continue;
    return absl::InvalidArgumentError(absl::StrCat("more than ", options_.max_bad_images,
                                                   " images could not be read, the last one: ", last_bad_image_));
  }
  RETURN_IF_ERROR(engine_->Pass(pass, images));
  for (auto& [number, sample] : samples) {
    if (!sample.ok()) continue;
    ++read_images_;
    sample->image = cv::Mat();
    step_samples_.push_back(*std::move(sample));
  }
  return absl::OkStatus();
}

absl::Status Trainer::TakeImage(const data::TrainingSample& sample, const ImageOutcome& image) {
  if (!std::isfinite(image.loss.total())) {
    return absl::InternalError(
        absl::StrCat("iteration ", iteration_, ": the loss is ", image.loss.total(), " on image ",
                     dataset_.entries[static_cast<size_t>(sample.sources[0])].image,
                     "; training has diverged. Lower --learning_rate, or set --clip_norm; the last checkpoint is in ",
                     options_.output));
  }
  meter_.AddImage(image.loss);
  ledger_->Note(mining::VisitsOf(sample, image.faces, image.number, iteration_));
  return absl::OkStatus();
}

absl::Status Trainer::TakeOutcome(const StepOutcome& outcome) {
  for (size_t i = 0; i < outcome.images.size(); ++i) {
    RETURN_IF_ERROR(TakeImage(step_samples_[i], outcome.images[i]));
  }
  if (outcome.left_out) {
    meter_.AddStepLeftOut();
  } else if (std::isfinite(outcome.gradient_norm)) {
    meter_.AddStep(outcome.gradient_norm);
  } else {
    return absl::InternalError(
        absl::StrCat("iteration ", iteration_, ": the gradient's norm is ", outcome.gradient_norm,
                     "; training has diverged. Lower --learning_rate; the last checkpoint is in ", options_.output));
  }
  return absl::OkStatus();
}

absl::Status Trainer::MergeVisits() {
  const std::vector<mining::Visit> mine = ledger_->TakePending();
  ASSIGN_OR_RETURN(const std::vector<mining::Visit> all, GatherVisits(mine, communicator_));
  ledger_->Count(options_.own_ledger ? mine : all);
  return folder_ != nullptr ? folder_->log()->AddVisits(dataset_, all) : absl::OkStatus();
}

absl::Status Trainer::Log(Progress* progress) {
  RETURN_IF_ERROR(MergeVisits());
  LogLine line;
  ASSIGN_OR_RETURN(line.reading, meter_.Read(Work(), options_.stream.workers, communicator_));
  if (folder_ == nullptr) return absl::OkStatus();
  line.iteration = iteration_;
  line.epochs = stream_->position().epochs_planned;
  line.learning_rate = LearningRate(options_.step.solver.schedule, iteration_ - 1);
  line.hard_fraction = ledger_->HardFraction();
  line.engine_bytes = engine_->bytes();
  line.best_ap = best_ap_;
  RETURN_IF_ERROR(folder_->log()->AddMetrics(line.ToJson()));
  progress->Advance(0, line.ToText());
  return absl::OkStatus();
}

absl::StatusOr<model::Model> Trainer::ModelForUse() {
  model::Model model = model_;
  ASSIGN_OR_RETURN(model.parameters, engine_->AveragedParameters());
  model.info.iterations = iteration_;
  return model;
}

absl::Status Trainer::ValidateModel() {
  const double start = meter_.Now();
  RETURN_IF_ERROR(engine_->UpdateModel());
  ASSIGN_OR_RETURN(const model::Model model, ModelForUse());
  if (!validator_.has_value()) {
    ValidationOptions validating = options_.validating;
    validating.detect.engine = options_.step.engine;
    validating.detect.device = options_.device;
    validating.detect.precision = options_.precision;
    validator_.emplace(std::move(validating));
  }
  ASSIGN_OR_RETURN(const double ap, validator_->Run(model, validation_, communicator_));
  const bool best = ap > best_ap_.value_or(-1);
  if (best) best_ap_ = ap;
  const double seconds = meter_.Now() - start;
  meter_.LeaveOut(seconds);
  if (folder_ == nullptr) return absl::OkStatus();
  absl::FPrintF(stderr, "\ntrain: iteration %d: validation AP %.4f%s (%s)\n", iteration_, ap, best ? ", the best" : "",
                HumanDuration(seconds));
  if (best) RETURN_IF_ERROR(model::SaveModel(options_.output + "/best.safetensors", model));
  return folder_->log()->AddMetrics({{"iteration", iteration_}, {"validation_ap", ap}});
}

absl::StatusOr<std::vector<RankState>> Trainer::GatherRankStates() {
  const RankState mine{stream_->position(), ledger_->entries()};
  if (!ranks_differ()) return std::vector<RankState>{mine};
  ASSIGN_OR_RETURN(const std::vector<std::string> texts, communicator_->GatherTexts(RankStateToJson(mine)));
  std::vector<RankState> states;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(states.emplace_back(), RankStateFromJson(text, "a rank's state"));
  }
  return states;
}

absl::Status Trainer::CheckSomeWereRead() {
  ASSIGN_OR_RETURN(const std::vector<std::string> of_ranks,
                   communicator_->GatherTexts(absl::StrCat(read_images_, " ", bad_images_)));
  int64_t read = 0, bad = 0;
  for (const std::string& text : of_ranks) {
    const std::pair<std::string, std::string> counts = absl::StrSplit(text, ' ');
    int64_t of_rank = 0;
    if (absl::SimpleAtoi(counts.first, &of_rank)) read += of_rank;
    if (absl::SimpleAtoi(counts.second, &of_rank)) bad += of_rank;
  }
  const auto entries = static_cast<int64_t>(dataset_.entries.size());
  if (read > 0 || bad == 0 || (iteration_ < iterations() && bad < entries)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "none of the ", bad, " samples of this run could be made, so that nothing was learnt; no checkpoint is written. ",
      last_bad_image_.empty() ? "" : absl::StrCat("The last error: ", last_bad_image_, ". "),
      "data_tools:doctor --input=", options_.dataset, " lists the images that cannot be read"));
}

absl::Status Trainer::TellIfNothingWasPositive() {
  const std::vector<mining::LedgerEntry>& entries = ledger_->entries();
  const auto visited = std::count_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.visited; });
  const bool some =
      std::any_of(entries.begin(), entries.end(), [](const auto& entry) { return entry.difficulty.wpas.has_value(); });
  if (some || visited == 0 || folder_ == nullptr) return absl::OkStatus();
  const std::string message = absl::StrCat(
      "WARNING: none of the ", visited,
      " images that were visited showed a face that an anchor fits (a positive anchor): the model has learnt no face. "
      "Do the faces come out too small or too large (--short_sides, --crops)? data_tools:stats shows their sizes");
  absl::FPrintF(stderr, "\ntrain: %s\n", message);
  return folder_->log()->AddMessage(iteration_, message);
}

absl::Status Trainer::Checkpoint() {
  RETURN_IF_ERROR(CheckSomeWereRead());
  RETURN_IF_ERROR(MergeVisits());
  RETURN_IF_ERROR(engine_->UpdateModel());
  if (communicator_->size() > 1) {
    RETURN_IF_ERROR(RequireSameOnAllRanks("weights", HashOf(model_.parameters), communicator_));
  }
  TrainingState state;
  ASSIGN_OR_RETURN(state.rank_states, GatherRankStates());
  if (folder_ == nullptr) return absl::OkStatus();
  state.iteration = iteration_;
  state.ranks = communicator_->size();
  RETURN_IF_ERROR(folder_->log()->Sync());
  state.metrics_bytes = folder_->log()->metrics_bytes();
  state.ledger_bytes = folder_->log()->ledger_bytes();
  state.best_ap = best_ap_;
  state.manifest_sha256 = manifest_hash_;
  for (const data::DatasetEntry& entry : dataset_.entries) state.entries.push_back({entry.image, entry.flip});
  state.parameters = model_.parameters;
  ASSIGN_OR_RETURN(state.solver, engine_->SolverArrays());
  ASSIGN_OR_RETURN(const model::Model for_use, ModelForUse());
  RETURN_IF_ERROR(SaveCheckpoint(options_.output, state, for_use, options_.keep));
  return WriteFileAtomically(options_.output + "/difficulty.jsonl", ledger_->DifficultyFile(dataset_.entries));
}

void Trainer::TellMemory() {
  if (folder_ == nullptr || engine_->bytes() <= told_bytes_) return;
  told_bytes_ = engine_->bytes() + engine_->bytes() / 8;  // small growth is no news
  absl::FPrintF(stderr, "\ntrain: memory for activations, gradients and weights: %.0f MB on %s\n",
                static_cast<double>(engine_->bytes()) / 1e6, options_.device.ToString());
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

absl::Status Trainer::StopWhereAsked() {
  ASSIGN_OR_RETURN(const int stop_signal, StopSignal());
  if (stop_signal == 0 || iteration_ == iterations()) return absl::OkStatus();
  if (!Due(options_.checkpoint_every)) RETURN_IF_ERROR(Checkpoint());
  return Stopped(absl::StrCat("by the signal ", strsignal(stop_signal), " after iteration ", iteration_,
                              ", whose checkpoint is in ", options_.output, "; --resume goes on from there"));
}

absl::Status Trainer::Run() {
  RETURN_IF_ERROR(Prepare());
  std::optional<Progress> progress;
  if (folder_ != nullptr) progress.emplace("train", iterations() - iteration_, "steps");
  if (iteration_ >= iterations()) {
    tell_(absl::StrCat("nothing is left to do: the checkpoint is at iteration ", iteration_, ", and --iterations is ",
                       iterations()));
  }
  meter_.Start(Work());
  while (iteration_ < iterations()) {
    if (stream_->NeedsPlan()) RETURN_IF_ERROR(PlanEpoch());
    RETURN_IF_ERROR(Step());
    TellMemory();
    if (Due(options_.log_every)) RETURN_IF_ERROR(Log(progress.has_value() ? &*progress : nullptr));
    if (progress.has_value()) progress->Advance(1);
    if (Due(options_.validate_every)) RETURN_IF_ERROR(ValidateModel());
    if (Due(options_.checkpoint_every)) RETURN_IF_ERROR(Checkpoint());
    RETURN_IF_ERROR(StopWhereAsked());
  }
  return TellIfNothingWasPositive();
}

}  // namespace

absl::Status Train(const TrainerOptions& options, Communicator* communicator) {
  return Trainer(options, communicator).Run();
}

}  // namespace hardface::train
