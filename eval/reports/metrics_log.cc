#include "eval/reports/metrics_log.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/json_text.h"
#include "base/status_macros.h"
#include "base/text_file.h"

namespace hardface::eval {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWarningsInWords = 5;
constexpr double kGap = std::numeric_limits<double>::quiet_NaN();

void RemoveFrom(double iteration, ChartPoints* points) {
  while (!points->empty() && points->back().first >= iteration) points->pop_back();
}

class LogBuilder {
 public:
  void Add(double iteration, const Json& line) {
    if (iteration < static_cast<double>(log_.last_iteration)) {
      ++log_.restarts;
      for (ChartCurve& curve : log_.curves) RemoveFrom(iteration, &curve.points);
    }
    log_.last_iteration = static_cast<int64_t>(iteration);
    for (const auto& [key, value] : line.items()) {
      if (key == "iteration" || !(value.is_number() || value.is_null())) continue;
      ChartPoints& points = PointsOf(key);
      RemoveFrom(iteration, &points);
      points.emplace_back(iteration, value.is_null() ? kGap : value.get<double>());
    }
  }

  MetricsLog Take() { return std::move(log_); }

 private:
  ChartPoints& PointsOf(const std::string& key) {
    const auto [place, fresh] = indices_.try_emplace(key, log_.curves.size());
    if (fresh) log_.curves.push_back({key, {}});
    return log_.curves[place->second].points;
  }

  MetricsLog log_;
  std::map<std::string, size_t> indices_;
};

}  // namespace

const ChartCurve* MetricsLog::Find(const std::string& key) const {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const auto& curve) { return curve.title == key; });
  return found == curves.end() ? nullptr : &*found;
}

absl::StatusOr<MetricsLog> ReadMetricsLog(const std::string& path) {
  ASSIGN_OR_RETURN(const auto lines, LineReader::Open(path, "a training writes such a file"));
  LogBuilder builder;
  LineWarnings warnings(path);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, lines->Next());
    if (!more) break;
    const std::string& text = lines->line();
    const Json line = ParseJson<Json>(text, "").value_or(Json());
    const bool good = line.is_object() && line.contains("iteration") && line["iteration"].is_number() &&
                      line["iteration"].get<double>() >= 0;
    if (good) {
      builder.Add(line["iteration"].get<double>(), line);
    } else if (!lines->is_complete()) {
      warnings.Add(lines->number(), "half a line at the end, left out: a training is writing it, or was interrupted");
    } else {
      warnings.Add(lines->number(), absl::StrCat("left out: expected an object with an \"iteration\", got \"",
                                                 text.substr(0, 60), "\""));
    }
  }
  MetricsLog log = builder.Take();
  log.warnings = warnings.Take();
  return log;
}

void LineWarnings::Add(int64_t line, const std::string& what) {
  if (++count_ <= static_cast<int64_t>(kWarningsInWords)) first_.push_back(absl::StrCat(path_, ":", line, ": ", what));
}

std::vector<std::string> LineWarnings::Take() {
  const auto more = count_ - static_cast<int64_t>(first_.size());
  if (more > 0) first_.push_back(absl::StrCat(path_, ": ", more, " more lines like these"));
  return std::move(first_);
}

}  // namespace hardface::eval
