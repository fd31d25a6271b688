#include <algorithm>
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
        context_(std::move(context)) {}

  void SetHardNegativeShare(float share) override { options_.hard_negative_share = share; }

  absl::Status Allocate() {
    const int sampled = options_.sampled_anchors;
    ASSIGN_OR_RETURN(samples_, model::DeviceMemory::Allocate(BytesOf<mining::SampledAnchor>(sampled), "the loss"));
    ASSIGN_OR_RETURN(counts_, model::DeviceMemory::Allocate(BytesOf<int>(kParts + 2 * kFewerParts), "the loss"));
    ASSIGN_OR_RETURN(classification_, model::DeviceMemory::Allocate(BytesOf<double>(sampled), "the loss"));
    ASSIGN_OR_RETURN(regression_, model::DeviceMemory::Allocate(BytesOf<double>(kParts), "the loss"));
    ASSIGN_OR_RETURN(sums_, model::DeviceMemory::Allocate(BytesOf<double>(2 * kFewerParts), "the loss"));
    return absl::OkStatus();
  }

  absl::Status Begin(const std::vector<LossImage>& images, const std::vector<model::AnchorPlane>& planes) override {
    if (static_cast<int>(images.size()) > max_images_ || planes.empty() ||
        planes.size() > mining::AnchorTable::kMaxPlanes) {
      return absl::InternalError(absl::StrCat(images.size(), " images with ", planes.size(), " planes of anchors: ",
                                              max_images_, " and ", mining::AnchorTable::kMaxPlanes, " are the most"));
    }
    int most_faces = 0, all_faces = 0;
    for (const LossImage& image : images) {
      most_faces = std::max(most_faces, static_cast<int>(image.faces.size()));
      all_faces += static_cast<int>(image.faces.size());
    }
    const mining::AnchorTable table = mining::TableOf(planes);
    RETURN_IF_ERROR(Grow(table.anchors(), most_faces, all_faces));
    return Upload(images, table);
  }

  absl::Status Add(int n, const std::vector<model::AnchorPlane>& planes, float scale,
                   const std::vector<model::AnchorPlane>& gradients, const TeacherView& teacher) override {
    const mining::AnchorTable table = mining::TableOf(planes), gradient_table = mining::TableOf(gradients),
                              taught = mining::TableOf(teacher.planes);
    const int anchors = table.anchors();
    const mining::ImageFacts* const image = images_.as<mining::ImageFacts>() + n;
    mining::AnchorLabel* const labels = labels_.as<mining::AnchorLabel>();
    RETURN_IF_ERROR(model::ForEachIndex(anchors,
                                        mining::LabelKernel{table, faces(), image, options_.negative_iou,
                                                            options_.positive_iou, options_.regression_iou, labels},
                                        stream(), "labelling anchors"));
    RETURN_IF_ERROR(Sample(table, image));
    DeviceLoss* const loss = outcomes_.as<DeviceLoss>() + n;
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
    RETURN_IF_ERROR(model::ForEachIndex(kParts,
                                        RegressionKernel{table, gradient_table, taught, teacher.weight, labels, faces(),
                                                         image, kParts, loss, scale, regression_.as<double>()},
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
    return ScoreFaces(table, image);
  }

  std::vector<int64_t> Key() const override { return {moves_, options_.hard_negative_share < 1}; }

  absl::Status End() override {
    PassSlot& slot = slots_[passes_++];
    int64_t all_faces = 0;
    for (const size_t count : slot.face_counts) all_faces += static_cast<int64_t>(count);
    RETURN_IF_ERROR(slot.outcomes.Grow(outcomes_.bytes()));
    return model::CopyToHost(outcomes_.data(), slot.outcomes.data(),
                             LossBytes() + BytesOf<mining::FaceScore>(all_faces), stream());
  }

  absl::StatusOr<std::vector<DeviceOutcome>> Outcomes() override {
    RETURN_IF_ERROR(context_->stream().Synchronize());
    std::vector<DeviceOutcome> outcomes;
    const size_t passes = std::exchange(passes_, 0);
    for (size_t pass = 0; pass < passes; ++pass) {
      const PassSlot& slot = slots_[pass];
      const auto* loss = slot.outcomes.as<DeviceLoss>();
      const auto* face = reinterpret_cast<const mining::FaceScore*>(slot.outcomes.as<char>() + LossBytes());
      for (const size_t count : slot.face_counts) {
        outcomes.push_back({*loss++, {face, face + count}});
        face += count;
      }
    }
    return outcomes;
  }

 private:
  // A pass's way to the device and back, by way of pinned memory: a copy from or to any other would wait for the
  // stream. Free again once Outcomes() has waited.
  struct PassSlot {
    model::PinnedMemory images;    // as IMAGES_
    model::PinnedMemory outcomes;  // as OUTCOMES_
    std::vector<size_t> face_counts;
  };

  model::CudaStreamHandle stream() const { return context_->stream().handle(); }

  int64_t FactBytes() const { return BytesOf<mining::ImageFacts>(max_images_); }
  int64_t LossBytes() const { return BytesOf<DeviceLoss>(max_images_); }
  const mining::FaceBox* faces() const {
    return reinterpret_cast<const mining::FaceBox*>(images_.as<char>() + FactBytes());
  }

  absl::Status Upload(const std::vector<LossImage>& images, const mining::AnchorTable& table) {
    if (passes_ == slots_.size()) slots_.emplace_back();
    PassSlot& slot = slots_[passes_];
    RETURN_IF_ERROR(slot.images.Grow(images_.bytes()));
    slot.face_counts.clear();
    auto* facts = slot.images.as<mining::ImageFacts>();
    auto* const faces = reinterpret_cast<mining::FaceBox*>(slot.images.as<char>() + FactBytes());
    int first = 0;
    for (const LossImage& image : images) {
      const auto count = static_cast<int>(image.faces.size());
      *facts++ = {first,
                  count,
                  image.width,
                  image.height,
                  mining::AnyInside(table, image.width, image.height),
                  options_.hard_negative_share,
                  image.seed};
      std::copy(image.faces.begin(), image.faces.end(), faces + first);
      slot.face_counts.push_back(image.faces.size());
      first += count;
    }
    return model::CopyToDevice(slot.images.data(), images_.data(), FactBytes() + BytesOf<mining::FaceBox>(first),
                               stream());
  }

  absl::Status ScoreFaces(const mining::AnchorTable& table, const mining::ImageFacts* image) {
    auto* const parts = face_parts_.as<mining::FaceScore>();
    RETURN_IF_ERROR(
        model::ForEachIndex(int64_t{max_faces_} * kFaceParts,
                            FacePartsKernel{table, labels_.as<mining::AnchorLabel>(), image, kFaceParts, parts},
                            stream(), "the faces' scores"));
    auto* const scores = reinterpret_cast<mining::FaceScore*>(outcomes_.as<char>() + LossBytes());
    return model::ForEachIndex(max_faces_, FaceKernel{parts, image, kFaceParts, scores}, stream(), "the faces' scores");
  }

  // Hard positives and negatives first, then the random rest.
  absl::Status Sample(const mining::AnchorTable& table, const mining::ImageFacts* image) {
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
      RETURN_IF_ERROR(model::ForEachIndex(
          anchors, mining::RandomKeysKernel{labels, table, positives, negatives, sampled, max_positives_, image, keys},
          stream(), "drawing anchors"));
      RETURN_IF_ERROR(
          model::SortKeys(keys, random_.as<uint64_t>(), anchors, /*first_bit=*/32, sort_scratch_, stream()));
      random = random_.as<uint64_t>();
    }
    return model::ForEachIndex(sampled,
                               mining::SampleKernel{positives, negatives, random, anchors, sampled, max_positives_,
                                                    image, samples_.as<mining::SampledAnchor>()},
                               stream(), "sampling anchors");
  }

  // Room for ANCHORS of an image, for the faces of one and for those of a pass, which double so that it moves rarely.
  absl::Status Grow(int anchors, int most_faces, int all_faces) {
    if (anchors <= max_anchors_ && most_faces <= max_faces_ && all_faces <= max_pass_faces_) return absl::OkStatus();
    ++moves_;
    RETURN_IF_ERROR(context_->stream().Synchronize());  // what is queued may use the old memory
    const int most_anchors = std::max(std::exchange(max_anchors_, 0), anchors);  // 0 where memory runs out
    while (max_faces_ < most_faces) max_faces_ *= 2;
    while (max_pass_faces_ < std::max(max_faces_, all_faces)) max_pass_faces_ *= 2;
    RETURN_IF_ERROR(images_.Grow(FactBytes() + BytesOf<mining::FaceBox>(max_pass_faces_), "the loss"));
    RETURN_IF_ERROR(outcomes_.Grow(LossBytes() + BytesOf<mining::FaceScore>(max_pass_faces_), "the loss"));
    RETURN_IF_ERROR(face_parts_.Grow(BytesOf<mining::FaceScore>(max_faces_) * kFaceParts, "the loss"));
    RETURN_IF_ERROR(labels_.Grow(BytesOf<mining::AnchorLabel>(most_anchors), "the loss"));
    for (model::DeviceMemory* memory : {&keys_, &other_keys_, &positives_, &negatives_, &random_}) {
      RETURN_IF_ERROR(memory->Grow(BytesOf<uint64_t>(most_anchors), "the loss"));
    }
    ASSIGN_OR_RETURN(const int64_t scratch, model::SortScratchBytes(most_anchors));
    RETURN_IF_ERROR(sort_scratch_.Grow(scratch, "the loss"));
    max_anchors_ = most_anchors;
    return absl::OkStatus();
  }

  mining::TargetOptions options_;
  const int max_images_, max_positives_;
  const std::shared_ptr<model::CudaContext> context_;
  int max_anchors_ = 0, max_faces_ = 64, max_pass_faces_ = 64;  // of an image, and of a pass
  int64_t moves_ = 0;                                           // of the memory that these decide
  model::DeviceMemory images_;                                  // of a pass: facts of MAX_IMAGES_, then all their faces
  model::DeviceMemory outcomes_;  // of a pass: losses of MAX_IMAGES_, then the scores of all their faces
  // Of one image at a time.
  model::DeviceMemory labels_, face_parts_;
  model::DeviceMemory keys_, other_keys_, sort_scratch_;
  model::DeviceMemory positives_, negatives_, random_;  // sorted keys
  model::DeviceMemory samples_, classification_, regression_;
  model::DeviceMemory counts_, sums_;  // of parts, and of fewer parts
  std::vector<PassSlot> slots_;        // of the passes since the last Outcomes()
  size_t passes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceDetectionLoss>> DeviceDetectionLoss::Create(
    const mining::TargetOptions& options, int max_images, std::shared_ptr<model::CudaContext> context) {
  auto loss = std::make_unique<LossOnDevice>(options, max_images, std::move(context));
  RETURN_IF_ERROR(loss->Allocate());
  return loss;
}

}  // namespace hardface::train
