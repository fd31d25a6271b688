// CrowdHuman's odgt: any bytes are annotations or an error.
#include "base/fuzz_input.h"
#include "data_tools/formats/fuzz_source.h"
#include "data_tools/formats/odgt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "annotation.odgt");
  hardface::data::ReadAll(hardface::data::OpenOdgt(path));
  return 0;
}
