#include "data_tools/dataset/dataset.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/json_keys.h"
#include "base/json_text.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/text_lines.h"

namespace hardface::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kFormat[] = "hardface.dataset";
constexpr char kManifestName[] = "manifest.jsonl";

absl::Status BadLine(const std::string& place, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(place, ": ", what));
}

std::string Shorten(const std::string& text) { return text.size() <= 80 ? text : text.substr(0, 77) + "..."; }

// JSON text; bytes that are not UTF-8 become U+FFFD, where nlohmann's default is to throw.
std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

absl::Status BadKey(const std::string& place, absl::string_view key, const Json& value, absl::string_view expected) {
  return BadLine(place, absl::StrCat("\"", key, "\" is ", Shorten(Dump(value)), "; expected ", expected));
}

// Nothing an object for what is no JSON or nests too deep: the callers' errors show the line.
Json ParseLine(absl::string_view line) { return ParseJson(line, "").value_or(Json()); }

// Shortest text that reads back as the same float, so that integer boxes stay "12" and fractional ones lose nothing.
void AppendNumber(float value, std::string* out) {
  if (std::floor(value) == value && std::fabs(value) < 1e7f) {
    absl::StrAppend(out, static_cast<int64_t>(value));
    return;
  }
  for (int digits = 6; digits <= 9; ++digits) {
    const std::string text = absl::StrFormat("%.*g", digits, value);
    float read = 0;
    if (absl::SimpleAtof(text, &read) && read == value) {
      out->append(text);
      return;
    }
  }
}

bool IsFinite(const Rect& box) {
  return std::isfinite(box.x) && std::isfinite(box.y) && std::isfinite(box.w) && std::isfinite(box.h);
}

// ELLIPSE: major and minor radius, angle, centre x, centre y.
void MirrorEllipse(float width, Json* ellipse) {
  if (!ellipse->is_array() || ellipse->size() != 5) return;
  if (!(*ellipse)[2].is_number() || !(*ellipse)[3].is_number()) return;
  (*ellipse)[2] = -(*ellipse)[2].get<double>();
  (*ellipse)[3] = width - (*ellipse)[3].get<double>();
}

// A list about the left eye, the right eye, the nose, the left and the right corner of the mouth. Left and right are
// the viewer's, so the mirror image's left eye is the right one of before.
void SwapLeftAndRight(Json* landmarks) {
  if (!landmarks->is_array() || landmarks->size() != 5) return;
  std::swap((*landmarks)[0], (*landmarks)[1]);
  std::swap((*landmarks)[3], (*landmarks)[4]);
}

void MirrorLandmarks(float width, Json* landmarks) {
  if (!landmarks->is_array() || landmarks->size() != 5) return;
  for (Json& point : *landmarks) {
    if (point.is_array() && point.size() == 2 && point[0].is_number()) point[0] = width - point[0].get<double>();
  }
  SwapLeftAndRight(landmarks);
}

// Turned about the vertical axis of an image so wide: the attributes that are geometry.
void MirrorAttributes(float width, Json* attributes) {
  if (!attributes->is_object()) return;
  for (auto& [name, value] : attributes->items()) {
    if (name == "ellipse") MirrorEllipse(width, &value);
    if (name == "landmarks") MirrorLandmarks(width, &value);
    if (name == "landmarks_occluded") SwapLeftAndRight(&value);
  }
}

absl::StatusOr<Face> FaceFromJson(const Json& json, const std::string& place) {
  Face face;
  if (!json.is_object()) return BadKey(place, "faces", json, "a list of objects with \"box\"");
  const auto box = json.find("box");
  if (box == json.end()) return BadLine(place, "a face without \"box\"");
  const bool four_numbers = box->is_array() && box->size() == 4 && (*box)[0].is_number() && (*box)[1].is_number() &&
                            (*box)[2].is_number() && (*box)[3].is_number();
  if (!four_numbers) return BadKey(place, "box", *box, "[x, y, width, height]");
  RETURN_IF_ERROR(CheckNoMisspeltKey(json, {"box", "ignore", "attributes"}, place));
  face.box = {(*box)[0], (*box)[1], (*box)[2], (*box)[3]};
  if (!IsFinite(face.box)) return BadKey(place, "box", *box, "numbers that a float holds");
  if (const auto ignore = json.find("ignore"); ignore != json.end()) {
    if (!ignore->is_boolean()) return BadKey(place, "ignore", *ignore, "true or false");
    face.ignore = ignore->get<bool>();
  }
  if (const auto attributes = json.find("attributes"); attributes != json.end()) {
    if (!attributes->is_object()) return BadKey(place, "attributes", *attributes, "an object");
    face.attributes = *attributes;
  }
  return face;
}

absl::Status ReadSize(const Json& json, const char* key, const std::string& place, int* size) {
  const auto value = json.find(key);
  if (value == json.end()) return absl::OkStatus();
  if (!value->is_number_integer() || *value < 0 || *value > 1000000) {
    return BadKey(place, key, *value, "a number of pixels");
  }
  *size = value->get<int>();
  return absl::OkStatus();
}

}  // namespace

bool IsUtf8(const std::string& text) { return ParseLine(Dump(text)) == text; }

std::string EntryToJson(const DatasetEntry& entry) {
  std::string line =
      absl::StrCat("{\"image\":", Dump(entry.image), ",\"width\":", entry.width, ",\"height\":", entry.height,
                   ",\"flip\":", entry.flip ? "true" : "false", ",\"faces\":[");
  for (size_t i = 0; i < entry.faces.size(); ++i) {
    const Face& face = entry.faces[i];
    absl::StrAppend(&line, i == 0 ? "" : ",", "{\"box\":[");
    AppendNumber(face.box.x, &line);
    for (float value : {face.box.y, face.box.w, face.box.h}) {
      line += ',';
      AppendNumber(value, &line);
    }
    absl::StrAppend(&line, "],\"ignore\":", face.ignore ? "true" : "false");
    if (!face.attributes.empty()) absl::StrAppend(&line, ",\"attributes\":", Dump(face.attributes));
    line += '}';
  }
  line += ']';
  if (!entry.attributes.empty()) absl::StrAppend(&line, ",\"attributes\":", Dump(entry.attributes));
  line += '}';
  return line;
}

absl::StatusOr<DatasetEntry> EntryFromJson(absl::string_view line, const std::string& place) {
  const absl::StatusOr<Json> parsed = ParseJson(line, "the line");
  if (!parsed.ok())
    return BadLine(place, absl::StrCat(parsed.status().message(), "; got ", Shorten(std::string(line))));
  if (!parsed->is_object()) return BadLine(place, absl::StrCat("not a JSON object: ", Shorten(std::string(line))));
  const Json& json = *parsed;
  RETURN_IF_ERROR(CheckNoMisspeltKey(json, {"image", "width", "height", "flip", "faces", "attributes"}, place));
  DatasetEntry entry;
  const auto image = json.find("image");
  if (image == json.end()) return BadLine(place, "no \"image\"");
  if (!image->is_string() || image->get_ref<const std::string&>().empty()) {
    return BadKey(place, "image", *image, "the image's path");
  }
  entry.image = PlainName(image->get<std::string>());
  // The system would take the path up to there.
  if (absl::StrContains(entry.image, '\0')) return BadKey(place, "image", *image, "a path without zero bytes");
  RETURN_IF_ERROR(ReadSize(json, "width", place, &entry.width));
  RETURN_IF_ERROR(ReadSize(json, "height", place, &entry.height));
  if (const auto flip = json.find("flip"); flip != json.end()) {
    if (!flip->is_boolean()) return BadKey(place, "flip", *flip, "true or false");
    entry.flip = flip->get<bool>();
  }
  const auto faces = json.find("faces");
  if (faces == json.end()) return BadLine(place, "no \"faces\" (an image without faces has an empty list)");
  if (!faces->is_array()) return BadKey(place, "faces", *faces, "a list");
  entry.faces.reserve(faces->size());
  for (const Json& face : *faces) {
    ASSIGN_OR_RETURN(entry.faces.emplace_back(), FaceFromJson(face, place));
  }
  if (const auto attributes = json.find("attributes"); attributes != json.end()) {
    if (!attributes->is_object()) return BadKey(place, "attributes", *attributes, "an object");
    entry.attributes = *attributes;
  }
  return entry;
}

absl::StatusOr<std::unique_ptr<DatasetReader>> DatasetReader::Open(const std::string& path) {
  std::unique_ptr<DatasetReader> reader(new DatasetReader);
  const bool is_manifest = fs::path(path).filename() == kManifestName;
  reader->manifest_path_ = is_manifest ? path : (fs::path(path) / kManifestName).string();
  ASSIGN_OR_RETURN(reader->lines_,
                   LineReader::Open(reader->manifest_path_,
                                    "a dataset is a folder with a manifest.jsonl (data_tools:import makes one)"));
  const std::string place = reader->manifest_path_ + ":1";
  ASSIGN_OR_RETURN(const bool filled, reader->lines_->Next());
  // The header is the very first line.
  const std::string first = filled && reader->lines_->number() == 1 ? reader->lines_->line() : "";
  const Json header = ParseLine(first);
  if (!header.is_object() || header.value("format", Json()) != kFormat) {
    return BadLine(place, absl::StrCat("expected the header {\"format\":\"", kFormat,
                                       "\",\"version\":", kDatasetVersion, ",...}, got: ", Shorten(first)));
  }
  const Json version = header.value("version", Json());
  if (!version.is_number_integer()) return BadKey(place, "version", version, "a whole number");
  if (version < 1) return BadKey(place, "version", version, "at least 1");
  if (version > kDatasetVersion) {
    return BadKey(
        place, "version", version,
        absl::StrCat("at most ", kDatasetVersion, ": this dataset was written by a newer hardface; update this one"));
  }
  RETURN_IF_ERROR(CheckNoMisspeltKey(header, {"format", "version", "image_root"}, place));
  const Json root = header.value("image_root", Json("."));
  if (!root.is_string()) return BadKey(place, "image_root", root, "a folder");
  reader->header_.image_root = root.get<std::string>();
  reader->SetImageFolder(fs::path(reader->manifest_path_).parent_path().string());
  reader->ProtectFiles();
  return reader;
}

// Paths are shown without "..", which is right as long as no symbolic link stands before it.
void DatasetReader::SetImageFolder(const std::string& dataset_folder) {
  // fs::path's operator/ drops the left side when the right one is absolute: just the rule wanted.
  const fs::path whole = fs::path(dataset_folder) / header_.image_root;
  const std::string real = RealPath(whole.string());
  image_folder_ = whole.lexically_normal().string();
  if (RealPath(image_folder_) != real) image_folder_ = real;
  std::error_code ignored;
  const bool has_links = (fs::absolute(image_folder_, ignored) / "").lexically_normal() != fs::path(real) / "";
  folder_for_parents_ = has_links ? real : image_folder_;
}

int64_t DatasetReader::CountEntries() const {
  std::ifstream stream(manifest_path_, std::ios::binary);
  std::vector<char> chunk(1 << 18);
  int64_t lines = 0;
  char previous = '\n';
  do {
    stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const char* const end = chunk.data() + stream.gcount();
    for (const char* at = chunk.data(); at != end; ++at) {
      lines += *at == '\n' && previous != '\n';
      previous = *at;
    }
  } while (stream);
  return std::max<int64_t>(0, lines + (previous == '\n' ? 0 : 1) - 1);  // less the header
}

absl::StatusOr<bool> DatasetReader::Next(DatasetEntry* entry) {
  ASSIGN_OR_RETURN(const bool more, lines_->Next());
  if (!more) return false;
  ASSIGN_OR_RETURN(*entry, EntryFromJson(lines_->line(), lines_->place()));
  return true;
}

std::string DatasetReader::ImagePath(const DatasetEntry& entry) const {
  const std::string& folder = absl::StartsWith(entry.image, "..") ? folder_for_parents_ : image_folder_;
  return (fs::path(folder) / entry.image).lexically_normal().string();
}

namespace {

std::string FolderOf(const std::string& manifest) {
  const std::string folder = fs::path(manifest).parent_path().string();
  return folder.empty() ? "." : folder;
}

// Notices images that lie in a folder that is to be replaced.
class ImageGuard {
 public:
  explicit ImageGuard(const std::string& output) : output_(RealPath(output)) {}

  bool WouldBeLost(const std::string& image) {
    const fs::path path(image);
    const auto [found, added] = lost_folders_.emplace(path.parent_path().string(), false);
    if (added) found->second = IsWithin(RealPath(found->first), output_);
    std::error_code ignored;
    return found->second || (fs::is_symlink(path, ignored) && IsWithin(RealPath(image), output_));
  }

 private:
  const std::string output_;
  absl::flat_hash_map<std::string, bool> lost_folders_;
};

}  // namespace

namespace {

// The same for the single images, wherever they lie.
absl::Status CheckSparesImages(const std::string& output, const std::string& dataset) {
  std::error_code ignored;
  if (!fs::exists(output, ignored)) return absl::OkStatus();  // nothing will be replaced
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(dataset));
  ImageGuard guard(output);
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return absl::OkStatus();
    const std::string image = reader->ImagePath(entry);
    if (!guard.WouldBeLost(image)) continue;
    return absl::InvalidArgumentError(absl::StrCat(output, ": this output would replace the image ", image,
                                                   " of the dataset ", dataset,
                                                   ", which is read; nothing was written. Name another output"));
  }
}

}  // namespace

absl::Status CheckSparesDataset(const std::string& output, const std::string& dataset) {
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(dataset));
  const std::string folder = FolderOf(reader->manifest_path()), images = reader->image_folder();
  RETURN_IF_ERROR(CheckSpares(output, folder, InputKind::kFolder));
  RETURN_IF_ERROR(CheckSpares(output, reader->manifest_path()));
  // A folder that holds the dataset as well is just where things lie.
  RETURN_IF_ERROR(CheckSpares(output, images, LiesWithin(folder, images) ? InputKind::kFile : InputKind::kImages));
  return CheckSparesImages(output, dataset);
}

void DatasetReader::ProtectFiles() const {
  if (!InTool()) return;
  ProtectInput(FolderOf(manifest_path_), InputKind::kFolder,
               [manifest = manifest_path_](const std::string& output) { return CheckSparesImages(output, manifest); });
  ProtectInput(manifest_path_, InputKind::kFile);
  ProtectInput(image_folder_, InputKind::kImages);
}

absl::StatusOr<std::unique_ptr<DatasetWriter>> DatasetWriter::Create(const std::string& folder,
                                                                     const DatasetHeader& header,
                                                                     const std::vector<std::string>& datasets) {
  if (!IsUtf8(header.image_root)) {
    return absl::InvalidArgumentError(absl::StrCat(
        header.image_root, ": the path of the images' folder is not UTF-8, which JSON cannot hold; rename the folder"));
  }
  for (const std::string& dataset : datasets) RETURN_IF_ERROR(CheckSparesDataset(folder, dataset));
  std::unique_ptr<DatasetWriter> writer(new DatasetWriter);
  ASSIGN_OR_RETURN(writer->folder_, AtomicFolder::Create(folder));
  ASSIGN_OR_RETURN(writer->manifest_, AtomicFile::Create(absl::StrCat(writer->temporary_path(), "/", kManifestName)));
  const nlohmann::ordered_json line = {
      {"format", kFormat}, {"version", kDatasetVersion}, {"image_root", header.image_root}};
  RETURN_IF_ERROR(writer->manifest_->Write(line.dump() + "\n"));
  return writer;
}

absl::Status DatasetWriter::Write(const DatasetEntry& entry) {
  for (const Face& face : entry.faces) {
    if (IsFinite(face.box)) continue;
    return absl::InvalidArgumentError(absl::StrCat(entry.image, ": a box that is not finite cannot be written"));
  }
  if (!IsUtf8(entry.image)) {
    return absl::InvalidArgumentError(
        absl::StrCat(Dump(entry.image), ": the image's path is not UTF-8, which JSON cannot hold; rename the file"));
  }
  ++entries_;
  faces_ += static_cast<int64_t>(entry.faces.size());
  return manifest_->Write(EntryToJson(entry) + "\n");
}

absl::Status DatasetWriter::Commit(const Provenance& provenance) { return CommitTogether({this}, provenance); }

absl::Status DatasetWriter::CommitTogether(const std::vector<DatasetWriter*>& writers, const Provenance& provenance) {
  std::vector<AtomicFolder*> folders;
  for (DatasetWriter* const writer : writers) {
    RETURN_IF_ERROR(writer->manifest_->Commit());
    RETURN_IF_ERROR(provenance.WriteInto(writer->temporary_path()));
    folders.push_back(writer->folder_.get());
  }
  return AtomicFolder::CommitTogether(folders);
}

absl::StatusOr<Dataset> ReadDataset(const std::string& path) {
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(path));
  Dataset dataset;
  dataset.manifest_path = reader->manifest_path();
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return dataset;
    dataset.image_paths.push_back(reader->ImagePath(entry));
    dataset.entries.push_back(std::move(entry));
  }
}

std::string RelativeToDataset(const std::string& path, const std::string& new_folder) {
  std::error_code ignored;
  // A link that stands under the dataset's own name is replaced, not followed; those on the way to it are followed.
  const fs::path named = fs::absolute(new_folder.empty() ? "." : new_folder, ignored) / "";
  const fs::path last = named.parent_path().filename();
  const fs::path folder = last == "." || last == ".."
                              ? fs::path(RealPath(new_folder))
                              : fs::path(RealPath(named.parent_path().parent_path().string())) / last;
  const fs::path wanted = fs::absolute(path, ignored).lexically_normal();
  // The names as given, where they lead to the same place: they go on being right when both folders are moved.
  const fs::path plain = wanted.lexically_relative(fs::absolute(new_folder, ignored).lexically_normal());
  const std::string real = RealPath(path);
  const bool leads_there = RealPath((folder / plain).lexically_normal().string()) == real;
  std::string relative = (leads_there ? plain : fs::path(real).lexically_relative(folder)).string();
  while (relative.size() > 1 && relative.back() == '/') relative.pop_back();
  return relative;
}

DatasetHeader RebasedHeader(const DatasetReader& reader, const std::string& new_folder) {
  DatasetHeader header = reader.header();
  if (fs::path(header.image_root).is_absolute()) return header;
  header.image_root = RelativeToDataset(reader.image_folder(), new_folder);
  return header;
}

absl::Status MirrorEntry(DatasetEntry* entry) {
  if (entry->width <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        entry->image,
        ": its width is not known (0), so its boxes cannot be mirrored; data_tools:doctor --repair fills sizes in"));
  }
  entry->flip = !entry->flip;
  const float width = static_cast<float>(entry->width);
  for (Face& face : entry->faces) {
    face.box = Mirror(face.box, width);
    MirrorAttributes(width, &face.attributes);
  }
  return absl::OkStatus();
}

}  // namespace hardface::data
