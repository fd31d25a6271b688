#include "hardface/hardface.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/running_tool.h"
#include "hardface/detector.h"

struct hardface_detector {
  hardface::Detector detector;
};

namespace {

using hardface::Detector;
using hardface::Face;

void SetError(const std::string& message, char** error) {
  if (error != nullptr) *error = strdup(message.c_str());
}

int Report(const absl::Status& status, char** error) {
  SetError(std::string(status.message()), error);
  return static_cast<int>(status.code());
}

int GiveFaces(const absl::StatusOr<std::vector<Face>>& found, hardface_face** faces, size_t* count, char** error) {
  if (!found.ok()) return Report(found.status(), error);
  if (found->empty()) return HARDFACE_OK;
  auto* const given = static_cast<hardface_face*>(std::malloc(found->size() * sizeof(hardface_face)));
  if (given == nullptr) return Report(absl::ResourceExhaustedError("out of memory"), error);
  for (size_t i = 0; i < found->size(); ++i) {
    const Face& face = (*found)[i];
    given[i] = {face.x, face.y, face.width, face.height, face.score};
  }
  *faces = given;
  *count = found->size();
  return HARDFACE_OK;
}

// What the caller's structure has, behind the defaults of the members that it does not know.
hardface_options Known(const hardface_options* options) {
  hardface_options known;
  hardface_default_options(&known);
  if (options != nullptr) std::memcpy(&known, options, std::min(options->size, sizeof(known)));
  return known;
}

absl::StatusOr<Detector> Load(const char* model, const hardface_options* options) {
  if (model == nullptr) return absl::InvalidArgumentError("the model's path is a null pointer");
  if (options != nullptr && options->size < sizeof(size_t)) {
    return absl::InvalidArgumentError("the options' size is not set; hardface_default_options() sets it");
  }
  const hardface_options known = Known(options);
  hardface::DetectorOptions cpp;
  cpp.score_threshold = known.score_threshold;
  if (known.pyramid != nullptr) cpp.pyramid.assign(known.pyramid, known.pyramid + known.pyramid_count);
  cpp.flip = known.flip != 0;
  if (known.speed < HARDFACE_ACCURATE || known.speed > HARDFACE_FAST) {
    return absl::InvalidArgumentError(absl::StrCat("speed is ", known.speed, "; give a hardface_speed, 0 to 2"));
  }
  cpp.speed = static_cast<hardface::DetectorSpeed>(known.speed);
  if (known.device != nullptr) cpp.device = known.device;
  cpp.threads = known.threads;
  cpp.memory_limit = known.memory_limit;
  return Detector::Load(model, cpp);
}

// Sets what a call gives back to nothing; false where there is nowhere to put it.
bool Begin(hardface_face** faces, size_t* count, char** error) {
  if (error != nullptr) *error = nullptr;
  if (faces == nullptr || count == nullptr) return false;
  *faces = nullptr;
  *count = 0;
  return true;
}

}  // namespace

const char* hardface_version(void) { return hardface::kVersion; }

void hardface_default_options(hardface_options* options) {
  const hardface::DetectorOptions defaults;
  *options = {sizeof(hardface_options),
              defaults.score_threshold,
              nullptr,
              0,
              defaults.flip,
              static_cast<int32_t>(defaults.speed),
              nullptr,
              defaults.threads,
              defaults.memory_limit};
}

hardface_detector* hardface_load(const char* model, const hardface_options* options, char** error) {
  if (error != nullptr) *error = nullptr;
  absl::StatusOr<Detector> detector = Load(model, options);
  if (detector.ok()) return new hardface_detector{*std::move(detector)};
  SetError(std::string(detector.status().message()), error);
  return nullptr;
}

int hardface_detect(const hardface_detector* detector, const hardface_image* image, hardface_face** faces,
                    size_t* count, char** error) {
  if (!Begin(faces, count, error) || detector == nullptr || image == nullptr) {
    return Report(absl::InvalidArgumentError("hardface_detect: an argument is a null pointer"), error);
  }
  const auto format = static_cast<hardface::PixelFormat>(image->format);
  const hardface::ImageView view = {image->pixels, image->width, image->height, format,
                                    static_cast<std::ptrdiff_t>(image->row_bytes)};
  return GiveFaces(detector->detector.Detect(view), faces, count, error);
}

int hardface_detect_file(const hardface_detector* detector, const char* path, hardface_face** faces, size_t* count,
                         char** error) {
  if (!Begin(faces, count, error) || detector == nullptr || path == nullptr) {
    return Report(absl::InvalidArgumentError("hardface_detect_file: an argument is a null pointer"), error);
  }
  return GiveFaces(detector->detector.DetectFile(path), faces, count, error);
}

void hardface_close(hardface_detector* detector) { delete detector; }

void hardface_free(void* memory) { std::free(memory); }
