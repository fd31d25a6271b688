#include "base/run_tool.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/read_file.h"

namespace hardface {
namespace {

using Clock = std::chrono::steady_clock;

void Redirect(int descriptor, const std::string& file, int flags) {
  dup2(open(file.c_str(), O_WRONLY | flags, 0644), descriptor);
}

void Limit(decltype(RLIMIT_AS) resource, int64_t most) {
  if (most < 0) return;
  const rlimit limit{static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  setrlimit(resource, &limit);
}

[[noreturn]] void BecomeTool(std::vector<std::string> command, const std::string& log, const ToolLimits& limits) {
  command[0] = std::filesystem::absolute(command[0]).string();
  constexpr int kFresh = O_CREAT | O_TRUNC;
  Redirect(STDERR_FILENO, log + ".stderr", kFresh);
  Redirect(STDOUT_FILENO, log + ".stdout", kFresh);
  if (!limits.stdout_file.empty()) Redirect(STDOUT_FILENO, limits.stdout_file, 0);
  if (!limits.folder.empty() && chdir(limits.folder.c_str()) != 0) _exit(126);
  if (limits.user >= 0) {
    const auto id = static_cast<unsigned>(limits.user);
    if (setgroups(0, nullptr) != 0 || setgid(id) != 0 || setuid(id) != 0) _exit(126);
  }
  if (limits.max_file_bytes >= 0) signal(SIGXFSZ, SIG_IGN);  // write() then fails instead
  Limit(RLIMIT_FSIZE, limits.max_file_bytes);
  Limit(RLIMIT_AS, limits.max_memory_bytes);
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

// Waits for CHILD, and does to it what LIMITS say when it is time.
int Attend(pid_t child, const ToolLimits& limits, rusage* usage, bool* timed_out) {
  const Clock::time_point start = Clock::now();
  const bool to_be_killed = limits.kill_after_ms >= 0 || limits.kill_when != nullptr;
  bool killed = !to_be_killed, disturbed = limits.disturb_after_ms < 0;
  const bool watched = !killed || !disturbed || limits.timeout_ms >= 0;
  int status = 0;
  while (watched && wait4(child, &status, WNOHANG, usage) == 0) {
    const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
    const auto due = [passed](int milliseconds) { return passed >= int64_t{1000} * milliseconds; };
    if (!disturbed && due(limits.disturb_after_ms)) {
      limits.disturb();
      disturbed = true;
    }
    const bool now = limits.kill_after_ms >= 0 && due(limits.kill_after_ms);
    if (!killed && (now || (limits.kill_when != nullptr && limits.kill_when()))) {
      kill(child, limits.kill_signal);
      killed = true;
    }
    if (!*timed_out && limits.timeout_ms >= 0 && due(limits.timeout_ms)) {
      kill(child, SIGKILL);
      *timed_out = true;
    }
    usleep(200);
  }
  if (!watched) wait4(child, &status, 0, usage);
  return status;
}

}  // namespace

ToolOutcome RunTool(std::vector<std::string> command, const ToolLimits& limits) {
  const std::string log = ::testing::TempDir() + "/tool";
  const Clock::time_point start = Clock::now();
  const pid_t child = fork();
  if (child == 0) BecomeTool(std::move(command), log, limits);
  ToolOutcome outcome;
  rusage usage{};
  const int status = Attend(child, limits, &usage, &outcome.timed_out);
  outcome.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
    outcome.processor_seconds += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  }
  outcome.max_bytes = int64_t{1024} * usage.ru_maxrss;
  outcome.error = ReadFile(log + ".stderr").value_or("");
  outcome.output = ReadFile(log + ".stdout").value_or("") + outcome.error;
  return outcome;
}

}  // namespace hardface
