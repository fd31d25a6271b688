// train/train: trains a detector. Defaults are the paper's recipe; train/recipes/*.flags hold others.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/flag_values.h"
#include "base/parallel.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/augmentation/augment_flags.h"
#include "mining/difficulty.h"
#include "model/cuda/precision.h"
#include "model/execution/engine_flags.h"
#include "model/execution/openmp_policy.h"
#include "train/ranks/communicator.h"
#include "train/ranks/mpi_communicator.h"
#include "train/ranks/rank_device.h"
#include "train/run/trainer.h"
#include "train/step/solver.h"

ABSL_DECLARE_FLAG(std::string, crops);  // augment_flags

ABSL_FLAG(std::string, dataset, "", "the dataset to train on");
ABSL_FLAG(std::string, output, "", "folder of the run: checkpoints, model.safetensors, metrics.jsonl");
ABSL_FLAG(std::string, init, "", "weights to start from (.safetensors or .caffemodel); empty: random");
ABSL_FLAG(
    std::string, teacher, "",
    "A trained model with the same anchors to learn from beside the labels (distillation), on the CPU. Empty: none.");
ABSL_FLAG(double, teacher_weight, 0.5,
          "The teacher's share in the targets, from 0 to 1; the labels have the rest. Applies with --teacher.");
ABSL_FLAG(
    bool, resume, false,
    "Goes on from the last checkpoint in --output. Where there is none, training starts at iteration 0 and says so. "
    "The dataset must have the entries that the checkpoint was trained on; their order may differ.");
ABSL_FLAG(std::string, data_note, "",
          "kept in the model: what it was trained on, in words (empty: the dataset's name)");

ABSL_FLAG(std::string, architecture, "smallhard", "smallhard or three_maps");
ABSL_FLAG(int, width_divisor, 1, "divides every channel count; 1 is VGG16's width");
ABSL_FLAG(bool, dilated_heads, true, "of smallhard: three dilated heads (DH) instead of one head with three anchors");
ABSL_FLAG(std::string, initialization, "gaussian", "of weights that --init does not give: gaussian (std 0.01) or he");
ABSL_FLAG(float, input_divisor, 1,
          "pixels, less the mean, are divided by this; 1 for ImageNet's VGG16, 64 from scratch");
ABSL_FLAG(std::vector<std::string>, pyramid, std::vector<std::string>({"100", "300", "600", "1000", "1400"}),
          "levels the model should be run at, kept in the model");

ABSL_FLAG(int64_t, iterations, 60000, "steps of the whole training");
ABSL_FLAG(int, batch, 1, "images of one forward and backward pass");
ABSL_FLAG(int, passes, 2, "passes of each rank whose gradients a step averages (Caffe's iter_size)");
ABSL_FLAG(uint64_t, seed, 1, "of everything random");
ABSL_FLAG(int, threads, 0, "of computation; 0: all processors");
ABSL_FLAG(int, loader_threads, 1, "that read and augment images");
ABSL_FLAG(int, image_cache_mb, 2048, "memory for decoded images");
ABSL_FLAG(int, max_bad_images, 10, "unreadable images that are left out before training gives up");
ABSL_FLAG(std::string, device, "auto",
          "cpu, cuda:N, cuda (each rank of a machine its own GPU), or auto: cuda where there is one, else cpu");
ABSL_FLAG(std::string, precision, "auto",
          "of activations and gradients: fp32, tf32, bf16, fp16; auto: fp32 on the CPU, bf16 on a GPU");
ABSL_FLAG(bool, deterministic, true, "of GPUs: the same bits at every run, which can be slower");

ABSL_FLAG(
    std::string, sampling, "shard",
    "how ranks share the data: shard (each step's samples of one sequence are dealt out) or replicate (every rank "
    "visits all images in an order of its own, as the published code does)");
ABSL_FLAG(std::string, reduction, "fast",
          "of gradients: fast, or ordered (N ranks of M passes give the same bits as 1 rank of N x M; slower)");
ABSL_FLAG(double, bucket_mb, 4, "gradients travel between ranks in parts of this size");
ABSL_FLAG(double, rank_timeout, 60,
          "seconds that ranks wait for another before the job ends; ten times the longest step if that is more");

ABSL_FLAG(std::string, validation, "", "a dataset whose AP is measured every --validate_every iterations");
ABSL_FLAG(int64_t, validate_every, 0, "iterations between validations; 0: none");
ABSL_FLAG(int64_t, validation_images, 0, "the first so many images of --validation; 0: all");

ABSL_FLAG(bool, him, true, "hard image mining");
ABSL_FLAG(double, him_threshold, 0.85, "an image whose WPAS reaches it is easy");
ABSL_FLAG(double, him_drop, 0.7, "probability of an easy image being left out of an epoch");
ABSL_FLAG(int, him_visits, 1,
          "An image's WPAS is the mean over its latest visits that showed a face to learn, so many of them. 1 is the "
          "paper's rule; 4 suits --crops=face_scale, whose visits each show only a part of the image.");
ABSL_FLAG(std::string, him_without_positives, "keep",
          "images without any positive anchor: keep (always sampled), easy (left out like easy ones) or leave_out");
ABSL_FLAG(bool, him_published_behaviour, false,
          "the published code's rules: images without positive anchors are easy, easy images stay easy, and with "
          "--sampling=replicate every rank has a ledger of its own");
ABSL_FLAG(double, hard_negatives, 1, "share of the sampled negatives that OHEM picks; the rest is random");
ABSL_FLAG(double, hard_negatives_at_start, 1, "that share at iteration 0");
ABSL_FLAG(int64_t, hard_negatives_ramp, 0, "iterations in which it grows to --hard_negatives");

ABSL_FLAG(std::string, solver, "sgd", "sgd (momentum 0.9) or adam");
ABSL_FLAG(double, learning_rate, 0.004, "at the start");
ABSL_FLAG(std::string, schedule, "step", "step (multiplied by --step_factor at --step_at) or cosine (to --final_rate)");
ABSL_FLAG(std::vector<std::string>, step_at, std::vector<std::string>({"46000"}), "iterations");
ABSL_FLAG(double, step_factor, 0.1, "of --schedule=step");
ABSL_FLAG(double, final_rate, 0, "of --schedule=cosine");
ABSL_FLAG(int64_t, warmup, 0, "iterations of linear growth of the rate");
ABSL_FLAG(double, momentum, hardface::train::SolverOptions().momentum, "of --solver=sgd");
ABSL_FLAG(double, weight_decay, hardface::train::SolverOptions().weight_decay, "L2");
ABSL_FLAG(double, clip_norm, 0, "largest norm of the gradient; 0: no limit");
ABSL_FLAG(double, average, 0, "decay of the moving average of the weights that is saved as the model; 0: none");
ABSL_FLAG(double, early_rate, hardface::train::SolverOptions().early_rate,
          "Learning-rate multiplier for VGG16's first two blocks (conv1_*, conv2_*). 0 freezes them, as in the paper.");
ABSL_FLAG(double, body_rate, hardface::train::SolverOptions().body_rate,
          "learning rate multiplier of all else before the heads");
ABSL_FLAG(double, head_rate, hardface::train::SolverOptions().head_rate, "learning rate multiplier of the heads");
ABSL_FLAG(double, bias_rate, hardface::train::SolverOptions().bias_rate, "learning rate multiplier of biases, on top");

ABSL_FLAG(int, checkpoint_every, 1000, "iterations");
ABSL_FLAG(int, keep, 3, "checkpoints kept");
ABSL_FLAG(int, log_every, 50, "iterations");

namespace hardface::train {
namespace {

absl::Status CheckRanges() {
  RETURN_IF_ERROR(RequireFlag("dataset", absl::GetFlag(FLAGS_dataset)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  const auto iterations = static_cast<double>(absl::GetFlag(FLAGS_iterations));
  RETURN_IF_ERROR(RequireRange("iterations", iterations, 1, 1e9));
  RETURN_IF_ERROR(RequireRange("batch", absl::GetFlag(FLAGS_batch), 1, 1024));
  RETURN_IF_ERROR(RequireRange("passes", absl::GetFlag(FLAGS_passes), 1, 1024));
  RETURN_IF_ERROR(RequireRange("loader_threads", absl::GetFlag(FLAGS_loader_threads), 1, 1024));
  RETURN_IF_ERROR(RequireRange("learning_rate", absl::GetFlag(FLAGS_learning_rate), 1e-12, 10));
  RETURN_IF_ERROR(RequireRange("him_threshold", absl::GetFlag(FLAGS_him_threshold), 0, 1));
  RETURN_IF_ERROR(RequireRange("teacher_weight", absl::GetFlag(FLAGS_teacher_weight), 0, 1));
  RETURN_IF_ERROR(RequireRange("him_drop", absl::GetFlag(FLAGS_him_drop), 0, 0.999));
  RETURN_IF_ERROR(RequireRange("him_visits", absl::GetFlag(FLAGS_him_visits), 1, 100));
  RETURN_IF_ERROR(RequireRange("hard_negatives", absl::GetFlag(FLAGS_hard_negatives), 0, 1));
  RETURN_IF_ERROR(RequireRange("hard_negatives_at_start", absl::GetFlag(FLAGS_hard_negatives_at_start), 0, 1));
  RETURN_IF_ERROR(RequireRange("average", absl::GetFlag(FLAGS_average), 0, 0.999999));
  RETURN_IF_ERROR(RequireRange("input_divisor", absl::GetFlag(FLAGS_input_divisor), 1e-3, 1e6));
  RETURN_IF_ERROR(RequireRange("checkpoint_every", absl::GetFlag(FLAGS_checkpoint_every), 1, 1e9));
  RETURN_IF_ERROR(RequireRange("log_every", absl::GetFlag(FLAGS_log_every), 1, 1e9));
  RETURN_IF_ERROR(RequireRange("keep", absl::GetFlag(FLAGS_keep), 1, 1e6));
  RETURN_IF_ERROR(RequireRange("bucket_mb", absl::GetFlag(FLAGS_bucket_mb), 0.001, 1024));
  RETURN_IF_ERROR(RequireRange("rank_timeout", absl::GetFlag(FLAGS_rank_timeout), 1, 1e6));
  RETURN_IF_ERROR(RequireRange("validate_every", static_cast<double>(absl::GetFlag(FLAGS_validate_every)), 0, 1e9));
  RETURN_IF_ERROR(RequireRange("warmup", static_cast<double>(absl::GetFlag(FLAGS_warmup)), 0, iterations));
  RETURN_IF_ERROR(RequireRange("clip_norm", absl::GetFlag(FLAGS_clip_norm), 0, 1e12));
  RETURN_IF_ERROR(RequireRange("momentum", absl::GetFlag(FLAGS_momentum), 0, 0.9999));
  RETURN_IF_ERROR(RequireRange("weight_decay", absl::GetFlag(FLAGS_weight_decay), 0, 1));
  RETURN_IF_ERROR(RequireRange("step_factor", absl::GetFlag(FLAGS_step_factor), 1e-9, 1));
  return RequireRange("final_rate", absl::GetFlag(FLAGS_final_rate), 0, absl::GetFlag(FLAGS_learning_rate));
}

// A flag that says nothing under the value that another has: whoever changed both expects something else to happen.
struct Contradiction {
  const char* flag;
  bool pointless;
  const char* because;
};

absl::Status CheckContradictions() {
  const bool paper = absl::GetFlag(FLAGS_crops) == "paper", sgd = absl::GetFlag(FLAGS_solver) == "sgd";
  const bool step = absl::GetFlag(FLAGS_schedule) == "step", him = absl::GetFlag(FLAGS_him);
  const Contradiction contradictions[] = {
      {"dilated_heads", absl::GetFlag(FLAGS_architecture) != "smallhard", "it is of --architecture=smallhard"},
      {"short_sides", !paper, "it is of --crops=paper"},
      {"max_long_side", !paper, "it is of --crops=paper"},
      {"crop_probability", !paper, "it is of --crops=paper"},
      {"crop_size", paper, "it is of --crops=face_scale"},
      {"min_face", paper, "it is of --crops=face_scale"},
      {"max_face", paper, "it is of --crops=face_scale"},
      {"mosaic_probability", paper, "it is of --crops=face_scale"},
      {"close_up_probability", paper, "it is of --crops=face_scale"},
      {"random_crop_probability", paper, "it is of --crops=face_scale"},
      {"rotation", paper, "it is of --crops=face_scale"},
      {"stretch", paper, "it is of --crops=face_scale"},
      {"degrade_probability", paper, "it is of --crops=face_scale"},
      {"occlude_probability", paper, "it is of --crops=face_scale"},
      {"deterministic", absl::GetFlag(FLAGS_device) == "cpu", "it is of GPUs"},
      {"momentum", !sgd, "it is of --solver=sgd"},
      {"step_at", !step, "it is of --schedule=step"},
      {"step_factor", !step, "it is of --schedule=step"},
      {"final_rate", step, "it is of --schedule=cosine"},
      {"teacher_weight", absl::GetFlag(FLAGS_teacher).empty(), "there is no --teacher"},
      {"him_threshold", !him, "hard image mining is off (--nohim)"},
      {"him_drop", !him, "hard image mining is off (--nohim)"},
      {"him_visits", !him, "hard image mining is off (--nohim)"},
      {"him_without_positives", !him, "hard image mining is off (--nohim)"},
      {"him_published_behaviour", !him, "hard image mining is off (--nohim)"},
      {"him_without_positives", absl::GetFlag(FLAGS_him_published_behaviour),
       "--him_published_behaviour takes these images for easy"},
      {"validate_every", absl::GetFlag(FLAGS_validation).empty() && absl::GetFlag(FLAGS_validate_every) > 0,
       "there is no --validation dataset"},
      {"validation", absl::GetFlag(FLAGS_validate_every) == 0, "--validate_every says when to validate"},
  };
  for (const Contradiction& c : contradictions) {
    if (!c.pointless || !FlagDiffers(c.flag)) continue;
    return UsageError(
        absl::StrCat("--", c.flag, " has no effect: ", c.because, "; leave one of the two out (flag files count)"));
  }
  return absl::OkStatus();
}

absl::StatusOr<SolverOptions> SolverFromFlags() {
  SolverOptions solver;
  RETURN_IF_ERROR(Choose("solver", absl::GetFlag(FLAGS_solver),
                         {{"sgd", SolverOptions::Kind::kSgd}, {"adam", SolverOptions::Kind::kAdam}}, &solver.kind));
  Schedule& schedule = solver.schedule;
  RETURN_IF_ERROR(Choose("schedule", absl::GetFlag(FLAGS_schedule),
                         {{"step", Schedule::Kind::kStep}, {"cosine", Schedule::Kind::kCosine}}, &schedule.kind));
  RETURN_IF_ERROR(ParsePositive("step_at", absl::GetFlag(FLAGS_step_at), &schedule.steps));
  schedule.base = absl::GetFlag(FLAGS_learning_rate);
  schedule.iterations = absl::GetFlag(FLAGS_iterations);
  schedule.warmup = absl::GetFlag(FLAGS_warmup);
  schedule.factor = absl::GetFlag(FLAGS_step_factor);
  schedule.floor = absl::GetFlag(FLAGS_final_rate);
  solver.momentum = absl::GetFlag(FLAGS_momentum);
  solver.weight_decay = absl::GetFlag(FLAGS_weight_decay);
  solver.clip_norm = absl::GetFlag(FLAGS_clip_norm);
  solver.average = absl::GetFlag(FLAGS_average);
  solver.early_rate = absl::GetFlag(FLAGS_early_rate);
  solver.body_rate = absl::GetFlag(FLAGS_body_rate);
  solver.head_rate = absl::GetFlag(FLAGS_head_rate);
  solver.bias_rate = absl::GetFlag(FLAGS_bias_rate);
  if (absl::GetFlag(FLAGS_init).empty() && solver.early_rate == 0) {
    return UsageError(
        "without --init, conv1_* and conv2_* are random and must learn: set --early_rate=1 (0 freezes them)");
  }
  return solver;
}

absl::Status SetDevice(TrainerOptions* options) {
  const bool ranks = StartedByMpi();
  ASSIGN_OR_RETURN(options->device, DeviceOfRank(absl::GetFlag(FLAGS_device), ranks ? LocalRank() : 0,
                                                 ranks ? RanksOnThisMachine() : 1));
  const std::string precision = absl::GetFlag(FLAGS_precision);
  if (options->device.cuda()) {
    ASSIGN_OR_RETURN(options->precision, model::ParsePrecision(precision == "auto" ? "bf16" : precision));
    return absl::OkStatus();
  }
  if (precision == "auto" || precision == "fp32") return absl::OkStatus();
  RETURN_IF_ERROR(model::ParsePrecision(precision).status());
  return UsageError(
      absl::StrCat("--precision=", precision, " is for GPUs; training on the CPU takes --precision=fp32"));
}

absl::Status SetDistribution(TrainerOptions* options) {
  RETURN_IF_ERROR(Choose("sampling", absl::GetFlag(FLAGS_sampling),
                         {{"shard", Sharing::kShard}, {"replicate", Sharing::kReplicate}}, &options->sharing));
  RETURN_IF_ERROR(Choose("reduction", absl::GetFlag(FLAGS_reduction),
                         {{"fast", Reduction::kFast}, {"ordered", Reduction::kOrdered}}, &options->reduction));
  options->bucket_bytes = static_cast<int64_t>(absl::GetFlag(FLAGS_bucket_mb) * (1 << 20));
  options->threads = absl::GetFlag(FLAGS_threads);
  if (options->threads > 0 || !StartedByMpi()) return absl::OkStatus();
  // Ranks that the launcher has not bound to processors of their own share this machine's.
  const int64_t all = sysconf(_SC_NPROCESSORS_ONLN), usable = ResolveThreads(0), ranks = RanksOnThisMachine();
  if (usable == all) {
    options->threads = static_cast<int>(std::max<int64_t>(1, all / ranks));
  } else if (2 * usable * ranks <= all) {
    std::fprintf(stderr,
                 "train: mpirun has bound this rank to %d of %d processors; --bind-to none lets its %d ranks use all\n",
                 static_cast<int>(usable), static_cast<int>(all), static_cast<int>(ranks));
  }
  return absl::OkStatus();
}

absl::Status SetMining(TrainerOptions* options) {
  options->hard_image_mining = absl::GetFlag(FLAGS_him);
  mining::HardImageOptions& mining = options->mining;
  mining.threshold = static_cast<float>(absl::GetFlag(FLAGS_him_threshold));
  mining.drop = absl::GetFlag(FLAGS_him_drop);
  mining.visits = absl::GetFlag(FLAGS_him_visits);
  RETURN_IF_ERROR(Choose("him_without_positives", absl::GetFlag(FLAGS_him_without_positives),
                         mining::WithoutPositivesChoices(), &mining.without_positives));
  if (!absl::GetFlag(FLAGS_him_published_behaviour)) return absl::OkStatus();
  mining.without_positives = mining::WithoutPositives::kEasy;
  mining.once_easy_always_easy = true;
  options->own_ledger = options->sharing == Sharing::kReplicate;
  return absl::OkStatus();
}

absl::StatusOr<TrainerOptions> OptionsFromFlags() {
  RETURN_IF_ERROR(CheckRanges());
  RETURN_IF_ERROR(CheckContradictions());
  TrainerOptions options;
  options.dataset = absl::GetFlag(FLAGS_dataset);
  options.output = absl::GetFlag(FLAGS_output);
  options.init = absl::GetFlag(FLAGS_init);
  options.teacher = absl::GetFlag(FLAGS_teacher);
  options.teacher_weight = static_cast<float>(absl::GetFlag(FLAGS_teacher_weight));
  options.resume = absl::GetFlag(FLAGS_resume);
  options.detector = {absl::GetFlag(FLAGS_architecture), absl::GetFlag(FLAGS_width_divisor),
                      absl::GetFlag(FLAGS_dilated_heads)};
  RETURN_IF_ERROR(Choose("initialization", absl::GetFlag(FLAGS_initialization),
                         {{"gaussian", model::Initialization::kGaussian}, {"he", model::Initialization::kHe}},
                         &options.initialization));
  options.info.input_divisor = absl::GetFlag(FLAGS_input_divisor);
  RETURN_IF_ERROR(ParsePositive("pyramid", absl::GetFlag(FLAGS_pyramid), &options.info.pyramid));
  options.info.data = absl::GetFlag(FLAGS_data_note).empty() ? options.dataset : absl::GetFlag(FLAGS_data_note);
  options.batch = absl::GetFlag(FLAGS_batch);
  options.passes = absl::GetFlag(FLAGS_passes);
  ASSIGN_OR_RETURN(options.augment, data::AugmentOptionsFromFlags());
  options.targets.hard_negative_share = static_cast<float>(absl::GetFlag(FLAGS_hard_negatives));
  options.hard_negatives_at_start = absl::GetFlag(FLAGS_hard_negatives_at_start);
  options.hard_negatives_ramp = absl::GetFlag(FLAGS_hard_negatives_ramp);
  RETURN_IF_ERROR(SetDevice(&options));
  RETURN_IF_ERROR(SetDistribution(&options));
  RETURN_IF_ERROR(SetMining(&options));
  options.validation = absl::GetFlag(FLAGS_validation);
  options.validate_every = absl::GetFlag(FLAGS_validate_every);
  options.validating.images = absl::GetFlag(FLAGS_validation_images);
  ASSIGN_OR_RETURN(options.solver, SolverFromFlags());
  options.seed = absl::GetFlag(FLAGS_seed);
  ASSIGN_OR_RETURN(options.engine, model::EngineFromFlags());
  options.loader_threads = absl::GetFlag(FLAGS_loader_threads);
  options.image_cache_bytes = int64_t{absl::GetFlag(FLAGS_image_cache_mb)} << 20;
  options.max_bad_images = absl::GetFlag(FLAGS_max_bad_images);
  options.checkpoint_every = absl::GetFlag(FLAGS_checkpoint_every);
  options.keep = absl::GetFlag(FLAGS_keep);
  options.log_every = absl::GetFlag(FLAGS_log_every);
  return options;
}

absl::Status TrainAs(const TrainerOptions& options, Communicator* communicator) {
  if (communicator->rank() == 0) {
    std::fprintf(stderr, "train: settings\n%s", FlagTable().c_str());
    if (communicator->size() > 1) std::fprintf(stderr, "train: %d ranks\n", communicator->size());
  }
  const absl::Status status = Train(options, communicator);
  // The others wait for this rank in an exchange that it will never come to.
  if (!status.ok() && communicator->size() > 1) communicator->Abort(status);
  return status;
}

absl::Status Run(const std::vector<std::string>&) {
  ASSIGN_OR_RETURN(const TrainerOptions options, OptionsFromFlags());
  if (!StartedByMpi()) {
    WorldOfOne alone;
    return TrainAs(options, &alone);
  }
  ASSIGN_OR_RETURN(const auto ranks, JoinMpi({absl::GetFlag(FLAGS_rank_timeout)}));
  return TrainAs(options, ranks.get());
}

}  // namespace
}  // namespace hardface::train

int main(int argc, char** argv) {
  hardface::model::UsePassiveOpenMpWaiting(argv);
  return hardface::ToolMain(argc, argv,
                            {"train/train",
                             "trains a face detector with hard image mining, alone or as several ranks (mpirun -np N). "
                             "Defaults are the paper's recipe for VGG16 weights (--init); "
                             "--flagfile=train/recipes/from_scratch.flags trains without any.",
                             "",
                             {{"dataset", hardface::kReadsDataset},
                              {"validation", hardface::kReadsDataset},
                              {"init", hardface::kReadsFile},
                              {"teacher", hardface::kReadsFile},
                              {"output", hardface::kWritesRun}}},
                            &hardface::train::Run);
}
