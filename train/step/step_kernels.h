// What the threads of the kernels do that compute a training step's loss, its gradient and the update of the weights;
// they run on the CPU, too (model/ops/device_kernels.h). losses.h and solver.h are the reference. Sums are made of a
// fixed number of parts, in a fixed order: the same bits at every run.
#ifndef HARDFACE_TRAIN_STEP_STEP_KERNELS_H_
#define HARDFACE_TRAIN_STEP_STEP_KERNELS_H_

#include <array>
#include <cmath>
#include <cstdint>

#include "base/host_device.h"
#include "mining/face_score.h"
#include "mining/target_kernels.h"
#include "model/detectors/anchors.h"
#include "model/ops/softmax.h"
#include "train/step/smooth_l1.h"
#include "train/step/soft_target.h"

namespace hardface::train {

// Of one image, in device memory.
struct DeviceLoss {
  double classification = 0, regression = 0;
  float wpas = -1;  // -1: no positive anchor
  int sampled = 0, regressed = 0;
};

// Sums are trees of a fixed shape: many threads sum a part each, few threads sum these, one thread the rest. One thread
// for thousands of numbers would wait for the memory that often.
//
// sums[part] of the values part, part + parts, ...
template <typename T>
struct SumKernel {
  const T* values;
  int count, parts;
  T* sums;

  HARDFACE_HOST_DEVICE void operator()(int64_t part) const {
    T sum = 0;
    for (int i = static_cast<int>(part); i < count; i += parts) sum += values[i];
    sums[part] = sum;
  }
};

// counts[part]: how many anchors of the part regress.
struct CountPartsKernel {
  const mining::AnchorLabel* labels;
  int anchors, parts;
  int* counts;

  HARDFACE_HOST_DEVICE void operator()(int64_t part) const {
    int count = 0;
    for (int i = static_cast<int>(part); i < anchors; i += parts) count += labels[i].regresses;
    counts[part] = count;
  }
};

// counts[part]: how many of the samples of the part are there.
struct CountSampledKernel {
  const mining::SampledAnchor* samples;
  int sampled, parts;
  int* counts;

  HARDFACE_HOST_DEVICE void operator()(int64_t part) const {
    int count = 0;
    for (int k = static_cast<int>(part); k < sampled; k += parts) count += samples[k].anchor >= 0;
    counts[part] = count;
  }
};

// Index 0 only: what the gradients are divided by, and WPAS: the positive of lowest margin has the lowest probability.
struct CountKernel {
  mining::AnchorTable table;
  const int* sampled_counts;    // of PARTS parts
  const int* regressed_counts;  // ... as well
  int parts;
  const uint64_t* sorted_positives;
  DeviceLoss* loss;

  HARDFACE_HOST_DEVICE void operator()(int64_t) const {
    DeviceLoss result;
    for (int part = 0; part < parts; ++part) {
      result.sampled += sampled_counts[part];
      result.regressed += regressed_counts[part];
    }
    if (sorted_positives[0] != mining::kNoAnchor) {
      const model::AnchorIndex a = table.at(static_cast<int>(static_cast<uint32_t>(sorted_positives[0])));
      const model::AnchorPlane& plane = table.planes[a.plane];
      const int cell = plane.cell(a.y, a.x);
      result.wpas = model::FaceProbability(plane.background[cell], plane.face[cell]);
    }
    *loss = result;
  }
};

// partial[face * parts + part]: what each part of the anchors says of each face of the image. Index: as PARTIAL's, of
// as many faces as an image may have.
struct FacePartsKernel {
  mining::AnchorTable table;
  const mining::AnchorLabel* labels;
  const mining::ImageFacts* image;
  int parts;
  mining::FaceScore* partial;

  HARDFACE_HOST_DEVICE void operator()(int64_t index) const {
    const int face = static_cast<int>(index / parts);
    if (face >= image->face_count) return;
    mining::FaceScore result;
    for (int i = static_cast<int>(index % parts); i < table.anchors(); i += parts) {
      if (labels[i].kind != mining::AnchorLabel::kPositive || labels[i].face != face) continue;
      const model::AnchorIndex a = table.at(i);
      const model::AnchorPlane& plane = table.planes[a.plane];
      const int cell = plane.cell(a.y, a.x);
      result.Add({model::FaceProbability(plane.background[cell], plane.face[cell]), 1});
    }
    partial[index] = result;
  }
};

// all_faces[of all the images' faces], from PARTIAL. Index: a face of the image, of as many as an image may have.
struct FaceKernel {
  const mining::FaceScore* partial;
  const mining::ImageFacts* image;
  int parts;
  mining::FaceScore* all_faces;

  HARDFACE_HOST_DEVICE void operator()(int64_t face) const {
    if (face >= image->face_count) return;
    mining::FaceScore result;
    for (int part = 0; part < parts; ++part) result.Add(partial[face * parts + part]);
    all_faces[image->first_face + face] = result;
  }
};

// Of each sampled anchor: its loss into losses[k], its gradient times SCALE added to GRADIENTS, which mirrors the
// table. TAUGHT mirrors it, too: what a teacher says, whose share in the targets is TEACHER_WEIGHT; without planes
// there is none.
struct ClassificationKernel {
  mining::AnchorTable table, gradients, taught;
  float teacher_weight;
  const mining::SampledAnchor* samples;
  const DeviceLoss* loss;
  float scale;
  double* losses;

  HARDFACE_HOST_DEVICE void operator()(int64_t k) const {
    losses[k] = 0;
    if (samples[k].anchor < 0) return;
    const model::AnchorIndex a = table.at(samples[k].anchor);
    const model::AnchorPlane& plane = table.planes[a.plane];
    const model::AnchorPlane& gradient = gradients.planes[a.plane];
    const int cell = plane.cell(a.y, a.x);
    const float background = plane.background[cell], face = plane.face[cell];
    float target = samples[k].face ? 1.0f : 0.0f;
    if (taught.count > 0) {
      const model::AnchorPlane& teacher = taught.planes[a.plane];
      target = SoftTarget(target, model::FaceProbability(teacher.background[cell], teacher.face[cell]), teacher_weight);
    }
    if (target > 0) losses[k] += target * model::SoftmaxLoss(face, background);
    if (target < 1) losses[k] += (1 - target) * model::SoftmaxLoss(background, face);
    const float slope = scale / static_cast<float>(loss->sampled) * (model::FaceProbability(background, face) - target);
    gradient.face[cell] += slope;
    gradient.background[cell] -= slope;
  }
};

// Of the regression anchors of each part: their loss into losses[part], gradients as above.
struct RegressionKernel {
  mining::AnchorTable table, gradients, taught;
  float teacher_weight;
  const mining::AnchorLabel* labels;
  const mining::FaceBox* all_faces;
  const mining::ImageFacts* image;
  int parts;
  const DeviceLoss* loss;
  float scale;
  double* losses;

  HARDFACE_HOST_DEVICE void operator()(int64_t part) const {
    double sum = 0;
    for (int i = static_cast<int>(part); i < table.anchors(); i += parts) {
      if (!labels[i].regresses) continue;
      const model::AnchorIndex a = table.at(i);
      const model::AnchorPlane& plane = table.planes[a.plane];
      const int cell = plane.cell(a.y, a.x);
      const std::array<float, 4> target =
          model::EncodeBox(plane.anchor(a.y, a.x), all_faces[image->first_face + labels[i].face].box);
      for (int k = 0; k < 4; ++k) {
        const float wanted = taught.count > 0
                                 ? SoftTarget(target[k], taught.planes[a.plane].deltas[k][cell], teacher_weight)
                                 : target[k];
        const float difference = plane.deltas[k][cell] - wanted;
        sum += SmoothL1(difference);
        gradients.planes[a.plane].deltas[k][cell] +=
            scale / static_cast<float>(loss->regressed) * SmoothL1Gradient(difference);
      }
    }
    losses[part] = sum;
  }
};

// Index 0 only, from the sums of PARTS parts each.
struct FinishLossKernel {
  const double* classification;
  const double* regression;
  int parts;
  DeviceLoss* loss;

  HARDFACE_HOST_DEVICE void operator()(int64_t) const {
    double classification_sum = 0, regression_sum = 0;
    for (int part = 0; part < parts; ++part) {
      classification_sum += classification[part];
      regression_sum += regression[part];
    }
    loss->classification = loss->sampled > 0 ? classification_sum / loss->sampled : 0;
    loss->regression = loss->regressed > 0 ? regression_sum / loss->regressed : 0;
  }
};

// sums[part] of the squares of VALUES (16-byte aligned), four at a time.
struct SquarePartsKernel {
  const float* values;
  int64_t count;
  int parts;
  double* sums;

  struct alignas(16) Four {
    float values[4];
  };
  HARDFACE_HOST_DEVICE void operator()(int64_t part) const {
    const Four* const fours = reinterpret_cast<const Four*>(values);
    double sum = 0;
    for (int64_t i = part; i < count / 4; i += parts) {
      const Four four = fours[i];
      for (int k = 0; k < 4; ++k) sum += double{four.values[k]} * four.values[k];
    }
    for (int64_t i = count / 4 * 4 + part; i < count; i += parts) sum += double{values[i]} * values[i];
    sums[part] = sum;
  }
};

// What gradients are multiplied with before an update.
struct GradientScale {
  double norm = 0;     // of the gradient without the loss scale, before clipping
  float factor = 0;    // 1 / loss scale, and clipping
  bool finite = true;  // else the step is to be left out, and the loss scale lowered
};

// Index 0 only. CLIP_NORM 0: no clipping.
struct GradientScaleKernel {
  const double* sums;
  int parts;
  double loss_scale, clip_norm;
  GradientScale* scale;

  HARDFACE_HOST_DEVICE void operator()(int64_t) const {
    double sum = 0;
    for (int part = 0; part < parts; ++part) sum += sums[part];
    GradientScale result;
    result.norm = sqrt(sum) / loss_scale;
    result.finite = result.norm - result.norm == 0;  // neither infinite nor not a number
    const double clip = clip_norm > 0 && result.norm > clip_norm ? clip_norm / result.norm : 1.0;
    result.factor = static_cast<float>(clip / loss_scale);
    *scale = result;
  }
};

// One step of a parameter: what Solver::Step does. GRADIENT is left as it is.
struct SgdKernel {
  float* weights;
  float* momenta;
  const float* gradient;
  const GradientScale* scale;
  float rate, decay, momentum;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    if (!scale->finite) return;
    const float g = scale->factor * gradient[i] + decay * weights[i];
    momenta[i] = momentum * momenta[i] + rate * g;
    weights[i] -= momenta[i];
  }
};

struct AdamKernel {
  float* weights;
  float* first;
  float* second;
  const float* gradient;
  const GradientScale* scale;
  float rate, decay, beta1, beta2, epsilon;
  float correction1, correction2;  // 1 - beta^(iteration + 1)

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    if (!scale->finite) return;
    const float g = scale->factor * gradient[i] + decay * weights[i];
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * (g * g);
    weights[i] -= rate / correction1 * first[i] / (sqrtf(second[i] / correction2) + epsilon);
  }
};

// What differs between parameters in a step.
struct ParameterRates {
  float rate = 0, decay = 0;
};

// A step of all parameters at once: KERNEL, SgdKernel or AdamKernel of the whole memory, with the rates of the
// parameter that the index lies in. A rate of 0 leaves a parameter alone. One launch for all, since most parameters are
// small.
template <typename Kernel>
struct AllParametersKernel {
  static constexpr int kBlock = 64;  // floats; parameters begin at multiples of it (DeviceParameters)

  Kernel kernel;
  const int* parameter_of_block;
  const ParameterRates* rates;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const {
    const ParameterRates own = rates[parameter_of_block[i / kBlock]];
    if (own.rate == 0) return;
    Kernel step = kernel;
    step.rate = own.rate;
    step.decay = own.decay;
    step(i);
  }
};

// The moving average of the weights.
struct AverageKernel {
  float* average;
  const float* weights;
  float keep;

  HARDFACE_HOST_DEVICE void operator()(int64_t i) const { average[i] = keep * average[i] + (1 - keep) * weights[i]; }
};

}  // namespace hardface::train

#endif  // HARDFACE_TRAIN_STEP_STEP_KERNELS_H_
