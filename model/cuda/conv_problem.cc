#include "model/cuda/conv_problem.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace hardface::model {
namespace {

// PIXELS stands for the sizes: "2x80x80", or a size class. Stride and padding stand there where they are not 1 and
// "same", so that plan caches know all other problems by the names they always had.
std::string Describe(const ConvProblem& problem, const std::string& pixels) {
  static constexpr const char* kPasses[] = {"forward", "forward_bias", "forward_bias_relu", "backward_data",
                                            "backward_weights"};
  std::string text = absl::StrCat(kPasses[static_cast<int>(problem.pass)], " ", PrecisionName(problem.precision), " ",
                                  pixels, " ", problem.in_channels, " to ", problem.out_channels, " kernel ",
                                  problem.kernel, " dilation ", problem.dilation);
  if (problem.stride != 1) absl::StrAppend(&text, " stride ", problem.stride);
  if (problem.pad() != problem.kernel / 2 * problem.dilation) absl::StrAppend(&text, " padding ", problem.pad());
  return absl::StrCat(text, problem.deterministic ? " deterministic" : "");
}

}  // namespace

std::string ConvProblem::ToString() const { return Describe(*this, absl::StrCat(n, "x", h, "x", w)); }

std::string ConvProblem::SizeClass() const {
  // The largest k with 2^(k / 2) <= pixels, in whole numbers so that it is the same everywhere: the highest bit gives
  // an even k, and the next step is reached where pixels^2 >= 2^(k + 1).
  int bit = 0;
  while (pixels() >> (bit + 1) != 0) ++bit;
  const double power = static_cast<double>(int64_t{1} << bit), count = static_cast<double>(pixels());
  const bool half = count * count >= 2 * power * power;
  return Describe(*this, absl::StrCat("2^", bit, half ? ".5" : "", " pixels"));
}

}  // namespace hardface::model
