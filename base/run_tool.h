// For tests: runs a real program, as a user would, and sees it fail on a full disk, out of memory, or killed.
#ifndef HARDFACE_BASE_RUN_TOOL_H_
#define HARDFACE_BASE_RUN_TOOL_H_

#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace hardface {

struct ToolLimits {
  int kill_after_ms = -1;           // -1: never
  std::function<bool()> kill_when;  // it is killed when this says so; asked every fifth of a millisecond
  int kill_signal = SIGKILL;        // what it is killed by
  int timeout_ms = -1;              // it is killed, and the outcome says so; -1: never
  int64_t max_file_bytes = -1;      // a write beyond fails, as on a full disk; -1: none
  int64_t max_memory_bytes = -1;    // of addresses; -1: none
  int user = -1;                    // the user's number that it runs as, where the caller is root; -1: the caller's
  std::string folder;               // where the program is started; "": here
  std::string stdout_file;          // the file that stands for stdout; "": it is captured
  // Called while the program runs, once, so many milliseconds after its start.
  int disturb_after_ms = -1;
  std::function<void()> disturb;
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
  int exit_code = -1;  // -1: ended by a signal
  int signal = 0;      // which; 0: none
  bool timed_out = false;
  double seconds = 0;            // from start to end
  double processor_seconds = 0;  // of all its threads; a machine that others use hardly changes it
  int64_t max_bytes = 0;         // greatest resident memory
  std::string error;             // stderr
  std::string output;            // stdout, where it was captured, and then stderr
};

// COMMAND: the program's path, from the current folder, and its arguments.
ToolOutcome RunTool(std::vector<std::string> command, const ToolLimits& limits = {});

}  // namespace hardface

#endif  // HARDFACE_BASE_RUN_TOOL_H_
