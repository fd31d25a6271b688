// COCO: any bytes are annotations or an error.
#include "base/fuzz_input.h"
#include "data_tools/formats/coco.h"
#include "data_tools/formats/fuzz_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "annotations.json");
  hardface::data::ReadAll(hardface::data::OpenCoco(path));
  return 0;
}
