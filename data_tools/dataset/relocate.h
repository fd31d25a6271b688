// Image paths for datasets that gather images of several folders.
#ifndef HARDFACE_DATA_TOOLS_DATASET_RELOCATE_H_
#define HARDFACE_DATA_TOOLS_DATASET_RELOCATE_H_

#include <string>

#include "data_tools/dataset/dataset.h"

namespace hardface::data {

// Tells how READER's images are called in a dataset in NEW_FOLDER whose image_root is ".": relative where the reader's
// image_root is relative, so that the folders can be moved together; absolute where that is absolute.
class Relocator {
 public:
  Relocator(const DatasetReader& reader, const std::string& new_folder);

  std::string Image(const DatasetEntry& entry) const;

 private:
  const DatasetReader& reader_;
  const std::string new_folder_;
  const std::string root_;  // of the reader's relative images, as NEW_FOLDER sees it; absolute where it was
};

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_DATASET_RELOCATE_H_
