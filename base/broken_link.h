// Why a path leads to nothing, where a symbolic link is the reason: "no such file" puzzles whoever sees the link there.
#ifndef HARDFACE_BASE_BROKEN_LINK_H_
#define HARDFACE_BASE_BROKEN_LINK_H_

#include <string>

namespace hardface {

// Where PATH, or a folder on the way to it, is a symbolic link to nothing: " (photos/a.jpg is a link to
// ../old/a.jpg, and nothing is there)", to end an error with. Otherwise "". Keeps errno.
std::string BrokenLink(const std::string& path);

}  // namespace hardface

#endif  // HARDFACE_BASE_BROKEN_LINK_H_
