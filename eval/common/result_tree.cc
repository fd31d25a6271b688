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
#include <fstream>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/broken_link.h"
#include "base/folder_walk.h"
#include "base/parallel.h"
#include "base/paths.h"
#include "base/special_file.h"
#include "base/status_macros.h"

namespace hardface::eval {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTotalBytes = size_t{4} << 30;
// Results of text pack to a third or a tenth; made-up ones of equal rows may do better, hence the room for small files.
// Beyond both limits an archive is a bomb: a megabyte of zip can hold a gigabyte, and one of zstd far more.
constexpr size_t kMaxUnpackedPerPackedByte = 100;
constexpr size_t kUnpackedBytesOfSmallFiles = size_t{64} << 20;
constexpr size_t kMaxEntries = 1'000'000;
constexpr size_t kReadChunk = 1 << 20;

std::string LastTwoParts(absl::string_view path) {
  size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos && slash > 0) slash = path.rfind('/', slash - 1);
  return std::string(slash == absl::string_view::npos ? path : path.substr(slash + 1));
}

absl::Status TooLarge(const std::string& path) {
  return absl::ResourceExhaustedError(absl::StrCat(path, ": holds more than 4 GB of text; these are no results"));
}

// How many bytes of an archive's content are taken in all, and how many are still to come.
class UnpackingLimit {
 public:
  explicit UnpackingLimit(const std::string& path) : path_(path) {
    std::error_code error;
    const uintmax_t packed = fs::file_size(path, error);
    const size_t by_size = error ? 0 : std::min<uintmax_t>(packed, kMaxTotalBytes) * kMaxUnpackedPerPackedByte;
    limit_ = std::min(kMaxTotalBytes, std::max(kUnpackedBytesOfSmallFiles, by_size));
  }

  absl::Status Take(size_t bytes) {
    taken_ += bytes;
    if (taken_ <= limit_) return absl::OkStatus();
    if (limit_ == kMaxTotalBytes) return TooLarge(path_);
    return absl::ResourceExhaustedError(absl::StrCat(
        path_, ": unpacks to more than ", limit_ >> 20, " MB, which is ", kMaxUnpackedPerPackedByte,
        " times its own size, or 64 MB where that is more; these are no results. Unpack it by hand if they are"));
  }

  absl::Status TakeEntry() {
    if (++entries_ <= kMaxEntries) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat(path_, ": has more than ", kMaxEntries, " entries; these are no results"));
  }

 private:
  const std::string path_;
  size_t limit_, taken_ = 0, entries_ = 0;
};

// One system call for most files, where a stream takes five.
absl::Status ReadSmallFile(const std::string& path, std::string* bytes) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return absl::InternalError(absl::StrCat(path, ": cannot read: ", std::strerror(errno), BrokenLink(path)));
  }
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

// Hidden files, such as macOS's "._a.txt", are nobody's results: "a/._b.txt", ".git/b.txt", but not "../b.txt".
bool IsHidden(const fs::path& name) {
  return std::any_of(name.begin(), name.end(),
                     [](const fs::path& part) { return part.native()[0] == '.' && part != "." && part != ".."; });
}

// The .txt files of FOLDER and below, by the walk that images are found by.
absl::StatusOr<ResultTree> ListFolder(const std::string& folder) {
  std::vector<std::string> not_files;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, FilesUnder(folder, {".txt"}, &not_files));
  ResultTree tree;
  for (const std::string& name : not_files) {
    const std::string path = (fs::path(folder) / name).string();
    if (!IsFolder(path)) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": is no file but a pipe, socket or device"));
    }
    tree.folders_named_txt.push_back(path);
  }
  for (const std::string& name : names) {
    tree.files.push_back({LastTwoParts(name), (fs::path(folder) / name).string(), ""});
  }
  return tree;
}

absl::StatusOr<ResultTree> ReadFolder(const std::string& path, int threads) {
  ASSIGN_OR_RETURN(ResultTree tree, ListFolder(path));
  std::vector<ResultFile>& files = tree.files;
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

absl::Status CannotUnpack(const std::string& place, archive* reader) {
  const char* const message = archive_error_string(reader);
  return absl::InvalidArgumentError(
      absl::StrCat(place, ": cannot be unpacked: ", message == nullptr ? "damaged" : message));
}

absl::Status ReadEntry(archive* reader, const std::string& place, UnpackingLimit* limit, std::string* bytes) {
  constexpr size_t kPart = 1 << 14;
  while (true) {
    const size_t size = bytes->size();
    bytes->resize(size + kPart);
    const la_ssize_t count = archive_read_data(reader, &(*bytes)[size], kPart);
    bytes->resize(size + std::max<la_ssize_t>(count, 0));
    if (count < 0) return CannotUnpack(place, reader);
    if (count == 0) return absl::OkStatus();
    RETURN_IF_ERROR(limit->Take(static_cast<size_t>(count)));
  }
}

// Passing over an entry unpacks it, too, which may take for ever: so it counts as well.
absl::Status PassOverEntry(archive* reader, const std::string& place, UnpackingLimit* limit) {
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int result = archive_read_data_block(reader, &block, &size, &offset);
    if (result == ARCHIVE_EOF) return absl::OkStatus();
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return CannotUnpack(place, reader);
    RETURN_IF_ERROR(limit->Take(size));
  }
}

// The filters that the messages name and their usual companions: some of libarchive's others start programs.
void SupportFilters(archive* reader) {
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_zstd(reader);
}

absl::Status ArchiveError(const std::string& path, archive* reader) {
  const char* message = archive_error_string(reader);
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": cannot be read as .tar, .tar.gz, .tar.zst or .zip: ", message == nullptr ? "damaged" : message,
      ". Give the folder of results, or pack it again; results of other forms begin with { (detections.jsonl) or [ "
      "(COCO)"));
}

// LENGTH bytes of FILE from OFFSET on, or fewer at its end.
std::string BytesAt(std::ifstream* file, int64_t offset, int64_t length) {
  std::string bytes(static_cast<size_t>(length), '\0');
  file->clear();
  file->seekg(offset);
  file->read(bytes.data(), length);
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(file->gcount(), 0)));
  return bytes;
}

int64_t LittleEndian(absl::string_view bytes, size_t offset, int count) {
  int64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

// A .zip is read from its end: its last record says how long the directory before it is, and where that begins counted
// from the archive's own first byte. Behind another .zip the two disagree, and of the first nothing would be read. (A
// self-extracting archive has a program before it, and does not begin like a .zip.)
absl::Status CheckIsOneZip(const std::string& path) {
  constexpr int64_t kEndLength = 22, kMaxCommentLength = 65535, kInZip64 = 0xffffffff;
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return absl::OkStatus();  // a pipe can be read but once
  std::ifstream file(path, std::ios::binary);
  if (BytesAt(&file, 0, 4) != "PK\3\4") return absl::OkStatus();
  file.clear();
  file.seekg(0, std::ios::end);
  const int64_t size = file.tellg(), tail_begin = std::max<int64_t>(0, size - kEndLength - kMaxCommentLength);
  const std::string tail = BytesAt(&file, tail_begin, size - tail_begin);
  const size_t end = tail.rfind("PK\5\6");
  if (end == std::string::npos || tail.size() - end < kEndLength) return absl::OkStatus();
  const int64_t length = LittleEndian(tail, end + 12, 4), stated = LittleEndian(tail, end + 16, 4);
  const int64_t begin = tail_begin + static_cast<int64_t>(end) - length;
  if (stated == kInZip64 || length == kInZip64 || begin <= stated) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": is a .zip behind ", begin - stated,
                   " bytes of another, which would not be read; pack all results into one"));
}

struct UnpackedTree {
  ResultTree tree;
  absl::flat_hash_map<std::string, size_t> by_name;  // in the archive: which of the files
};

// What packers write in place of a file that they packed before under another name. A folder packed again with links
// followed has the content.
absl::Status TakeHardLink(const std::string& target, const std::string& name, const std::string& place,
                          UnpackingLimit* limit, UnpackedTree* unpacked) {
  const auto found = unpacked->by_name.find(target);
  if (found == unpacked->by_name.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": is a link to ", target,
                     ", which does not stand before it; pack the folder again with tar --hard-dereference"));
  }
  ResultFile same{LastTwoParts(name), place, unpacked->tree.files[found->second].bytes};
  RETURN_IF_ERROR(limit->Take(same.bytes.size()));
  unpacked->tree.files.push_back(std::move(same));
  return absl::OkStatus();
}

// Takes in an entry where it is a result. Nothing is written anywhere, so it does not matter where its name leads to.
absl::Status TakeEntry(archive* reader, archive_entry* entry, const std::string& path, UnpackingLimit* limit,
                       UnpackedTree* unpacked) {
  ResultTree* const tree = &unpacked->tree;
  const char* const name = archive_entry_pathname(entry);
  const std::string place = absl::StrCat(path, ":", name == nullptr ? "?" : name);
  const auto type = archive_entry_filetype(entry);
  if (name != nullptr && type == AE_IFDIR && absl::EndsWithIgnoreCase(absl::StripSuffix(name, "/"), ".txt")) {
    tree->folders_named_txt.push_back(place);
  }
  const bool is_named_so = name != nullptr && absl::EndsWithIgnoreCase(name, ".txt") && !IsHidden(name);
  if (const char* const target = archive_entry_hardlink(entry); is_named_so && target != nullptr) {
    return TakeHardLink(target, name, place, limit, unpacked);
  }
  if (is_named_so && type == AE_IFLNK) {
    const char* const target = archive_entry_symlink(entry);
    return absl::InvalidArgumentError(
        absl::StrCat(place, ": is a link to ", target == nullptr ? "?" : target,
                     " and has no content; pack the folder again with tar --dereference"));
  }
  if (!is_named_so || type != AE_IFREG) return PassOverEntry(reader, place, limit);
  unpacked->by_name[name] = tree->files.size();
  ResultFile& file = tree->files.emplace_back(ResultFile{LastTwoParts(name), place, ""});
  return ReadEntry(reader, file.place, limit, &file.bytes);
}

absl::StatusOr<ResultTree> ReadArchive(const std::string& path) {
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), &archive_read_free);
  SupportFilters(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_zip(reader.get());
  // As from "cat a.tar b.tar": otherwise the first one's end would count as the end.
  archive_read_set_format_option(reader.get(), "tar", "read_concatenated_archives", "1");
  RETURN_IF_ERROR(CheckIsOneZip(path));
  if (archive_read_open_filename(reader.get(), path.c_str(), kReadChunk) != ARCHIVE_OK) {
    return ArchiveError(path, reader.get());
  }
  UnpackedTree unpacked;
  UnpackingLimit limit(path);
  while (true) {
    archive_entry* entry;
    const int result = archive_read_next_header(reader.get(), &entry);
    if (result == ARCHIVE_EOF) return std::move(unpacked.tree);
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return ArchiveError(path, reader.get());
    RETURN_IF_ERROR(limit.TakeEntry());
    RETURN_IF_ERROR(TakeEntry(reader.get(), entry, path, &limit, &unpacked));
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
  RETURN_IF_ERROR(CheckIsFile(path));
  if (!packed) {
    RETURN_IF_ERROR(ReadSmallFile(path, &bytes));
    return bytes;
  }
  const std::unique_ptr<archive, int (*)(archive*)> reader(archive_read_new(), &archive_read_free);
  SupportFilters(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry;
  if (archive_read_open_filename(reader.get(), path.c_str(), kReadChunk) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return CannotUnpack(path, reader.get());
  }
  UnpackingLimit limit(path);
  RETURN_IF_ERROR(ReadEntry(reader.get(), path, &limit, &bytes));
  return bytes;
}

}  // namespace hardface::eval
