#include "base/gnuplot.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"

namespace hardface {
namespace {

// PROGRAM in a file without a name that gnuplot inherits; -1: no memory. The caller closes it.
int ProgramDescriptor(const std::string& program) {
  const int descriptor = memfd_create("plot", 0);
  size_t done = 0;
  while (descriptor >= 0 && done < program.size()) {
    const ssize_t count = write(descriptor, program.data() + done, program.size() - done);
    if (count < 0) {
      close(descriptor);
      return -1;
    }
    done += count;
  }
  return descriptor;
}

// What gnuplot writes to its stdout.
absl::StatusOr<std::string> OutputOf(const std::string& program) {
  const int descriptor = ProgramDescriptor(program);
  if (descriptor < 0) return absl::InternalError(absl::StrCat("cannot hold the program: ", std::strerror(errno)));
  std::FILE* pipe = popen(absl::StrCat("gnuplot /proc/self/fd/", descriptor).c_str(), "r");
  close(descriptor);
  if (pipe == nullptr) return absl::InternalError(absl::StrCat("cannot start gnuplot: ", std::strerror(errno)));
  std::string bytes;
  char chunk[1 << 16];
  size_t count;
  while ((count = std::fread(chunk, 1, sizeof(chunk), pipe)) > 0) bytes.append(chunk, count);
  const int status = pclose(pipe);
  if (status == 0) return bytes;
  return absl::InternalError(absl::StrCat("gnuplot failed (wait status ", status, ")"));
}

}  // namespace

std::string GnuplotText(absl::string_view text) {
  std::string printable;
  for (char c : text) printable += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return absl::StrCat("\"", absl::StrReplaceAll(printable, {{"\\", "\\\\"}, {"\"", "\\\""}, {"`", "'"}}), "\"");
}

absl::Status CheckPicture(absl::string_view bytes, absl::string_view extension) {
  // How a whole PNG ends: the chunk IEND without data, and its CRC.
  constexpr absl::string_view kPngEnd("\0\0\0\0IEND\xae\x42\x60\x82", 12);
  const bool whole = extension == ".png" ? absl::StartsWith(bytes, "\x89PNG") && absl::EndsWith(bytes, kPngEnd)
                                         : absl::StrContains(bytes, "<svg") &&
                                               absl::EndsWith(absl::StripTrailingAsciiWhitespace(bytes), "</svg>");
  if (whole) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("gnuplot's picture is not complete (", bytes.size(), " bytes); its own message stands above"));
}

absl::StatusOr<std::string> RunGnuplot(const std::string& program, absl::string_view extension) {
  if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) {
    return absl::NotFoundError("gnuplot is not installed; on Debian: apt-get install gnuplot-nox");
  }
  // gnuplot exits with 0 on a full disk, so it writes no file: the picture comes through a pipe and is checked.
  ASSIGN_OR_RETURN(std::string picture, OutputOf(program));
  RETURN_IF_ERROR(CheckPicture(picture, extension));
  return picture;
}

}  // namespace hardface
