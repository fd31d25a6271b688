#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "infer/device_detections.h"
#include "model/cuda/launch.cuh"
#include "model/cuda/sort_keys.h"

namespace hardface::infer {
namespace {

// Boxes that are merged on the device; the mask of their overlaps grows with the square: 32 MiB here. More of them (an
// untrained network's) are merged on the CPU.
constexpr int kMaxMerged = 16384;
constexpr int kMaxWords = kMaxMerged / 64;
constexpr int kScanThreads = 256;

#ifdef __CUDACC__
// Goes through the boxes in falling score; one block. Its threads share the words of each step.
__global__ void __launch_bounds__(kScanThreads)
    ScanKernel(int count, int words, const uint64_t* mask, int* owner, int* last_first) {
  __shared__ uint64_t taken[kMaxWords];
  for (int word = threadIdx.x; word < words; word += blockDim.x) taken[word] = 0;
  __syncthreads();
  for (int i = 0; i < count; ++i) {
    if (taken[i / 64] >> (i % 64) & 1) continue;  // the same for all threads
    __syncthreads();                              // all have read; now bit i may be set
    for (int word = threadIdx.x; word < words; word += blockDim.x) {
      TakeOverlaps(i, word, words, mask, taken, owner);
    }
    if (threadIdx.x == 0) *last_first = i;
    __syncthreads();
  }
}

absl::Status Scan(int count, int words, const uint64_t* mask, int* owner, int* last_first,
                  model::CudaStreamHandle stream) {
  ScanKernel<<<1, kScanThreads, 0, stream>>>(count, words, mask, owner, last_first);
  CUDA_RETURN_IF_LAUNCH_FAILED("grouping boxes");
  return absl::OkStatus();
}
#else
// As one thread does it (launch.cuh).
absl::Status Scan(int count, int words, const uint64_t* mask, int* owner, int* last_first,
                  model::CudaStreamHandle stream) {
  return model::QueueEmulated(stream, [=] {
    std::vector<uint64_t> taken(static_cast<size_t>(words));
    for (int i = 0; i < count; ++i) {
      if (taken[static_cast<size_t>(i) / 64] >> (i % 64) & 1) continue;
      for (int word = 0; word < words; ++word) TakeOverlaps(i, word, words, mask, taken.data(), owner);
      *last_first = i;
    }
    return absl::OkStatus();
  });
}
#endif

template <typename T>
int64_t BytesOf(int64_t count) {
  return count * static_cast<int64_t>(sizeof(T));
}

class DetectionsOnDevice : public DeviceDetections {
 public:
  DetectionsOnDevice(const DeviceDetectionsOptions& options, std::shared_ptr<model::CudaContext> context)
      : options_(options),
        context_(std::move(context)),
        max_boxes_(options.decode.max_boxes),
        slots_(options.decode.max_boxes * options.max_passes) {}

  absl::Status Allocate() {
    ASSIGN_OR_RETURN(boxes_, model::DeviceMemory::Allocate(BytesOf<ScoredBox>(slots_), "boxes"));
    ASSIGN_OR_RETURN(sorted_, model::DeviceMemory::Allocate(BytesOf<ScoredBox>(slots_), "boxes"));
    ASSIGN_OR_RETURN(merged_, model::DeviceMemory::Allocate(BytesOf<ScoredBox>(kMaxMerged), "boxes"));
    ASSIGN_OR_RETURN(small_, model::DeviceMemory::Allocate(BytesOf<bool>(slots_), "boxes"));
    ASSIGN_OR_RETURN(owner_, model::DeviceMemory::Allocate(BytesOf<int>(kMaxMerged), "boxes"));
    ASSIGN_OR_RETURN(numbers_, model::DeviceMemory::Allocate(BytesOf<int>(2), "boxes"));
    ASSIGN_OR_RETURN(count_host_, model::PinnedMemory::Allocate(BytesOf<int>(1)));
    return GrowKeys(slots_);
  }

  void Start(int kept) override { passes_ = kept; }
  int passes() const override { return passes_; }

  int64_t bytes() const override {
    int64_t bytes = BytesOf<uint64_t>(int64_t{kMaxMerged} * kMaxWords);  // of mask_, which grows as needed
    for (const model::DeviceMemory* memory :
         {&boxes_, &small_, &sorted_, &merged_, &owner_, &numbers_, &keys_, &sorted_keys_, &sort_scratch_}) {
      bytes += memory->bytes();
    }
    return bytes;
  }

  absl::Status AddPass(const std::vector<model::AnchorPlane>& planes, const PassGeometry& geometry) override {
    if (passes_ == options_.max_passes || planes.size() > PlaneList::kMaxPlanes) {
      return absl::InternalError(absl::StrCat("pass ", passes_ + 1, " with ", planes.size(), " planes of anchors: ",
                                              options_.max_passes, " and ", PlaneList::kMaxPlanes, " are the most"));
    }
    PlaneList list;
    for (const model::AnchorPlane& plane : planes) {
      list.planes[list.count++] = plane;
      list.height = std::max(list.height, plane.height);
      list.width = std::max(list.width, plane.width);
    }
    if (list.places() >= int64_t{1} << 31) {
      return absl::InvalidArgumentError("a level has more anchors than can be ranked; use a smaller --pyramid");
    }
    const auto places = static_cast<int>(list.places());
    RETURN_IF_ERROR(GrowKeys(places));
    RETURN_IF_ERROR(
        model::ForEachIndex(places, AnchorKeysKernel{list, keys_.as<uint64_t>()}, stream(), "ranking anchors"));
    RETURN_IF_ERROR(model::SortKeys(keys_.as<uint64_t>(), sorted_keys_.as<uint64_t>(), places, /*first_bit=*/32,
                                    sort_scratch_, stream()));
    const int64_t first = int64_t{passes_} * max_boxes_;
    RETURN_IF_ERROR(
        model::ForEachIndex(max_boxes_,
                            DecodeKernel{list, sorted_keys_.as<uint64_t>(), places, options_.decode.min_score, geometry,
                                         boxes_.as<ScoredBox>() + first, small_.as<bool>() + first,
                                         options_.small_score, options_.small_area},
                            stream(), "decoding boxes"));
    ++passes_;
    return absl::OkStatus();
  }

  absl::StatusOr<bool> SmallCandidates(int passes) override {
    HARDFACE_CHECK(passes <= passes_);
    const int64_t count = int64_t{passes} * max_boxes_;
    RETURN_IF_ERROR(small_host_.Grow(count));
    const bool* const last = small_.as<bool>() + int64_t{passes_ - passes} * max_boxes_;
    RETURN_IF_ERROR(model::CopyToHost(last, small_host_.data(), BytesOf<bool>(count), stream()));
    RETURN_IF_ERROR(context_->stream().Synchronize());
    const bool* const values = small_host_.as<bool>();
    return std::any_of(values, values + count, [](bool small) { return small; });
  }

  absl::StatusOr<std::vector<ScoredBox>> Finish() override {
    if (passes_ == 0) return std::vector<ScoredBox>();
    const int total = passes_ * max_boxes_;
    RETURN_IF_ERROR(model::ForEachIndex(
        total, BoxKeysKernel{boxes_.as<ScoredBox>(), options_.score_threshold, keys_.as<uint64_t>()}, stream(),
        "ranking boxes"));
    RETURN_IF_ERROR(model::SortKeys(keys_.as<uint64_t>(), sorted_keys_.as<uint64_t>(), total, /*first_bit=*/32,
                                    sort_scratch_, stream()));
    RETURN_IF_ERROR(model::ForEachIndex(total,
                                        GatherKernel{sorted_keys_.as<uint64_t>(), total, boxes_.as<ScoredBox>(),
                                                     sorted_.as<ScoredBox>(), numbers_.as<int>()},
                                        stream(), "gathering boxes"));
    RETURN_IF_ERROR(model::CopyToHost(numbers_.data(), count_host_.data(), BytesOf<int>(1), stream()));
    RETURN_IF_ERROR(context_->stream().Synchronize());
    const int count = *count_host_.as<int>();
    if (count == 0) return std::vector<ScoredBox>();
    if (count > kMaxMerged) return MergeOnHost(count);
    if (const absl::Status merging = MergeOnDevice(count); !merging.ok()) {
      // The mask's memory is all that it gets.
      if (absl::IsResourceExhausted(merging)) return MergeOnHost(count);
      return merging;
    }
    std::vector<ScoredBox> merged(static_cast<size_t>(count));
    RETURN_IF_ERROR(model::CopyToHost(merged_.data(), merged.data(), BytesOf<ScoredBox>(count), stream()));
    RETURN_IF_ERROR(context_->stream().Synchronize());
    merged.erase(std::remove_if(merged.begin(), merged.end(), [](const ScoredBox& box) { return box.score < 0; }),
                 merged.end());
    return merged;
  }

 private:
  model::CudaStreamHandle stream() const { return context_->stream().handle(); }

  absl::Status GrowKeys(int count) {
    if (count <= max_keys_) return absl::OkStatus();
    RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
    max_keys_ = 0;                                      // until all three are there
    RETURN_IF_ERROR(keys_.Grow(BytesOf<uint64_t>(count), "ranking"));
    RETURN_IF_ERROR(sorted_keys_.Grow(BytesOf<uint64_t>(count), "ranking"));
    ASSIGN_OR_RETURN(const int64_t scratch, model::SortScratchBytes(count));
    RETURN_IF_ERROR(sort_scratch_.Grow(scratch, "ranking"));
    max_keys_ = count;
    return absl::OkStatus();
  }

  absl::Status MergeOnDevice(int count) {
    const int words = (count + 63) / 64;
    const int64_t mask_words = int64_t{count} * words;
    RETURN_IF_ERROR(mask_.Grow(BytesOf<uint64_t>(mask_words), "merging boxes"));
    const float threshold = options_.vote ? options_.voting.iou_threshold : options_.nms_threshold;
    RETURN_IF_ERROR(model::ForEachIndex(mask_words,
                                        OverlapKernel{sorted_.as<ScoredBox>(), count, words, threshold,
                                                      /*above=*/!options_.vote, mask_.as<uint64_t>()},
                                        stream(), "comparing boxes"));
    int* const last_first = numbers_.as<int>() + 1;
    RETURN_IF_ERROR(Scan(count, words, mask_.as<uint64_t>(), owner_.as<int>(), last_first, stream()));
    return model::ForEachIndex(
        count,
        MergeKernel{sorted_.as<ScoredBox>(), mask_.as<uint64_t>(), owner_.as<int>(), count, words, last_first,
                    options_.vote, options_.vote && options_.voting.drop_singletons, merged_.as<ScoredBox>()},
        stream(), "merging boxes");
  }

  absl::StatusOr<std::vector<ScoredBox>> MergeOnHost(int count) {
    std::vector<ScoredBox> boxes(static_cast<size_t>(count));
    RETURN_IF_ERROR(model::CopyToHost(sorted_.data(), boxes.data(), BytesOf<ScoredBox>(count), stream()));
    RETURN_IF_ERROR(context_->stream().Synchronize());
    if (options_.vote) return VoteBoxes(std::move(boxes), options_.voting);
    std::vector<ScoredBox> kept;
    for (const int i : PlainNms(boxes, options_.nms_threshold)) kept.push_back(boxes[static_cast<size_t>(i)]);
    return kept;
  }

  const DeviceDetectionsOptions options_;
  const std::shared_ptr<model::CudaContext> context_;
  const int max_boxes_;  // of a pass
  const int slots_;      // of all passes
  int passes_ = 0;
  model::DeviceMemory boxes_, small_;  // (passes, most boxes)
  model::DeviceMemory sorted_;         // of all passes, in falling score
  model::DeviceMemory merged_, owner_, mask_;
  model::DeviceMemory numbers_;  // how many are sorted; the last that is the first of a group
  model::DeviceMemory keys_, sorted_keys_, sort_scratch_;
  int max_keys_ = 0;  // that the three have room for
  model::PinnedMemory small_host_, count_host_;
};

}  // namespace

absl::Status CopyCore(const model::TensorView& tile, const TileSpan& rows, const TileSpan& columns, int stride,
                      const model::TensorView& level, model::CudaStreamHandle stream) {
  const CopyCoreKernel kernel(tile, rows, columns, stride, level);
  return model::ForEachIndex(kernel.count(), kernel, stream, "copying a tile");
}

absl::StatusOr<std::unique_ptr<DeviceDetections>> DeviceDetections::Create(
    const DeviceDetectionsOptions& options, std::shared_ptr<model::CudaContext> context) {
  auto detections = std::make_unique<DetectionsOnDevice>(options, std::move(context));
  RETURN_IF_ERROR(detections->Allocate());
  return detections;
}

}  // namespace hardface::infer
