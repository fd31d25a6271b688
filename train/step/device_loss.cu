#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "mining/target_kernels.h"
#include "model/cuda/launch.cuh"
#include "model/cuda/sort_keys.h"
#include "train/step/device_loss.h"

namespace hardface::train {
namespace {

// Threads that sum over the anchors, and over their sums.
constexpr int kParts = 1024;
constexpr int kFewerParts = 32;
constexpr int kFaceParts = 64;

template <typename T>
int64_t BytesOf(int64_t count) {
  return count * static_cast<int64_t>(sizeof(T));
}

class LossOnDevice : public DeviceDetectionLoss {
 public:
  LossOnDevice(const mining::TargetOptions& options, int max_images, std::shared_ptr<model::CudaContext> context)
      : options_(options),
        max_images_(max_images),
        max_positives_(static_cast<int>(static_cast<float>(options.sampled_anchors) * options.positive_fraction)),
        context_(std::move(context)),
        face_staging_(static_cast<size_t>(max_images)),
        faces_of_images_(static_cast<size_t>(max_images)),
        face_counts_(static_cast<size_t>(max_images)) {}

  void SetHardNegativeShare(float share) override { options_.hard_negative_share = share; }

  absl::Status Allocate() {
    const int sampled = options_.sampled_anchors;
    ASSIGN_OR_RETURN(samples_, model::DeviceMemory::Allocate(BytesOf<mining::SampledAnchor>(sampled), "the loss"));
    ASSIGN_OR_RETURN(counts_, model::DeviceMemory::Allocate(BytesOf<int>(kParts + 2 * kFewerParts), "the loss"));
    ASSIGN_OR_RETURN(classification_, model::DeviceMemory::Allocate(BytesOf<double>(sampled), "the loss"));
    ASSIGN_OR_RETURN(regression_, model::DeviceMemory::Allocate(BytesOf<double>(kParts), "the loss"));
    ASSIGN_OR_RETURN(sums_, model::DeviceMemory::Allocate(BytesOf<double>(2 * kFewerParts), "the loss"));
    ASSIGN_OR_RETURN(losses_, model::DeviceMemory::Allocate(BytesOf<DeviceLoss>(max_images_), "the loss"));
    return absl::OkStatus();
  }

  absl::Status Add(const std::vector<model::AnchorPlane>& planes, const std::vector<mining::FaceBox>& faces,
                   int image_width, int image_height, uint64_t seed, float scale,
                   const std::vector<model::AnchorPlane>& gradients, const TeacherView& teacher) override {
    if (images_ == max_images_ || planes.empty() || planes.size() > mining::AnchorTable::kMaxPlanes) {
      return absl::InternalError(absl::StrCat("image ", images_ + 1, " with ", planes.size(), " planes of anchors: ",
                                              max_images_, " and ", mining::AnchorTable::kMaxPlanes, " are the most"));
    }
    const mining::AnchorTable table = mining::TableOf(planes), gradient_table = mining::TableOf(gradients),
                              taught = mining::TableOf(teacher.planes);
    const int anchors = table.anchors();
    RETURN_IF_ERROR(Grow(anchors, static_cast<int>(faces.size())));
    RETURN_IF_ERROR(UploadFaces(faces));
    mining::AnchorLabel* const labels = labels_.as<mining::AnchorLabel>();
    const auto face_count = static_cast<int>(faces.size());
    RETURN_IF_ERROR(model::ForEachIndex(
        anchors,
        mining::LabelKernel{table, faces_.as<mining::FaceBox>(), face_count, image_width, image_height,
                            mining::AnyInside(table, image_width, image_height), options_.negative_iou,
                            options_.positive_iou, options_.regression_iou, labels},
        stream(), "labelling anchors"));
    RETURN_IF_ERROR(Sample(table, seed));
    DeviceLoss* const loss = losses_.as<DeviceLoss>() + images_;
    RETURN_IF_ERROR(model::ForEachIndex(kParts, CountPartsKernel{labels, anchors, kParts, counts_.as<int>()}, stream(),
                                        "counting anchors"));
    int* const regressed = counts_.as<int>() + kParts;
    int* const sampled = regressed + kFewerParts;
    RETURN_IF_ERROR(model::ForEachIndex(kFewerParts, SumKernel<int>{counts_.as<int>(), kParts, kFewerParts, regressed},
                                        stream(), "counting anchors"));
    RETURN_IF_ERROR(model::ForEachIndex(
        kFewerParts,
        CountSampledKernel{samples_.as<mining::SampledAnchor>(), options_.sampled_anchors, kFewerParts, sampled},
        stream(), "counting anchors"));
    RETURN_IF_ERROR(
        model::ForEachIndex(1, CountKernel{table, sampled, regressed, kFewerParts, positives_.as<uint64_t>(), loss},
                            stream(), "counting anchors"));
    RETURN_IF_ERROR(model::ForEachIndex(
        options_.sampled_anchors,
        ClassificationKernel{table, gradient_table, taught, teacher.weight, samples_.as<mining::SampledAnchor>(), loss,
                             scale, classification_.as<double>()},
        stream(), "the classification loss"));
    RETURN_IF_ERROR(model::ForEachIndex(
        kParts,
        RegressionKernel{table, gradient_table, taught, teacher.weight, labels, faces_.as<mining::FaceBox>(), kParts,
                         loss, scale, regression_.as<double>()},
        stream(), "the regression loss"));
    double* const classification = sums_.as<double>();
    double* const regression = classification + kFewerParts;
    RETURN_IF_ERROR(model::ForEachIndex(
        kFewerParts,
        SumKernel<double>{classification_.as<double>(), options_.sampled_anchors, kFewerParts, classification},
        stream(), "the loss"));
    RETURN_IF_ERROR(model::ForEachIndex(kFewerParts,
                                        SumKernel<double>{regression_.as<double>(), kParts, kFewerParts, regression},
                                        stream(), "the loss"));
    RETURN_IF_ERROR(
        model::ForEachIndex(1, FinishLossKernel{classification, regression, kFewerParts, loss}, stream(), "the loss"));
    RETURN_IF_ERROR(ScoreFaces(table, face_count));
    ++images_;
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DeviceOutcome>> Outcomes() override {
    const auto images = static_cast<size_t>(std::exchange(images_, 0));
    std::vector<DeviceLoss> losses(images);
    std::vector<DeviceOutcome> outcomes(images);
    RETURN_IF_ERROR(
        model::CopyToHost(losses_.data(), losses.data(), BytesOf<DeviceLoss>(static_cast<int64_t>(images)), stream()));
    for (size_t i = 0; i < images; ++i) {
      std::vector<mining::FaceScore>& faces = outcomes[i].faces;
      faces.resize(face_counts_[i]);
      if (faces.empty()) continue;
      RETURN_IF_ERROR(model::CopyToHost(faces_of_images_[i].data(), faces.data(),
                                        BytesOf<mining::FaceScore>(static_cast<int64_t>(faces.size())), stream()));
    }
    RETURN_IF_ERROR(context_->stream().Synchronize());
    for (size_t i = 0; i < images; ++i) outcomes[i].loss = losses[i];
    return outcomes;
  }

 private:
  model::CudaStreamHandle stream() const { return context_->stream().handle(); }

  // By way of pinned memory, one piece for each image of a step: a copy from any other would wait for the stream.
  // Outcomes() has waited for the copies of the last step.
  absl::Status UploadFaces(const std::vector<mining::FaceBox>& faces) {
    if (faces.empty()) return absl::OkStatus();
    model::PinnedMemory& staging = face_staging_[static_cast<size_t>(images_)];
    const int64_t bytes = BytesOf<mining::FaceBox>(static_cast<int64_t>(faces.size()));
    RETURN_IF_ERROR(staging.Grow(std::max(bytes, BytesOf<mining::FaceBox>(256))));
    std::memcpy(staging.data(), faces.data(), static_cast<size_t>(bytes));
    return model::CopyToDevice(staging.data(), faces_.data(), bytes, stream());
  }

  absl::Status ScoreFaces(const mining::AnchorTable& table, int face_count) {
    const auto image = static_cast<size_t>(images_);
    face_counts_[image] = static_cast<size_t>(face_count);
    if (face_count == 0) return absl::OkStatus();
    model::DeviceMemory& faces = faces_of_images_[image];
    if (faces.bytes() < BytesOf<mining::FaceScore>(face_count)) {
      RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
      RETURN_IF_ERROR(faces.Grow(BytesOf<mining::FaceScore>(std::max(face_count, 256)), "the loss"));
    }
    const int64_t parts = int64_t{face_count} * kFaceParts;
    RETURN_IF_ERROR(model::ForEachIndex(
        parts,
        FacePartsKernel{table, labels_.as<mining::AnchorLabel>(), kFaceParts, face_parts_.as<mining::FaceScore>()},
        stream(), "the faces' scores"));
    return model::ForEachIndex(
        face_count, FaceKernel{face_parts_.as<mining::FaceScore>(), kFaceParts, faces.as<mining::FaceScore>()},
        stream(), "the faces' scores");
  }

  // Hard positives and negatives first, then the random rest.
  absl::Status Sample(const mining::AnchorTable& table, uint64_t seed) {
    const int anchors = table.anchors(), sampled = options_.sampled_anchors;
    const mining::AnchorLabel* const labels = labels_.as<mining::AnchorLabel>();
    uint64_t* const keys = keys_.as<uint64_t>();
    uint64_t* const other_keys = other_keys_.as<uint64_t>();
    uint64_t* const positives = positives_.as<uint64_t>();
    uint64_t* const negatives = negatives_.as<uint64_t>();
    RETURN_IF_ERROR(model::ForEachIndex(anchors, mining::HardnessKeysKernel{table, labels, keys, other_keys}, stream(),
                                        "ranking anchors"));
    RETURN_IF_ERROR(model::SortKeys(keys, positives, anchors, /*first_bit=*/32, sort_scratch_, stream()));
    RETURN_IF_ERROR(model::SortKeys(other_keys, negatives, anchors, /*first_bit=*/32, sort_scratch_, stream()));
    const uint64_t* random = nullptr;
    if (options_.hard_negative_share < 1) {
      RETURN_IF_ERROR(
          model::ForEachIndex(anchors,
                              mining::RandomKeysKernel{labels, table, positives, negatives, sampled, max_positives_,
                                                       options_.hard_negative_share, seed, keys},
                              stream(), "drawing anchors"));
      RETURN_IF_ERROR(
          model::SortKeys(keys, random_.as<uint64_t>(), anchors, /*first_bit=*/32, sort_scratch_, stream()));
      random = random_.as<uint64_t>();
    }
    return model::ForEachIndex(sampled,
                               mining::SampleKernel{positives, negatives, random, anchors, sampled, max_positives_,
                                                    options_.hard_negative_share, samples_.as<mining::SampledAnchor>()},
                               stream(), "sampling anchors");
  }

  absl::Status Grow(int anchors, int faces) {
    if (BytesOf<mining::AnchorLabel>(anchors) <= labels_.bytes() && BytesOf<mining::FaceBox>(faces) <= faces_.bytes()) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
    RETURN_IF_ERROR(faces_.Grow(BytesOf<mining::FaceBox>(std::max(faces, 256)), "the loss"));
    RETURN_IF_ERROR(face_parts_.Grow(BytesOf<mining::FaceScore>(std::max(faces, 256)) * kFaceParts, "the loss"));
    RETURN_IF_ERROR(labels_.Grow(BytesOf<mining::AnchorLabel>(anchors), "the loss"));
    for (model::DeviceMemory* memory : {&keys_, &other_keys_, &positives_, &negatives_, &random_}) {
      RETURN_IF_ERROR(memory->Grow(BytesOf<uint64_t>(anchors), "the loss"));
    }
    ASSIGN_OR_RETURN(const int64_t scratch, model::SortScratchBytes(anchors));
    return sort_scratch_.Grow(scratch, "the loss");
  }

  mining::TargetOptions options_;
  const int max_images_, max_positives_;
  const std::shared_ptr<model::CudaContext> context_;
  int images_ = 0;
  model::DeviceMemory faces_, labels_;
  model::DeviceMemory keys_, other_keys_, sort_scratch_;
  model::DeviceMemory positives_, negatives_, random_;  // sorted keys
  model::DeviceMemory samples_, classification_, regression_;
  model::DeviceMemory counts_, sums_;  // of parts, and of fewer parts
  model::DeviceMemory losses_;         // of the images
  model::DeviceMemory face_parts_;
  std::vector<model::PinnedMemory> face_staging_;
  std::vector<model::DeviceMemory> faces_of_images_;
  std::vector<size_t> face_counts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> DeviceDetectionLoss::Create(
    const mining::TargetOptions& options, int max_images, std::shared_ptr<model::CudaContext> context) {
  auto loss = std::make_unique<LossOnDevice>(options, max_images, std::move(context));
  RETURN_IF_ERROR(loss->Allocate());
  return loss;
}

}  // namespace hardface::train
