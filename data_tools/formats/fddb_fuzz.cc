// FDDB's ellipse lists: any bytes are annotations or an error.
#include "base/fuzz_input.h"
#include "data_tools/formats/fddb.h"
#include "data_tools/formats/fuzz_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "FDDB-fold-01-ellipseList.txt");
  hardface::data::ReadAll(hardface::data::OpenFddb(path));
  return 0;
}
