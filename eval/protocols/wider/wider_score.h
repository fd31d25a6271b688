// WIDER FACE scoring, as the official MATLAB toolkit (eval_tools, 31 March 2017) does it.
//
// The rules, shared by both matchings. x2 = x + w, and areas and overlaps count pixels with "+1". Scores of all images
// are normalised together to (score - min) / (max - min). Per image, detections in falling score (ties in file order)
// are matched with the face of highest IoU (of equal ones the first), if that is at least 0.5: on a counted face it is
// a true positive the first time and stays a false positive after that; on an ignored face it is dropped. At each of
// 1000 thresholds 1 - t/1000, t = 1..1000, true positives and detections are summed over the images; faces of images
// without detections count. AP is VOC's all-point area.
//
// kOfficial: in the current .mat files boxes are int32, and so is all of MATLAB's arithmetic with them: coordinates of
// detections are rounded (half away from zero) where they meet faces', sums saturate, and the quotient that is the IoU
// is rounded to a whole number. The match thus is the FIRST face with IoU >= 0.5, not the best. Older .mat files hold
// doubles; boxes are matched there as by best_iou. The toolkit also starts the maximum of all scores at
// realmin('single'), and by that the normalised scores become single precision.
// kBestIou: the same rules in double precision throughout.
#ifndef HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_SCORE_H_
#define HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_SCORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/common/judged.h"
#include "eval/common/ranking.h"
#include "eval/common/result_boxes.h"
#include "eval/protocols/wider/wider_detections.h"
#include "eval/protocols/wider/wider_ground_truth.h"

namespace hardface::eval {

enum class WiderMatching { kOfficial, kBestIou };

inline constexpr int kWiderThresholds = 1000;

// For each box the matched face's index, -1 without one.
std::vector<int32_t> MatchWiderImage(const std::vector<WiderFace>& faces, const std::vector<ResultBox>& boxes,
                                     bool integer_arithmetic);

// The matches of every image and the threshold that each box first passes (1 .. 1000).
struct WiderMatches {
  std::vector<std::vector<int32_t>> faces;       // as MatchWiderImage
  std::vector<std::vector<int32_t>> thresholds;  // t of the first threshold 1 - t/1000 that the box's score reaches
};

// Fails when all scores are equal: then their normalisation is 0/0.
absl::StatusOr<WiderMatches> MatchWider(const WiderGroundTruth& truth, const WiderDetections& detections,
                                        WiderMatching matching, int threads);

// Verdict of each box of an image in subset SUBSET.
std::vector<Verdict> JudgeWiderImage(const std::vector<WiderFace>& faces, const std::vector<int32_t>& matches,
                                     int subset);

// The outcomes of a subset: one for each image and threshold at which something changes; score 1 - t/1000.
Ranking RankWider(const WiderGroundTruth& truth, const WiderMatches& matches, int subset);

struct WiderSubsetScore {
  double ap = 0;  // NaN when the subset has no face
  int64_t faces = 0;
  std::vector<CurvePoint> curve;  // all 1000 thresholds
};
WiderSubsetScore ScoreWiderSubset(const WiderGroundTruth& truth, const WiderMatches& matches, int subset);

// A CSV of the boxes whose verdict and the faces whose being found differs between the two matchings:
// "image,what,index, x,y,w,h,score,subset,official,best_iou". Indices count from 1: boxes in falling score, faces as in
// the .mat file.
std::string WiderDifferences(const WiderGroundTruth& truth, const WiderDetections& detections,
                             const WiderMatches& official, const WiderMatches& best_iou);

// All verdicts of a subset with each box's best face by IoU, for the attribution of lost AP. Scores are thresholds.
std::vector<JudgedDetection> JudgeWider(const WiderGroundTruth& truth, const WiderDetections& detections,
                                        const WiderMatches& matches, int subset);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_PROTOCOLS_WIDER_WIDER_SCORE_H_
