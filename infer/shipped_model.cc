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

// Where a release (//release:tar) has it, seen from FILE, libexec/hardface/detect; empty where it is not there.
std::string ModelOfRelease(const std::filesystem::path& file) {
  const auto path = file.parent_path() / "../../share/hardface/hardface-s.safetensors";
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) ? path.lexically_normal().string() : "";
}

}  // namespace

absl::StatusOr<std::string> ShippedModelPath(const std::string& program) {
  // argv[0] says what was typed; the kernel knows the file itself.
  std::error_code ignored;
  const std::string file = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  const std::string of_release = ModelOfRelease(file);
  if (!of_release.empty()) return of_release;
  std::string problem;
  const std::string beside_program = ModelIn(std::unique_ptr<Runfiles>(Runfiles::Create(program, &problem)));
  if (!beside_program.empty()) return beside_program;
  // Without the environment's runfiles, which may be those of whatever started this process.
  const std::string beside_file = ModelIn(std::unique_ptr<Runfiles>(Runfiles::Create(file, "", "", &problem)));
  if (!beside_file.empty()) return beside_file;
  return absl::NotFoundError(absl::StrCat("the shipped model is not where Bazel or a release puts it, beside ", file,
                                          "; name a model with --model (model/zoo/hardface-s.safetensors is one)"));
}

}  // namespace hardface::infer
