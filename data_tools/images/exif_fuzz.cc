// EXIF data: any bytes have one of the eight orientations.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/images/exif.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int orientation = hardface::data::ExifOrientation(hardface::FuzzText(data, size));
  HARDFACE_CHECK(orientation >= 1 && orientation <= 8);
  return 0;
}
