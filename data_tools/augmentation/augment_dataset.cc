#include "data_tools/augmentation/augment_dataset.h"

#include <numeric>
#include <opencv2/imgproc.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/parallel.h"
#include "base/prefetcher.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"

namespace hardface::data {
namespace {

cv::Mat ToBytes(const TrainingSample& sample, bool draw_boxes) {
  cv::Mat image;
  sample.image.convertTo(image, CV_8UC3);
  if (!draw_boxes) return image;
  for (const SampleFace& face : sample.faces) {
    const cv::Scalar color = face.ignore ? cv::Scalar(0, 0, 255) : cv::Scalar(0, 255, 0);
    cv::rectangle(image, cv::Point(cvRound(face.box.x1), cvRound(face.box.y1)),
                  cv::Point(cvRound(face.box.x2), cvRound(face.box.y2)), color);
  }
  return image;
}

DatasetEntry ToEntry(const TrainingSample& sample, std::string name, const DatasetEntry& source) {
  DatasetEntry entry;
  entry.image = std::move(name);
  entry.width = sample.image.cols;
  entry.height = sample.image.rows;
  for (const SampleFace& face : sample.faces) entry.faces.push_back({ToRect(face.box), face.ignore});
  entry.attributes = {{"source", source.image}, {"source_flip", source.flip}};
  return entry;
}

}  // namespace

absl::StatusOr<AugmentCounts> AugmentDataset(const std::string& input, const std::string& output,
                                             const AugmentDatasetOptions& options) {
  ASSIGN_OR_RETURN(const Dataset dataset, ReadDataset(input));
  DatasetHeader header;
  header.image_root = "images";
  ASSIGN_OR_RETURN(const auto writer, DatasetWriter::Create(output, header, {input}));
  std::vector<int64_t> partners(dataset.entries.size());
  std::iota(partners.begin(), partners.end(), int64_t{0});
  const SampleSource source{[&](int64_t i) { return ReadImage(dataset.image_paths[static_cast<size_t>(i)]); },
                            [&](int64_t i) -> const DatasetEntry& { return dataset.entries[static_cast<size_t>(i)]; },
                            &partners};
  const auto count = static_cast<int64_t>(dataset.entries.size()) * options.copies;
  const auto make = [&](int64_t k) -> absl::StatusOr<DatasetEntry> {
    const int64_t i = k / options.copies, copy = k % options.copies;
    Random random({options.seed, static_cast<uint64_t>(i), static_cast<uint64_t>(copy)});
    ASSIGN_OR_RETURN(const TrainingSample sample, MakeSample(source, i, options.augment, &random));
    const std::string name = absl::StrFormat("%06d_%d.png", i, copy);
    RETURN_IF_ERROR(
        WritePng(absl::StrCat(writer->temporary_path(), "/images/", name), ToBytes(sample, options.draw_boxes)));
    return ToEntry(sample, name, dataset.entries[static_cast<size_t>(i)]);
  };
  // Samples are made in parallel already; and OpenCV waits for ever for threads that the system does not give.
  cv::setNumThreads(1);
  const int threads = ResolveThreads(options.threads);
  Prefetcher<absl::StatusOr<DatasetEntry>> samples(count, threads, /*ahead=*/4 * threads, make);
  Progress progress("augment", count, "samples");
  for (int64_t k = 0; k < count; ++k) {
    ASSIGN_OR_RETURN(const DatasetEntry entry, samples.Next());
    RETURN_IF_ERROR(writer->Write(entry));
    progress.Advance(1);
  }
  const AugmentCounts counts{writer->entries(), writer->faces()};
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(dataset.manifest_path));
  RETURN_IF_ERROR(writer->Commit(provenance));
  return counts;
}

}  // namespace hardface::data
