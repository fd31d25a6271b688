// That emulated devices show the faults for which they are there.
#include "model/cuda/emulation/emulation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_graph.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/launch.cuh"

namespace hardface::model {
namespace {

constexpr int64_t kFloat = sizeof(float);

struct AddOne {
  float* value;
  void operator()(int64_t) const { *value += 1; }
};

class EmulationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(context_.ok() && pinned_.ok() && memory_.ok() && copies_.ok() && copied_.ok());
    ResetEmulatedCounts();
  }
  CudaStreamHandle stream() const { return (*context_)->stream().handle(); }
  float* value() const { return memory_->as<float>(); }
  float Read() const {
    float value = 0;
    EXPECT_TRUE(CopyToHost(memory_->data(), &value, kFloat, stream()).ok());
    return value;
  }
  // What the stream's kernel makes of 1 that another stream copies to where it works.
  float CopyAndAdd(bool wait) const {
    *pinned_->as<float>() = 1;
    EXPECT_TRUE(CopyToDevice(pinned_->data(), value(), kFloat, copies_->handle()).ok());
    EXPECT_TRUE(copied_->Record(copies_->handle()).ok());
    if (wait) {
      EXPECT_TRUE(copied_->HoldBack(stream()).ok());
    }
    EXPECT_TRUE(ForEachIndex(1, AddOne{value()}, stream(), "a test").ok());
    const float result = Read();
    EXPECT_TRUE(copies_->Synchronize().ok());
    return result;
  }

  const absl::StatusOr<std::shared_ptr<CudaContext>> context_ = CudaContext::Create({});
  const absl::StatusOr<PinnedMemory> pinned_ = PinnedMemory::Allocate(kFloat);
  const absl::StatusOr<DeviceMemory> memory_ = DeviceMemory::Allocate(kFloat, "a test");
  const absl::StatusOr<CudaStream> copies_ = CudaStream::Create();
  const absl::StatusOr<CudaEvent> copied_ = CudaEvent::Create(/*timed=*/false);
};

TEST_F(EmulationTest, AMissingWaitShowsAsAWrongNumber) {
  int wrong = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SetEmulatedOrder(seed);
    EXPECT_EQ(CopyAndAdd(/*wait=*/true), 2) << seed;
    wrong += CopyAndAdd(/*wait=*/false) != 2;
  }
  EXPECT_GT(wrong, 10);
}

TEST_F(EmulationTest, MemoryIsNotANumberUntilItIsWritten) { EXPECT_TRUE(std::isnan(Read())); }

TEST_F(EmulationTest, ACopyReadsPinnedMemoryWhenItRuns) {
  *pinned_->as<float>() = 3;
  ASSERT_TRUE(CopyToDevice(pinned_->data(), value(), kFloat, stream()).ok());
  *pinned_->as<float>() = 4;  // too early
  EXPECT_EQ(Read(), 4);
  std::vector<float> pageable = {5};
  ASSERT_TRUE(CopyToDevice(pageable.data(), value(), kFloat, stream()).ok());
  pageable[0] = 6;
  EXPECT_EQ(Read(), 5) << "of other memory the copy is taken at once";
}

TEST_F(EmulationTest, AGraphHoldsTheWorkOfItsRecording) {
  ASSERT_TRUE(FillWithZeros(value(), kFloat, stream()).ok());
  const auto graph = CudaGraph::Capture(stream(), [&] { return ForEachIndex(1, AddOne{value()}, stream(), "a test"); });
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(Read(), 0) << "nothing of it runs";
  for (int run = 0; run < 3; ++run) ASSERT_TRUE(graph->Launch(stream()).ok());
  EXPECT_EQ(Read(), 3);
  const auto waiting = CudaGraph::Capture(stream(), [&] { return (*context_)->stream().Synchronize(); });
  EXPECT_FALSE(waiting.ok());
  const CudaEvent& event = *copied_;
  for (const auto& forbidden : std::vector<std::function<absl::Status()>>{
           [] { return DeviceMemory::Allocate(1, "a test").status(); },
           [] { return PinnedMemory::Allocate(1).status(); }, [&] { return event.Record(stream()); },
           [&] { return event.HoldBack(stream()); },
           [&] {
             const float pageable = 1;
             return CopyToDevice(&pageable, value(), kFloat, stream());
           },
           [&] { return CudaGraph::Capture(copies_->handle(), [] { return absl::OkStatus(); }).status(); }}) {
    const auto refused = CudaGraph::Capture(stream(), forbidden);
    EXPECT_NE(refused.status().message().find("while a graph is recorded"), std::string::npos) << refused.status();
    EXPECT_TRUE(forbidden().ok()) << "refused after the recording as well";
  }
  FailEmulatedCaptures(1);
  EXPECT_FALSE(CudaGraph::Capture(stream(), [] { return absl::OkStatus(); }).ok());
  EXPECT_TRUE(CudaGraph::Capture(stream(), [] { return absl::OkStatus(); }).ok());
}

TEST_F(EmulationTest, TheCountedAllocationFails) {
  FailEmulatedAllocation(2);
  EXPECT_TRUE(DeviceMemory::Allocate(1, "a test").ok());
  EXPECT_EQ(DeviceMemory::Allocate(1, "a test").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(DeviceMemory::Allocate(1, "a test").ok());
  EXPECT_EQ(GetEmulatedCounts().allocations, 3);
}

TEST_F(EmulationTest, AnotherDevicesStreamIsAnError) {
  const auto other = CudaContext::Create({1});
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(FillWithZeros(value(), kFloat, stream()).ok());
  ASSERT_TRUE((*context_)->MakeCurrent().ok());
  EXPECT_TRUE(FillWithZeros(value(), kFloat, stream()).ok());
}

TEST_F(EmulationTest, CountsWhatIsQueued) {
  CopyAndAdd(/*wait=*/true);
  const EmulatedCounts counts = GetEmulatedCounts();
  EXPECT_EQ(counts.launches, 1);
  EXPECT_EQ(counts.bytes_to_device, kFloat);
  EXPECT_EQ(counts.bytes_to_host, kFloat);
  EXPECT_EQ(counts.waits, 2);
}

TEST_F(EmulationTest, CountsWhatIsCopiedBesideWork) {
  ASSERT_TRUE(CopyToDevice(pinned_->data(), value(), kFloat, copies_->handle()).ok());
  EXPECT_EQ(GetEmulatedCounts().bytes_beside_work, 0) << "nothing else is queued";
  ASSERT_TRUE(copies_->Synchronize().ok());
  ASSERT_TRUE(ForEachIndex(1, AddOne{value()}, stream(), "a test").ok());
  ASSERT_TRUE(CopyToDevice(pinned_->data(), value(), kFloat, stream()).ok());
  EXPECT_EQ(GetEmulatedCounts().bytes_beside_work, 0) << "in the same stream";
  ASSERT_TRUE(CopyToDevice(pinned_->data(), value(), kFloat, copies_->handle()).ok());
  EXPECT_EQ(GetEmulatedCounts().bytes_beside_work, kFloat);
  ASSERT_TRUE(copies_->Synchronize().ok());
}

TEST_F(EmulationTest, AnErrorOfTheWorkIsToldByTheNextWait) {
  ASSERT_TRUE(QueueEmulated(stream(), [] { return absl::InternalError("a fault"); }).ok());
  EXPECT_EQ((*context_)->stream().Synchronize().message(), "a fault");
  EXPECT_TRUE((*context_)->stream().Synchronize().ok());
}

}  // namespace
}  // namespace hardface::model
