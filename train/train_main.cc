// train/train: trains a detector. Defaults are the paper's recipe; train/recipes/*.flags hold others.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/parallel.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "model/cuda/precision.h"
#include "model/execution/engine_flags.h"
#include "model/execution/openmp_policy.h"
#include "train/ranks/communicator.h"
#include "train/ranks/mpi_communicator.h"
#include "train/ranks/rank_device.h"
#include "train/run/stop_signals.h"
#include "train/run/trainer.h"
#include "train/run/training_flags.h"

// The other flags are those of train/run/training_flags.cc.
ABSL_FLAG(std::string, device, "auto",
          "Device to train on: cpu, cuda:N, cuda (each rank of a machine gets its own GPU), or auto (cuda where there "
          "is one, else cpu).");
ABSL_FLAG(
    std::string, precision, "auto",
    "Arithmetic type of activations and gradients: fp32, tf32, bf16, fp16 or auto (fp32 on the CPU, bf16 on a GPU).");

namespace hardface::train {
namespace {

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
  return UsageError(absl::StrCat(
      "--precision=", precision,
      " applies on GPUs only; give --precision=fp32 on the CPU (or --engine=onednn_bf16 where it has AMX)"));
}

// Ranks that the launcher has not bound to processors of their own share this machine's.
void ShareProcessors(TrainerOptions* options) {
  if (options->threads > 0 || !StartedByMpi()) return;
  const int64_t all = sysconf(_SC_NPROCESSORS_ONLN), usable = ResolveThreads(0), ranks = RanksOnThisMachine();
  if (usable == all) {
    options->threads = static_cast<int>(std::max<int64_t>(1, all / ranks));
  } else if (2 * usable * ranks <= all) {
    std::fprintf(stderr,
                 "train: mpirun has bound this rank to %d of %d processors; --bind-to none lets its %d ranks use all\n",
                 static_cast<int>(usable), static_cast<int>(all), static_cast<int>(ranks));
  }
}

absl::StatusOr<TrainerOptions> OptionsFromFlags() {
  ASSIGN_OR_RETURN(TrainerOptions options, TrainerOptionsFromFlags());
  RETURN_IF_ERROR(SetDevice(&options));
  ShareProcessors(&options);
  ASSIGN_OR_RETURN(options.step.engine, model::EngineFromFlags());
  if (options.stream.workers == 0) {
    options.stream.workers = options.device.cuda() ? std::min(4, ResolveThreads(options.threads)) : 1;
  }
  return options;
}

absl::Status TrainAs(const TrainerOptions& options, Communicator* communicator) {
  if (communicator->rank() == 0) {
    std::fprintf(stderr, "train: settings\n%s", FlagTable().c_str());
    if (communicator->size() > 1) std::fprintf(stderr, "train: %d ranks\n", communicator->size());
  }
  const absl::Status status = Train(options, communicator);
  // The others wait for this rank in an exchange that it will never come to.
  if (!status.ok() && !IsStopped(status) && communicator->size() > 1) communicator->Abort(status);
  return status;
}

absl::Status Run(const std::vector<std::string>&) {
  ASSIGN_OR_RETURN(TrainerOptions options, OptionsFromFlags());
  options.stop = StopOnSignals();
  if (!StartedByMpi()) {
    WorldOfOne alone;
    return TrainAs(options, &alone);
  }
  ASSIGN_OR_RETURN(const auto ranks, JoinMpi({options.rank_timeout}));
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
                             "--flagfile=train/recipes/from_scratch.flags trains without such weights. SIGTERM, SIGINT "
                             "(Ctrl-C) and SIGUSR1 end a training after its current step, with a checkpoint and exit "
                             "code 3; --resume goes on.",
                             "",
                             {{"dataset", hardface::kReadsDataset},
                              {"validation", hardface::kReadsDataset},
                              {"init", hardface::kReadsFile},
                              {"teacher", hardface::kReadsFile},
                              {"output", hardface::kWritesRun}},
                             {{"passes", "itersize"}, {"loader_threads", "workers"}}},
                            &hardface::train::Run);
}
