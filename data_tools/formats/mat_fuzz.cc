// MATLAB files, alone and as the annotations of WIDER FACE, AFW and PASCAL faces.
#include "base/check.h"
#include "base/fuzz_input.h"
#include "data_tools/formats/fuzz_source.h"
#include "data_tools/formats/mat_annotations.h"
#include "data_tools/formats/mat_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = hardface::FuzzText(data, size);
  const auto variables = hardface::data::ParseMatFile(bytes, "a.mat");
  HARDFACE_CHECK(variables.ok() || variables.status().message().find("a.mat") != std::string::npos);
  if (!variables.ok()) return 0;
  const std::string path = hardface::FuzzFile(bytes, "wider_face_val.mat");
  hardface::data::ReadAll(hardface::data::OpenWiderMat(path));
  hardface::data::ReadAll(hardface::data::OpenFaceEvalMat(path));
  return 0;
}
