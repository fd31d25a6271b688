// The files of a folder tree, found by one rule wherever a tool is given a folder: links are followed, each real folder
// is entered once, hidden files are passed over, and the order is the same on every machine.
#ifndef HARDFACE_BASE_FOLDER_WALK_H_
#define HARDFACE_BASE_FOLDER_WALK_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hardface {

// Every file under FOLDER whose name ends in one of ENDINGS (".jpg", in any case), as paths relative to FOLDER, sorted
// by bytes.
//
// - Symbolic links to files and folders are followed. A folder that several links lead to is entered once, under its
//   own name where it lies in the tree itself, else under the first link's; so a link to a parent folder is no loop.
// - A link that leads nowhere counts as a file, and so does a pipe, a socket or a device: opening it gives the error
//   that says so (base/read_file.h), where passing it over would leave a gap without a word.
// - Names that begin with a dot are passed over (macOS's "._a.jpg", ".git", ".thumbnails"), and the folders "@eaDir" in
//   which Synology's servers keep thumbnails.
//
// A folder that cannot be listed is an error that names it: what lies in it would be missing without a word.
//
// NOT_FILES, where given, gets what has such a name and is no file: folders (they are entered all the same), and again
// pipes, sockets and devices.
absl::StatusOr<std::vector<std::string>> FilesUnder(const std::string& folder, const std::vector<std::string>& endings,
                                                    std::vector<std::string>* not_files = nullptr);

// Whether NAME ends in one of ENDINGS, in any case.
bool HasEnding(absl::string_view name, const std::vector<std::string>& endings);

}  // namespace hardface

#endif  // HARDFACE_BASE_FOLDER_WALK_H_
