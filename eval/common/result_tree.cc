#include "eval/common/result_tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/status_macros.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTotalBytes = size_t{4} << 30;
constexpr size_t kReadChunk = 1 << 20;

std::string LastTwoParts(absl::string_view path) {
  size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos && slash > 0) slash = path.rfind('/', slash - 1);
  return std::string(slash == absl::string_view::npos ? path : path.substr(slash + 1));
}

absl::Status TooLarge(const std::string& path) {
  return absl::ResourceExhaustedError(absl::StrCat(path, ": holds more than 4 GB of text; these are no results"));
}

// One system call for most files, where a stream takes five.
absl::Status ReadSmallFile(const std::string& path, std::string* bytes) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return absl::InternalError(absl::StrCat(path, ": cannot read: ", std::strerror(errno)));
  struct stat status;
  size_t expected = fstat(descriptor, &status) == 0 ? static_cast<size_t>(status.st_size) : 0;
  size_t size = 0;
  ssize_t count = 0;
  do {
    if (size > kMaxTotalBytes) break;
    bytes->resize(std::max(expected, size) + (size < expected ? 0 : kReadChunk));
    count = read(descriptor, &(*bytes)[size], bytes->size() - size);
    size += count > 0 ? count : 0;
  } while (count > 0 && size < expected);
  const int error = errno;
  close(descriptor);
  bytes->resize(size);
  if (count < 0) return absl::InternalError(absl::StrCat(path, ": read failed: ", std::strerror(error)));
  return size > kMaxTotalBytes ? TooLarge(path) : absl::OkStatus();
}

absl::StatusOr<ResultTree> ReadFolder(const std::string& path, int threads) {
  ResultTree tree;
  std::vector<ResultFile>& files = tree.files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".txt") continue;
    std::error_code ignored;  // a dangling link is no folder; reading it gives the error
    if (it->is_directory(ignored)) {
      tree.folders_named_txt.push_back(it->path().string());
      continue;
    }
    files.push_back({LastTwoParts(it->path().string()), it->path().string(), ""});
  }
  if (error) return absl::InternalError(absl::StrCat(path, ": cannot list this folder: ", error.message()));
  std::vector<absl::Status> statuses(files.size());
  ParallelFor(static_cast<int64_t>(files.size()), threads,
              [&](int64_t i) { statuses[i] = ReadSmallFile(files[i].place, &files[i].bytes); });
  size_t total = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    RETURN_IF_ERROR(statuses[i]);
    total += files[i].bytes.size();
  }
  if (total > kMaxTotalBytes) return TooLarge(path);
  return tree;
}

absl::Status ReadEntry(archive* reader, const std::string& place, size_t room, std::string* bytes) {
  while (true) {
    const size_t size = bytes->size();
    bytes->resize(size + (1 << 14));
    const la_ssize_t count = archive_read_data(reader, &(*bytes)[size], 1 << 14);
    bytes->resize(size + std::max<la_ssize_t>(count, 0));
    if (count < 0) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": cannot be unpacked: ", archive_error_string(reader)));
    }
    if (count == 0) return absl::OkStatus();
    if (bytes->size() > room) return TooLarge(place);
  }
}

absl::Status ArchiveError(const std::string& path, archive* reader) {
  const char* message = archive_error_string(reader);
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": cannot be read as .tar, .tar.gz, .tar.zst or .zip: ", message == nullptr ? "damaged" : message,
      ". Give the folder of results, or pack it again"));
}

absl::StatusOr<ResultTree> ReadArchive(const std::string& path) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), &archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), kReadChunk) != ARCHIVE_OK) {
    return ArchiveError(path, reader.get());
  }
  ResultTree tree;
  size_t total = 0;
  while (true) {
    archive_entry* entry;
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) return tree;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return ArchiveError(path, reader.get());
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) continue;
    if (archive_entry_filetype(entry) == AE_IFDIR && absl::EndsWith(absl::StripSuffix(name, "/"), ".txt")) {
      tree.folders_named_txt.push_back(absl::StrCat(path, ":", name));
    }
    if (archive_entry_filetype(entry) != AE_IFREG || !absl::EndsWith(name, ".txt")) continue;
    ResultFile& file = tree.files.emplace_back(ResultFile{LastTwoParts(name), absl::StrCat(path, ":", name), ""});
    RETURN_IF_ERROR(ReadEntry(reader.get(), file.place, kMaxTotalBytes - total, &file.bytes));
    total += file.bytes.size();
  }
}

}  // namespace

absl::StatusOr<ResultTree> ReadResultTree(const std::string& path, int threads) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat(path, ": is not there; give a folder or an archive"));
  }
  if (!fs::exists(status)) return absl::InternalError(absl::StrCat(path, ": cannot be read: ", error.message()));
  ASSIGN_OR_RETURN(ResultTree tree, fs::is_directory(status) ? ReadFolder(path, threads) : ReadArchive(path));
  if (tree.files.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": holds no .txt file; expected EVENT/IMAGE.txt files",
        tree.folders_named_txt.empty() ? "" : absl::StrCat("; ", tree.folders_named_txt[0], " is a folder")));
  }
  std::sort(tree.files.begin(), tree.files.end(), [](const ResultFile& a, const ResultFile& b) {
    return std::tie(a.name, a.place) < std::tie(b.name, b.place);
  });
  std::sort(tree.folders_named_txt.begin(), tree.folders_named_txt.end());
  return tree;
}

std::string HashResultTree(const std::vector<ResultFile>& files) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const ResultFile& file : files) {
    const std::string head = absl::StrCat(file.name, "\n", file.bytes.size(), "\n");
    EVP_DigestUpdate(context.get(), head.data(), head.size());
    EVP_DigestUpdate(context.get(), file.bytes.data(), file.bytes.size());
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), digest, &length);
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), length));
}

absl::StatusOr<std::string> ReadPossiblyCompressedFile(const std::string& path) {
  const std::string extension = fs::path(path).extension().string();
  const bool packed = extension == ".gz" || extension == ".xz" || extension == ".bz2" || extension == ".zst";
  std::string bytes;
  if (IsFolder(path)) return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder, not a file"));
  if (!packed) {
    RETURN_IF_ERROR(ReadSmallFile(path, &bytes));
    return bytes;
  }
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), &archive_read_free);
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry;
  if (archive_read_open_filename(reader.get(), path.c_str(), kReadChunk) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be unpacked: ", archive_error_string(reader.get())));
  }
  RETURN_IF_ERROR(ReadEntry(reader.get(), path, kMaxTotalBytes, &bytes));
  return bytes;
}

}  // namespace hardface::eval
