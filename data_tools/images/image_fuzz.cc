// Pictures of all formats: any bytes are pixels or an error that names the file, and the size that the header gives is
// the one that is decoded.
#include <opencv2/core.hpp>

#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/images/image_io.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = hardface::FuzzFile(hardface::FuzzText(data, size), "picture");
  (void)hardface::data::ReadOrientation(path);
  const auto said = hardface::data::ReadImageSize(path);
  // Decoding many large pictures teaches nothing more; the limits have tests of their own.
  if (said.ok() && int64_t{said->width} * said->height > 1'000'000) return 0;
  const auto image = hardface::data::ReadImage(path);
  if (!image.ok()) {
    HARDFACE_CHECK(image.status().message().find("picture") != std::string::npos);
    return 0;
  }
  HARDFACE_CHECK(said.ok() && image->cols == said->width && image->rows == said->height);
  const auto seen = hardface::data::ReadImage(path, hardface::data::Pixels::kAsSeen);
  HARDFACE_CHECK(seen.ok() && seen->total() == image->total());
  return 0;
}
