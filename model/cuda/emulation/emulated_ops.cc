// The forward ops, fp32, by the kernels' functions; backward ones have no user yet.
#include "model/cuda/launch.cuh"
#include "model/device_image.h"
#include "model/image_kernel.h"
#include "model/ops/device_kernels.h"
#include "model/ops/device_ops.h"

namespace hardface {
namespace {

using Group = Channels<float>;

Group* GroupsOf(const DeviceTensor& tensor) { return static_cast<Group*>(tensor.data); }
int GroupCount(const DeviceTensor& tensor) { return tensor.stored_channels() / 8; }
int64_t AllGroups(const DeviceTensor& tensor) { return tensor.pixels() * GroupCount(tensor); }
const float* Floats(const DeviceTensor& tensor) { return static_cast<const float*>(tensor.data); }

absl::Status NoBackward() { return absl::UnimplementedError("an emulated device has forward ops only"); }

}  // namespace

absl::Status MaxPool2x2(const DeviceTensor& in, const DeviceTensor& out, CudaStreamHandle stream) {
  return ForEachIndex(AllGroups(out),
                      MaxPoolKernel<float>{GroupsOf(in), GroupsOf(out), out.shape.h, out.shape.w, GroupCount(out)},
                      stream, "MaxPool2x2");
}
absl::Status AddBias(const void* bias, bool relu, const DeviceTensor& tensor, CudaStreamHandle stream) {
  return ForEachIndex(
      AllGroups(tensor),
      BiasReluKernel<float>{static_cast<const Group*>(bias), GroupsOf(tensor), GroupCount(tensor), relu}, stream,
      "AddBias");
}
absl::Status Upsample2x(const DeviceTensor& in, const DeviceTensor& out, CudaStreamHandle stream) {
  return ForEachIndex(AllGroups(out),
                      UpsampleKernel<float>{GroupsOf(in), GroupsOf(out), in.shape.h, in.shape.w, GroupCount(in)},
                      stream, "Upsample2x");
}
absl::Status ConcatChannels(const DeviceTensor& a, const DeviceTensor& b, const DeviceTensor& out,
                            CudaStreamHandle stream) {
  return ForEachIndex(AllGroups(out),
                      ConcatKernel<float>{Floats(a), Floats(b), GroupsOf(out), a.shape.c, b.shape.c,
                                          a.stored_channels(), b.stored_channels(), GroupCount(out)},
                      stream, "ConcatChannels");
}
absl::Status ToPlanar(const DeviceTensor& from, float* to, CudaStreamHandle stream) {
  return ForEachIndex(from.shape.size(),
                      ToPlanarKernel<float>{Floats(from), to, from.shape.c, from.stored_channels(),
                                            int64_t{from.shape.h} * from.shape.w},
                      stream, "ToPlanar");
}
absl::Status FromPlanar(const float* from, float scale, const DeviceTensor& to, CudaStreamHandle stream) {
  return ForEachIndex(
      AllGroups(to),
      FromPlanarKernel<float>{from, GroupsOf(to), to.shape.c, GroupCount(to), int64_t{to.shape.h} * to.shape.w, scale},
      stream, "FromPlanar");
}
int64_t PackedWeightBytes(int out_channels, int in_channels, int kernel, ElementType type) {
  return int64_t{StoredChannels(out_channels)} * kernel * kernel * StoredChannels(in_channels) * ElementBytes(type);
}
absl::Status PackWeights(const float* weights, int out_channels, int in_channels, int kernel, ElementType type,
                         void* packed, CudaStreamHandle stream) {
  return ForEachIndex(PackedWeightBytes(out_channels, in_channels, kernel, type) / ElementBytes(type),
                      PackWeightsKernel<float>{weights, static_cast<float*>(packed), out_channels, in_channels,
                                               kernel * kernel, StoredChannels(in_channels)},
                      stream, "PackWeights");
}
absl::Status PackBias(const float* bias, int channels, ElementType, void* packed, CudaStreamHandle stream) {
  return ForEachIndex(StoredChannels(channels),
                      PackWeightsKernel<float>{bias, static_cast<float*>(packed), channels, 1, 1, 1}, stream,
                      "PackBias");
}
absl::Status WriteNetworkInput(const DeviceImage& image, const DeviceLevel& level, const DeviceTensor& input,
                               CudaStreamHandle stream) {
  return ForEachIndex(input.pixels(),
                      ImageKernel<float>{image.data,
                                         image.rows,
                                         image.columns,
                                         level.rows,
                                         level.columns,
                                         level.x_step,
                                         level.y_step,
                                         {level.mean[0], level.mean[1], level.mean[2]},
                                         level.factor,
                                         level.mirror_first,
                                         level.from_x,
                                         level.from_y,
                                         GroupsOf(input),
                                         input.shape.h,
                                         input.shape.w},
                      stream, "WriteNetworkInput");
}

absl::Status MaxPool2x2Backward(const DeviceTensor&, const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) {
  return NoBackward();
}
absl::Status ReluBackward(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoBackward(); }
absl::Status Add(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoBackward(); }
absl::Status Upsample2xBackward(const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) { return NoBackward(); }
absl::Status ConcatChannelsBackward(const DeviceTensor&, const DeviceTensor&, const DeviceTensor&, CudaStreamHandle) {
  return NoBackward();
}
absl::Status AddPackedWeights(const void*, int, int, int, ElementType, float*, CudaStreamHandle) {
  return NoBackward();
}
absl::Status BiasGradient(const DeviceTensor&, float*, float*, CudaStreamHandle) { return NoBackward(); }
int64_t BiasGradientScratchBytes(int) { return 0; }

}  // namespace hardface
