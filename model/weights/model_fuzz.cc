// Models and torchvision's weights: any bytes are a model that can be run, or an error that names the file.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "model/weights/model_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "a.safetensors");
  const auto model = hardface::model::LoadModel(path);
  HARDFACE_CHECK(model.ok() || model.status().message().find("a.safetensors") != std::string::npos);
  const auto weights = hardface::model::LoadWeights(path, /*input_divisor=*/1);
  HARDFACE_CHECK(weights.ok() || weights.status().message().find("a.safetensors") != std::string::npos);
  return 0;
}
