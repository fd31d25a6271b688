// What the folder of a training, a scoring or a detection holds, read for a report.
#ifndef HARDFACE_EVAL_REPORTS_RUN_RECORD_H_
#define HARDFACE_EVAL_REPORTS_RUN_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/common/metrics.h"
#include "eval/reports/metrics_log.h"
#include "eval/reports/plot.h"

namespace hardface::eval {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

// Of difficulty.jsonl.
struct WpasList {
  std::vector<float> scores;      // of images with positive anchors
  int64_t without_positives = 0;  // images
};

struct RunRecord {
  std::string name;    // short, different from other runs' (RunNames)
  std::string folder;  // as given

  std::string made_by;             // tool and version, by provenance.json
  NamedTexts settings;             // flags.txt, or the flags in provenance.json
  NamedTexts inputs;               // path and SHA-256
  std::optional<MetricsLog> log;   // metrics.jsonl
  std::optional<WpasList> wpas;    // difficulty.jsonl
  std::optional<Metrics> scores;   // metrics.json
  std::optional<PlotFile> pr;      // pr.csv
  std::optional<PlotFile> roc;     // roc.csv
  std::vector<std::string> drawn;  // pictures' paths in drawn/, sorted

  std::vector<std::string> files;     // that were read, for the provenance
  std::vector<std::string> warnings;  // what could not be read, with file and line

  // A setting's value; empty where there is none.
  std::string Setting(const std::string& name) const;
};

// Reads what is there of the files above. A file that is broken is a warning and left out, as a training may be
// writing it. NotFound: FOLDER is no folder, or nothing of the kind is in it.
absl::StatusOr<RunRecord> ReadRun(const std::string& folder, const std::string& name);

// Folders' last parts, or the whole paths where last parts are the same.
std::vector<std::string> RunNames(const std::vector<std::string>& folders);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_REPORTS_RUN_RECORD_H_
