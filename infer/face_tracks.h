// Which faces of a video's frames are the same: greedy tracks by overlap.
#ifndef HARDFACE_INFER_FACE_TRACKS_H_
#define HARDFACE_INFER_FACE_TRACKS_H_

#include <cstdint>
#include <vector>

#include "data_tools/dataset/box.h"
#include "data_tools/dataset/detections.h"

namespace hardface::infer {

// Takes a video's frames in order. A face goes on with the track whose last box overlaps it most, by an IoU of at least
// 0.3; of several that want one track the one that overlaps more. Others begin a track. A track that was not seen in
// ten frames is over.
class FaceTracker {
 public:
  // The track of each of the frame's faces, numbered from 1 in the order of their beginnings.
  std::vector<int64_t> Add(const std::vector<data::Detection>& faces);

 private:
  struct Track {
    int64_t id = 0;
    int64_t seen = 0;  // the last frame that has it
    data::Rect box;    // there
  };

  std::vector<Track> tracks_;  // that may go on
  int64_t frame_ = 0;
  int64_t last_id_ = 0;
};

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_FACE_TRACKS_H_
