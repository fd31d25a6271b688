#include "model/weights/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"

namespace hardface::model {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100 << 20;  // the format's own limit

float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

float FromHalf(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f, mantissa = half & 0x3ff;
  if (exponent == 0x1f) return FloatFromBits(sign | 0x7f800000 | (mantissa << 13));
  if (exponent != 0) return FloatFromBits(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float subnormal = static_cast<float>(mantissa) * 0x1.0p-24f;
  return sign != 0 ? -subnormal : subnormal;
}

int BytesPerValue(const std::string& type) {
  if (type == "F32") return 4;
  return type == "F16" || type == "BF16" ? 2 : 0;
}

float ReadValue(const char* bytes, const std::string& type) {
  if (type == "F32") {
    uint32_t bits;
    std::memcpy(&bits, bytes, sizeof(bits));
    return FloatFromBits(bits);
  }
  uint16_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return type == "F16" ? FromHalf(bits) : FloatFromBits(static_cast<uint32_t>(bits) << 16);
}

absl::StatusOr<Array> ReadTensor(const Json& entry, absl::string_view data, const std::string& place) {
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", what));
  };
  try {
    const std::string type = entry.at("dtype").get<std::string>();
    const int bytes_per_value = BytesPerValue(type);
    if (bytes_per_value == 0) return error(absl::StrCat("type ", type, " is not supported; F32, F16 and BF16 are"));
    const auto begin = entry.at("data_offsets").at(0).get<uint64_t>();
    const auto end = entry.at("data_offsets").at(1).get<uint64_t>();
    Array array;
    uint64_t count = 1;
    for (const Json& dim : entry.at("shape")) {
      const auto size = dim.get<uint64_t>();
      if (size > (uint64_t{1} << 31) || (size > 0 && count > data.size() / size))
        return error("its shape exceeds the file");
      count *= size;
      array.dims.push_back(static_cast<int>(size));
    }
    if (begin > end || end > data.size() || end - begin != count * static_cast<uint64_t>(bytes_per_value)) {
      return error(absl::StrCat("bytes ", begin, " to ", end, " do not fit its shape ", DimsToString(array.dims),
                                " and the file's ", data.size(), " bytes of data; is the file cut?"));
    }
    array.values.resize(count);
    for (uint64_t i = 0; i < count; ++i) {
      array.values[i] = ReadValue(data.data() + begin + i * static_cast<uint64_t>(bytes_per_value), type);
    }
    return array;
  } catch (const Json::exception& exception) {
    return error(absl::StrCat("broken header entry: ", exception.what()));
  }
}

}  // namespace

absl::StatusOr<SafeTensors> ReadSafeTensors(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  uint64_t header_bytes = 0;
  for (size_t i = 0; i < std::min<size_t>(8, bytes.size()); ++i) {
    header_bytes |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  if (bytes.size() < 8 || header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - 8) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": not a safetensors file, or cut short (", bytes.size(), " bytes)"));
  }
  const absl::string_view text = absl::string_view(bytes).substr(8, header_bytes);
  const absl::string_view data = absl::string_view(bytes).substr(8 + header_bytes);
  const Json header = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object())
    return absl::InvalidArgumentError(absl::StrCat(path, ": the safetensors header is not a JSON object"));
  SafeTensors content;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) {
        if (value.is_string()) content.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    // PyTorch's batch normalisations count their batches in 64-bit integers; nothing is computed from them.
    if (absl::EndsWith(name, ".num_batches_tracked")) continue;
    ASSIGN_OR_RETURN(content.tensors[name], ReadTensor(entry, data, absl::StrCat(path, ": tensor ", name)));
  }
  return content;
}

absl::Status WriteSafeTensors(const std::string& path, const SafeTensors& content) {
  nlohmann::ordered_json header;
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  uint64_t offset = 0;
  for (const auto& [name, array] : content.tensors) {
    const uint64_t end = offset + array.values.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", array.dims}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start on 8 bytes, as other readers that map the file expect
  const uint64_t header_bytes = text.size();
  ASSIGN_OR_RETURN(const auto file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file->Write(absl::string_view(reinterpret_cast<const char*>(&header_bytes), 8)));
  RETURN_IF_ERROR(file->Write(text));
  for (const auto& [name, array] : content.tensors) {
    RETURN_IF_ERROR(file->Write(
        absl::string_view(reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(float))));
  }
  return file->Commit();
}

}  // namespace hardface::model
