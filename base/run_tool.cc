#include "base/run_tool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/read_file.h"

namespace hardface {
namespace {

void Redirect(int descriptor, const std::string& file, int flags) {
  dup2(open(file.c_str(), O_WRONLY | flags, 0644), descriptor);
}

[[noreturn]] void BecomeTool(std::vector<std::string> command, const std::string& log, const ToolLimits& limits) {
  command[0] = std::filesystem::absolute(command[0]).string();
  constexpr int kFresh = O_CREAT | O_TRUNC;
  Redirect(STDERR_FILENO, log + ".stderr", kFresh);
  Redirect(STDOUT_FILENO, log + ".stdout", kFresh);
  if (!limits.stdout_file.empty()) Redirect(STDOUT_FILENO, limits.stdout_file, 0);
  if (!limits.folder.empty() && chdir(limits.folder.c_str()) != 0) _exit(126);
  if (limits.max_file_bytes >= 0) {
    signal(SIGXFSZ, SIG_IGN);  // write() then fails instead
    const rlimit limit{static_cast<rlim_t>(limits.max_file_bytes), static_cast<rlim_t>(limits.max_file_bytes)};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv;
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

}  // namespace

ToolOutcome RunTool(std::vector<std::string> command, const ToolLimits& limits) {
  const std::string log = ::testing::TempDir() + "/tool";
  const pid_t child = fork();
  if (child == 0) BecomeTool(std::move(command), log, limits);
  if (limits.kill_after_ms >= 0) {
    usleep(static_cast<useconds_t>(limits.kill_after_ms) * 1000);
    kill(child, SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const std::string error = ReadFile(log + ".stderr").value_or("");
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, error, ReadFile(log + ".stdout").value_or("") + error};
}

}  // namespace hardface
