#include "model/ops/flush_denormals.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <vector>

namespace hardface::model {
namespace {

// Of no function, because GCC computes with a local one of a parallel region at compile time, volatile or not.
volatile float small = 2e-38f;

// Whether each of four threads gets zero for the quotient of a small number, which is denormal.
std::vector<bool> Flushed() {
  std::vector<int> flushed(4);
#pragma omp parallel num_threads(4)
  { flushed[static_cast<size_t>(omp_get_thread_num())] = small / 16 == 0; }
  return std::vector<bool>(flushed.begin(), flushed.end());
}

TEST(FlushDenormalsTest, LastsAsLongAsTheObjectOnEveryThread) {
  omp_set_num_threads(4);
  const std::vector<bool> none(4, false), all(4, true);
  EXPECT_EQ(Flushed(), none);
  {
    const FlushDenormals flush;
    EXPECT_EQ(Flushed(), all);
    { const FlushDenormals again; }
    EXPECT_EQ(Flushed(), all);
  }
  EXPECT_EQ(Flushed(), none);
}

}  // namespace
}  // namespace hardface::model
