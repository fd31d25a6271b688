// data.yaml: any bytes are settings or an error that names the file.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/formats/yolo_yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto yaml = hardface::data::ParseYoloYaml(hardface::FuzzText(data, size), "data.yaml");
  if (!yaml.ok()) {
    HARDFACE_CHECK(yaml.status().message().find("data.yaml") != std::string::npos);
    return 0;
  }
  (void)hardface::data::SplitPlaces(*yaml, hardface::FuzzFolder() + "/data.yaml", {});
  return 0;
}
