#include "data_tools/formats/negatives.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "data_tools/images/image_walk.h"

namespace hardface::data {

absl::StatusOr<std::unique_ptr<AnnotationSource>> OpenNegatives(const std::string& images) {
  ASSIGN_OR_RETURN(const ImageWalk walk, WalkImages(images));
  if (walk.images.empty()) return absl::NotFoundError(absl::StrCat(images, ": holds no picture"));
  std::vector<AnnotatedImage> all;
  for (const std::string& file : walk.images) {
    all.emplace_back().place = file;
    all.back().candidates = {file};
  }
  return std::make_unique<VectorSource>(std::vector<std::string>(), std::move(all));
}

}  // namespace hardface::data
