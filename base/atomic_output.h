// Output files and folders that appear complete or not at all: written under a temporary name beside the final one,
// fsynced, then renamed. A killed tool leaves the old output untouched.
#ifndef HARDFACE_BASE_ATOMIC_OUTPUT_H_
#define HARDFACE_BASE_ATOMIC_OUTPUT_H_

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

// One output file. Destroyed without Commit(), it removes what it wrote.
class AtomicFile {
 public:
  // Opens PATH's temporary; folders that PATH lies in are made. Errors name the path.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Buffered. A full disk is reported here or by Commit().
  absl::Status Write(absl::string_view bytes);
  // Flushes, fsyncs and renames. Call once, last.
  absl::Status Commit();

 private:
  AtomicFile(std::string path, std::string temporary, std::FILE* file);
  absl::Status Error(absl::string_view what) const;

  const std::string path_;
  const std::string temporary_;
  std::FILE* file_;
};

// Writes a whole file at once.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes);

// One output folder. Destroyed without Commit(), it removes what was written.
class AtomicFolder {
 public:
  // Makes the temporary folder beside PATH. An existing PATH is replaced on Commit() only where it is empty or an
  // earlier output of these tools (it holds a provenance.json); any other folder or file is an AlreadyExists error now.
  static absl::StatusOr<std::unique_ptr<AtomicFolder>> Create(const std::string& path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  // Where to write until Commit().
  const std::string& temporary_path() const { return temporary_; }
  // Where it will be after Commit().
  const std::string& path() const { return path_; }
  // Fsyncs every file and renames the folder; an older output of the same name is removed after the exchange.
  absl::Status Commit();

 private:
  AtomicFolder(std::string path, std::string temporary);

  const std::string path_;
  const std::string temporary_;
  bool committed_ = false;
};

// The whole content of a file; the error names it.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Whether PATH is there; an error that names it where that cannot be told: no right to look, a name too long.
absl::StatusOr<bool> PathExists(const std::string& path);

// PATH, absolute and with every symbolic link resolved. Of what does not exist, the last part is taken as it stands.
std::string RealPath(const std::string& path);

// Whether PATH is FOLDER or lies in it. Both as RealPath gives them.
bool IsWithin(const std::string& path, const std::string& folder);

// An error where OUTPUT is INPUT (files or folders) or holds it, by whatever names: replacing OUTPUT would destroy
// INPUT. To be asked before any work is done.
absl::Status CheckSpares(const std::string& output, const std::string& input);

}  // namespace hardface

#endif  // HARDFACE_BASE_ATOMIC_OUTPUT_H_
