#include "infer/shipped_model.h"

#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tools/cpp/runfiles/runfiles.h"

namespace hardface::infer {

absl::StatusOr<std::string> ShippedModelPath(const std::string& program) {
  constexpr char kName[] = "hardface/model/zoo/hardface-s.safetensors";
  using bazel::tools::cpp::runfiles::Runfiles;
  std::string problem;
  const std::unique_ptr<Runfiles> runfiles(Runfiles::Create(program, &problem));
  const std::string path = runfiles == nullptr ? "" : runfiles->Rlocation(kName);
  std::error_code error;
  if (!path.empty() && std::filesystem::exists(path, error)) return path;
  return absl::NotFoundError(absl::StrCat("the shipped model is not where Bazel puts it beside ", program,
                                          "; name a model with --model (model/zoo/hardface-s.safetensors is one)"));
}

}  // namespace hardface::infer
