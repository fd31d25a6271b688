#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "model/cuda/launch.cuh"
#include "train/step/device_solver.h"

namespace hardface::train {
namespace {

// Threads that square the gradients, then those that sum their sums: fixed numbers, for the same bits everywhere.
constexpr int kParts = 1 << 17;
constexpr int kFewerParts = 1024;
constexpr int kLastParts = 32;

class SolverOnDevice : public DeviceSolver {
 public:
  SolverOnDevice(const std::vector<model::ParameterSpec>& specs, const SolverOptions& options,
                 std::shared_ptr<model::CudaContext> context)
      : specs_(specs), options_(options), context_(std::move(context)) {}

  absl::Status Allocate() {
    ASSIGN_OR_RETURN(first_, model::DeviceParameters::Create(specs_, stream()));
    if (options_.kind == SolverOptions::Kind::kAdam) {
      ASSIGN_OR_RETURN(second_, model::DeviceParameters::Create(specs_, stream()));
    }
    if (options_.average > 0) {
      ASSIGN_OR_RETURN(average_, model::DeviceParameters::Create(specs_, stream()));
    }
    constexpr int64_t kSums = kParts + kFewerParts + kLastParts;
    ASSIGN_OR_RETURN(sums_, model::DeviceMemory::Allocate(kSums * static_cast<int64_t>(sizeof(double)), "the solver"));
    ASSIGN_OR_RETURN(scale_, model::DeviceMemory::Allocate(sizeof(GradientScale), "the solver"));
    const auto rates_bytes = static_cast<int64_t>(specs_.size() * sizeof(ParameterRates));
    ASSIGN_OR_RETURN(rates_, model::DeviceMemory::Allocate(rates_bytes, "the solver"));
    ASSIGN_OR_RETURN(rates_host_, model::PinnedMemory::Allocate(rates_bytes));
    ASSIGN_OR_RETURN(rates_copied_, model::CudaEvent::Create(/*timed=*/false));
    RETURN_IF_ERROR(rates_copied_.Record(stream()));
    return FindBlocks();
  }

  absl::Status Step(int64_t iteration, double loss_scale, const model::DeviceParameters& gradients,
                    const model::DeviceParameters& parameters) override {
    RETURN_IF_ERROR(
        model::ForEachIndex(kParts, SquarePartsKernel{gradients.data(), gradients.size(), kParts, sums_.as<double>()},
                            stream(), "the gradient's norm"));
    double* const fewer = sums_.as<double>() + kParts;
    double* const last = fewer + kFewerParts;
    RETURN_IF_ERROR(model::ForEachIndex(kFewerParts, SumKernel<double>{sums_.as<double>(), kParts, kFewerParts, fewer},
                                        stream(), "the gradient's norm"));
    RETURN_IF_ERROR(model::ForEachIndex(kLastParts, SumKernel<double>{fewer, kFewerParts, kLastParts, last}, stream(),
                                        "the gradient's norm"));
    RETURN_IF_ERROR(model::ForEachIndex(
        1, GradientScaleKernel{last, kLastParts, loss_scale, options_.clip_norm, scale_.as<GradientScale>()}, stream(),
        "the gradient's norm"));
    const double rate = LearningRate(options_.schedule, iteration);
    RETURN_IF_ERROR(UploadRates(rate));
    RETURN_IF_ERROR(Update(iteration, gradients, parameters));
    return options_.average > 0 ? UpdateAverage(iteration, parameters) : absl::OkStatus();
  }

  absl::StatusOr<GradientScale> LastGradient() override {
    GradientScale scale;
    RETURN_IF_ERROR(model::CopyToHost(scale_.data(), &scale, sizeof scale, stream()));
    RETURN_IF_ERROR(context_->stream().Synchronize());
    return scale;
  }

  const model::DeviceParameters* average() const override { return averaged_ ? &average_ : nullptr; }

  absl::StatusOr<model::ParameterSet> State() override {
    SolverState state = ZeroSolverState(specs_, options_);
    RETURN_IF_ERROR(first_.Download(&state.first, context_->stream()));
    if (!state.second.empty()) RETURN_IF_ERROR(second_.Download(&state.second, context_->stream()));
    if (!averaged_) state.average.clear();
    if (averaged_) RETURN_IF_ERROR(average_.Download(&state.average, context_->stream()));
    return state.Pack();
  }

  absl::Status Restore(const model::ParameterSet& arrays, const std::string& source) override {
    SolverState state = ZeroSolverState(specs_, options_);
    RETURN_IF_ERROR(state.Unpack(arrays, source));
    RETURN_IF_ERROR(first_.Upload(state.first, context_->stream()));
    if (!state.second.empty()) RETURN_IF_ERROR(second_.Upload(state.second, context_->stream()));
    averaged_ = !state.average.empty();
    return averaged_ ? average_.Upload(state.average, context_->stream()) : absl::OkStatus();
  }

 private:
  model::CudaStreamHandle stream() const { return context_->stream().handle(); }

  // Which parameter each block of the parameters' memory belongs to.
  absl::Status FindBlocks() {
    constexpr int kBlock = AllParametersKernel<SgdKernel>::kBlock;
    std::vector<int> blocks(static_cast<size_t>(first_.size() / kBlock));
    for (size_t i = 0; i < specs_.size(); ++i) {
      const int64_t begin = first_.at(specs_[i].name) - first_.data(), end = begin + first_.size_of(specs_[i].name);
      for (int64_t block = begin / kBlock; block * kBlock < end; ++block) {
        blocks[static_cast<size_t>(block)] = static_cast<int>(i);
      }
    }
    const auto bytes = static_cast<int64_t>(blocks.size() * sizeof(int));
    ASSIGN_OR_RETURN(parameter_of_block_, model::DeviceMemory::Allocate(bytes, "the solver"));
    RETURN_IF_ERROR(model::CopyToDevice(blocks.data(), parameter_of_block_.data(), bytes, stream()));
    return context_->stream().Synchronize();
  }

  absl::Status UploadRates(double rate) {
    RETURN_IF_ERROR(rates_copied_.Synchronize());  // of the last step
    auto* const rates = rates_host_.as<ParameterRates>();
    for (size_t i = 0; i < specs_.size(); ++i) {
      rates[i] = {static_cast<float>(rate * RateOf(options_, specs_[i])),
                  static_cast<float>(DecayOf(options_, specs_[i]))};
    }
    RETURN_IF_ERROR(model::CopyToDevice(rates_host_.data(), rates_.data(), rates_.bytes(), stream()));
    return rates_copied_.Record(stream());
  }

  absl::Status Update(int64_t iteration, const model::DeviceParameters& gradients,
                      const model::DeviceParameters& parameters) {
    const auto* const scale = scale_.as<GradientScale>();
    const auto all = [&](const auto& kernel, const char* operation) {
      using Kernel = std::decay_t<decltype(kernel)>;
      return model::ForEachIndex(
          parameters.size(),
          AllParametersKernel<Kernel>{kernel, parameter_of_block_.as<int>(), rates_.as<ParameterRates>()}, stream(),
          operation);
    };
    if (options_.kind == SolverOptions::Kind::kSgd) {
      return all(SgdKernel{parameters.data(), first_.data(), gradients.data(), scale, 0, 0,
                           static_cast<float>(options_.momentum)},
                 "an update by SGD");
    }
    const auto step = static_cast<double>(iteration + 1);
    return all(AdamKernel{parameters.data(), first_.data(), second_.data(), gradients.data(), scale, 0, 0,
                          static_cast<float>(options_.beta1), static_cast<float>(options_.beta2),
                          static_cast<float>(options_.epsilon), static_cast<float>(1 - std::pow(options_.beta1, step)),
                          static_cast<float>(1 - std::pow(options_.beta2, step))},
               "an update by Adam");
  }

  absl::Status UpdateAverage(int64_t iteration, const model::DeviceParameters& parameters) {
    if (!std::exchange(averaged_, true)) {
      return model::CopyOnDevice(parameters.data(), average_.data(),
                                 parameters.size() * static_cast<int64_t>(sizeof(float)), stream());
    }
    const double age = static_cast<double>(iteration + 1);
    const auto keep = static_cast<float>(std::min(options_.average, age / (age + 10)));
    return model::ForEachIndex(parameters.size(), AverageKernel{average_.data(), parameters.data(), keep}, stream(),
                               "the average of the weights");
  }

  const std::vector<model::ParameterSpec> specs_;
  const SolverOptions options_;
  const std::shared_ptr<model::CudaContext> context_;
  model::DeviceParameters first_, second_, average_;
  model::DeviceMemory sums_, scale_;
  model::DeviceMemory parameter_of_block_, rates_;
  model::PinnedMemory rates_host_;  // of a step; read until RATES_COPIED_
  model::CudaEvent rates_copied_;
  bool averaged_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceSolver>> DeviceSolver::Create(const std::vector<model::ParameterSpec>& specs,
                                                                   const SolverOptions& options,
                                                                   std::shared_ptr<model::CudaContext> context) {
  auto solver = std::make_unique<SolverOnDevice>(specs, options, std::move(context));
  RETURN_IF_ERROR(solver->Allocate());
  return solver;
}

}  // namespace hardface::train
