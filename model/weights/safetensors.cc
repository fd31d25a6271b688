#include "model/weights/safetensors.h"

#include <Eigen/Core>
#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/json_text.h"
#include "base/read_file.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

using Json = nlohmann::json;

// The format allows 100 MB. Parsed, a header takes some twenty times its size in memory; VGG16's has 3 kB.
constexpr uint64_t kMaxHeaderBytes = 8 << 20;
constexpr size_t kMaxDims = 8;

float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

float FromHalf(uint16_t bits) { return Eigen::half_impl::half_to_float(Eigen::half_impl::raw_uint16_to_half(bits)); }

uint16_t ToHalf(float value) { return Eigen::half_impl::float_to_half_rtne(value).x; }

int BytesPerValue(const std::string& type) {
  if (type == "F32") return 4;
  return type == "F16" || type == "BF16" ? 2 : 0;
}

// VALUES from little-endian BYTES of TYPE. The type is told apart once for all values: a model has millions.
void ReadValues(const char* bytes, const std::string& type, std::vector<float>* values) {
  if (type == "F32") {
    std::memcpy(values->data(), bytes, values->size() * sizeof(float));
    return;
  }
  const auto bits_at = [bytes](size_t i) {
    uint16_t bits;
    std::memcpy(&bits, bytes + i * sizeof(bits), sizeof(bits));
    return bits;
  };
  if (type == "F16") {
    for (size_t i = 0; i < values->size(); ++i) (*values)[i] = FromHalf(bits_at(i));
  } else {
    for (size_t i = 0; i < values->size(); ++i) (*values)[i] = FloatFromBits(static_cast<uint32_t>(bits_at(i)) << 16);
  }
}

// A tensor as the header describes it; BEGIN and END are offsets into the data behind the header.
struct Entry {
  std::string name, type;
  std::vector<int> dims;
  uint64_t begin = 0, end = 0;
};

// Numbers that the header must hold as whole ones: the JSON library would cut 2.5 and turn -1 into 2^64 - 1.
bool IsCount(const Json& json) { return json.is_number_unsigned(); }

bool IsEntry(const Json& json) {
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string()) return false;
  const Json shape = json.value("shape", Json()), offsets = json.value("data_offsets", Json());
  return shape.is_array() && shape.size() <= kMaxDims && std::all_of(shape.begin(), shape.end(), IsCount) &&
         offsets.is_array() && offsets.size() == 2 && IsCount(offsets[0]) && IsCount(offsets[1]);
}

absl::StatusOr<Entry> ParseEntry(const std::string& name, const Json& json, uint64_t data_bytes,
                                 const std::string& place) {
  if (!IsEntry(json)) {
    return absl::InvalidArgumentError(absl::StrCat(
        place, ": broken header entry; expected \"dtype\", \"shape\" and two \"data_offsets\" of at least 0"));
  }
  Entry entry{name, json["dtype"].get<std::string>(), {}, json["data_offsets"][0], json["data_offsets"][1]};
  if (entry.begin > entry.end || entry.end > data_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": its bytes ", entry.begin, " to ", entry.end,
                                                   " do not lie within the file's ", data_bytes,
                                                   " bytes of data; is the file cut?"));
  }
  for (const Json& dim : json["shape"]) {
    if (dim.get<uint64_t>() > INT_MAX)
      return absl::InvalidArgumentError(absl::StrCat(place, ": its shape exceeds the file"));
    entry.dims.push_back(dim.get<int>());
  }
  return entry;
}

// The format wants every byte of the data to belong to one tensor. What does not comes from a header that does not
// belong to these data.
absl::Status CheckCoverage(std::vector<const Entry*> entries, uint64_t data_bytes, const std::string& path) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry* a, const Entry* b) { return std::tie(a->begin, a->end) < std::tie(b->begin, b->end); });
  uint64_t covered = 0;
  const Entry* before = nullptr;
  for (const Entry* const entry : entries) {
    if (entry->begin < covered) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": tensors ", before->name, " and ", entry->name,
                                                     " overlap in byte ", entry->begin, "; the header is broken"));
    }
    if (entry->begin > covered) break;
    covered = entry->end;
    before = entry;
  }
  if (covered == data_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, ": byte ", covered, " of its ", data_bytes,
                                                 " bytes of data belongs to no tensor; the header is broken"));
}

absl::StatusOr<Array> ReadTensor(const Entry& entry, absl::string_view data, const std::string& place) {
  const int bytes_per_value = BytesPerValue(entry.type);
  if (bytes_per_value == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": type ", entry.type, " is not supported; F32, F16 and BF16 are"));
  }
  const uint64_t count = (entry.end - entry.begin) / static_cast<uint64_t>(bytes_per_value);
  // Divided, as the product of the dimensions may exceed 64 bits.
  uint64_t rest = count;
  bool fits = count * static_cast<uint64_t>(bytes_per_value) == entry.end - entry.begin;
  bool empty = false;
  for (const int dim : entry.dims) {
    empty = empty || dim == 0;
    fits = fits && dim > 0 && rest % static_cast<uint64_t>(dim) == 0;
    if (fits) rest /= static_cast<uint64_t>(dim);
  }
  if (empty ? entry.begin != entry.end : !fits || rest != 1) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": bytes ", entry.begin, " to ", entry.end,
                                                   " do not fit its shape ", DimsToString(entry.dims), " of ",
                                                   entry.type));
  }
  Array array{entry.dims, std::vector<float>(empty ? 0 : count)};
  if (!array.values.empty()) ReadValues(data.data() + entry.begin, entry.type, &array.values);
  RETURN_IF_ERROR(CheckFinite(array, place));
  return array;
}

// The header's JSON and the data behind it, of a file's BYTES.
struct Parts {
  absl::string_view header, data;
};
absl::StatusOr<Parts> Split(absl::string_view bytes, const std::string& path) {
  uint64_t header_bytes = 0;
  for (size_t i = 0; i < std::min<size_t>(8, bytes.size()); ++i) {
    header_bytes |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  if (bytes.size() < 8 || header_bytes > bytes.size() - 8) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a safetensors file, or cut short (", bytes.size(), " bytes)"));
  }
  if (header_bytes > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": its safetensors header has ", header_bytes,
                                                   " bytes; at most ", kMaxHeaderBytes,
                                                   " are taken, which is room for 50,000 tensors"));
  }
  return Parts{bytes.substr(8, header_bytes), bytes.substr(8 + header_bytes)};
}

template <typename Value>
absl::string_view BytesOf(const std::vector<Value>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

absl::StatusOr<std::vector<uint16_t>> HalvesOf(const Array& array, const std::string& place) {
  constexpr float kMaxHalf = 65504;
  std::vector<uint16_t> halves;
  halves.reserve(array.values.size());
  for (const float value : array.values) {
    if (!(std::fabs(value) <= kMaxHalf)) {
      return absl::OutOfRangeError(
          absl::StrCat(place, ": ", value, " is beyond what 16 bits hold (", kMaxHalf, "); store it in 32"));
    }
    halves.push_back(ToHalf(value));
  }
  return halves;
}

// A checkpoint without sense must not take the place of one with sense.
absl::Status CheckCanBeWritten(const SafeTensors& content, const std::string& path) {
  for (const auto& [name, array] : content.tensors) {
    for (const float value : array.values) {
      if (std::isfinite(value)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(path, ": tensor ", name, " would hold ", value,
                       ", which is not a finite number; nothing was written. Where this is a training, it has "
                       "diverged: lower --learning_rate, or set --clip_norm, and go on from the last checkpoint"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafeTensors> ReadSafeTensors(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ASSIGN_OR_RETURN(const Parts parts, Split(bytes, path));
  ASSIGN_OR_RETURN(const Json header, ParseJson(parts.header, absl::StrCat(path, ": the safetensors header")));
  if (!header.is_object())
    return absl::InvalidArgumentError(absl::StrCat(path, ": the safetensors header is not a JSON object"));
  SafeTensors content;
  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : json.items()) {
        if (value.is_string()) content.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    ASSIGN_OR_RETURN(entries.emplace_back(),
                     ParseEntry(name, json, parts.data.size(), absl::StrCat(path, ": tensor ", name)));
  }
  std::vector<const Entry*> pointers;
  for (const Entry& entry : entries) pointers.push_back(&entry);
  RETURN_IF_ERROR(CheckCoverage(std::move(pointers), parts.data.size(), path));
  for (const Entry& entry : entries) {
    // PyTorch's batch normalisations count their batches in 64-bit integers; nothing is computed from them.
    if (absl::EndsWith(entry.name, ".num_batches_tracked")) continue;
    ASSIGN_OR_RETURN(content.tensors[entry.name],
                     ReadTensor(entry, parts.data, absl::StrCat(path, ": tensor ", entry.name)));
  }
  return content;
}

absl::Status WriteSafeTensors(const std::string& path, const SafeTensors& content, Storage storage) {
  RETURN_IF_ERROR(CheckCanBeWritten(content, path));
  const std::string type = storage == Storage::kF16 ? "F16" : "F32";
  nlohmann::ordered_json header;
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  uint64_t offset = 0;
  for (const auto& [name, array] : content.tensors) {
    const uint64_t end = offset + array.values.size() * static_cast<uint64_t>(BytesPerValue(type));
    header[name] = {{"dtype", type}, {"shape", array.dims}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start on 8 bytes, as other readers that map the file expect
  const uint64_t header_bytes = text.size();
  ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file->Write(absl::string_view(reinterpret_cast<const char*>(&header_bytes), 8)));
  RETURN_IF_ERROR(file->Write(text));
  for (const auto& [name, array] : content.tensors) {
    if (storage == Storage::kF32) {
      RETURN_IF_ERROR(file->Write(BytesOf(array.values)));
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<uint16_t> halves, HalvesOf(array, absl::StrCat(path, ": tensor ", name)));
    RETURN_IF_ERROR(file->Write(BytesOf(halves)));
  }
  return file->Commit();
}

}  // namespace hardface::model
