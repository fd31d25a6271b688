// Tables: any bytes are annotations or an error.
#include "base/fuzz_input.h"
#include "data_tools/formats/csv.h"
#include "data_tools/formats/fuzz_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "faces.csv");
  hardface::data::CsvColumns columns;
  columns.box = {"x", "y", "w", "h"};
  columns.original_size = {"ow", "oh"};
  columns.ignore = "ignore";
  columns.attributes = {"blur"};
  hardface::data::ReadAll(hardface::data::OpenCsv(path, columns));
  return 0;
}
