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

ABSL_FLAG(std::string, dataset, "", "Dataset to train on. Required.");
ABSL_FLAG(std::string, output, "",
          "Folder of the run, which gets the checkpoints, model.safetensors, metrics.jsonl and more. Required.");
ABSL_FLAG(std::string, init, "",
          "Weights to start from (.safetensors or .caffemodel). Empty starts with random weights.");
ABSL_FLAG(std::string, teacher, "",
          "A trained model with the same anchors to learn from beside the labels (distillation), on the CPU. Empty "
          "means none.");
ABSL_FLAG(double, teacher_weight, 0.5,
          "The teacher's share in the targets, from 0 to 1; the labels have the rest. Applies with --teacher.");
ABSL_FLAG(bool, resume, false,
          "Goes on from the last checkpoint in --output. Where there is none, training starts at iteration 0 and says "
          "so. The dataset must have the entries that the checkpoint was trained on; their order may differ.");
ABSL_FLAG(std::string, data_note, "",
          "Words kept in the model that say what it was trained on. Empty keeps the dataset's name.");

ABSL_FLAG(std::string, architecture, "smallhard",
          "Network to train: smallhard (the paper's, one map of stride 8) or three_maps (the baseline with strides 8, "
          "16 and 32).");
ABSL_FLAG(int, width_divisor, 1, "Number that every channel count is divided by. 1 gives VGG16's width.");
ABSL_FLAG(
    bool, dilated_heads, true,
    "Applies with --architecture=smallhard. Uses three dilated heads (DH) instead of one head with three anchors.");
ABSL_FLAG(std::string, initialization, "gaussian",
          "Distribution of the weights that --init does not give: gaussian (standard deviation 0.01) or he.");
ABSL_FLAG(float, input_divisor, 1,
          "Number, from 0.001 to 1000000, that pixels are divided by after the mean is subtracted. Use 1 for "
          "ImageNet's VGG16, and 64 when training from scratch.");
ABSL_FLAG(std::vector<std::string>, pyramid, std::vector<std::string>({"100", "300", "600", "1000", "1400"}),
          "Levels of the image pyramid that the model should be run at. They are kept in the model.");

ABSL_FLAG(int64_t, iterations, 60000, "Number of steps of the whole training, from 1 to 1000000000.");
ABSL_FLAG(int, batch, 1, "Number of images in one forward and backward pass, from 1 to 1024.");
ABSL_FLAG(int, passes, 2,
          "Number of passes of each rank, from 1 to 1024, whose gradients a step averages (gradient accumulation; "
          "Caffe's iter_size).");
ABSL_FLAG(uint64_t, seed, 1,
          "Seed for weight initialisation, shuffling and augmentation. Two runs with equal seeds and settings give "
          "bitwise equal weights.");
ABSL_FLAG(int, threads, 0,
          "Number of threads that compute. 0 uses all processors; with mpirun the ranks of a machine share them.");
ABSL_FLAG(
    int, loader_threads, 0,
    "Number of threads that read and augment images, from 1 to 1024. 0 means one on the CPU and, since a GPU takes "
    "more images a second than one thread makes, four on a GPU, but no more than this rank's processors.");
ABSL_FLAG(int, image_cache_mb, 2048, "Memory for decoded images in MiB.");
ABSL_FLAG(int, max_bad_images, 10, "Number of unreadable images that each rank leaves out before training gives up.");
ABSL_FLAG(std::string, device, "auto",
          "Device to train on: cpu, cuda:N, cuda (each rank of a machine gets its own GPU), or auto (cuda where there "
          "is one, else cpu).");
ABSL_FLAG(
    std::string, precision, "auto",
    "Arithmetic type of activations and gradients: fp32, tf32, bf16, fp16 or auto (fp32 on the CPU, bf16 on a GPU).");
ABSL_FLAG(bool, deterministic, true, "Applies on GPUs. Gives the same bits at every run, which can be slower.");

ABSL_FLAG(std::string, sampling, "shard",
          "How ranks share the data: shard (each step's samples of one sequence are divided among them) or replicate "
          "(every rank visits all images in an order of its own, as the published code does).");
ABSL_FLAG(std::string, reduction, "fast",
          "How gradients are summed over ranks: fast, or ordered (N ranks of M passes give the same bits as 1 rank of "
          "N x M passes, which is slower).");
ABSL_FLAG(double, bucket_mb, 4,
          "Size in MiB, from 0.001 to 1024, of the parts in which gradients travel between ranks.");
ABSL_FLAG(double, rank_timeout, 60,
          "Seconds, from 1 to 1000000, that ranks wait for another one before the job ends. Ten times the longest step "
          "counts instead where that is more.");

ABSL_FLAG(std::string, validation, "",
          "Dataset whose AP is measured every --validate_every iterations. Empty means none.");
ABSL_FLAG(int64_t, validate_every, 0,
          "Number of iterations between validations. Applies with --validation. 0 validates nothing.");
ABSL_FLAG(int64_t, validation_images, 0, "Number of images of --validation to use, the first ones. 0 uses all.");

ABSL_FLAG(bool, him, true, "Turns hard image mining on.");
ABSL_FLAG(double, him_threshold, 0.85, "WPAS from 0 to 1 from which an image counts as easy. Applies with --him.");
ABSL_FLAG(double, him_drop, 0.7,
          "Probability, from 0 to 0.999, that an easy image is left out of an epoch. Applies with --him.");
ABSL_FLAG(int, him_visits, 1,
          "Number of an image's latest visits, from 1 to 100, over which its WPAS is averaged. Only visits that showed "
          "a face to learn count. 1 is the paper's rule; 4 suits --crops=face_scale, whose visits each show only a "
          "part of the image.");
ABSL_FLAG(std::string, him_without_positives, "keep",
          "What happens to images without any positive anchor: keep (they are always sampled), easy (they are left out "
          "like easy ones) or leave_out (they are never sampled again). Applies with --him.");
ABSL_FLAG(bool, him_published_behaviour, false,
          "Follows the published code's rules: images without positive anchors are easy, easy images stay easy, and "
          "with --sampling=replicate every rank has a ledger of its own.");
ABSL_FLAG(double, hard_negatives, 1,
          "Share of the sampled negatives that OHEM picks, from 0 to 1; the rest is drawn at random.");
ABSL_FLAG(
    double, hard_negatives_at_start, 1,
    "Share of the negatives that OHEM picks at iteration 0, from 0 to 1; it changes linearly to --hard_negatives.");
ABSL_FLAG(int64_t, hard_negatives_ramp, 0,
          "Number of iterations over which the share changes from --hard_negatives_at_start to --hard_negatives. 0 "
          "applies --hard_negatives from the start.");

ABSL_FLAG(std::string, solver, "sgd", "Optimiser: sgd (with --momentum) or adam.");
ABSL_FLAG(double, learning_rate, 0.004,
          "Learning rate at the start, above 0 and up to 10, before the multipliers apply.");
ABSL_FLAG(std::string, schedule, "step",
          "How the learning rate falls: step (multiplied by --step_factor at each of --step_at) or cosine (down to "
          "--final_rate).");
ABSL_FLAG(std::vector<std::string>, step_at, std::vector<std::string>({"46000"}),
          "Applies with --schedule=step. Iterations at which the learning rate is multiplied by --step_factor, "
          "separated by commas.");
ABSL_FLAG(double, step_factor, 0.1,
          "Applies with --schedule=step. Number above 0, up to 1, that the learning rate is multiplied by.");
ABSL_FLAG(double, final_rate, 0,
          "Applies with --schedule=cosine. Learning rate at the last iteration, from 0 to --learning_rate.");
ABSL_FLAG(
    int64_t, warmup, 0,
    "Number of iterations, up to --iterations, in which the learning rate grows linearly from 0. 0 means no warm-up.");
ABSL_FLAG(double, momentum, hardface::train::SolverOptions().momentum,
          "Applies with --solver=sgd. Momentum, from 0 to 0.9999.");
ABSL_FLAG(double, weight_decay, hardface::train::SolverOptions().weight_decay,
          "Factor of the L2 weight decay, from 0 to 1, which is added to the gradient.");
ABSL_FLAG(double, clip_norm, 0,
          "Largest norm of the whole gradient; a greater gradient is scaled down to it. 0 sets no limit.");
ABSL_FLAG(double, average, 0,
          "Decay, from 0 to 0.999999, of the moving average of the weights, which is then saved as the model. 0 keeps "
          "no average.");
ABSL_FLAG(double, early_rate, hardface::train::SolverOptions().early_rate,
          "Learning-rate multiplier for VGG16's first two blocks (conv1_*, conv2_*). 0 freezes them, as in the paper.");
ABSL_FLAG(double, body_rate, hardface::train::SolverOptions().body_rate,
          "Learning-rate multiplier for all layers between VGG16's first two blocks and the heads.");
ABSL_FLAG(double, head_rate, hardface::train::SolverOptions().head_rate, "Learning-rate multiplier for the heads.");
ABSL_FLAG(double, bias_rate, hardface::train::SolverOptions().bias_rate,
          "Learning-rate multiplier for biases. It multiplies the rate of their layer.");

ABSL_FLAG(int, checkpoint_every, 1000, "Number of iterations between checkpoints, at least 1.");
ABSL_FLAG(int, keep, 3, "Number of checkpoints to keep, at least 1; older ones are deleted.");
ABSL_FLAG(int, log_every, 50, "Number of iterations between lines of the log and of metrics.jsonl, at least 1.");

namespace hardface::train {
namespace {

absl::Status CheckRanges() {
  RETURN_IF_ERROR(RequireFlag("dataset", absl::GetFlag(FLAGS_dataset)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  const auto iterations = static_cast<double>(absl::GetFlag(FLAGS_iterations));
  RETURN_IF_ERROR(RequireRange("iterations", iterations, 1, 1e9));
  RETURN_IF_ERROR(RequireRange("batch", absl::GetFlag(FLAGS_batch), 1, 1024));
  RETURN_IF_ERROR(RequireRange("passes", absl::GetFlag(FLAGS_passes), 1, 1024));
  RETURN_IF_ERROR(RequireRange("loader_threads", absl::GetFlag(FLAGS_loader_threads), 0, 1024));
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
      {"dilated_heads", absl::GetFlag(FLAGS_architecture) != "smallhard",
       "it applies with --architecture=smallhard only"},
      {"short_sides", !paper, "it applies with --crops=paper only"},
      {"max_long_side", !paper, "it applies with --crops=paper only"},
      {"crop_probability", !paper, "it applies with --crops=paper only"},
      {"crop_size", paper, "it applies with --crops=face_scale only"},
      {"min_face", paper, "it applies with --crops=face_scale only"},
      {"max_face", paper, "it applies with --crops=face_scale only"},
      {"mosaic_probability", paper, "it applies with --crops=face_scale only"},
      {"close_up_probability", paper, "it applies with --crops=face_scale only"},
      {"random_crop_probability", paper, "it applies with --crops=face_scale only"},
      {"rotation", paper, "it applies with --crops=face_scale only"},
      {"stretch", paper, "it applies with --crops=face_scale only"},
      {"degrade_probability", paper, "it applies with --crops=face_scale only"},
      {"occlude_probability", paper, "it applies with --crops=face_scale only"},
      {"deterministic", absl::GetFlag(FLAGS_device) == "cpu", "it applies on GPUs only"},
      {"momentum", !sgd, "it applies with --solver=sgd only"},
      {"step_at", !step, "it applies with --schedule=step only"},
      {"step_factor", !step, "it applies with --schedule=step only"},
      {"final_rate", step, "it applies with --schedule=cosine only"},
      {"teacher_weight", absl::GetFlag(FLAGS_teacher).empty(), "no --teacher is given"},
      {"him_threshold", !him, "hard image mining is off (--nohim)"},
      {"him_drop", !him, "hard image mining is off (--nohim)"},
      {"him_visits", !him, "hard image mining is off (--nohim)"},
      {"him_without_positives", !him, "hard image mining is off (--nohim)"},
      {"him_published_behaviour", !him, "hard image mining is off (--nohim)"},
      {"him_without_positives", absl::GetFlag(FLAGS_him_published_behaviour),
       "--him_published_behaviour already makes these images easy"},
      {"validate_every", absl::GetFlag(FLAGS_validation).empty() && absl::GetFlag(FLAGS_validate_every) > 0,
       "no --validation dataset is given"},
      {"validation", absl::GetFlag(FLAGS_validate_every) == 0, "--validate_every is 0, so that nothing is validated"},
  };
  for (const Contradiction& c : contradictions) {
    if (!c.pointless || !FlagDiffers(c.flag)) continue;
    return UsageError(absl::StrCat("--", c.flag, " has no effect: ", c.because,
                                   "; leave one of the two out (settings in flag files count as well)"));
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
  return UsageError(absl::StrCat("--precision=", precision, " applies on GPUs only; give --precision=fp32 on the CPU"));
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
  if (options.loader_threads == 0) {
    options.loader_threads = options.device.cuda() ? std::min(4, ResolveThreads(options.threads)) : 1;
  }
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
                             "Trains a face detector with hard image mining, as one process or as several ranks "
                             "(mpirun -np N). The defaults are the paper's recipe for VGG16 weights (--init). "
                             "--flagfile=train/recipes/from_scratch.flags trains without such weights.",
                             "",
                             {{"dataset", hardface::kReadsDataset},
                              {"validation", hardface::kReadsDataset},
                              {"init", hardface::kReadsFile},
                              {"teacher", hardface::kReadsFile},
                              {"output", hardface::kWritesRun}}},
                            &hardface::train::Run);
}
