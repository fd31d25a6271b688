#include "model/execution/timing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace hardface::model {

double Median(std::vector<double> values) {
  HARDFACE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void FillInputForTiming(const TensorView& input) {
  for (int64_t i = 0; i < input.stored(); ++i) input.data[i] = static_cast<float>(i % 255 - 127) / 64;
}

}  // namespace hardface::model
