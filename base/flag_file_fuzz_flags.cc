// Flag files: any bytes are flags or an error.
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "base/check.h"
#include "base/fuzz_input.h"
#include "base/tool_main.h"

ABSL_FLAG(std::string, text, "", "Text.");
ABSL_FLAG(int, number, 1, "Number.");
ABSL_FLAG(double, share, 0.5, "Share.");
ABSL_FLAG(bool, truth, false, "Truth.");
ABSL_FLAG(std::vector<std::string>, list, {}, "List.");

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // They end the process, and a device may have no end.
  const absl::string_view text = hardface::FuzzText(data, size);
  for (const char* left_out : {"help", "version", "/dev", "/proc"}) {
    if (absl::StrContains(text, left_out)) return 0;
  }
  std::string flag = "--flagfile=" + hardface::FuzzFile(text, "flags.txt");
  std::string program = "tool";
  char* argv[] = {program.data(), flag.data(), nullptr};
  const hardface::ToolInfo info{"test/tool", "Summary.", "[FILE ...]", hardface::ToolPaths::None()};
  const auto arguments = hardface::ParseToolFlags(2, argv, info);
  HARDFACE_CHECK(arguments.ok() || hardface::IsUsageError(arguments.status()));
  return 0;
}
