// Memory, streams, events, graphs and sorting.
#include "model/cuda/emulation/emulation.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/cuda/cuda_context.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/cuda_graph.h"
#include "model/cuda/cuda_memory.h"
#include "model/cuda/emulation/emulated_convolution.h"
#include "model/cuda/sort_keys.h"

namespace hardface::model {
namespace {

// How often the event was recorded, when it was queued and when it ran.
struct EventState {
  int64_t recorded = 0, reached = 0;
};

struct Task {
  std::function<absl::Status()> run;  // none: a mark in the stream
  std::shared_ptr<EventState> event;  // to be reached, or waited for
  int64_t record = 0;
  bool wait = false;

  bool blocked() const { return wait && event->reached < record; }
};

struct Device;

}  // namespace
}  // namespace hardface::model

// The names are CUDA's own.
struct CUstream_st {
  hardface::model::Device* device = nullptr;
  std::deque<hardface::model::Task> queue;
  std::vector<hardface::model::Task>* recording = nullptr;  // of a graph
  absl::Status error;                                       // of its work, until it is told
};
struct CUevent_st {
  std::shared_ptr<hardface::model::EventState> state = std::make_shared<hardface::model::EventState>();
};
struct CUgraphExec_st {
  std::vector<hardface::model::Task> tasks;
};

namespace hardface::model {
namespace {

struct Device {
  std::mutex mutex;  // of all that its streams hold; held while their work runs
  std::vector<CUstream_st*> streams;
  std::mt19937_64 random;
};

Device* DeviceAt(int index) {
  static auto* const devices = new Device[kEmulatedDevices];
  return &devices[index];
}

thread_local int current_device = 0;
thread_local bool recording = false;  // whether this thread records a graph

// What CUDA refuses, or does not put into the graph.
absl::Status NotWhileRecording(const char* what) {
  if (!recording) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("emulated device: ", what, " while a graph is recorded"));
}

std::mutex mutex;              // of what follows; taken after a device's
EmulatedMemory state;          // guarded by mutex
EmulatedCounts counts;         // guarded by mutex
int64_t failing = 0;           // guarded by mutex
int64_t failing_captures = 0;  // guarded by mutex

struct Allocation {
  int64_t bytes = 0;
  int device = 0;
};
std::map<void*, Allocation>* allocations() {  // of devices; guarded by mutex
  static auto* const allocations = new std::map<void*, Allocation>;
  return allocations;
}
std::map<const char*, int64_t>* pinned() {  // address to bytes; guarded by mutex
  static auto* const pinned = new std::map<const char*, int64_t>;
  return pinned;
}

bool IsPinned(const void* data) {
  const std::lock_guard<std::mutex> lock(mutex);
  auto after = pinned()->upper_bound(static_cast<const char*>(data));
  if (after == pinned()->begin()) return false;
  --after;
  return static_cast<const char*>(data) < after->first + after->second;
}

void* NewMemory(int64_t bytes) {
  void* const data = std::aligned_alloc(256, static_cast<size_t>((bytes + 255) / 256 * 256));
  std::memset(data, 0xff, static_cast<size_t>(bytes));  // NaN: what is never written must show
  return data;
}

// Runs the device's work in an order drawn at random until DONE; the device's mutex is held.
absl::Status RunUntil(Device* device, const std::function<bool()>& done) {
  while (!done()) {
    std::vector<CUstream_st*> ready;
    for (CUstream_st* const stream : device->streams) {
      if (!stream->queue.empty() && !stream->queue.front().blocked()) ready.push_back(stream);
    }
    if (ready.empty()) return absl::InternalError("emulated device: all streams wait for events that nobody records");
    CUstream_st* const stream = ready[device->random() % ready.size()];
    Task task = std::move(stream->queue.front());
    stream->queue.pop_front();
    if (task.run != nullptr) {
      const absl::Status ran = task.run();
      if (stream->error.ok()) stream->error = ran;
    } else if (!task.wait) {
      task.event->reached = std::max(task.event->reached, task.record);
    }
  }
  return absl::OkStatus();
}

// All that the device has queued, as CUDA does before it frees memory.
void Drain(Device* device) {
  const std::lock_guard<std::mutex> lock(device->mutex);
  RunUntil(device, [device] {
    return std::all_of(device->streams.begin(), device->streams.end(),
                       [](const CUstream_st* stream) { return stream->queue.empty(); });
  }).IgnoreError();
}

absl::Status Queue(CUstream_st* stream, Task task) {
  if (stream->device != DeviceAt(current_device)) {
    return absl::InternalError(
        "emulated device: a stream of another device than the thread's; MakeCurrent() is missing");
  }
  const std::lock_guard<std::mutex> lock(stream->device->mutex);
  if (stream->recording != nullptr) {
    stream->recording->push_back(std::move(task));
  } else {
    stream->queue.push_back(std::move(task));
  }
  return absl::OkStatus();
}

bool OthersHaveWork(const CUstream_st* stream) {
  const std::lock_guard<std::mutex> lock(stream->device->mutex);
  return std::any_of(stream->device->streams.begin(), stream->device->streams.end(),
                     [stream](const CUstream_st* other) { return other != stream && !other->queue.empty(); });
}

absl::Status WaitFor(CUstream_st* stream) {
  CountEmulated([](EmulatedCounts* c) { ++c->waits; });
  const std::lock_guard<std::mutex> lock(stream->device->mutex);
  if (stream->recording != nullptr) return absl::InternalError("emulated device: waiting while a graph is recorded");
  RETURN_IF_ERROR(RunUntil(stream->device, [stream] { return stream->queue.empty(); }));
  return std::exchange(stream->error, absl::OkStatus());
}

absl::Status QueueCopy(const void* from, void* to, int64_t bytes, CudaStreamHandle stream) {
  if (bytes == 0) return absl::OkStatus();
  return Queue(stream, {[from, to, bytes] {
                          std::memcpy(to, from, static_cast<size_t>(bytes));
                          return absl::OkStatus();
                        },
                        nullptr});
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

void FailEmulatedAllocation(int64_t count) {
  const std::lock_guard<std::mutex> lock(mutex);
  failing = count;
}

void FailEmulatedCaptures(int64_t count) {
  const std::lock_guard<std::mutex> lock(mutex);
  failing_captures = count;
}

void SetEmulatedOrder(uint64_t seed) {
  for (int i = 0; i < kEmulatedDevices; ++i) {
    const std::lock_guard<std::mutex> lock(DeviceAt(i)->mutex);
    DeviceAt(i)->random.seed(seed + static_cast<uint64_t>(i));
  }
}

EmulatedCounts GetEmulatedCounts() {
  const std::lock_guard<std::mutex> lock(mutex);
  return counts;
}

void ResetEmulatedCounts() {
  const std::lock_guard<std::mutex> lock(mutex);
  counts = {};
}

void CountEmulated(const std::function<void(EmulatedCounts*)>& change) {
  const std::lock_guard<std::mutex> lock(mutex);
  change(&counts);
}

absl::Status QueueEmulated(CudaStreamHandle stream, std::function<absl::Status()> work) {
  CountEmulated([](EmulatedCounts* c) { ++c->launches; });
  return Queue(stream, {std::move(work), nullptr});
}

int CudaDeviceCount() { return kEmulatedDevices; }
std::string WhyNoCuda() { return ""; }
absl::StatusOr<CudaDeviceInfo> DescribeCudaDevice(int index) {
  return CudaDeviceInfo{"an emulation", 9, 0, 1, 0, 0, absl::StrCat("emulated ", index)};
}
absl::StatusOr<int64_t> FreeDeviceBytes() {
  const std::lock_guard<std::mutex> lock(mutex);
  return state.capacity - state.used;
}

absl::StatusOr<DeviceMemory> DeviceMemory::Allocate(int64_t bytes, const std::string& purpose) {
  DeviceMemory memory;
  if (bytes == 0) return memory;
  RETURN_IF_ERROR(NotWhileRecording("getting memory"));
  const std::lock_guard<std::mutex> lock(mutex);
  ++counts.allocations;
  const bool fails = failing > 0 && --failing == 0;
  if (fails || bytes > state.capacity - state.used) {
    ++state.refusals;
    return absl::ResourceExhaustedError(absl::StrCat(
        purpose, " needs ", (bytes + (1 << 20) - 1) >> 20, " MiB of device memory, and ",
        (state.capacity - state.used) >> 20, " of ", state.capacity >> 20, " MiB are free; use a smaller --pyramid"));
  }
  state.used += bytes;
  state.peak = std::max(state.peak, state.used);
  memory.data_.reset(NewMemory(bytes));
  memory.bytes_ = bytes;
  (*allocations())[memory.data()] = {bytes, current_device};
  return memory;
}
void DeviceMemory::Free::operator()(void* pointer) const {
  int device = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    device = allocations()->at(pointer).device;
  }
  Drain(DeviceAt(device));
  const std::lock_guard<std::mutex> lock(mutex);
  state.used -= allocations()->at(pointer).bytes;
  allocations()->erase(pointer);
  std::free(pointer);
}

absl::StatusOr<PinnedMemory> PinnedMemory::Allocate(int64_t bytes) {
  PinnedMemory memory;
  if (bytes == 0) return memory;
  RETURN_IF_ERROR(NotWhileRecording("getting pinned memory"));
  memory.data_.reset(NewMemory(bytes));
  memory.bytes_ = bytes;
  const std::lock_guard<std::mutex> lock(mutex);
  ++counts.pinned_allocations;
  (*pinned())[memory.as<char>()] = bytes;
  return memory;
}
void PinnedMemory::Free::operator()(void* pointer) const {
  // The thread's own device only: another may be waiting, in its own thread, for this one to join a sum over ranks.
  Drain(DeviceAt(current_device));
  const std::lock_guard<std::mutex> lock(mutex);
  pinned()->erase(static_cast<char*>(pointer));
  std::free(pointer);
}

absl::StatusOr<CudaStream> CudaStream::Create() {
  CudaStream stream;
  stream.handle_.reset(new CUstream_st);
  stream.handle()->device = DeviceAt(current_device);
  const std::lock_guard<std::mutex> lock(stream.handle()->device->mutex);
  stream.handle()->device->streams.push_back(stream.handle());
  return stream;
}
absl::Status CudaStream::Synchronize() const { return WaitFor(handle()); }
void CudaStream::Destroy::operator()(CudaStreamHandle handle) const {
  WaitFor(handle).IgnoreError();
  {
    const std::lock_guard<std::mutex> lock(handle->device->mutex);
    auto& streams = handle->device->streams;
    streams.erase(std::find(streams.begin(), streams.end(), handle));
  }
  delete handle;
}

absl::StatusOr<CudaEvent> CudaEvent::Create(bool) {
  CudaEvent event;
  event.event_.reset(new CUevent_st);
  return event;
}
absl::Status CudaEvent::Record(CudaStreamHandle stream) const {
  if (event_ == nullptr) return absl::InternalError("emulated device: no event");
  RETURN_IF_ERROR(NotWhileRecording("recording an event"));
  return Queue(stream, {nullptr, event_->state, ++event_->state->recorded, /*wait=*/false});
}
absl::Status CudaEvent::HoldBack(CudaStreamHandle stream) const {
  if (event_ == nullptr) return absl::InternalError("emulated device: no event");
  RETURN_IF_ERROR(NotWhileRecording("waiting for another stream's event"));
  return Queue(stream, {nullptr, event_->state, event_->state->recorded, /*wait=*/true});
}
absl::Status CudaEvent::Synchronize() const {
  if (event_ == nullptr) return absl::InternalError("emulated device: no event");
  CountEmulated([](EmulatedCounts* c) { ++c->waits; });
  Device* const device = DeviceAt(current_device);
  const std::lock_guard<std::mutex> lock(device->mutex);
  return RunUntil(device, [this] { return event_->state->reached >= event_->state->recorded; });
}
absl::StatusOr<bool> CudaEvent::Reached() const {
  Device* const device = DeviceAt(current_device);
  const std::lock_guard<std::mutex> lock(device->mutex);
  // Time passes while one asks: some of the work is done.
  int steps = 3;
  RETURN_IF_ERROR(RunUntil(device, [&] { return event_->state->reached >= event_->state->recorded || steps-- == 0; }));
  return event_->state->reached >= event_->state->recorded;
}
absl::StatusOr<float> CudaEvent::MillisecondsSince(const CudaEvent&) const { return 1.0f; }
void CudaEvent::Destroy::operator()(CUevent_st* event) const { delete event; }

absl::Status CopyToDevice(const void* host, void* device, int64_t bytes, CudaStreamHandle stream) {
  const bool beside = OthersHaveWork(stream);
  CountEmulated([bytes, beside](EmulatedCounts* c) {
    c->bytes_to_device += bytes;
    c->bytes_beside_work += beside ? bytes : 0;
  });
  if (bytes == 0 || IsPinned(host)) return QueueCopy(host, device, bytes, stream);
  RETURN_IF_ERROR(NotWhileRecording("copying from memory that is not pinned"));
  const auto* const first = static_cast<const char*>(host);
  return Queue(stream, {[taken = std::vector<char>(first, first + bytes), device] {
                          std::memcpy(device, taken.data(), taken.size());
                          return absl::OkStatus();
                        },
                        nullptr});
}
absl::Status CopyToHost(const void* device, void* host, int64_t bytes, CudaStreamHandle stream) {
  CountEmulated([bytes](EmulatedCounts* c) { c->bytes_to_host += bytes; });
  RETURN_IF_ERROR(QueueCopy(device, host, bytes, stream));
  return bytes == 0 || IsPinned(host) ? absl::OkStatus() : WaitFor(stream);
}
absl::Status CopyOnDevice(const void* from, void* to, int64_t bytes, CudaStreamHandle stream) {
  return QueueCopy(from, to, bytes, stream);
}
absl::Status FillWithZeros(void* device, int64_t bytes, CudaStreamHandle stream) {
  if (bytes == 0) return absl::OkStatus();
  return Queue(stream, {[device, bytes] {
                          std::memset(device, 0, static_cast<size_t>(bytes));
                          return absl::OkStatus();
                        },
                        nullptr});
}

absl::StatusOr<CudaGraph> CudaGraph::Capture(CudaStreamHandle stream, const std::function<absl::Status()>& queue) {
  CudaGraph graph;
  graph.graph_.reset(new CUgraphExec_st);
  RETURN_IF_ERROR(NotWhileRecording("recording another"));
  stream->recording = &graph.graph_->tasks;
  recording = true;
  const absl::Status recorded = queue();
  recording = false;
  stream->recording = nullptr;
  RETURN_IF_ERROR(recorded);
  const std::lock_guard<std::mutex> lock(mutex);
  if (failing_captures > 0) {
    --failing_captures;
    return absl::InternalError("emulated device: this recording was to fail");
  }
  ++counts.graphs;
  return graph;
}
absl::Status CudaGraph::Launch(CudaStreamHandle stream) const {
  CountEmulated([](EmulatedCounts* c) { ++c->graph_launches; });
  for (const Task& task : graph_->tasks) RETURN_IF_ERROR(Queue(stream, task));
  return absl::OkStatus();
}
void CudaGraph::Destroy::operator()(CUgraphExec_st* graph) const { delete graph; }

absl::StatusOr<std::shared_ptr<CudaContext>> CudaContext::Create(const CudaContextOptions& options) {
  std::shared_ptr<CudaContext> context(new CudaContext);
  context->index_ = options.device;
  RETURN_IF_ERROR(context->MakeCurrent());
  ASSIGN_OR_RETURN(context->device_, DescribeCudaDevice(options.device));
  ASSIGN_OR_RETURN(context->stream_, CudaStream::Create());
  // Choices are of no use to a real device.
  context->planner_ = MakeEmulatedPlanner(context->stream_, PlanCache::Open(""));
  return context;
}
CudaContext::~CudaContext() = default;
absl::Status CudaContext::MakeCurrent() const {
  current_device = index_;
  return absl::OkStatus();
}
void CudaContext::SavePlans() {}

absl::Status SortKeys(const uint64_t* keys, uint64_t* sorted, int count, int first_bit, const DeviceMemory& scratch,
                      CudaStreamHandle stream) {
  ASSIGN_OR_RETURN(const int64_t needed, SortScratchBytes(count));
  if (scratch.bytes() < needed) return absl::InternalError("too little scratch memory");
  return QueueEmulated(stream, [=] {
    std::copy(keys, keys + count, sorted);
    std::stable_sort(sorted, sorted + count, [=](uint64_t a, uint64_t b) { return a >> first_bit < b >> first_bit; });
    return absl::OkStatus();
  });
}
// As much as CUB takes, about.
absl::StatusOr<int64_t> SortScratchBytes(int count) { return count * static_cast<int64_t>(sizeof(uint64_t)); }

}  // namespace hardface::model
