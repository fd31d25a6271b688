// The main function of benchmarks of networks: google/benchmark's, with OpenMP's threads waiting as the tools' do.
#ifndef HARDFACE_MODEL_EXECUTION_BENCHMARK_MAIN_H_
#define HARDFACE_MODEL_EXECUTION_BENCHMARK_MAIN_H_

#include <functional>

namespace hardface::model {

// Calls REGISTER_BENCHMARKS after the flags have been read, and runs all benchmarks. Returns the exit code.
int BenchmarkMain(int argc, char** argv, const std::function<void()>& register_benchmarks);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_BENCHMARK_MAIN_H_
