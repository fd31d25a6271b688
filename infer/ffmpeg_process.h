// The program ffmpeg, started in a process of its own: nothing of it is linked or loaded, and a film that makes a
// decoder fall does not take the run with it.
#ifndef HARDFACE_INFER_FFMPEG_PROCESS_H_
#define HARDFACE_INFER_FFMPEG_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::infer {

// Descriptors that the process gets; -1 leaves it this process's own.
struct FfmpegStreams {
  int in = -1;
  int out = -1;
  int messages = -1;  // its stderr
};

// Starts "ffmpeg ARGUMENTS". SUBJECT, a file, begins the messages of errors. NotFound: ffmpeg is not installed.
absl::StatusOr<pid_t> StartFfmpeg(const std::string& subject, std::vector<std::string> arguments,
                                  const FfmpegStreams& streams);

// Runs "ffmpeg ARGUMENTS" to its end, with nothing to read. Returns all that it writes and says, whether it goes well
// or not.
absl::StatusOr<std::string> OutputOfFfmpeg(const std::string& subject, std::vector<std::string> arguments);

// All that is in a file that is open for reading, from its beginning on.
std::string TextOf(std::FILE* file);

// Waits for the process to end; whether it says that all went well.
bool EndsWell(pid_t process);

// Ends the process at once.
void KillFfmpeg(pid_t process);

}  // namespace hardface::infer

#endif  // HARDFACE_INFER_FFMPEG_PROCESS_H_
