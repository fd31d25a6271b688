#include "eval/common/attribution.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/str_format.h"

namespace hardface::eval {
namespace {

using Flags = std::vector<std::vector<bool>>;  // [image][face]

enum class Kind { kNone, kPoorBox, kDuplicate, kFalseAlarm };

Kind KindOf(const AttributionInput& input, const JudgedDetection& detection) {
  if (detection.verdict == Verdict::kDuplicate) return Kind::kDuplicate;
  if (detection.verdict != Verdict::kFalseAlarm) return Kind::kNone;
  const bool poor =
      detection.face >= 0 && detection.iou >= kPoorBoxIou && input.counted[detection.image][detection.face];
  return poor ? Kind::kPoorBox : Kind::kFalseAlarm;
}

Flags NoFlags(const AttributionInput& input) {
  Flags flags;
  for (const std::vector<bool>& faces : input.counted) flags.emplace_back(faces.size(), false);
  return flags;
}

Flags FoundFaces(const AttributionInput& input) {
  Flags found = NoFlags(input);
  for (const JudgedDetection& detection : input.judged) {
    if (detection.verdict == Verdict::kTruePositive) found[detection.image][detection.face] = true;
  }
  return found;
}

double ApOf(const AttributionInput& input, const std::vector<JudgedDetection>& judged) {
  std::vector<int64_t> faces;
  for (const std::vector<bool>& counted : input.counted) {
    faces.push_back(std::count(counted.begin(), counted.end(), true));
  }
  return AveragePrecision(MakeRanking(judged, std::move(faces)), input.ties);
}

// What AP gains when MISSED of FACES do not count: every recall, and with it the area, grows by faces / (faces -
// missed).
double GainWithout(double ap, int64_t missed, int64_t faces) {
  if (missed == faces) return 0;  // nothing was found: AP is 0 and stays so
  return ap * static_cast<double>(missed) / static_cast<double>(faces - missed);
}

std::vector<JudgedDetection> Mended(const AttributionInput& input, Kind kind, Flags found) {
  std::vector<JudgedDetection> judged = input.judged;
  std::vector<size_t> order(judged.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return judged[a].score > judged[b].score; });
  for (size_t i : order) {
    if (KindOf(input, input.judged[i]) != kind) continue;
    judged[i].verdict = Verdict::kIgnored;
    if (kind != Kind::kPoorBox) continue;
    std::vector<bool>::reference taken = found[judged[i].image][judged[i].face];
    if (!taken) judged[i].verdict = Verdict::kTruePositive;
    taken = true;
  }
  return judged;
}

}  // namespace

std::vector<ErrorShare> AttributeLoss(const AttributionInput& input) {
  const Flags found = FoundFaces(input);
  Flags touched = found;
  std::map<Kind, int64_t> counts;
  for (const JudgedDetection& detection : input.judged) {
    const Kind kind = KindOf(input, detection);
    ++counts[kind];
    if (kind == Kind::kPoorBox) touched[detection.image][detection.face] = true;
  }
  int64_t missed = 0, faces = 0;
  for (size_t i = 0; i < touched.size(); ++i) {
    for (size_t k = 0; k < touched[i].size(); ++k) {
      faces += input.counted[i][k];
      missed += input.counted[i][k] && !touched[i][k];
    }
  }
  const double ap = ApOf(input, input.judged);
  const auto loss = [&](Kind kind) { return ApOf(input, Mended(input, kind, found)) - ap; };
  return {{"misses", "", missed, faces, GainWithout(ap, missed, faces)},
          {"poor_boxes", "", counts[Kind::kPoorBox], faces, loss(Kind::kPoorBox)},
          {"duplicates", "", counts[Kind::kDuplicate], faces, loss(Kind::kDuplicate)},
          {"false_alarms", "", counts[Kind::kFalseAlarm], faces, loss(Kind::kFalseAlarm)}};
}

std::vector<ErrorShare> AttributeMissesByLabel(
    const AttributionInput& input, const std::string& label,
    const std::function<std::string(int32_t image, int32_t face)>& value_of) {
  const Flags found = FoundFaces(input);
  std::map<std::string, ErrorShare> groups;
  int64_t faces = 0;
  for (size_t i = 0; i < input.counted.size(); ++i) {
    for (size_t k = 0; k < input.counted[i].size(); ++k) {
      if (!input.counted[i][k]) continue;
      const std::string value = value_of(static_cast<int32_t>(i), static_cast<int32_t>(k));
      ErrorShare& share = groups.try_emplace(value, ErrorShare{label, value, 0, 0, 0}).first->second;
      ++faces;
      ++share.faces;
      share.count += !found[i][k];
    }
  }
  const double ap = ApOf(input, input.judged);
  std::vector<ErrorShare> shares;
  for (auto& [value, share] : groups) {
    share.ap_lost = GainWithout(ap, share.count, faces);
    shares.push_back(share);
  }
  return shares;
}

std::string AttributionCsvHeader() { return "curve,cause,value,count,faces,ap_lost\n"; }

std::string AttributionToCsv(const std::string& curve, const std::vector<ErrorShare>& shares) {
  std::string csv;
  for (const ErrorShare& share : shares) {
    absl::StrAppendFormat(&csv, "%s,%s,%s,%d,%d,%.9g\n", curve, share.cause, share.value, share.count, share.faces,
                          share.ap_lost);
  }
  return csv;
}

}  // namespace hardface::eval
