#include "base/provenance.h"

#include <openssl/evp.h>

#include <cstdio>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/atomic_output.h"
#include "base/status_macros.h"

namespace hardface {
namespace {

// Flags and paths are any bytes; those that are not UTF-8 become U+FFFD, where nlohmann's default is to throw.
std::string Text(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

absl::StatusOr<std::string> HashFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return absl::NotFoundError(absl::StrCat(path, ": cannot read"));
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  char chunk[1 << 16];
  size_t count;
  while ((count = std::fread(chunk, 1, sizeof(chunk), file.get())) > 0) {
    EVP_DigestUpdate(context.get(), chunk, count);
  }
  if (std::ferror(file.get())) return absl::InternalError(absl::StrCat(path, ": read failed"));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), digest, &length);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), length));
}

absl::Status Provenance::AddInput(const std::string& path) {
  ASSIGN_OR_RETURN(inputs_[path], HashFile(path));
  return absl::OkStatus();
}

nlohmann::ordered_json Provenance::ToJson() const {
  return {{"tool", RunningTool().name}, {"version", kVersion}, {"flags", RunningTool().flags}, {"inputs", inputs_}};
}

absl::Status Provenance::WriteInto(const std::string& folder) const {
  return WriteFileAtomically(folder + "/provenance.json", Text(ToJson()));
}

absl::Status Provenance::WriteBeside(const std::string& file) const {
  return WriteFileAtomically(file + ".provenance.json", Text(ToJson()));
}

ToolIdentity& RunningTool() {
  static ToolIdentity* identity = new ToolIdentity;
  return *identity;
}

}  // namespace hardface
