#include "infer/shipped_model.h"

#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tools/cpp/runfiles/runfiles.h"

namespace hardface::infer {

namespace {

using bazel::tools::cpp::runfiles::Runfiles;

// Empty where it is not there.
std::string ModelIn(std::unique_ptr<Runfiles> runfiles) {
  constexpr char kName[] = "hardface/model/zoo/hardface-s.safetensors";
  const std::string path = runfiles == nullptr ? "" : runfiles->Rlocation(kName);
  std::error_code ignored;
  return !path.empty() && std::filesystem::exists(path, ignored) ? path : "";
}

}  // namespace

absl::StatusOr<std::string> ShippedModelPath(const std::string& program) {
  std::string problem;
  const std::string beside_program = ModelIn(std::unique_ptr<Runfiles>(Runfiles::Create(program, &problem)));
  if (!beside_program.empty()) return beside_program;
  // argv[0] says what was typed; the kernel knows the file itself. Without the environment's runfiles, which may be
  // those of whatever started this process.
  std::error_code ignored;
  const std::string file = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  const std::string beside_file = ModelIn(std::unique_ptr<Runfiles>(Runfiles::Create(file, "", "", &problem)));
  if (!beside_file.empty()) return beside_file;
  return absl::NotFoundError(absl::StrCat("the shipped model is not where Bazel puts it, beside ", file,
                                          "; name a model with --model (model/zoo/hardface-s.safetensors is one)"));
}

}  // namespace hardface::infer
