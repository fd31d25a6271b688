#include "eval/plot.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "data_tools/base/atomic_output.h"
#include "data_tools/base/status_macros.h"
#include "eval/text_lines.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;

constexpr char kCsvStart[] = "curve,score,recall,precision,";

absl::Status BadLine(const std::string& path, const TextLines& lines) {
  return absl::InvalidArgumentError(absl::StrCat(path, ":", lines.number(), ": \"", lines.line().substr(0, 60),
                                                 "\" is no line of pr.csv, roc.csv or an FDDB ROC file"));
}

PlotCurve* CurveOf(const std::string& title, PlotFile* file) {
  if (file->curves.empty() || file->curves.back().title != title) file->curves.push_back({title, {}});
  return &file->curves.back();
}

absl::StatusOr<PlotFile> ReadCsv(const std::string& path, TextLines lines, const std::string& curve) {
  PlotFile file;
  file.is_roc = absl::EndsWith(path, "roc.csv");
  while (lines.NextFilled()) {
    const std::vector<absl::string_view> fields = absl::StrSplit(lines.line(), ',');
    if (fields.size() != 6) return BadLine(path, lines);
    if (!curve.empty() && fields[0] != curve) continue;
    double x, y;
    const absl::string_view x_text = file.is_roc ? fields[5] : fields[2], y_text = file.is_roc ? fields[2] : fields[3];
    PlotCurve* target = CurveOf(std::string(fields[0]), &file);
    if (y_text == "nan" || y_text == "-nan" || x_text == "nan") continue;  // thresholds above all detections
    if (!ParseNumber(x_text, &x) || !ParseNumber(y_text, &y)) return BadLine(path, lines);
    target->points.emplace_back(x, y);
  }
  return file;
}

absl::StatusOr<PlotFile> ReadRocText(const std::string& path, TextLines lines) {
  PlotFile file;
  file.is_roc = true;
  file.curves.push_back({"", {}});
  while (lines.NextFilled()) {
    absl::string_view line = lines.line();
    double numbers[2];
    if (!TakeNumbers(&line, 2, numbers)) return BadLine(path, lines);
    file.curves[0].points.emplace_back(numbers[1], numbers[0]);
  }
  return file;
}

std::string Quoted(const std::string& text) {
  std::string printable;
  for (char c : text) printable += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return absl::StrCat("\"", absl::StrReplaceAll(printable, {{"\\", "\\\\"}, {"\"", "\\\""}, {"`", "'"}}), "\"");
}

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
absl::StatusOr<std::string> RunGnuplot(const std::string& program) {
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

absl::StatusOr<PlotFile> ReadPlotFile(const std::string& name, const std::string& path, const std::string& curve) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  TextLines lines(text);
  if (!lines.NextFilled())
    return absl::InvalidArgumentError(absl::StrCat(path, ": is empty; there is nothing to draw"));
  const bool is_csv = absl::StartsWith(lines.line(), kCsvStart);
  absl::StatusOr<PlotFile> file = is_csv ? ReadCsv(path, lines, curve) : ReadRocText(path, TextLines(text));
  if (!file.ok()) return file;
  if (file->curves.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": has no curve", curve.empty() ? "" : " named ", curve));
  }
  for (PlotCurve& read : file->curves) {
    read.title = file->curves.size() == 1 ? name : absl::StrCat(name, " ", read.title);
  }
  return file;
}

std::string PlotProgram(const std::vector<PlotCurve>& curves, bool is_roc, const PlotOptions& options,
                        const std::string& extension) {
  std::string program = absl::StrFormat("set terminal %s size %d,%d noenhanced\nset grid\nset key %s\n",
                                        extension == ".png" ? "pngcairo" : "svg dynamic background rgb 'white'",
                                        options.width, options.height, is_roc ? "bottom right" : "bottom left");
  if (!options.title.empty()) absl::StrAppend(&program, "set title ", Quoted(options.title), "\n");
  absl::StrAppendFormat(&program, "set xlabel %s\nset ylabel %s\nset xrange [0:%g]\nset yrange [0:1]\n",
                        is_roc ? "'false positives'" : "'recall'", is_roc ? "'true positive rate'" : "'precision'",
                        is_roc ? options.max_false_positives : 1.0);
  for (size_t i = 0; i < curves.size(); ++i) {
    absl::StrAppendFormat(&program, "$curve%d << END\n", i);
    for (const auto& [x, y] : curves[i].points) absl::StrAppendFormat(&program, "%.9g %.9g\n", x, y);
    program += "END\n";
  }
  for (size_t i = 0; i < curves.size(); ++i) {
    absl::StrAppendFormat(&program, "%s $curve%d using 1:2 with lines linewidth 2 title %s", i == 0 ? "plot" : ",", i,
                          Quoted(curves[i].title));
  }
  return program + "\n";
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

absl::Status DrawPlot(const std::vector<PlotCurve>& curves, bool is_roc, const PlotOptions& options,
                      const std::string& output) {
  const std::string extension = fs::path(output).extension().string();
  if (extension != ".svg" && extension != ".png") {
    return absl::InvalidArgumentError(absl::StrCat(output, ": name the plot .svg or .png"));
  }
  if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) {
    return absl::NotFoundError("gnuplot is not installed; on Debian: apt-get install gnuplot-nox");
  }
  // gnuplot exits with 0 on a full disk, so it writes no file: the picture comes through a pipe and is checked.
  absl::StatusOr<std::string> picture = RunGnuplot(PlotProgram(curves, is_roc, options, extension));
  absl::Status status = picture.ok() ? CheckPicture(*picture, extension) : picture.status();
  if (!status.ok()) return absl::Status(status.code(), absl::StrCat(output, ": not drawn: ", status.message()));
  return WriteFileAtomically(output, *picture);
}

}  // namespace hardface
