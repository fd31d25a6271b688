// Detections as annotations: training data out of what one or two other detectors find (pseudo-labels).
#ifndef HARDFACE_DATA_TOOLS_FORMATS_DETECTIONS_SOURCE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_DETECTIONS_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "data_tools/dataset/box.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/detections.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// When detections are believed.
struct AgreementRules {
  double agree_iou = 0.4;  // two detections are of one face from here on
  // One number a detector: detections below it count for nothing; those that agree are faces.
  std::vector<double> agree_scores = {0.4, 0.3};
  // A detection that the other detector does not have is an ignored area from here on. With one detector: what is no
  // face by its agree score, but reaches this.
  std::vector<double> doubt_scores = {0.5, 0.3};
};

struct HeadPoint {
  double x = 0, y = 0;
};

// The faces of one image by the rule that docs/DATA_TOOLS.md states ("import, detections"). DETECTIONS: of one or two
// detectors. HUMAN: boxes that people drew, if any. HEADS: points on heads, if any.
std::vector<Face> AgreeOnFaces(const std::vector<std::vector<Detection>>& detections, const AgreementRules& rules,
                               const std::vector<Face>& human, const std::vector<HeadPoint>& heads);

struct DetectionsOptions {
  std::string images;              // a folder: each of its pictures must stand in every file
  std::vector<std::string> files;  // one detections.jsonl, or two (or folders that hold one)
  AgreementRules rules;
  std::string annotations;  // a dataset with people's boxes of the same pictures; "": none
  std::string head_points;  // a CSV file with the columns image, x, y; "": none
};

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenDetections(const DetectionsOptions& options);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_DETECTIONS_SOURCE_H_
