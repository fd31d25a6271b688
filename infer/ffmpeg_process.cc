#include "infer/ffmpeg_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace hardface::infer {

absl::StatusOr<pid_t> StartFfmpeg(const std::string& subject, std::vector<std::string> arguments,
                                  const FfmpegStreams& streams) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::pair<int, int> ends[] = {
      {streams.in, STDIN_FILENO}, {streams.out, STDOUT_FILENO}, {streams.messages, STDERR_FILENO}};
  for (const auto& [given, place] : ends) {
    if (given >= 0) posix_spawn_file_actions_adddup2(&actions, given, place);
  }
  arguments.insert(arguments.begin(), "ffmpeg");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t process = 0;
  const int failed = posix_spawnp(&process, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return process;
  if (failed == ENOENT) {
    return absl::NotFoundError(absl::StrCat(subject,
                                            ": is a video, and the program ffmpeg, which decodes and encodes it, is "
                                            "not installed; on Debian: apt-get install ffmpeg"));
  }
  return absl::InternalError(absl::StrCat(subject, ": cannot start ffmpeg: ", std::strerror(failed)));
}

absl::StatusOr<std::string> OutputOfFfmpeg(const std::string& subject, std::vector<std::string> arguments) {
  std::FILE* const output = std::tmpfile();
  if (output == nullptr) return absl::InternalError("no temporary file can be made");
  arguments.insert(arguments.begin(), {"-nostdin", "-hide_banner"});
  const absl::StatusOr<pid_t> process =
      StartFfmpeg(subject, std::move(arguments), {/*in=*/-1, fileno(output), fileno(output)});
  if (process.ok()) EndsWell(*process);
  std::string text = TextOf(output);
  std::fclose(output);
  if (!process.ok()) return process.status();
  return text;
}

std::string TextOf(std::FILE* file) {
  std::string text;
  std::rewind(file);
  char buffer[4096];
  while (const size_t count = std::fread(buffer, 1, sizeof(buffer), file)) text.append(buffer, count);
  return text;
}

bool EndsWell(pid_t process) {
  int state = 0;
  while (waitpid(process, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

void KillFfmpeg(pid_t process) {
  kill(process, SIGKILL);
  EndsWell(process);
}

}  // namespace hardface::infer
