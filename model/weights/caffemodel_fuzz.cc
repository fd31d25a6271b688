// .caffemodel: any bytes are parameters whose values fit their shapes, or an error that names the file.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "model/weights/caffemodel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parameters =
      hardface::model::ReadCaffeModel(hardface::FuzzFile(hardface::FuzzText(data, size), "a.caffemodel"));
  if (!parameters.ok()) {
    HARDFACE_CHECK(parameters.status().message().find("a.caffemodel") != std::string::npos);
    return 0;
  }
  for (const auto& [name, array] : *parameters) {
    size_t count = 1;
    for (const int dim : array.dims) count *= static_cast<size_t>(dim);
    HARDFACE_CHECK(count == array.values.size());
  }
  return 0;
}
