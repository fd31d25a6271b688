#include "model/execution/benchmark_main.h"

#include <benchmark/benchmark.h>

#include "model/execution/openmp_policy.h"
#include "model/ops/instruction_set.h"

namespace hardface::model {

int BenchmarkMain(int argc, char** argv, const std::function<void()>& register_benchmarks) {
  UsePassiveOpenMpWaiting(argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  register_benchmarks();
  benchmark::AddCustomContext("instruction_set", InstructionSetName(ActiveInstructionSet()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace hardface::model
