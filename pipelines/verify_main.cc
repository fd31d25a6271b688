// pipelines/verify: whether results still are what their provenance says.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/provenance_chain.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "eval/common/result_tree.h"

namespace hardface {
namespace {

absl::Status Run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return UsageError("give an output of these tools: a folder or file, such as runs/score");
  size_t findings = 0;
  for (const std::string& output : arguments) {
    ASSIGN_OR_RETURN(const ChainReport report,
                     VerifyChain(output, [](const std::string& path) -> absl::StatusOr<std::string> {
                       ASSIGN_OR_RETURN(const eval::ResultTree tree, eval::ReadResultTree(path, /*threads=*/1));
                       return eval::HashResultTree(tree.files);
                     }));
    for (const std::string& step : report.outputs) std::printf("%s\n", step.c_str());
    for (const std::string& finding : report.findings) std::printf("NO LONGER FITS  %s\n", finding.c_str());
    std::printf("output=%s outputs=%zu files=%lld inputs=%lld findings=%zu\n", output.c_str(), report.outputs.size(),
                static_cast<long long>(report.files), static_cast<long long>(report.inputs), report.findings.size());
    findings += report.findings.size();
  }
  if (findings == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(findings, " things no longer fit; the results are not those of the files that lie here"));
}

}  // namespace
}  // namespace hardface

int main(int argc, char** argv) {
  return hardface::ToolMain(
      argc, argv,
      {"pipelines/verify",
       "Checks results against the files that they were made from. Computes the hashes of an output's files and inputs "
       "again, then those of the outputs that these inputs belong to, and so on to the first source; prints the chain "
       "and names what no longer fits. The pictures of datasets are not hashed. Exit code 1 means that something does "
       "not fit.",
       "OUTPUT ...",
       {{"", hardface::kReadsFolder}}},
      &hardface::Run);
}
