// YOLO label files: any bytes are rows or have errors, whatever the rows are said to be.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/formats/yolo_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using hardface::data::YoloRows;
  const absl::string_view text = hardface::FuzzText(data, size);
  for (const YoloRows kind : {YoloRows::kAuto, YoloRows::kBox, YoloRows::kPolygon, YoloRows::kLandmarks}) {
    hardface::data::AnnotatedImage image;
    image.place = "a.txt";
    image.candidates = {"a.jpg"};
    hardface::data::YoloRowRules rules;
    rules.rows = kind;
    hardface::data::NoteLandmarks(text, &rules);
    hardface::data::ParseYoloLabels(text, "a.txt", {"a", "b"}, rules, &image);
    for (const std::string& error : image.errors) HARDFACE_CHECK(error.find("a.txt") != std::string::npos);
  }
  return 0;
}
