// Which file or folder a path stands for, by whatever name or link it is reached.
#ifndef HARDFACE_BASE_FILE_ID_H_
#define HARDFACE_BASE_FILE_ID_H_

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <tuple>

namespace hardface {

struct FileId {
  dev_t device = 0;
  ino_t number = 0;
  int64_t bytes = -1;  // its size; -1: there is no such file

  bool known() const { return bytes >= 0; }
  bool operator<(const FileId& other) const { return std::tie(device, number) < std::tie(other.device, other.number); }
};

// Links are followed. Not known where PATH is not there or may not be looked at; errno then says why.
inline FileId FileIdOf(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? FileId{info.st_dev, info.st_ino, info.st_size} : FileId();
}

}  // namespace hardface

#endif  // HARDFACE_BASE_FILE_ID_H_
