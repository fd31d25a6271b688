// Judged detections: what each detection turned out to be. The step between matching and a Ranking; the attribution of
// lost AP works on it too.
#ifndef HARDFACE_EVAL_COMMON_JUDGED_H_
#define HARDFACE_EVAL_COMMON_JUDGED_H_

#include <cstdint>
#include <vector>

#include "eval/common/ranking.h"

namespace hardface::eval {

enum class Verdict : uint8_t {
  kTruePositive,
  kIgnored,     // on a face that does not count: neither right nor wrong
  kDuplicate,   // on a face that a better-scored detection has found: a false positive
  kFalseAlarm,  // on no face at the protocol's IoU: a false positive
};

struct JudgedDetection {
  double score = 0;
  int32_t image = 0;
  int32_t face = -1;  // the best-overlapping face of the image (whatever the overlap), -1 when nothing overlaps
  float iou = 0;      // with that face
  Verdict verdict = Verdict::kFalseAlarm;
};

// FACES: of each image, the faces that count. Ignored detections are left out.
inline Ranking MakeRanking(const std::vector<JudgedDetection>& judged, std::vector<int64_t> faces) {
  Ranking ranking;
  ranking.faces = std::move(faces);
  for (const JudgedDetection& detection : judged) {
    if (detection.verdict == Verdict::kIgnored) continue;
    const bool right = detection.verdict == Verdict::kTruePositive;
    ranking.outcomes.push_back({detection.score, detection.image, right ? 1.0 : 0.0, right ? 0.0 : 1.0});
  }
  ranking.Sort();
  return ranking;
}

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_JUDGED_H_
