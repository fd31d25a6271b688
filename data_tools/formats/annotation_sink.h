// Writing datasets in other programs' formats.
#ifndef HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SINK_H_
#define HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SINK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "data_tools/dataset/dataset.h"

namespace hardface::data {

// What a format had no words for, by kind.
class Losses {
 public:
  struct Loss {
    int64_t count = 0;
    std::string first;  // an image, as an example
  };
  void Add(const std::string& kind, const std::string& image);
  const std::map<std::string, Loss>& by_kind() const { return by_kind_; }

 private:
  std::map<std::string, Loss> by_kind_;
};

// Takes a dataset's entries in order. Entries are not mirrored, and no image comes twice.
class AnnotationSink {
 public:
  virtual ~AnnotationSink() = default;
  virtual absl::Status Write(const DatasetEntry& entry) = 0;
  // Call once, last.
  virtual absl::Status Finish() = 0;
  const Losses& losses() const { return losses_; }
  // Files that are not called as their images are, in lines {"image":..,"file":..}.
  const std::string& renamed() const { return renamed_; }
  int64_t renamed_count() const { return renamed_count_; }

 protected:
  // The path below the output for a file that is named after IMAGE, before its extension is changed. One that leads out
  // of the images' folder ("../a.jpg", "/data/a.jpg") gets a name inside, and is noted.
  std::string PathFor(const std::string& image);

  Losses losses_;

 private:
  std::string renamed_;
  int64_t renamed_count_ = 0;
};

// Each writes into the existing folder FOLDER. IMAGE_ROOT stands where a format names the images' folder.
std::unique_ptr<AnnotationSink> MakeWiderSink(const std::string& folder);  // bbx_gt.txt
std::unique_ptr<AnnotationSink> MakeVocSink(const std::string& folder);    // IMAGE.xml beside each other
std::unique_ptr<AnnotationSink> MakeYoloSink(const std::string& folder,    // data.yaml and label files
                                             const std::string& image_root);
std::unique_ptr<AnnotationSink> MakeCocoSink(const std::string& folder);  // annotations.json

// Writes a file, making its folders. PATH must not hold "..", which could lead out of the output. No fsync: the
// folder's commit does that for all.
absl::Status WriteNewFile(const std::string& path, absl::string_view bytes);

// The fewest digits that read back as the same number.
std::string ShortestNumber(double value);
std::string ShortestNumber(float value);

// The class that the face's attributes name; "face" where they name none.
std::string ClassOf(const Face& face);

}  // namespace hardface::data

#endif  // HARDFACE_DATA_TOOLS_FORMATS_ANNOTATION_SINK_H_
