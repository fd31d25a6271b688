#include "model/weights/caffemodel.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <climits>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "third_party/caffe/caffe.pb.h"

namespace hardface::model {
namespace {

std::vector<int64_t> DimsOf(const caffe::BlobProto& blob) {
  if (blob.has_shape()) return {blob.shape().dim().begin(), blob.shape().dim().end()};
  // The old form always has four numbers; a bias is (1, 1, 1, n) there.
  if (blob.num() == 1 && blob.channels() == 1 && blob.height() == 1) return {blob.width()};
  return {blob.num(), blob.channels(), blob.height(), blob.width()};
}

absl::StatusOr<Array> ArrayOf(const caffe::BlobProto& blob, const std::string& place) {
  Array array{{}, {blob.data().begin(), blob.data().end()}};
  if (array.values.empty()) array.values.assign(blob.double_data().begin(), blob.double_data().end());
  const auto count = static_cast<int64_t>(array.values.size());
  // Divided, as the product of the dimensions may exceed 64 bits.
  int64_t rest = count;
  bool fits = true;
  const std::vector<int64_t> dims = DimsOf(blob);
  for (const int64_t dim : dims) {
    fits = fits && dim > 0 && dim <= INT_MAX && rest % dim == 0;
    if (fits) rest /= dim;
    array.dims.push_back(static_cast<int>(dim));
  }
  if (!fits || rest != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": has ", count, " values, its shape is ", absl::StrJoin(dims, "x")));
  }
  RETURN_IF_ERROR(CheckFinite(array, place));
  return array;
}

template <typename Layers>
absl::Status AddLayers(const Layers& layers, const std::string& path, ParameterSet* parameters) {
  for (const auto& layer : layers) {
    const char* const suffixes[2] = {".weight", ".bias"};
    for (int i = 0; i < std::min(layer.blobs_size(), 2); ++i) {
      const std::string name = layer.name() + suffixes[i];
      if (parameters->count(name) > 0) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": ", name, " stands twice; rename one of the layers of this name, or remove it"));
      }
      ASSIGN_OR_RETURN((*parameters)[name], ArrayOf(layer.blobs(i), absl::StrCat(path, ": ", name)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParameterSet> ReadCaffeModel(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  if (bytes.size() > INT_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": has ", bytes.size(), " bytes; protobuf reads files of up to ", INT_MAX));
  }
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream input(&stream);
  input.SetTotalBytesLimit(std::numeric_limits<int>::max());  // VGG16 has 553 MB, beyond the default
  caffe::NetParameter network;
  if (!network.ParseFromCodedStream(&input)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a .caffemodel, or cut short (", bytes.size(), " bytes)"));
  }
  ParameterSet parameters;
  RETURN_IF_ERROR(AddLayers(network.layer(), path, &parameters));
  RETURN_IF_ERROR(AddLayers(network.layers(), path, &parameters));
  if (parameters.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ": holds no layer with weights"));
  return parameters;
}

}  // namespace hardface::model
