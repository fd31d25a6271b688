// The flags by which tools choose how the CPU computes: --engine and --instruction_set. Both are for tests and
// comparisons; the defaults are the fastest.
#ifndef HARDFACE_MODEL_EXECUTION_ENGINE_FLAGS_H_
#define HARDFACE_MODEL_EXECUTION_ENGINE_FLAGS_H_

#include "absl/status/statusor.h"
#include "model/ops/conv2d.h"

namespace hardface::model {

// Sets the instruction set and gives the engine. UsageError for unknown names and for what this processor cannot run.
absl::StatusOr<Conv2dEngine> EngineFromFlags();

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_ENGINE_FLAGS_H_
