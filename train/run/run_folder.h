// The folder of a training's run: whether one may start or go on in it.
#ifndef HARDFACE_TRAIN_RUN_RUN_FOLDER_H_
#define HARDFACE_TRAIN_RUN_RUN_FOLDER_H_

#include <string>

#include "absl/status/status.h"

namespace hardface::train {

// Takes FOLDER for this training, which from then on writes in it as it likes. An error where it holds anything but a
// run of this tool, or a run that would be lost: checkpoints without RESUME, or a model whose checkpoints are gone.
absl::Status ClaimRunFolder(const std::string& folder, bool resume);

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_RUN_RUN_FOLDER_H_
