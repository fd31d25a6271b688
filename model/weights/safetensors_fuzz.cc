// safetensors: any bytes are tensors whose values fit their shapes, or an error that names the file.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "model/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto content =
      hardface::model::ReadSafeTensors(hardface::FuzzFile(hardface::FuzzText(data, size), "a.safetensors"));
  if (!content.ok()) {
    HARDFACE_CHECK(content.status().message().find("a.safetensors") != std::string::npos);
    return 0;
  }
  for (const auto& [name, array] : content->tensors) {
    size_t count = 1;
    for (const int dim : array.dims) count *= static_cast<size_t>(dim);
    HARDFACE_CHECK(count == array.values.size());
  }
  return 0;
}
