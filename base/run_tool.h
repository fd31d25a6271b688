// For tests: runs a real program, as a user would, and sees it fail on a full disk or die.
#ifndef HARDFACE_BASE_RUN_TOOL_H_
#define HARDFACE_BASE_RUN_TOOL_H_

#include <cstdint>
#include <string>
#include <vector>

namespace hardface {

struct ToolLimits {
  int kill_after_ms = -1;       // -1: never
  int64_t max_file_bytes = -1;  // a write beyond fails, as on a full disk; -1: none
  std::string folder;           // where the program is started; "": here
  std::string stdout_file;      // the file that stands for stdout; "": it is captured
};

inline ToolLimits KilledAfter(int milliseconds) {
  ToolLimits limits;
  limits.kill_after_ms = milliseconds;
  return limits;
}

inline ToolLimits OnAFullDisk(int64_t free_bytes) {
  ToolLimits limits;
  limits.max_file_bytes = free_bytes;
  return limits;
}

inline ToolLimits StartedIn(const std::string& folder) {
  ToolLimits limits;
  limits.folder = folder;
  return limits;
}

struct ToolOutcome {
  int exit_code = -1;  // -1: killed
  std::string error;   // stderr
  std::string output;  // stdout, where it was captured, and then stderr
};

// COMMAND: the program's path, from the current folder, and its arguments.
ToolOutcome RunTool(std::vector<std::string> command, const ToolLimits& limits = {});

}  // namespace hardface

#endif  // HARDFACE_BASE_RUN_TOOL_H_
