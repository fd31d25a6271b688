// Image paths for datasets that gather images of several folders.
#ifndef HARDFACE_DATA_TOOLS_RELOCATE_H_
#define HARDFACE_DATA_TOOLS_RELOCATE_H_

#include <string>

#include "data_tools/dataset.h"

namespace hardface {

// The path of READER's image ENTRY in a dataset in NEW_FOLDER whose image_root is ".": relative where the reader's
// image_root is relative, so that the folders can be moved together; absolute where that is absolute.
std::string RelocatedImage(const DatasetReader& reader, const DatasetEntry& entry, const std::string& new_folder);

}  // namespace hardface

#endif  // HARDFACE_DATA_TOOLS_RELOCATE_H_
