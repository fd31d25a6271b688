// The flags of training samples, shared by data_tools:augment and train: the same words give the same samples.
#ifndef HARDFACE_DATA_TOOLS_AUGMENTATION_AUGMENT_FLAGS_H_
#define HARDFACE_DATA_TOOLS_AUGMENTATION_AUGMENT_FLAGS_H_

#include "absl/status/statusor.h"
#include "data_tools/augmentation/training_sample.h"

namespace hardface::data {

// The options that --crops, --short_sides, --crop_size and the others say; UsageError for values out of range. Whether
// all of them have an effect beside --crops, KnobsOf<AugmentOptions>().CheckEffects() says.
absl::StatusOr<AugmentOptions> AugmentOptionsFromFlags();

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_AUGMENTATION_AUGMENT_FLAGS_H_
