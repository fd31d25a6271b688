#include "model/ops/instruction_set.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"

namespace hardface::model {
namespace {

std::atomic<InstructionSet>& Active() {
  static std::atomic<InstructionSet> active(SupportedInstructionSets().back());
  return active;
}

}  // namespace

std::string InstructionSetName(InstructionSet set) {
  return set == InstructionSet::kAvx512 ? "avx512" : set == InstructionSet::kAvx2 ? "avx2" : "baseline";
}

std::vector<InstructionSet> SupportedInstructionSets() {
  std::vector<InstructionSet> sets = {InstructionSet::kBaseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(InstructionSet::kAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma")) {
    sets.push_back(InstructionSet::kAvx512);
  }
#endif
  return sets;
}

InstructionSet ActiveInstructionSet() { return Active().load(); }

absl::Status SetInstructionSet(const std::string& name) {
  std::string known = "auto";
  for (const InstructionSet set : SupportedInstructionSets()) {
    absl::StrAppend(&known, ", ", InstructionSetName(set));
    if (name == InstructionSetName(set) || (name == "auto" && set == SupportedInstructionSets().back())) {
      Active().store(set);
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("instruction set \"", name, "\" is unknown or not supported here; give one of ", known));
}

int VectorWidth(InstructionSet set) { return set == InstructionSet::kAvx512 ? 16 : 8; }

}  // namespace hardface::model
