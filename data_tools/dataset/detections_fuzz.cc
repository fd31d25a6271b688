// detections.jsonl: any bytes are detections or an error that names the file, and what is read can be written and read
// again.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/dataset/detections.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "detections.jsonl");
  const auto all = hardface::data::ReadDetections(path);
  if (!all.ok()) {
    HARDFACE_CHECK(all.status().message().find("detections.jsonl") != std::string::npos);
    return 0;
  }
  for (const auto& detections : *all) {
    HARDFACE_CHECK(hardface::data::DetectionsFromJson(hardface::data::DetectionsToJson(detections), "again").ok());
  }
  return 0;
}
