// Memory, streams, events, the context and sorting.
#include "model/cuda/emulation/emulation.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_graph.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/sort_keys.h"

namespace hardface::model {
namespace {

std::mutex mutex;
EmulatedMemory state;                // guarded by mutex
std::map<void*, int64_t>* sizes() {  // guarded by mutex
  static auto* const sizes = new std::map<void*, int64_t>;
  return sizes;
}

void* NewMemory(int64_t bytes) {
  void* const data = std::aligned_alloc(256, static_cast<size_t>((bytes + 255) / 256 * 256));
  std::memset(data, 0xff, static_cast<size_t>(bytes));  // NaN: what is never written must show
  return data;
}

absl::Status Copy(const void* from, void* to, int64_t bytes) {
  if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
  return absl::OkStatus();
}

}  // namespace

EmulatedMemory GetEmulatedMemory() {
  const std::lock_guard<std::mutex> lock(mutex);
  return state;
}

void SetEmulatedCapacity(int64_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex);
  state = {capacity, state.used, state.used, 0};
}

int CudaDeviceCount() { return kEmulatedDevices; }
std::string WhyNoCuda() { return ""; }
absl::StatusOr<CudaDeviceInfo> DescribeCudaDevice(int) { return CudaDeviceInfo{"an emulation", 9, 0, 1, 0, 0}; }
absl::StatusOr<int64_t> FreeDeviceBytes() {
  const std::lock_guard<std::mutex> lock(mutex);
  return state.capacity - state.used;
}

absl::StatusOr<DeviceMemory> DeviceMemory::Allocate(int64_t bytes, const std::string& purpose) {
  DeviceMemory memory;
  if (bytes == 0) return memory;
  const std::lock_guard<std::mutex> lock(mutex);
  if (bytes > state.capacity - state.used) {
    ++state.refusals;
    return absl::ResourceExhaustedError(
        absl::StrCat(purpose, " needs ", bytes, " bytes (", bytes >> 20, " MiB); use a smaller --pyramid"));
  }
  state.used += bytes;
  state.peak = std::max(state.peak, state.used);
  memory.data_.reset(NewMemory(bytes));
  memory.bytes_ = bytes;
  (*sizes())[memory.data()] = bytes;
  return memory;
}
absl::Status DeviceMemory::Grow(int64_t bytes, const std::string& purpose) {
  if (bytes <= bytes_) return absl::OkStatus();
  *this = DeviceMemory();
  ASSIGN_OR_RETURN(*this, Allocate(bytes, purpose));
  return absl::OkStatus();
}
void DeviceMemory::Free::operator()(void* pointer) const {
  const std::lock_guard<std::mutex> lock(mutex);
  state.used -= sizes()->at(pointer);
  sizes()->erase(pointer);
  std::free(pointer);
}

absl::StatusOr<PinnedMemory> PinnedMemory::Allocate(int64_t bytes) {
  PinnedMemory memory;
  if (bytes == 0) return memory;
  memory.data_.reset(NewMemory(bytes));
  memory.bytes_ = bytes;
  return memory;
}
absl::Status PinnedMemory::Grow(int64_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  ASSIGN_OR_RETURN(*this, Allocate(bytes));
  return absl::OkStatus();
}
void PinnedMemory::Free::operator()(void* pointer) const { std::free(pointer); }

absl::StatusOr<CudaStream> CudaStream::Create() {
  CudaStream stream;
  stream.handle_.reset(static_cast<CudaStreamHandle>(std::malloc(1)));
  return stream;
}
absl::Status CudaStream::Synchronize() const { return absl::OkStatus(); }
void CudaStream::Destroy::operator()(CudaStreamHandle handle) const { std::free(handle); }

absl::StatusOr<CudaEvent> CudaEvent::Create(bool) {
  CudaEvent event;
  event.event_.reset(static_cast<CUevent_st*>(std::malloc(1)));
  return event;
}
absl::Status CudaEvent::Record(CudaStreamHandle) const {
  return event_ != nullptr ? absl::OkStatus() : absl::InternalError("no event");
}
absl::Status CudaEvent::HoldBack(CudaStreamHandle stream) const { return Record(stream); }
absl::Status CudaEvent::Synchronize() const { return Record(nullptr); }
absl::StatusOr<float> CudaEvent::MillisecondsSince(const CudaEvent&) const { return 1.0f; }
void CudaEvent::Destroy::operator()(CUevent_st* event) const { std::free(event); }

absl::Status CopyToDevice(const void* host, void* device, int64_t bytes, CudaStreamHandle) {
  return Copy(host, device, bytes);
}
absl::Status CopyToHost(const void* device, void* host, int64_t bytes, CudaStreamHandle) {
  return Copy(device, host, bytes);
}
absl::Status CopyOnDevice(const void* from, void* to, int64_t bytes, CudaStreamHandle) { return Copy(from, to, bytes); }
absl::Status FillWithZeros(void* device, int64_t bytes, CudaStreamHandle) {
  if (bytes > 0) std::memset(device, 0, static_cast<size_t>(bytes));
  return absl::OkStatus();
}

// A graph is the function that queues its work.
using Recorded = std::function<absl::Status()>;
absl::StatusOr<CudaGraph> CudaGraph::Capture(CudaStreamHandle, const std::function<absl::Status()>& queue) {
  CudaGraph graph;
  graph.graph_.reset(reinterpret_cast<CUgraphExec_st*>(new Recorded(queue)));
  return graph;
}
absl::Status CudaGraph::Launch(CudaStreamHandle) const { return (*reinterpret_cast<Recorded*>(graph_.get()))(); }
void CudaGraph::Destroy::operator()(CUgraphExec_st* graph) const { delete reinterpret_cast<Recorded*>(graph); }

absl::StatusOr<std::shared_ptr<CudaContext>> CudaContext::Create(const CudaContextOptions& options) {
  std::shared_ptr<CudaContext> context(new CudaContext);
  context->index_ = options.device;
  ASSIGN_OR_RETURN(context->device_, DescribeCudaDevice(options.device));
  ASSIGN_OR_RETURN(context->stream_, CudaStream::Create());
  ASSIGN_OR_RETURN(context->plan_cache_, PlanCache::Shared(""));
  return context;
}
CudaContext::~CudaContext() = default;
absl::Status CudaContext::MakeCurrent() const { return absl::OkStatus(); }

absl::Status SortKeys(const uint64_t* keys, uint64_t* sorted, int count, const DeviceMemory& scratch,
                      CudaStreamHandle) {
  if (scratch.bytes() < *SortScratchBytes(count)) return absl::InternalError("too little scratch memory");
  std::copy(keys, keys + count, sorted);
  std::sort(sorted, sorted + count);
  return absl::OkStatus();
}
// As much as CUB takes, about.
absl::StatusOr<int64_t> SortScratchBytes(int count) { return count * static_cast<int64_t>(sizeof(uint64_t)); }

}  // namespace hardface::model
