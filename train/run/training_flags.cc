#include "train/run/training_flags.h"

#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/knobs.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/augmentation/augment_flags.h"

namespace {

using Options = hardface::train::TrainerOptions;

constexpr char kMiningIsOff[] = "hard image mining is off (--nohim)";

absl::Status SetDataNote(const std::string& note, Options* options) {
  options->info.data = note.empty() ? options->dataset : note;
  return absl::OkStatus();
}

absl::Status SetImageCache(int mebibytes, Options* options) {
  options->stream.image_cache_bytes = int64_t{mebibytes} << 20;
  return absl::OkStatus();
}

absl::Status SetWorkers(int workers, Options* options) {
  options->stream.workers = workers;
  return absl::OkStatus();
}

absl::Status SetBucket(double mebibytes, Options* options) {
  options->step.bucket_bytes = static_cast<int64_t>(mebibytes * (1 << 20));
  return absl::OkStatus();
}

// Stands behind what it changes.
absl::Status SetPublishedBehaviour(bool published, Options* options) {
  if (!published) return absl::OkStatus();
  hardface::mining::HardImageOptions& mining = options->stream.epoch.mining;
  mining.without_positives = hardface::mining::WithoutPositives::kEasy;
  mining.once_easy_always_easy = true;
  options->own_ledger = options->stream.sharing == hardface::train::Sharing::kReplicate;
  return absl::OkStatus();
}

}  // namespace

#define KNOB(name, member, meaning) HARDFACE_KNOB(Options, name, member, meaning)
#define KNOB_SET(type, name, default_value, meaning, set) \
  HARDFACE_KNOB_SET(Options, type, name, default_value, meaning, set)

KNOB(dataset, dataset, "Dataset to train on. Required.").Heading("Inputs and outputs");
KNOB(output, output,
     "Folder of the run, which gets the checkpoints, model.safetensors, metrics.jsonl and more. Required.");
KNOB(init, init, "Weights to start from (.safetensors or .caffemodel). Empty starts with random weights.");
KNOB(teacher, teacher,
     "A trained model with the same anchors to learn from beside the labels (distillation). Empty means "
     "none.");
KNOB(teacher_weight, step.teacher_weight, "The teacher's share in the targets; the labels have the rest.")
    .Range(0, 1)
    .Unless("teacher", "", "with --teacher", "no --teacher is given");
KNOB(resume, resume,
     "Goes on from the last checkpoint in --output. Where there is none, training starts at iteration 0 and says so. "
     "The "
     "dataset must have the entries that the checkpoint was trained on; their order may differ.");
KNOB_SET(std::string, data_note, "",
         "Words kept in the model that say what it was trained on. Empty keeps the dataset's name.", &SetDataNote);

KNOB(
    architecture, detector.architecture,
    "Network to train: smallhard (the paper's, one map of stride 8) or three_maps (the baseline with strides 8, 16 and "
    "32).")
    .Heading("Network");
KNOB(width_divisor, detector.width_divisor, "Number that every channel count is divided by. 1 gives VGG16's width.")
    .Range(1, 64);
KNOB(dilated_heads, detector.dilated_heads, "Uses three dilated heads (DH) instead of one head with three anchors.")
    .With("architecture", "smallhard");
KNOB(initialization, initialization,
     "Distribution of the weights that --init does not give: gaussian (standard deviation 0.01) or he.");
KNOB(input_divisor, info.input_divisor,
     "Number that pixels are divided by after the mean is subtracted. Use 1 for ImageNet's VGG16, and 64 when training "
     "from scratch.")
    .Range(1e-3, 1e6);
KNOB(pyramid, info.pyramid, "Levels of the image pyramid that the model should be run at. They are kept in the model.");

KNOB(iterations, step.solver.schedule.iterations, "Number of steps of the whole training.")
    .Heading("Steps")
    .Range(1, 1e9);
KNOB(batch, step.batch, "Number of images in one forward and backward pass.").Range(1, 1024);
KNOB(
    pad_to, step.pad_to,
    "Number of pixels, from 0 to 1024, to a multiple of which the sides of a pass are padded. 64 makes crops of varied "
    "sizes share a GPU's plans and recorded graphs, at the price of more pixels; on the CPU it only costs time. 0, and "
    "what is less than the detector's own multiple (16 or 32), takes the latter.")
    .Range(0, 1024);
KNOB(itersize, step.itersize,
     "Gradient accumulation: number of passes of each rank whose gradients a step averages (Caffe's iter_size).")
    .Range(1, 1024);
KNOB(seed, seed,
     "Seed for weight initialisation, shuffling (the shuffle seed) and augmentation. Two runs with equal seeds and "
     "settings give bitwise equal weights.");
KNOB(threads, threads,
     "Number of threads that compute. 0 uses all processors; with mpirun the ranks of a machine share them.")
    .Range(0, 1e9);
KNOB_SET(int, workers, 0,
         "Number of worker threads that read and augment images. 0 means one on the CPU and, since a GPU takes more "
         "images a second than one thread makes, four on a GPU, but no more than this rank's processors.",
         &SetWorkers)
    .Range(0, 1024);
KNOB_SET(int, image_cache_mb, static_cast<int>(Options().stream.image_cache_bytes >> 20),
         "Memory for decoded images in MiB.", &SetImageCache)
    .Range(0, 1e9);
KNOB(max_bad_images, max_bad_images, "Number of unreadable images that each rank leaves out before training gives up.")
    .Range(0, 1e9);
KNOB(deterministic, step.deterministic, "Gives the same bits at every run, which can be slower.")
    .Unless("device", "cpu", "on GPUs", "it applies on GPUs only");

KNOB(sampling, stream.sharing,
     "How ranks share the data: shard (each step's samples of one sequence are divided among them) or replicate (every "
     "rank visits all images in an order of its own, as the published code does).")
    .Heading("Several ranks");
KNOB(reduction, step.reduction,
     "How gradients are summed over ranks: fast, or ordered (N ranks of M passes give the same bits as 1 rank of N x M "
     "passes, which is slower).");
KNOB_SET(double, bucket_mb, static_cast<double>(Options().step.bucket_bytes) / (1 << 20),
         "Size of the parts in which gradients travel between ranks.", &SetBucket)
    .Range(0.001, 1024, "MiB");
KNOB(
    rank_timeout, rank_timeout,
    "Time that ranks wait for another one before the job ends. Ten times the longest step counts instead where that is "
    "more.")
    .Range(1, 1e6, "seconds");

KNOB(validation, validation, "Dataset whose AP is measured every --validate_every iterations. Empty means none.")
    .Heading("Validation")
    .Unless("validate_every", "0", "with --validate_every", "--validate_every is 0, so that nothing is validated");
KNOB(validate_every, validate_every, "Number of iterations between validations. 0 validates nothing.")
    .Range(0, 1e9)
    .Unless("validation", "", "with --validation", "no --validation dataset is given");
KNOB(validation_images, validating.images, "Number of images of --validation to use, the first ones. 0 uses all.")
    .Range(0, 1e9);

KNOB(him, stream.epoch.hard_image_mining, "Turns hard image mining on.").Heading("Mining");
KNOB(him_threshold, stream.epoch.mining.threshold, "WPAS from which an image counts as easy.")
    .Range(0, 1)
    .WithSwitch("him", kMiningIsOff);
KNOB(him_drop, stream.epoch.mining.drop, "Probability that an easy image is left out of an epoch.")
    .Range(0, 0.999)
    .WithSwitch("him", kMiningIsOff);
KNOB(him_visits, stream.epoch.mining.visits,
     "Number of an image's latest visits over which its WPAS is averaged. Only visits that showed a face to learn "
     "count. "
     "1 is the paper's rule; 4 suits --crops=face_scale, whose visits each show only a part of the image.")
    .Range(1, 100)
    .WithSwitch("him", kMiningIsOff);
KNOB(him_without_positives, stream.epoch.mining.without_positives,
     "What happens to images without any positive anchor: keep (they are always sampled), easy (they are left out like "
     "easy ones) or leave_out (they are never sampled again).")
    .WithSwitch("him", kMiningIsOff)
    .Unless("him_published_behaviour", "true", "", "--him_published_behaviour already makes these images easy");
KNOB_SET(
    bool, him_published_behaviour, false,
    "Follows the published code's rules: images without positive anchors are easy, easy images stay easy, and with "
    "--sampling=replicate every rank has a ledger of its own.",
    &SetPublishedBehaviour)
    .WithSwitch("him", kMiningIsOff);
KNOB(hard_negatives, step.targets.hard_negative_share,
     "Share of the sampled negatives that OHEM picks; the rest is drawn at random.")
    .Range(0, 1);
KNOB(hard_negatives_at_start, hard_negatives_at_start,
     "Share of the negatives that OHEM picks at iteration 0; it changes linearly to --hard_negatives.")
    .Range(0, 1);
KNOB(hard_negatives_ramp, hard_negatives_ramp,
     "Number of iterations over which the share changes from --hard_negatives_at_start to --hard_negatives. 0 applies "
     "--hard_negatives from the start.")
    .Range(0, 1e9);

KNOB(solver, step.solver.kind, "Optimiser: sgd (with --momentum) or adam.").Heading("Solver");
KNOB(learning_rate, step.solver.schedule.base, "Learning rate at the start, before the multipliers apply.")
    .Range(1e-12, 10);
KNOB(schedule, step.solver.schedule.kind,
     "How the learning rate falls: step (multiplied by --step_factor at each of --step_at) or cosine (down to "
     "--final_rate).");
KNOB(step_at, step.solver.schedule.steps,
     "Iterations at which the learning rate is multiplied by --step_factor, separated by commas.")
    .With("schedule", "step");
KNOB(step_factor, step.solver.schedule.factor, "Number that the learning rate is multiplied by.")
    .Range(1e-9, 1)
    .With("schedule", "step");
KNOB(final_rate, step.solver.schedule.floor, "Learning rate at the last iteration.")
    .RangeTo(0, "learning_rate")
    .With("schedule", "cosine");
KNOB(warmup, step.solver.schedule.warmup,
     "Number of iterations in which the learning rate grows linearly from 0. 0 means no warm-up.")
    .RangeTo(0, "iterations");
KNOB(momentum, step.solver.momentum, "Momentum.").Range(0, 0.9999).With("solver", "sgd");
KNOB(weight_decay, step.solver.weight_decay, "Factor of the L2 weight decay, which is added to the gradient.")
    .Range(0, 1);
KNOB(clip_norm, step.solver.clip_norm,
     "Largest norm of the whole gradient; a greater gradient is scaled down to it. 0 sets no limit.")
    .Range(0, 1e12);
KNOB(average, step.solver.average,
     "Decay of the moving average of the weights, which is then saved as the model. 0 keeps no average.")
    .Range(0, 0.999999);
KNOB(early_rate, step.solver.early_rate,
     "Learning-rate multiplier for VGG16's first two blocks (conv1_*, conv2_*). 0 freezes them, as in the paper.")
    .Range(0, 1000);
KNOB(body_rate, step.solver.body_rate,
     "Learning-rate multiplier for all layers between VGG16's first two blocks and the heads.")
    .Range(0, 1000);
KNOB(head_rate, step.solver.head_rate, "Learning-rate multiplier for the heads.").Range(0, 1000);
KNOB(bias_rate, step.solver.bias_rate, "Learning-rate multiplier for biases. It multiplies the rate of their layer.")
    .Range(0, 1000);

KNOB(checkpoint_every, checkpoint_every, "Number of iterations between checkpoints.")
    .Heading("Checkpoints and logs")
    .Range(1, 1e9);
KNOB(keep, keep, "Number of checkpoints to keep; older ones are deleted.").Range(1, 1e6);
KNOB(log_every, log_every, "Number of iterations between lines of the log and of metrics.jsonl.").Range(1, 1e9);

namespace hardface::train {

absl::StatusOr<TrainerOptions> TrainerOptionsFromFlags() {
  TrainerOptions options;
  RETURN_IF_ERROR(RequireFlag("dataset", absl::GetFlag(FLAGS_dataset)));
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  RETURN_IF_ERROR(KnobsOf<TrainerOptions>().CheckRanges());
  RETURN_IF_ERROR(KnobsOf<TrainerOptions>().CheckEffects());
  RETURN_IF_ERROR(KnobsOf<data::AugmentOptions>().CheckEffects());
  RETURN_IF_ERROR(KnobsOf<TrainerOptions>().Set(&options));
  ASSIGN_OR_RETURN(options.stream.augment, data::AugmentOptionsFromFlags());
  if (options.init.empty() && options.step.solver.early_rate == 0) {
    return UsageError(
        "without --init, conv1_* and conv2_* are random and must learn: set --early_rate=1 (0 freezes them)");
  }
  return options;
}

std::string TrainingFlagsPage() {
  return absl::StrCat(
      "# The flags of `train`\n\n"
      "Example: `--him_drop=0.5` leaves half of the easy images out of each epoch instead of the paper's 70 %.\n\n"
      "These tables show every flag of `train` but four. `--device` and `--precision` are explained in "
      "[CUDA.md](CUDA.md), `--engine`\nand `--instruction_set` in [ENGINE.md](ENGINE.md). The defaults are the paper's "
      "recipe. A value out of range is an error, and so is\na setting that has no effect beside the others. Recipes "
      "(`train/recipes/*.flags`) are files of such flags, one a line. What the words\nmean is in the "
      "[glossary](GLOSSARY.md).\n\n"
      "`train/run/training_flags.cc` holds the table that this page, `--help` and the checks come from.\n",
      KnobsOf<TrainerOptions>().ToMarkdown(), KnobsOf<data::AugmentOptions>().ToMarkdown());
}

}  // namespace hardface::train
