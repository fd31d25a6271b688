#include "infer/face_tracks.h"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace hardface::infer {
namespace {

constexpr double kLeastIou = 0.3;
constexpr int64_t kFramesUnseen = 10;

}  // namespace

std::vector<int64_t> FaceTracker::Add(const std::vector<data::Detection>& faces) {
  ++frame_;
  tracks_.erase(std::remove_if(tracks_.begin(), tracks_.end(),
                               [this](const Track& track) { return frame_ - track.seen > kFramesUnseen; }),
                tracks_.end());
  std::vector<std::tuple<double, size_t, size_t>> pairs;  // overlap (negative: the greatest comes first), face, track
  for (size_t face = 0; face < faces.size(); ++face) {
    for (size_t track = 0; track < tracks_.size(); ++track) {
      const double iou = data::ContinuousIou(faces[face].box, tracks_[track].box);
      if (iou >= kLeastIou) pairs.emplace_back(-iou, face, track);
    }
  }
  std::sort(pairs.begin(), pairs.end());
  std::vector<int64_t> ids(faces.size(), 0);
  for (const auto& [overlap, face, track] : pairs) {
    if (ids[face] != 0 || tracks_[track].seen == frame_) continue;
    ids[face] = tracks_[track].id;
    tracks_[track].seen = frame_;
    tracks_[track].box = faces[face].box;
  }
  for (size_t face = 0; face < faces.size(); ++face) {
    if (ids[face] != 0) continue;
    ids[face] = ++last_id_;
    tracks_.push_back({last_id_, frame_, faces[face].box});
  }
  return ids;
}

}  // namespace hardface::infer
