// Output files and folders that appear complete or not at all: written under a temporary name beside the final one,
// fsynced, then renamed. A killed tool leaves the old output untouched, and the next one on the same output removes
// what it had begun, or goes on with it where it was made for that (AtomicFolder::CreateResumable).
//
// Nothing is replaced that the same tool did not write (written_files.h), and in a tool nothing is written that would
// harm an input (output_guard.h): both are asked when an output is opened and once more before it is put in place.
#ifndef HARDFACE_BASE_ATOMIC_OUTPUT_H_
#define HARDFACE_BASE_ATOMIC_OUTPUT_H_

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/output_guard.h"

namespace hardface {

// Whose file or folder of the output's name may be there already.
enum class Replace {
  kOwn,     // what this tool wrote and nobody changed since
  kAlways,  // anything, and nothing is asked: for what the program manages by itself (a checkpoint, a cache) or mends
};

// One output file. Destroyed without Commit(), it removes what it wrote.
class AtomicFile {
 public:
  // Opens PATH's temporary; folders that PATH lies in are made. Errors name the path. In folders that the process
  // claimed (output_guard.h), and where this is no tool, REPLACE is kAlways.
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path, Replace replace = Replace::kOwn);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Buffered. A full disk is reported here or by Commit().
  absl::Status Write(absl::string_view bytes);
  // Flushes, fsyncs and renames. Call once, last. With kOwn, PATH.provenance.json is written as well: Provenance
  // (provenance.h) may complete it.
  absl::Status Commit();
  // Where the file is until Commit(), for programs that write it by its name.
  const std::string& temporary_path() const { return temporary_; }

 private:
  AtomicFile(std::string path, std::string temporary, std::FILE* file, Replace replace);
  absl::Status Error(absl::string_view what) const;
  absl::Status Announce() const;

  const std::string path_;
  const std::string temporary_;
  std::FILE* file_;
  const Replace replace_;
};

// Writes a whole file at once.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view bytes, Replace replace = Replace::kOwn);

// Whether work begins anew or goes on with what an earlier process left.
enum class Begin { kAnew, kGoOn };

// One output folder. Destroyed without Commit(), it removes what was written.
class AtomicFolder {
 public:
  // Makes the temporary folder beside PATH. With kOwn, an existing PATH is replaced on Commit() only where it is empty
  // or holds nothing but what this tool wrote; any other folder or file is an AlreadyExists error, now and on Commit().
  static absl::StatusOr<std::unique_ptr<AtomicFolder>> Create(const std::string& path, Replace replace = Replace::kOwn);

  // For long work that a later process can go on with. It is done in PATH.unfinished, which others may read meanwhile
  // and which stays when the process ends before Commit(). PROGRESS names the file in it that says what is done: where
  // that is missing or empty, nothing is lost by beginning anew.
  //
  // Begin::kGoOn goes on with such a folder of this tool, where there is one (goes_on() says so); files that a killed
  // process was about to write in it are removed. Begin::kAnew is an AlreadyExists error there, unless the user gave
  // --overwrite. A folder of that name that is none of this tool's is an AlreadyExists error, too, and one in which
  // another process is at work Unavailable.
  static absl::StatusOr<std::unique_ptr<AtomicFolder>> CreateResumable(const std::string& path,
                                                                       const std::string& progress, Begin begin);

  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  // Where to write until Commit().
  const std::string& temporary_path() const { return temporary_; }
  // Where it will be after Commit().
  const std::string& path() const { return path_; }
  // Whether the temporary folder holds the work of an earlier process.
  bool goes_on() const { return goes_on_; }
  // Nobody is to go on with the work: without Commit() it is removed after all.
  void Discard() { progress_.clear(); }
  // Lists all files and their hashes in provenance.json, fsyncs everything and renames the folder; an older output of
  // the same name is removed after the exchange.
  absl::Status Commit();
  // Commits several folders that belong together: they appear at once as far as a reader can tell, since none of them
  // is new while another is still the old one. A kill in between leaves some of them missing, never a mixture; an error
  // leaves all as they were.
  static absl::Status CommitTogether(const std::vector<AtomicFolder*>& folders);

 private:
  AtomicFolder(std::string path, std::string temporary, int lock, Replace replace);
  absl::Status RecordFiles() const;
  absl::Status Finish() const;
  absl::Status PutInPlace() const;

  const std::string path_;
  const std::string temporary_;
  const int lock_;  // the open temporary folder, locked: other runs see that its owner lives
  const Replace replace_;
  std::string progress_;  // of a resumable folder, the path of the file that says what is done; else empty
  bool goes_on_ = false;
  bool committed_ = false;
};

// Removes what killed processes began to write in FOLDER, whatever was to come of it. For folders of the program's own.
void RemoveLeftovers(const std::string& folder);

}  // namespace hardface

#endif  // HARDFACE_BASE_ATOMIC_OUTPUT_H_
