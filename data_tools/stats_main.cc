#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "base/atomic_output.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/dataset_stats.h"

ABSL_FLAG(std::string, input, "", "Dataset to describe. Required.");
ABSL_FLAG(std::string, json, "", "JSON file to write the figures to, besides printing them. Empty writes no file.");

namespace hardface::data {
namespace {

absl::Status Run(const std::vector<std::string>& /*arguments*/) {
  const std::string input = absl::GetFlag(FLAGS_input), json = absl::GetFlag(FLAGS_json);
  RETURN_IF_ERROR(RequireFlag("input", input));
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(input));
  DatasetStats stats;
  Provenance provenance;
  Progress progress("stats", reader->CountEntries(), "images");
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) break;
    stats.Add(entry);
    progress.Advance(1);
  }
  progress.Finish();
  if (!json.empty()) {
    RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
    RETURN_IF_ERROR(
        WriteFileAtomically(json, stats.ToJson().dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    RETURN_IF_ERROR(provenance.WriteBeside(json));
  }
  std::printf("%simages=%lld faces=%lld\n", stats.ToText().c_str(), static_cast<long long>(stats.images()),
              static_cast<long long>(stats.faces()));
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::data

int main(int argc, char** argv) {
  return hardface::ToolMain(argc, argv,
                            {"data_tools/stats",
                             "Prints how many images and faces a dataset has, how high the faces are, how many faces "
                             "an image has, and which classes occur.",
                             "",
                             {{"input", hardface::kReadsDataset}, {"json", hardface::kWrites}}},
                            &hardface::data::Run);
}
