// The instruction sets that the CPU kernels are compiled for, and which of them this process uses.
#ifndef HARDFACE_MODEL_OPS_INSTRUCTION_SET_H_
#define HARDFACE_MODEL_OPS_INSTRUCTION_SET_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace hardface::model {

// kBaseline runs on every x86-64 processor (SSE2), and is the only one elsewhere: on aarch64 the compiler makes NEON of
// it.
enum class InstructionSet { kBaseline, kAvx2, kAvx512 };

// "baseline", "avx2", "avx512".
std::string InstructionSetName(InstructionSet set);

// Those that this processor and this operating system can run, slowest first.
std::vector<InstructionSet> SupportedInstructionSets();

// The one in use: the fastest supported unless SetInstructionSet has chosen another.
InstructionSet ActiveInstructionSet();

// NAME as above, or "auto". For tests and comparisons; to be called before any network is built, since it decides the
// memory layout of activations. InvalidArgument when unknown or not supported here.
absl::Status SetInstructionSet(const std::string& name);

// Floats of a vector register, which is also the channel block of activations (tensor.h): 16 for AVX-512, else 8.
int VectorWidth(InstructionSet set);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_OPS_INSTRUCTION_SET_H_
