#include "data_tools/synth/synthesize_dataset.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <opencv2/core/utility.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

// Entries kept in memory before they are written.
constexpr int64_t kBatch = 256;

// As in WIDER FACE: 0 none, 1 some, 2 heavy.
int BlurGrade(const Person& person) {
  const double relative = person.blur / person.face_px;
  return relative > 0.03 ? 2 : relative > 0 ? 1 : 0;
}

int OcclusionGrade(const Person& person) {
  switch (person.occluder) {
    case Occluder::kNone:
      return 0;
    case Occluder::kSunglasses:
    case Occluder::kBar:
      return 1;
    default:
      return 2;
  }
}

bool IsUnusualPose(const Person& person) { return std::fabs(person.yaw) > 0.6 || std::fabs(person.roll) > 0.5; }

// To hundredths, which keep every digit in the manifest.
float Hundredths(float value) { return std::round(value * 100) / 100; }

Face FaceOf(const SceneFace& drawn) {
  Face face;
  face.box = {Hundredths(drawn.box.x), Hundredths(drawn.box.y), Hundredths(drawn.box.w), Hundredths(drawn.box.h)};
  face.attributes = {{"blur", BlurGrade(drawn.person)},
                     {"occlusion", OcclusionGrade(drawn.person)},
                     {"pose", IsUnusualPose(drawn.person) ? 1 : 0}};
  return face;
}

absl::Status MakeImage(const SynthesizeOptions& options, int64_t index, const std::string& folder,
                       DatasetEntry* entry) {
  Random random({options.seed, static_cast<uint64_t>(index)});
  const Scene scene = DrawScene(options.scene, random);
  *entry = DatasetEntry();
  entry->image = absl::StrFormat("%06d.jpg", index);
  entry->width = scene.image.cols;
  entry->height = scene.image.rows;
  for (const SceneFace& face : scene.faces) entry->faces.push_back(FaceOf(face));
  return WriteJpeg(absl::StrCat(folder, "/", entry->image), scene.image, scene.jpeg_quality);
}

}  // namespace

absl::StatusOr<SynthesizeSummary> SynthesizeDataset(const SynthesizeOptions& options) {
  ASSIGN_OR_RETURN(const auto writer, DatasetWriter::Create(options.output, {"images"}));
  const std::string folder = writer->temporary_path() + "/images";
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  if (error) return absl::InternalError(absl::StrCat(folder, ": cannot make this folder: ", error.message()));
  // Images are drawn in parallel already; and OpenCV waits for ever for threads that the system does not give.
  cv::setNumThreads(1);
  Progress progress("synthesize", options.images, "images");
  for (int64_t first = 0; first < options.images; first += kBatch) {
    const int64_t count = std::min(kBatch, options.images - first);
    std::vector<DatasetEntry> entries(count);
    std::vector<absl::Status> results(count);
    ParallelFor(count, options.threads, [&](int64_t i) {
      results[i] = MakeImage(options, first + i, folder, &entries[i]);
      progress.Advance(1);
    });
    for (int64_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(results[i]);
      RETURN_IF_ERROR(writer->Write(entries[i]));
    }
  }
  progress.Finish();
  RETURN_IF_ERROR(writer->Commit(Provenance()));
  return SynthesizeSummary{writer->entries(), writer->faces()};
}

}  // namespace hardface::data
