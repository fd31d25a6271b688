#include "train/ranks/await.h"

#include <gtest/gtest.h>

namespace hardface::train {
namespace {

absl::Status Fine() { return absl::OkStatus(); }

TEST(AwaitTest, ReturnsWhenItIsDone) {
  int asked = 0;
  EXPECT_TRUE(Await([&] { return ++asked == 3; }, Fine, 60, "a sum").ok());
  EXPECT_EQ(asked, 3);
}

TEST(AwaitTest, AnErrorOfEitherEndsItAtOnce) {
  const absl::Status lost = absl::InternalError("a peer is gone");
  EXPECT_EQ(Await([] { return false; }, [&] { return lost; }, 1e6, "a sum"), lost);
  EXPECT_EQ(Await([&] { return lost; }, Fine, 1e6, "a sum"), lost);
}

TEST(AwaitTest, PatienceEnds) {
  const absl::Status status = Await([] { return false; }, Fine, 0.01, "summing 7 gradients");
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_NE(status.message().find("summing 7 gradients"), std::string::npos) << status;
  EXPECT_NE(status.message().find("--rank_timeout"), std::string::npos) << status;
}

}  // namespace
}  // namespace hardface::train
