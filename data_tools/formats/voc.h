// Pascal VOC: one XML file an image.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_VOC_H_
#define HARDFACE_DATA_TOOLS_FORMATS_VOC_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

// What xmin..ymax mean.
enum class VocBoxes {
  kEdges,   // edges, as labelImg and most tools write them: width = xmax - xmin
  kPixels,  // first and last pixel, counted from 1, as in the PASCAL VOC challenge: width = xmax - xmin + 1
};

// Reads every *.xml under PATH (or the one file), sorted by path. A true <difficult> becomes `ignore`. Files may be in
// any encoding that they declare and iconv knows.
absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenVoc(const std::string& path, VocBoxes boxes);

// The folder that the images' paths start from when the user does not say: JPEGImages beside PATH where PATH is (or
// lies in) a VOC challenge's folder Annotations; else PATH, or the folder that it lies in. In trees that hold such
// folders they are found by the XML files' places.
std::string VocImages(const std::string& path);

// One XML document. FILE is its path under the annotations' folder: gives places and the image's default name.
AnnotatedImage VocFromXml(absl::string_view xml, const std::string& file, VocBoxes boxes);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_VOC_H_
