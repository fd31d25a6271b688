#include "model/execution/engine_flags.h"

#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/tool_main.h"
#include "model/ops/instruction_set.h"

ABSL_FLAG(std::string, engine, "fastest",
          "Method that computes convolutions on the CPU: fastest (the project's own Winograd convolutions, with tiles "
          "chosen by size), winograd4, winograd6, onednn_winograd, onednn_direct, onednn_bf16 (less exact, and the "
          "fastest on processors with AMX) or reference.");
ABSL_FLAG(std::string, instruction_set, "auto",
          "Instruction set of the CPU kernels: auto (the fastest one this processor has), avx512, avx2 or baseline.");

namespace hardface::model {

absl::StatusOr<Conv2dEngine> EngineFromFlags() {
  const absl::Status set = SetInstructionSet(absl::GetFlag(FLAGS_instruction_set));
  if (!set.ok()) return UsageError(absl::StrCat("--instruction_set: ", set.message()));
  const absl::StatusOr<Conv2dEngine> engine = ParseConv2dEngine(absl::GetFlag(FLAGS_engine));
  if (!engine.ok()) return UsageError(absl::StrCat("--engine: ", engine.status().message()));
  return engine;
}

}  // namespace hardface::model
