#include "train/trainer.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "data_tools/base/atomic_output.h"
#include "data_tools/base/check.h"
#include "data_tools/base/parallel.h"
#include "data_tools/base/prefetcher.h"
#include "data_tools/base/progress.h"
#include "data_tools/base/provenance.h"
#include "data_tools/base/status_macros.h"
#include "data_tools/base/tool_main.h"
#include "model/anchors.h"
#include "model/executor.h"
#include "model/executor_cache.h"
#include "model/image_input.h"
#include "train/checkpoint.h"
#include "train/epoch_plan.h"
#include "train/image_cache.h"
#include "train/losses.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Which use of chance a random stream serves (PlanEpoch has 1 and 2).
enum Stream : uint64_t { kAugment = 3, kNegatives = 4 };

constexpr int64_t kSamplesAhead = 16;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Sums since the last log line.
struct Meter {
  LossParts loss;
  int64_t images = 0, steps = 0;
  double gradient_norm = 0, waiting_seconds = 0;
  Clock::time_point start = Clock::now();
};

class Trainer {
 public:
  explicit Trainer(const TrainerOptions& options) : options_(options) {}

  absl::Status Run();

 private:
  using MaybeSample = absl::StatusOr<TrainingSample>;

  absl::Status Prepare();
  absl::Status InitializeModel();
  absl::Status ResumeFrom(const std::string& folder);
  absl::Status StartOutputFolder();
  // Makes `order` hold at least one step's samples from `next` on, and a prefetcher for whole steps of it.
  void PlanSamples();
  absl::StatusOr<TrainingSample> NextSample();
  absl::Status Step();
  absl::Status Pass(const std::vector<TrainingSample>& samples, int64_t first_sample);
  LossParts ImageLoss(const TrainingSample& sample, int64_t sample_number, int n, Executor* executor);
  void RecordDifficulty(const TrainingSample& sample, const std::vector<AnchorPlane>& planes,
                        const AnchorLabels& labels);
  absl::Status Log(Progress* progress);
  absl::Status Checkpoint();
  Model ModelForUse() const;
  int StepSamples() const { return options_.batch * options_.passes; }
  double HardFraction() const;

  const TrainerOptions options_;
  Dataset dataset_;
  std::vector<int64_t> partners_;
  std::unique_ptr<ImageCache> cache_;
  Model model_;
  std::vector<ParameterSpec> specs_;
  std::unique_ptr<Solver> solver_;
  ParameterSet gradients_;
  TrainingState state_;  // its parameters and solver parts are filled only for a checkpoint
  EpochOptions epoch_options_;
  TargetOptions targets_;
  int64_t segment_end_ = 0;  // index into the order at which the prefetcher's samples end
  std::unique_ptr<Prefetcher<MaybeSample>> prefetcher_;
  std::unique_ptr<ExecutorCache> executors_;
  int bad_images_ = 0;
  Meter meter_;
  std::ofstream metrics_;
};

absl::Status Trainer::InitializeModel() {
  ASSIGN_OR_RETURN(model_.detector, BuildDetector(options_.detector));
  model_.info = options_.info;
  specs_ = ListParameters(model_.detector.network);
  model_.parameters = InitializeParameters(specs_, options_.initialization, options_.seed);
  if (options_.init.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(ParameterSet given, LoadWeights(options_.init, options_.info.input_divisor));
  std::vector<std::string> fresh;
  int taken = 0;
  for (const ParameterSpec& spec : specs_) {
    const auto found = given.find(spec.name);
    if (found == given.end()) {
      fresh.push_back(spec.name);
      continue;
    }
    RETURN_IF_ERROR(CheckParameters({spec}, given, options_.init));
    model_.parameters[spec.name] = std::move(found->second);
    ++taken;
  }
  if (taken == 0) return absl::InvalidArgumentError(absl::StrCat(options_.init, ": holds no tensor of this network"));
  if (!fresh.empty()) {
    absl::FPrintF(stderr, "train: %s gives %d tensors; started at random: %s\n", options_.init, taken,
                  absl::StrJoin(fresh, " "));
  }
  return absl::OkStatus();
}

absl::Status Trainer::ResumeFrom(const std::string& folder) {
  ASSIGN_OR_RETURN(state_, LoadCheckpoint(folder));
  RETURN_IF_ERROR(CheckParameters(specs_, state_.parameters, folder));
  if (state_.ledger.size() != dataset_.entries.size()) {
    return absl::InvalidArgumentError(absl::StrCat(folder, ": was trained on ", state_.ledger.size(), " entries, ",
                                                   options_.dataset, " has ", dataset_.entries.size()));
  }
  model_.parameters = std::move(state_.parameters);
  RETURN_IF_ERROR(solver_->Restore(state_.solver, folder));
  state_.solver.clear();
  absl::FPrintF(stderr, "train: resuming at iteration %d from %s\n", state_.iteration, folder);
  return absl::OkStatus();
}

absl::Status Trainer::StartOutputFolder() {
  const std::string& output = options_.output;
  const bool has_checkpoints = !ListCheckpoints(output).empty();
  if (has_checkpoints && !options_.resume) {
    return absl::AlreadyExistsError(absl::StrCat(
        output, ": holds checkpoints of an earlier training; go on with --resume, or name another --output"));
  }
  std::error_code error;
  fs::create_directories(output, error);
  if (error) return absl::InternalError(absl::StrCat(output, ": cannot make this folder: ", error.message()));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(dataset_.manifest_path));
  if (!options_.init.empty()) RETURN_IF_ERROR(provenance.AddInput(options_.init));
  RETURN_IF_ERROR(provenance.WriteInto(output));
  RETURN_IF_ERROR(WriteFileAtomically(output + "/flags.txt", EffectiveFlags()));
  metrics_.open(output + "/metrics.jsonl", has_checkpoints ? std::ios::app : std::ios::trunc);
  if (!metrics_) return absl::InternalError(absl::StrCat(output, "/metrics.jsonl: cannot write"));
  return absl::OkStatus();
}

absl::Status Trainer::Prepare() {
  omp_set_num_threads(ResolveThreads(options_.threads));
  ASSIGN_OR_RETURN(dataset_, ReadDataset(options_.dataset));
  if (dataset_.entries.empty())
    return absl::InvalidArgumentError(absl::StrCat(options_.dataset, ": the dataset is empty"));
  for (size_t i = 0; i < dataset_.entries.size(); ++i) partners_.push_back(static_cast<int64_t>(i));
  cache_ = std::make_unique<ImageCache>(dataset_.image_paths, options_.image_cache_bytes);
  RETURN_IF_ERROR(InitializeModel());
  solver_ = std::make_unique<Solver>(specs_, options_.solver);
  gradients_ = ZeroParameters(specs_);
  ExecutorOptions executor_options;
  executor_options.training = true;
  executor_options.engine = options_.engine;
  if (options_.solver.early_rate == 0) {
    executor_options.frozen = [](NetworkPart part) { return part == NetworkPart::kEarly; };
  }
  executors_ = std::make_unique<ExecutorCache>(model_.detector.network, executor_options);
  state_.ledger.resize(dataset_.entries.size());
  epoch_options_ = {options_.seed, options_.hard_image_mining, options_.mining,
                    options_.augment.sampling == Sampling::kPaper ? options_.batch : 1};
  const std::vector<std::string> checkpoints = ListCheckpoints(options_.output);
  if (options_.resume && !checkpoints.empty()) RETURN_IF_ERROR(ResumeFrom(checkpoints.back()));
  return StartOutputFolder();
}

void Trainer::PlanSamples() {
  DataPosition& position = state_.position;
  prefetcher_.reset();
  if (static_cast<int64_t>(position.order.size()) - position.next < StepSamples()) {
    position.order.erase(position.order.begin(), position.order.begin() + position.next);
    position.next = 0;
    while (static_cast<int>(position.order.size()) < StepSamples()) {
      const std::vector<int64_t> epoch =
          PlanEpoch(dataset_.entries, state_.ledger, position.epochs_planned++, epoch_options_);
      position.order.insert(position.order.end(), epoch.begin(), epoch.end());
    }
  }
  const int64_t count = (static_cast<int64_t>(position.order.size()) - position.next) / StepSamples() * StepSamples();
  segment_end_ = position.next + count;
  const SampleSource source{
      [this](int64_t entry) { return cache_->Get(entry); },
      [this](int64_t entry) -> const DatasetEntry& { return dataset_.entries[static_cast<size_t>(entry)]; },
      &partners_};
  const std::vector<int64_t> entries(position.order.begin() + position.next, position.order.begin() + segment_end_);
  const auto make = [this, source, entries, first = position.samples](int64_t i) -> MaybeSample {
    Random random({options_.seed, kAugment, static_cast<uint64_t>(first + i)});
    return MakeSample(source, entries[static_cast<size_t>(i)], options_.augment, &random);
  };
  prefetcher_ = std::make_unique<Prefetcher<MaybeSample>>(count, options_.loader_threads, kSamplesAhead, make);
}

absl::StatusOr<TrainingSample> Trainer::NextSample() {
  const Clock::time_point start = Clock::now();
  MaybeSample sample = prefetcher_->Next();
  meter_.waiting_seconds += SecondsSince(start);
  ++state_.position.next;
  ++state_.position.samples;
  if (sample.ok()) return sample;
  absl::FPrintF(stderr, "\ntrain: left out: %s\n", sample.status().message());
  if (++bad_images_ > options_.max_bad_images) {
    return absl::InvalidArgumentError(absl::StrCat(
        "more than ", options_.max_bad_images, " images could not be read, the last one: ", sample.status().message()));
  }
  TrainingSample empty;  // contributes nothing
  return empty;
}

void Trainer::RecordDifficulty(const TrainingSample& sample, const std::vector<AnchorPlane>& planes,
                               const AnchorLabels& labels) {
  std::vector<Difficulty> of_source(sample.sources.size());
  for (Difficulty& difficulty : of_source) difficulty.iteration = state_.iteration;
  const auto worst = WorstScores(planes, labels, sample.faces.size());
  for (size_t f = 0; f < sample.faces.size(); ++f) {
    if (!worst[f].has_value()) continue;
    std::optional<float>& wpas = of_source[static_cast<size_t>(sample.faces[f].source)].wpas;
    wpas = std::min(wpas.value_or(1.0f), *worst[f]);
  }
  for (const LabelledAnchor& positive : labels.positives) {
    ++of_source[static_cast<size_t>(sample.faces[static_cast<size_t>(positive.face)].source)].positives;
  }
  for (size_t s = 0; s < of_source.size(); ++s) {
    LedgerEntry& entry = state_.ledger[static_cast<size_t>(sample.sources[s])];
    // A visit without positive anchors (a crop beside the faces) says nothing about an image that has had a score.
    if (!of_source[s].wpas.has_value() && entry.visited) continue;
    entry = {true, of_source[s]};
  }
}

LossParts Trainer::ImageLoss(const TrainingSample& sample, int64_t sample_number, int n, Executor* executor) {
  const auto planes = PlanesOf(
      model_.detector, [&](const std::string& name) { return executor->output(name); }, n);
  const auto gradients = PlanesOf(
      model_.detector, [&](const std::string& name) { return executor->output_gradient(name); }, n);
  std::vector<FaceBox> faces;
  for (const SampleFace& face : sample.faces) faces.push_back({face.box, face.ignore});
  const AnchorLabels labels = LabelAnchors(planes, faces, sample.image.cols, sample.image.rows, targets_);
  RecordDifficulty(sample, planes, labels);
  Random random({options_.seed, kNegatives, static_cast<uint64_t>(sample_number)});
  const SampledAnchors sampled = SampleAnchors(planes, labels, targets_, &random);
  return DetectionLoss(planes, labels, sampled, 1.0f / static_cast<float>(StepSamples()), gradients);
}

absl::Status Trainer::Pass(const std::vector<TrainingSample>& samples, int64_t first_sample) {
  const int multiple = model_.detector.size_multiple;
  Shape shape{static_cast<int>(samples.size()), 3, multiple, multiple};
  for (const TrainingSample& sample : samples) {
    shape.h = std::max(shape.h, RoundUp(sample.image.rows, multiple));
    shape.w = std::max(shape.w, RoundUp(sample.image.cols, multiple));
  }
  ASSIGN_OR_RETURN(Executor* const executor, executors_->Get(shape, model_.parameters, state_.iteration));
  for (int n = 0; n < shape.n; ++n) {
    const cv::Mat& image = samples[static_cast<size_t>(n)].image;
    WriteNetworkInput(image.empty() ? cv::Mat(0, 0, CV_32FC3) : image, model_.info.input_divisor, /*mirror=*/false, n,
                      executor->input());
  }
  executor->Forward();
  for (int n = 0; n < shape.n; ++n) {
    const TrainingSample& sample = samples[static_cast<size_t>(n)];
    if (sample.image.empty()) continue;
    const LossParts loss = ImageLoss(sample, first_sample + n, n, executor);
    if (!std::isfinite(loss.total())) {
      return absl::InternalError(
          absl::StrCat("iteration ", state_.iteration, ": the loss is ", loss.total(), " on image ",
                       dataset_.entries[static_cast<size_t>(sample.sources[0])].image,
                       "; training has diverged. Lower --learning_rate, or set --clip_norm; the last checkpoint is in ",
                       options_.output));
    }
    meter_.loss.classification += loss.classification;
    meter_.loss.regression += loss.regression;
    ++meter_.images;
  }
  executor->Backward(&gradients_);
  return absl::OkStatus();
}

absl::Status Trainer::Step() {
  const double ramp =
      options_.hard_negatives_ramp == 0
          ? 1.0
          : std::min(1.0, static_cast<double>(state_.iteration) / static_cast<double>(options_.hard_negatives_ramp));
  targets_ = options_.targets;
  targets_.hard_negative_share =
      static_cast<float>(options_.hard_negatives_at_start +
                         ramp * (options_.targets.hard_negative_share - options_.hard_negatives_at_start));
  for (auto& [name, array] : gradients_) std::fill(array.values.begin(), array.values.end(), 0.0f);
  for (int pass = 0; pass < options_.passes; ++pass) {
    if (prefetcher_ == nullptr || state_.position.next == segment_end_) PlanSamples();
    const int64_t first_sample = state_.position.samples;
    std::vector<TrainingSample> samples;
    for (int i = 0; i < options_.batch; ++i) {
      ASSIGN_OR_RETURN(samples.emplace_back(), NextSample());
    }
    RETURN_IF_ERROR(Pass(samples, first_sample));
  }
  meter_.gradient_norm += solver_->Step(state_.iteration, gradients_, &model_.parameters);
  ++meter_.steps;
  ++state_.iteration;
  return absl::OkStatus();
}

double Trainer::HardFraction() const {
  int64_t hard = 0;
  for (const LedgerEntry& entry : state_.ledger) {
    hard += !IsEasy(entry, options_.mining);
  }
  return static_cast<double>(hard) / static_cast<double>(state_.ledger.size());
}

absl::Status Trainer::Log(Progress* progress) {
  const double images = std::max<double>(1, static_cast<double>(meter_.images)), seconds = SecondsSince(meter_.start);
  const double rate = LearningRate(options_.solver.schedule, state_.iteration - 1);
  const nlohmann::ordered_json line = {
      {"iteration", state_.iteration},
      {"epoch", state_.position.epochs_planned},
      {"loss", meter_.loss.total() / images},
      {"classification", meter_.loss.classification / images},
      {"regression", meter_.loss.regression / images},
      {"gradient_norm", meter_.gradient_norm / static_cast<double>(std::max<int64_t>(1, meter_.steps))},
      {"learning_rate", rate},
      {"hard_fraction", HardFraction()},
      {"images_per_second", static_cast<double>(meter_.images) / seconds},
      {"data_wait_fraction", meter_.waiting_seconds / seconds}};
  metrics_ << line.dump() << std::endl;
  if (!metrics_) return absl::InternalError(absl::StrCat(options_.output, "/metrics.jsonl: write failed"));
  progress->Advance(
      0, absl::StrFormat("loss %.4f (%.4f + %.4f), rate %.3g, hard %.0f%%, %.1f images/s, waiting for data %.0f%%",
                         meter_.loss.total() / images, meter_.loss.classification / images,
                         meter_.loss.regression / images, rate, 100 * HardFraction(),
                         static_cast<double>(meter_.images) / seconds, 100 * meter_.waiting_seconds / seconds));
  meter_ = Meter();
  return absl::OkStatus();
}

Model Trainer::ModelForUse() const {
  Model model = model_;
  model.parameters = solver_->AveragedOr(model_.parameters);
  model.info.iterations = state_.iteration;
  return model;
}

absl::Status Trainer::Checkpoint() {
  state_.parameters = model_.parameters;
  state_.solver = solver_->State();
  const absl::Status saved = SaveCheckpoint(options_.output, state_, ModelForUse(), options_.keep);
  state_.parameters.clear();
  state_.solver.clear();
  RETURN_IF_ERROR(saved);
  ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(options_.output + "/difficulty.jsonl"));
  for (size_t i = 0; i < state_.ledger.size(); ++i) {
    if (!state_.ledger[i].visited) continue;
    const DatasetEntry& entry = dataset_.entries[i];
    RETURN_IF_ERROR(file->Write(DifficultyToJson(entry.image, entry.flip, state_.ledger[i].difficulty) + "\n"));
  }
  return file->Commit();
}

absl::Status Trainer::Run() {
  RETURN_IF_ERROR(Prepare());
  const int64_t iterations = options_.solver.schedule.iterations;
  Progress progress("train", iterations - state_.iteration, "steps");
  meter_ = Meter();
  while (state_.iteration < iterations) {
    RETURN_IF_ERROR(Step());
    const bool last = state_.iteration == iterations;
    if (last || state_.iteration % options_.log_every == 0) RETURN_IF_ERROR(Log(&progress));
    progress.Advance(1);
    if (last || state_.iteration % options_.checkpoint_every == 0) RETURN_IF_ERROR(Checkpoint());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Train(const TrainerOptions& options) { return Trainer(options).Run(); }

}  // namespace hardface
