#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "mining/target_kernels.h"
#include "model/cuda/launch.cuh"
#include "model/cuda/sort_keys.h"
#include "train/step/device_loss.h"

namespace hardface {
namespace {

constexpr int kParts = 1024;
constexpr int kFaceParts = 64;

template <typename T>
int64_t BytesOf(int64_t count) {
  return count * static_cast<int64_t>(sizeof(T));
}

class LossOnDevice : public DeviceDetectionLoss {
 public:
  LossOnDevice(const TargetOptions& options, int most_images, std::shared_ptr<CudaContext> context)
      : options_(options),
        most_images_(most_images),
        most_positives_(static_cast<int>(static_cast<float>(options.sampled_anchors) * options.positive_fraction)),
        context_(std::move(context)),
        faces_of_images_(static_cast<size_t>(most_images)),
        face_counts_(static_cast<size_t>(most_images)) {}

  void SetHardNegativeShare(float share) override { options_.hard_negative_share = share; }

  absl::Status Allocate() {
    const int sampled = options_.sampled_anchors;
    ASSIGN_OR_RETURN(samples_, DeviceMemory::Allocate(BytesOf<SampledAnchor>(sampled), "the loss"));
    ASSIGN_OR_RETURN(counts_, DeviceMemory::Allocate(BytesOf<int>(kParts), "the loss"));
    ASSIGN_OR_RETURN(classification_, DeviceMemory::Allocate(BytesOf<double>(sampled), "the loss"));
    ASSIGN_OR_RETURN(regression_, DeviceMemory::Allocate(BytesOf<double>(kParts), "the loss"));
    ASSIGN_OR_RETURN(losses_, DeviceMemory::Allocate(BytesOf<DeviceLoss>(most_images_), "the loss"));
    return absl::OkStatus();
  }

  absl::Status Add(const std::vector<AnchorPlane>& planes, const std::vector<FaceBox>& faces, int image_width,
                   int image_height, uint64_t seed, float scale, const std::vector<AnchorPlane>& gradients) override {
    if (images_ == most_images_ || planes.empty() || planes.size() > AnchorTable::kMost) {
      return absl::InternalError(absl::StrCat("image ", images_ + 1, " with ", planes.size(), " planes of anchors: ",
                                              most_images_, " and ", AnchorTable::kMost, " are the most"));
    }
    const AnchorTable table = TableOf(planes), gradient_table = TableOf(gradients);
    const int anchors = table.anchors();
    RETURN_IF_ERROR(Grow(anchors, static_cast<int>(faces.size())));
    // Pageable memory: the copy is taken before this returns, so FACES may go.
    RETURN_IF_ERROR(
        CopyToDevice(faces.data(), faces_.data(), BytesOf<FaceBox>(static_cast<int64_t>(faces.size())), stream()));
    AnchorLabel* const labels = labels_.as<AnchorLabel>();
    const auto face_count = static_cast<int>(faces.size());
    RETURN_IF_ERROR(ForEachIndex(anchors,
                                 LabelKernel{table, faces_.as<FaceBox>(), face_count, image_width, image_height,
                                             AnyInside(table, image_width, image_height), options_.negative_iou,
                                             options_.positive_iou, options_.regression_iou, labels},
                                 stream(), "labelling anchors"));
    RETURN_IF_ERROR(Sample(table, seed));
    DeviceLoss* const loss = losses_.as<DeviceLoss>() + images_;
    RETURN_IF_ERROR(ForEachIndex(kParts, CountPartsKernel{labels, anchors, kParts, counts_.as<int>()}, stream(),
                                 "counting anchors"));
    RETURN_IF_ERROR(ForEachIndex(1,
                                 CountKernel{table, samples_.as<SampledAnchor>(), options_.sampled_anchors,
                                             counts_.as<int>(), kParts, positives_.as<uint64_t>(), loss},
                                 stream(), "counting anchors"));
    RETURN_IF_ERROR(ForEachIndex(options_.sampled_anchors,
                                 ClassificationKernel{table, gradient_table, samples_.as<SampledAnchor>(), loss, scale,
                                                      classification_.as<double>()},
                                 stream(), "the classification loss"));
    RETURN_IF_ERROR(ForEachIndex(kParts,
                                 RegressionKernel{table, gradient_table, labels, faces_.as<FaceBox>(), kParts, loss,
                                                  scale, regression_.as<double>()},
                                 stream(), "the regression loss"));
    RETURN_IF_ERROR(ForEachIndex(1,
                                 FinishLossKernel{classification_.as<double>(), options_.sampled_anchors,
                                                  regression_.as<double>(), kParts, loss},
                                 stream(), "the loss"));
    RETURN_IF_ERROR(ScoreFaces(table, face_count));
    ++images_;
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DeviceOutcome>> Outcomes() override {
    const auto images = static_cast<size_t>(std::exchange(images_, 0));
    std::vector<DeviceLoss> losses(images);
    std::vector<DeviceOutcome> outcomes(images);
    RETURN_IF_ERROR(
        CopyToHost(losses_.data(), losses.data(), BytesOf<DeviceLoss>(static_cast<int64_t>(images)), stream()));
    for (size_t i = 0; i < images; ++i) {
      std::vector<DeviceFace>& faces = outcomes[i].faces;
      faces.resize(face_counts_[i]);
      if (faces.empty()) continue;
      RETURN_IF_ERROR(CopyToHost(faces_of_images_[i].data(), faces.data(),
                                 BytesOf<DeviceFace>(static_cast<int64_t>(faces.size())), stream()));
    }
    RETURN_IF_ERROR(context_->stream().Synchronize());
    for (size_t i = 0; i < images; ++i) outcomes[i].loss = losses[i];
    return outcomes;
  }

 private:
  CudaStreamHandle stream() const { return context_->stream().handle(); }

  absl::Status ScoreFaces(const AnchorTable& table, int face_count) {
    const auto image = static_cast<size_t>(images_);
    face_counts_[image] = static_cast<size_t>(face_count);
    if (face_count == 0) return absl::OkStatus();
    DeviceMemory& faces = faces_of_images_[image];
    if (faces.bytes() < BytesOf<DeviceFace>(face_count)) {
      RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
      RETURN_IF_ERROR(faces.Grow(BytesOf<DeviceFace>(std::max(face_count, 256)), "the loss"));
    }
    const int64_t parts = int64_t{face_count} * kFaceParts;
    RETURN_IF_ERROR(
        ForEachIndex(parts, FacePartsKernel{table, labels_.as<AnchorLabel>(), kFaceParts, face_parts_.as<DeviceFace>()},
                     stream(), "the faces' scores"));
    return ForEachIndex(face_count, FaceKernel{face_parts_.as<DeviceFace>(), kFaceParts, faces.as<DeviceFace>()},
                        stream(), "the faces' scores");
  }

  // Hard positives and negatives first, then the random rest.
  absl::Status Sample(const AnchorTable& table, uint64_t seed) {
    const int anchors = table.anchors(), sampled = options_.sampled_anchors;
    const AnchorLabel* const labels = labels_.as<AnchorLabel>();
    uint64_t* const keys = keys_.as<uint64_t>();
    uint64_t* const other_keys = other_keys_.as<uint64_t>();
    uint64_t* const positives = positives_.as<uint64_t>();
    uint64_t* const negatives = negatives_.as<uint64_t>();
    RETURN_IF_ERROR(
        ForEachIndex(anchors, HardnessKeysKernel{table, labels, keys, other_keys}, stream(), "ranking anchors"));
    RETURN_IF_ERROR(SortKeys(keys, positives, anchors, sort_scratch_, stream()));
    RETURN_IF_ERROR(SortKeys(other_keys, negatives, anchors, sort_scratch_, stream()));
    const uint64_t* random = nullptr;
    if (options_.hard_negative_share < 1) {
      RETURN_IF_ERROR(ForEachIndex(anchors,
                                   RandomKeysKernel{labels, table, positives, negatives, sampled, most_positives_,
                                                    options_.hard_negative_share, seed, keys},
                                   stream(), "drawing anchors"));
      RETURN_IF_ERROR(SortKeys(keys, random_.as<uint64_t>(), anchors, sort_scratch_, stream()));
      random = random_.as<uint64_t>();
    }
    return ForEachIndex(sampled,
                        SampleKernel{positives, negatives, random, anchors, sampled, most_positives_,
                                     options_.hard_negative_share, samples_.as<SampledAnchor>()},
                        stream(), "sampling anchors");
  }

  absl::Status Grow(int anchors, int faces) {
    if (BytesOf<AnchorLabel>(anchors) <= labels_.bytes() && BytesOf<FaceBox>(faces) <= faces_.bytes()) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
    RETURN_IF_ERROR(faces_.Grow(BytesOf<FaceBox>(std::max(faces, 256)), "the loss"));
    RETURN_IF_ERROR(face_parts_.Grow(BytesOf<DeviceFace>(std::max(faces, 256)) * kFaceParts, "the loss"));
    RETURN_IF_ERROR(labels_.Grow(BytesOf<AnchorLabel>(anchors), "the loss"));
    for (DeviceMemory* memory : {&keys_, &other_keys_, &positives_, &negatives_, &random_}) {
      RETURN_IF_ERROR(memory->Grow(BytesOf<uint64_t>(anchors), "the loss"));
    }
    ASSIGN_OR_RETURN(const int64_t scratch, SortScratchBytes(anchors));
    return sort_scratch_.Grow(scratch, "the loss");
  }

  TargetOptions options_;
  const int most_images_, most_positives_;
  const std::shared_ptr<CudaContext> context_;
  int images_ = 0;
  DeviceMemory faces_, labels_;
  DeviceMemory keys_, other_keys_, sort_scratch_;
  DeviceMemory positives_, negatives_, random_;  // sorted keys
  DeviceMemory samples_, counts_, classification_, regression_;
  DeviceMemory losses_;  // of the images
  DeviceMemory face_parts_;
  std::vector<DeviceMemory> faces_of_images_;
  std::vector<size_t> face_counts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> DeviceDetectionLoss::Create(const TargetOptions& options,
                                                                                 int most_images,
                                                                                 std::shared_ptr<CudaContext> context) {
  auto loss = std::make_unique<LossOnDevice>(options, most_images, std::move(context));
  RETURN_IF_ERROR(loss->Allocate());
  return loss;
}

}  // namespace hardface
