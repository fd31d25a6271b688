// The videos that a run of detection leaves: copies of those it was given, with the faces framed or hidden.
#ifndef HARDFACE_INFER_DRAWN_VIDEOS_H_
#define HARDFACE_INFER_DRAWN_VIDEOS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "infer/images_to_detect.h"
#include "infer/picture_outputs.h"

namespace hardface::infer {

// Whether OPTIONS ask for a copy of each video.
bool CopiesVideos(const PictureOptions& options);

// Writes the copies of those of VIDEOS whose frames the run's journal in FOLDER has (result_journal.h): FOLDER/drawn,
// FOLDER/blurred and FOLDER/pixelated, as OPTIONS say. The videos are decoded once more for it, so that it is all the
// same whether the detection was interrupted. A copy that is there already is whole and is kept.
//
// A frame on which detection failed is framed nowhere, and hidden as a whole. Returns a message for each video of which
// a copy could not be written.
absl::StatusOr<std::vector<std::string>> DrawVideos(const std::string& folder, absl::Span<const ImageToDetect> videos,
                                                    const PictureOptions& options);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_DRAWN_VIDEOS_H_
