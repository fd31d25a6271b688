// Result trees: one text file an image in a folder of folders, or the same packed as .tar, .tar.gz, .tar.zst or .zip.
#ifndef HARDFACE_EVAL_COMMON_RESULT_TREE_H_
#define HARDFACE_EVAL_COMMON_RESULT_TREE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace hardface::eval {

struct ResultFile {
  std::string name;   // the last two parts of its path, "EVENT/IMAGE.txt"
  std::string place;  // for messages: the file's path, or "ARCHIVE:PATH"
  std::string bytes;
};

struct ResultTree {
  std::vector<ResultFile> files;               // in the order of their names
  std::vector<std::string> folders_named_txt;  // folders that bear the name of a file
};

// Reads every .txt file of the folder or archive PATH. Errors: nothing there, an
// unreadable or damaged archive, more than 4 GB of text, a file that cannot be read.
absl::StatusOr<ResultTree> ReadResultTree(const std::string& path, int threads);

// SHA-256 over names and contents: the tree's identity for provenance, the same for a folder and its archive.
std::string HashResultTree(const std::vector<ResultFile>& files);

// The content of one file, unpacked when it is compressed by gzip, xz, bzip2 or zstd.
absl::StatusOr<std::string> ReadPossiblyCompressedFile(const std::string& path);

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_RESULT_TREE_H_
