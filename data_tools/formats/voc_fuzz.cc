// Pascal VOC: any bytes are annotations or have errors, each with its place.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/formats/voc.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto image =
      hardface::data::VocFromXml(hardface::FuzzText(data, size), "a.xml", hardface::data::VocBoxes::kEdges);
  HARDFACE_CHECK(!image.candidates.empty());
  for (const std::string& error : image.errors) HARDFACE_CHECK(error.find("a.xml") != std::string::npos);
  return 0;
}
