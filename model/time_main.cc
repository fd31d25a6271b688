// model/time: the paper's timing table on this machine.
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/atomic_output.h"
#include "base/chart.h"
#include "base/flag_values.h"
#include "base/provenance.h"
#include "base/status_macros.h"
#include "base/tool_main.h"
#include "model/cuda/precision.h"
#include "model/execution/detector_runner.h"
#include "model/execution/device.h"
#include "model/execution/engine_flags.h"
#include "model/execution/layer_timing.h"
#include "model/execution/network_timing.h"
#include "model/execution/openmp_policy.h"
#include "model/ops/instruction_set.h"
#include "model/ops/multiply_add_peak.h"

ABSL_FLAG(
    std::vector<std::string>, detectors, {"all"},
    "Detectors to time, or all: single_dh (the paper's), single (without dilated heads), three (three maps), ssh, "
    "s3fd, pyramidbox. The first is what the others are compared with.");
ABSL_FLAG(std::vector<std::string>, sizes, std::vector<std::string>({"640x480", "1024x768"}),
          "Image sizes to time one forward pass of, as WIDTHxHEIGHT, each from 32 to 8192 pixels.");
ABSL_FLAG(std::string, pyramid_image, "",
          "Size of an image, as WIDTHxHEIGHT, for which each detector's own WIDER FACE test pyramid is timed as well. "
          "Empty times none; 1024x768 is usual for WIDER FACE, and takes a CPU minutes.");
ABSL_FLAG(int, rounds, 5, "Number of rounds, from 1 to 1000. In each of them every detector runs once at each size.");
ABSL_FLAG(int, pyramid_rounds, 1,
          "Number of rounds for --pyramid_image, from 1 to 1000. With 1 nothing is run to warm up before it.");
ABSL_FLAG(bool, layers, false,
          "Times every layer of the first detector at the first size on the CPU as well, and measures the processor's "
          "multiply-add peak. Writes layers.md: the time of each layer and its share of the peak.");
ABSL_FLAG(int, width_divisor, 1, "Divisor of every channel count: 1 is the published width; 16 makes a quick trial.");
ABSL_FLAG(std::string, device, "auto", "Where networks run: cpu, cuda, cuda:N, or auto (a GPU where there is one).");
ABSL_FLAG(std::string, precision, "bf16", "Arithmetic on a GPU: fp32, tf32, bf16 or fp16. The CPU computes in fp32.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute. 0 uses all processors.");
ABSL_FLAG(std::string, output, "",
          "Folder to write table.md, table.csv, timing.json, time.svg (where gnuplot is installed), layers.md (with "
          "--layers) and provenance.json into. Required.");

namespace hardface::model {
namespace {

struct ImageSize {
  int width = 0, height = 0;
};

absl::StatusOr<ImageSize> ParseSize(const std::string& flag, const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, 'x');
  ImageSize size;
  const bool numbers =
      parts.size() == 2 && absl::SimpleAtoi(parts[0], &size.width) && absl::SimpleAtoi(parts[1], &size.height);
  if (numbers && std::min(size.width, size.height) >= 32 && std::max(size.width, size.height) <= 8192) return size;
  return UsageError(absl::StrCat("--", flag, ": \"", text,
                                 "\" is no size; give WIDTHxHEIGHT of 32 to 8192 pixels, for "
                                 "example 640x480"));
}

absl::StatusOr<std::vector<TimedDetector>> ChosenDetectors() {
  const std::vector<std::string> names = absl::GetFlag(FLAGS_detectors);
  if (names == std::vector<std::string>{"all"}) return TimedDetectors();
  std::vector<TimedDetector> chosen;
  for (const std::string& name : names) {
    std::vector<std::pair<std::string, TimedDetector>> choices;
    for (const TimedDetector& detector : TimedDetectors()) choices.emplace_back(detector.name, detector);
    chosen.emplace_back();
    RETURN_IF_ERROR(Choose("detectors", name, choices, &chosen.back()));
  }
  return chosen;
}

std::string ProcessorName() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (absl::StartsWith(line, "model name")) {
      return std::string(absl::StripAsciiWhitespace(line.substr(line.find(':') + 1)));
    }
  }
  return "unknown processor";
}

// "0.52 1.10 0.98": of the last 1, 5 and 15 minutes.
std::string Load() {
  std::ifstream stream("/proc/loadavg");
  std::string one, five, fifteen;
  stream >> one >> five >> fifteen;
  return absl::StrCat(one, " ", five, " ", fifteen);
}

// "L1 48K, L2 2048K": of the first processor, without those for instructions. Empty where the system does not say.
std::string Caches() {
  std::vector<std::string> caches;
  for (int index = 0;; ++index) {
    const std::string folder = absl::StrCat("/sys/devices/system/cpu/cpu0/cache/index", index, "/");
    const auto read = [&folder](const char* name) {
      std::ifstream stream(folder + name);
      std::string text;
      stream >> text;
      return text;
    };
    const std::string level = read("level");
    if (level.empty()) return absl::StrJoin(caches, ", ");
    if (read("type") != "Instruction") caches.push_back(absl::StrCat("L", level, " ", read("size")));
  }
}

// Time over the pixels of the image. Pyramids are left out: their levels have several sizes.
std::vector<ChartCurve> Curves(const std::vector<TimedDetector>& detectors, const std::vector<ImageSize>& sizes,
                               const std::vector<TimingRow>& rows) {
  std::vector<ChartCurve> curves;
  for (const TimedDetector& detector : detectors) {
    ChartCurve curve{detector.name, {}};
    for (const ImageSize& size : sizes) {
      const std::string label = absl::StrCat(size.width, "x", size.height);
      for (const TimingRow& row : rows) {
        if (row.detector != detector.name || row.label != label) continue;
        curve.points.emplace_back(size.width * size.height * 1e-6, row.median);
      }
    }
    std::sort(curve.points.begin(), curve.points.end());
    curves.push_back(std::move(curve));
  }
  return curves;
}

std::string Json(const std::vector<TimingRow>& rows, const std::string& machine) {
  nlohmann::ordered_json json{{"machine", machine}, {"rows", nlohmann::ordered_json::array()}};
  for (const TimingRow& row : rows) {
    json["rows"].push_back({{"detector", row.detector},
                            {"images", row.label},
                            {"seconds", row.seconds},
                            {"seconds_median", row.median},
                            {"ratio_to_first", row.ratio},
                            {"gflop", row.gflop},
                            {"parameters", row.parameters},
                            {"bytes", row.bytes}});
  }
  return json.dump(1) + "\n";
}

absl::StatusOr<TimingOptions> OptionsFromFlags() {
  TimingOptions options;
  options.width_divisor = absl::GetFlag(FLAGS_width_divisor);
  ASSIGN_OR_RETURN(options.engine, EngineFromFlags());
  const auto device = ParseDevice(absl::GetFlag(FLAGS_device));
  if (!device.ok() && absl::IsInvalidArgument(device.status())) {
    return UsageError(absl::StrCat("--device: ", device.status().message()));
  }
  ASSIGN_OR_RETURN(options.device, device);
  const auto precision = ParsePrecision(absl::GetFlag(FLAGS_precision));
  if (!precision.ok()) return UsageError(absl::StrCat("--precision: ", precision.status().message()));
  options.precision = *precision;
  RETURN_IF_ERROR(RequireRange("rounds", absl::GetFlag(FLAGS_rounds), 1, 1000));
  RETURN_IF_ERROR(RequireRange("pyramid_rounds", absl::GetFlag(FLAGS_pyramid_rounds), 1, 1000));
  RETURN_IF_ERROR(RequireRange("threads", absl::GetFlag(FLAGS_threads), 0, 4096));
  const auto possible = BuildDetector({"smallhard", options.width_divisor});
  if (!possible.ok()) return UsageError(absl::StrCat("--width_divisor: ", possible.status().message()));
  return options;
}

absl::StatusOr<std::string> LayersTable(const TimedDetector& detector, const ImageSize& size,
                                        const TimingOptions& options) {
  DetectorOptions wanted = detector.options;
  wanted.width_divisor = options.width_divisor;
  ASSIGN_OR_RETURN(const DetectorSpec spec, BuildDetector(wanted));
  const Shape input = PaddedShape(spec, size.height, size.width);
  const double before = MeasureMultiplyAddPeak();
  ASSIGN_OR_RETURN(const auto layers, TimeLayers(spec.network, input, options.engine, absl::GetFlag(FLAGS_rounds)));
  const double peak = std::max(before, MeasureMultiplyAddPeak());
  return absl::StrCat(detector.title, ", ", size.width, "x", size.height, ", median of ", absl::GetFlag(FLAGS_rounds),
                      " rounds. ", LayersMarkdown(layers, peak));
}

// LAYERS: the table of layers, or empty.
absl::Status WriteResults(const std::vector<TimingRow>& rows, const std::vector<ChartCurve>& curves,
                          const std::string& machine, const std::string& layers, AtomicFolder* folder) {
  const auto write = [folder](const std::string& name, const std::string& text) {
    return WriteFileAtomically(folder->temporary_path() + "/" + name, text);
  };
  RETURN_IF_ERROR(write("table.md", TimingMarkdown(rows, machine)));
  RETURN_IF_ERROR(write("table.csv", TimingCsv(rows)));
  RETURN_IF_ERROR(write("timing.json", Json(rows, machine)));
  if (!layers.empty()) RETURN_IF_ERROR(write("layers.md", absl::StrCat(layers, "\n", machine, "\n")));
  ChartOptions chart;
  chart.title = "One forward pass";
  chart.x_label = "million pixels of the image";
  chart.y_label = "seconds";
  chart.style = ChartStyle::kMarkedLines;
  chart.x.low = chart.y.low = 0;
  chart.key = "top left";
  const auto picture = DrawChart(curves, chart);
  if (absl::IsNotFound(picture.status())) {
    absl::FPrintF(stderr, "time: no time.svg: %s\n", picture.status().message());
  } else {
    RETURN_IF_ERROR(picture.status());
    RETURN_IF_ERROR(write("time.svg", *picture));
  }
  RETURN_IF_ERROR(Provenance().WriteInto(folder->temporary_path()));
  return folder->Commit();
}

absl::Status Run(const std::vector<std::string>&) {
  RETURN_IF_ERROR(RequireFlag("output", absl::GetFlag(FLAGS_output)));
  ASSIGN_OR_RETURN(const std::vector<TimedDetector> detectors, ChosenDetectors());
  ASSIGN_OR_RETURN(const TimingOptions options, OptionsFromFlags());
  std::vector<ImageSize> sizes;
  for (const std::string& text : absl::GetFlag(FLAGS_sizes)) {
    ASSIGN_OR_RETURN(sizes.emplace_back(), ParseSize("sizes", text));
  }
  const std::string pyramid = absl::GetFlag(FLAGS_pyramid_image);
  ImageSize pyramid_image;
  if (!pyramid.empty()) {
    ASSIGN_OR_RETURN(pyramid_image, ParseSize("pyramid_image", pyramid));
  }
  if (sizes.empty() && pyramid.empty()) return UsageError("--sizes is empty, and so is --pyramid_image: give one");
  if (absl::GetFlag(FLAGS_layers) && (sizes.empty() || options.device.cuda())) {
    return UsageError("--layers times layers on the CPU at the first of --sizes: give one, and --device=cpu");
  }
  ASSIGN_OR_RETURN(const auto folder, AtomicFolder::Create(absl::GetFlag(FLAGS_output)));
  if (absl::GetFlag(FLAGS_threads) > 0) omp_set_num_threads(absl::GetFlag(FLAGS_threads));

  const auto cases = [&](const TimedDetector& detector) {
    std::vector<TimedCase> all;
    for (const ImageSize& size : sizes) {
      all.push_back(
          {absl::StrCat(size.width, "x", size.height), {{size.height, size.width, 1}}, absl::GetFlag(FLAGS_rounds)});
    }
    if (!pyramid.empty()) {
      all.push_back({"pyramid of " + pyramid,
                     TestPyramid(detector.options.architecture, pyramid_image.height, pyramid_image.width),
                     absl::GetFlag(FLAGS_pyramid_rounds)});
    }
    return all;
  };
  const std::string before = Load();
  const auto tell = [](const std::string& line) { absl::FPrintF(stderr, "time: %s\n", line); };
  ASSIGN_OR_RETURN(const std::vector<TimingRow> rows, TimeDetectors(detectors, cases, options, tell));
  std::string layers;
  if (absl::GetFlag(FLAGS_layers)) {
    ASSIGN_OR_RETURN(layers, LayersTable(detectors[0], sizes[0], options));
  }
  std::string machine = absl::StrCat(ProcessorName(), " (", Caches(), "; ", InstructionSetName(ActiveInstructionSet()),
                                     "), ", omp_get_max_threads(), " threads");
  if (options.device.cuda()) {
    machine = absl::StrCat(options.device.ToString(), " in ", PrecisionName(options.precision), ", host ", machine);
  }
  absl::StrAppend(&machine, "; load averages ", before, " before, ", Load(), " after; hardface ", kVersion,
                  ", compiler ", __VERSION__, "; widths divided by ", options.width_divisor, "; random weights.");
  RETURN_IF_ERROR(WriteResults(rows, Curves(detectors, sizes, rows), machine, layers, folder.get()));
  std::printf("%s\n%s\nrows=%zu\n", TimingMarkdown(rows, machine).c_str(), layers.c_str(), rows.size());
  return absl::OkStatus();
}

}  // namespace
}  // namespace hardface::model

int main(int argc, char** argv) {
  hardface::model::UsePassiveOpenMpWaiting(argv);
  return hardface::ToolMain(
      argc, argv,
      {"model/time",
       "Times one forward pass of our detectors, SSH, S3FD and PyramidBox, side by side in interleaved rounds, with "
       "random weights. Writes a table with operations, parameters and memory, and a plot.",
       "",
       {{"output", hardface::kWrites}}},
      &hardface::model::Run);
}
