// Finds the image that a result names, where results and dataset start their paths in different folders and write
// extensions or not.
#ifndef HARDFACE_EVAL_COMMON_NAME_INDEX_H_
#define HARDFACE_EVAL_COMMON_NAME_INDEX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace hardface::eval {

// NAME without ".txt" or the ending of a picture (data::ImageExtensions), in any case. Names may hold dots themselves:
// only what is surely an extension goes.
absl::string_view WithoutImageExtension(absl::string_view name);

class NameIndex {
 public:
  enum : int64_t { kNone = -1, kSeveral = -2 };

  // Adds a name; it is found as number 0, 1, ... of those added.
  void Add(absl::string_view name);

  // The image whose path, but for extensions, is PATH, or ends in PATH behind a slash, or is what PATH ends in: kNone
  // where there is no such image, kSeveral where PATH could be several and is none exactly.
  int64_t Find(absl::string_view path) const;

  // The image whose file name without extension is NUMBER in decimal digits, leading zeros or not, as COCO's are.
  int64_t FindNumber(int64_t number) const;

 private:
  int64_t count_ = 0;
  absl::flat_hash_map<std::string, int64_t> whole_;
  absl::flat_hash_map<std::string, int64_t> endings_;  // behind each slash
  absl::flat_hash_map<int64_t, int64_t> numbers_;
};

}  // namespace hardface::eval

#endif  // HARDFACE_EVAL_COMMON_NAME_INDEX_H_
