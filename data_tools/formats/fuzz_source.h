// What the fuzz targets of this folder do with a source: all of it is read.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_FUZZ_SOURCE_H_
#define HARDFACE_DATA_TOOLS_FORMATS_FUZZ_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/check.h"
#include "data_tools/formats/annotation_source.h"

namespace hardface::data {

inline void ReadAll(const absl::StatusOr<std::unique_ptr<AnnotationSource>>& source) {
  if (!source.ok()) return;
  AnnotatedImage image;
  while (true) {
    image = AnnotatedImage();
    const absl::StatusOr<bool> more = (*source)->Next(&image);
    if (!more.ok() || !*more) break;
    HARDFACE_CHECK(!image.candidates.empty());
    HARDFACE_CHECK(!image.place.empty());
  }
  (void)(*source)->findings();
}

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_FUZZ_SOURCE_H_
