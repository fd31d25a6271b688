// How long detectors take on this machine, side by side: the paper's timing table. Weights are random, since time does
// not depend on them; what is timed is the network from the image in its input to its outputs, without reading images,
// resizing, decoding and merging, which all detectors share.
#ifndef HARDFACE_MODEL_EXECUTION_NETWORK_TIMING_H_
#define HARDFACE_MODEL_EXECUTION_NETWORK_TIMING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/cuda/precision.h"
#include "model/detectors/detector.h"
#include "model/execution/device.h"
#include "model/ops/conv2d.h"
#include "model/ops/tensor.h"

namespace hardface::model {

// A detector by the name that the table gives it.
struct TimedDetector {
  std::string name;   // "single_dh"
  std::string title;  // "the paper's: single map, dilated heads (DH)"
  DetectorOptions options;
};

// In the table's order; the first is what the others are compared with.
const std::vector<TimedDetector>& TimedDetectors();

// Runs of the network on levels of an image, all of one size each.
struct TimedPass {
  int height = 0, width = 0;  // pixels of the level, before padding
  int runs = 1;               // 2 where the mirrored level is run, too
};

// The levels that a detector's own test on WIDER FACE runs for an image of this size:
//   ours, three_maps: levels 100, 300, 600, 1000, 1400 of a base of 800 pixels, each mirrored, too (the paper's code)
//   ssh: levels 500, 800, 1200, 1600 of the same base (SSH/configs/wider_pyramid.yml)
//   s3fd: the image, the same mirrored, half of it, twice it, and what its size limit allows (wider_test.py)
//   pyramidbox: these and quarters between them, within its own size limit (widerface_eval.py)
std::vector<TimedPass> TestPyramid(const std::string& architecture, int image_height, int image_width);

// What one row of the table is about.
struct TimedCase {
  std::string label;              // "640x480", "pyramid of 1024x768"
  std::vector<TimedPass> passes;  // of each image
  int rounds = 5;
};

struct TimingOptions {
  int width_divisor = 1;
  Device device;
  Conv2dEngine engine = Conv2dEngine::kFastest;  // of the CPU
  Precision precision = Precision::kBf16;        // of a CUDA device
};

struct TimingRow {
  std::string detector;
  std::string label;
  std::vector<double> seconds = {};  // of each round, all passes
  double median = 0, least = 0;
  double ratio =
      0;  // to the first detector: the median of the rounds' ratios, so that a load that comes and goes counts little
  double gflop = 0;  // 2 per multiply-add of direct convolutions, all passes
  int64_t parameters = 0;
  int64_t bytes = 0;  // parameters, their packed forms, workspace, and the activations of the largest pass
};

// The network of one detector, ready to be timed.
class TimedNetwork {
 public:
  virtual ~TimedNetwork() = default;
  // Seconds of a forward pass.
  virtual absl::StatusOr<double> Run(const Shape& input) = 0;
  // Of the device's or the process's memory, with the activations of INPUT, which was run last.
  virtual absl::StatusOr<int64_t> BytesFor(const Shape& input) = 0;
};
absl::StatusOr<std::unique_ptr<TimedNetwork>> MakeTimedNetwork(const NetworkSpec& network,
                                                               const TimingOptions& options);

// Times DETECTORS on the cases of each: CASES(detector) gives one list of equally many cases for every detector. In
// every round each detector runs once, one after the other, so that they meet the same load, and in another order than
// in the last, so that none always follows the same one; before the first round each runs a case's passes once untimed
// where the case has more than one round. TELL gets a line of progress. Rows come case by case.
absl::StatusOr<std::vector<TimingRow>> TimeDetectors(
    const std::vector<TimedDetector>& detectors,
    const std::function<std::vector<TimedCase>(const TimedDetector&)>& cases, const TimingOptions& options,
    const std::function<void(const std::string&)>& tell);

// The rows as a table. MACHINE: a line about processor, load and versions, that stands below it.
std::string TimingMarkdown(const std::vector<TimingRow>& rows, const std::string& machine);
std::string TimingCsv(const std::vector<TimingRow>& rows);

}  // namespace hardface::model

#endif  // HARDFACE_MODEL_EXECUTION_NETWORK_TIMING_H_
