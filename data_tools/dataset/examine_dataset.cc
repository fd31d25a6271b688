#include "data_tools/dataset/examine_dataset.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/atomic_output.h"
#include "base/output_guard.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/read_file.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/exif.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/image_size.h"

namespace hardface::data {
namespace {

// Images looked at at once.
constexpr size_t kBatch = 512;

struct Finding {
  std::string kind, message;
  bool repaired = false;  // by what repair would do
};

// One entry being examined; `entry` is changed as a repair would.
struct Case {
  int64_t line = 0;  // of the manifest, which our tools write without empty lines
  DatasetEntry entry;
  std::string path;
  std::string hash;  // of the file's content; "": not read
  std::vector<Finding> findings;
  bool remove = false;
};

std::string Show(const Rect& box) { return absl::StrFormat("%.6g %.6g %.6g %.6g", box.x, box.y, box.w, box.h); }

const std::map<std::string, std::string>& Advice() {
  static const auto* const kAdvice = new std::map<std::string, std::string>{
      {"missing_image", "fix image_root or fetch the files; --repair removes the entries"},
      {"unreadable_image", "replace the files; --repair removes the entries"},
      {"size_differs", "import again with the images that were annotated"},
      {"size_unknown", "--repair fills the sizes in"},
      {"rotated_image", "look whether the boxes fit the picture as stored; if not, import again with --exif=turn"},
      {"no_area_box", "--repair removes the boxes"},
      {"outside_box", "--repair removes the boxes"},
      {"beyond_image_box", "usual for faces at the edge; nothing to do if they are few"},
      {"double_box", "--repair removes the second one"},
      {"no_faces", "fine as negatives"},
      {"double_entry", "--repair removes the later entries"},
      {"same_image", "compare their boxes and drop one, or a picture counts twice"},
      {"in_other_dataset", "remove them from one of the datasets before measuring"},
  };
  return *kAdvice;
}

// The checks of one entry that need no other.
class Examiner {
 public:
  explicit Examiner(const DoctorOptions& options) : options_(options) {}

  void Run(Case* c) const {
    if (options_.images != ImageChecks::kNone) CheckImage(c);
    CheckBoxes(c);
    if (c->entry.faces.empty()) Add("no_faces", "has no faces", /*repaired=*/false, c);
  }

 private:
  static void Add(const std::string& kind, const std::string& message, bool repaired, Case* c) {
    c->findings.push_back({kind, message, repaired});
  }

  void CheckImage(Case* c) const {
    const absl::StatusOr<std::string> bytes = ReadFile(c->path);
    if (!bytes.ok()) {
      c->remove = true;
      return Add("missing_image", std::string(bytes.status().message()), /*repaired=*/true, c);
    }
    const absl::StatusOr<ImageSize> size = SizeOf(c->path);
    if (!size.ok()) {
      c->remove = true;
      return Add("unreadable_image", std::string(size.status().message()), /*repaired=*/true, c);
    }
    if (const absl::StatusOr<std::string> hash = HashFile(c->path); hash.ok()) c->hash = *hash;
    CheckSize(*size, c);
    const int orientation = ExifOrientation(*bytes);
    if (orientation != 1) {
      Add("rotated_image", absl::StrCat("has the EXIF orientation ", orientation), /*repaired=*/false, c);
    }
  }

  absl::StatusOr<ImageSize> SizeOf(const std::string& path) const {
    if (options_.images == ImageChecks::kHeader) return ReadImageSize(path);
    ASSIGN_OR_RETURN(const cv::Mat image, ReadImage(path));
    return ImageSize{image.cols, image.rows};
  }

  static void CheckSize(const ImageSize& size, Case* c) {
    DatasetEntry& entry = c->entry;
    if (entry.width == 0 || entry.height == 0) {
      Add("size_unknown", absl::StrCat("has no size in the manifest; the file is ", size.width, " x ", size.height),
          /*repaired=*/true, c);
      entry.width = size.width;
      entry.height = size.height;
    } else if (entry.width != size.width || entry.height != size.height) {
      Add("size_differs",
          absl::StrCat("is ", entry.width, " x ", entry.height, " in the manifest and ", size.width, " x ", size.height,
                       " on disk"),
          /*repaired=*/false, c);
    }
  }

  static void CheckBoxes(Case* c) {
    std::vector<Face> kept;
    for (Face& face : c->entry.faces) {
      if (KeepsBox(face.box, kept, c)) kept.push_back(std::move(face));
    }
    c->entry.faces = std::move(kept);
  }

  static bool KeepsBox(const Rect& box, const std::vector<Face>& before, Case* c) {
    const auto width = static_cast<float>(c->entry.width), height = static_cast<float>(c->entry.height);
    if (box.w <= 0 || box.h <= 0) {
      Add("no_area_box", absl::StrCat("box ", Show(box), " has no area"), /*repaired=*/true, c);
      return false;
    }
    if (std::any_of(before.begin(), before.end(), [&box](const Face& face) { return face.box == box; })) {
      Add("double_box", absl::StrCat("box ", Show(box), " stands twice"), /*repaired=*/true, c);
      return false;
    }
    if (width == 0 || height == 0) return true;
    if (box.x >= width || box.y >= height || box.x + box.w <= 0 || box.y + box.h <= 0) {
      Add("outside_box", absl::StrCat("box ", Show(box), " lies outside the image"), /*repaired=*/true, c);
      return false;
    }
    constexpr float kRounding = 0.01f;
    if (box.x < -kRounding || box.y < -kRounding || box.x + box.w > width + kRounding ||
        box.y + box.h > height + kRounding) {
      Add("beyond_image_box", absl::StrCat("box ", Show(box), " reaches beyond the image"), /*repaired=*/false, c);
    }
    return true;
  }

  const DoctorOptions& options_;
};

// Reads a dataset's entries in batches.
class CaseReader {
 public:
  explicit CaseReader(std::unique_ptr<DatasetReader> reader) : reader_(std::move(reader)) {}

  absl::Status ReadBatch(std::vector<Case>* batch) {
    batch->clear();
    while (batch->size() < kBatch) {
      Case c;
      ASSIGN_OR_RETURN(const bool more, reader_->Next(&c.entry));
      if (!more) break;
      c.line = ++lines_;
      c.path = reader_->ImagePath(c.entry);
      batch->push_back(std::move(c));
    }
    return absl::OkStatus();
  }

  const DatasetReader& reader() const { return *reader_; }

 private:
  std::unique_ptr<DatasetReader> reader_;
  int64_t lines_ = 1;  // the header's
};

// Where the content of images was seen first.
using ContentIndex = absl::flat_hash_map<std::string, std::string>;

// A picture that cannot be read cannot be compared: that must not look like "no picture in common".
absl::Status CheckAllRead(const std::string& dataset, int64_t images, int64_t unread, const std::string& first) {
  if (unread == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("--against=", dataset, ": ", unread, " of its ", images,
                                          " images cannot be read, so nothing can be compared with them; the first is ",
                                          first, ". Fetch the images, or mend the dataset's image_root"));
}

absl::Status IndexDataset(const std::string& dataset, int threads, ContentIndex* index) {
  ASSIGN_OR_RETURN(auto opened, DatasetReader::Open(dataset));
  CaseReader reader(std::move(opened));
  Progress progress("doctor: " + dataset, reader.reader().CountEntries(), "images");
  int64_t images = 0, unread = 0;
  std::string first_unread;
  std::vector<Case> batch;
  while (true) {
    RETURN_IF_ERROR(reader.ReadBatch(&batch));
    if (batch.empty()) return CheckAllRead(dataset, images, unread, first_unread);
    ParallelFor(static_cast<int64_t>(batch.size()), threads, [&](int64_t i) {
      if (const absl::StatusOr<std::string> hash = HashFile(batch[i].path); hash.ok()) batch[i].hash = *hash;
    });
    for (const Case& c : batch) {
      ++images;
      if (!c.hash.empty()) index->emplace(c.hash, absl::StrCat(dataset, ": ", c.entry.image));
      if (c.hash.empty() && unread++ == 0) first_unread = c.path;
    }
    progress.Advance(static_cast<int64_t>(batch.size()));
  }
}

// The checks that look at more than one entry, and everything that is written; sees the cases in order.
class Registry {
 public:
  Registry(const DoctorOptions& options, const std::string& manifest, ContentIndex others)
      : options_(options), manifest_(manifest), others_(std::move(others)) {}

  absl::Status Open(const DatasetReader& reader) {
    for (const std::string& output : {options_.findings, options_.repaired}) {
      if (output.empty()) continue;
      RETURN_IF_ERROR(CheckSpares(output, manifest_));
      for (const std::string& dataset : options_.against) RETURN_IF_ERROR(CheckSparesDataset(output, dataset));
    }
    if (!options_.findings.empty()) {
      ASSIGN_OR_RETURN(findings_, AtomicFile::Create(options_.findings));
    }
    if (options_.repair && !options_.repaired.empty()) {
      ASSIGN_OR_RETURN(writer_, DatasetWriter::Create(options_.repaired, RebasedHeader(reader, options_.repaired),
                                                      {options_.input}));
    } else if (options_.repair) {
      std::error_code ignored;
      if (std::filesystem::is_symlink(manifest_, ignored)) {
        return absl::FailedPreconditionError(absl::StrCat(
            manifest_, ": is a link to ", RealPath(manifest_),
            ", which a repair would not reach: it would put a file in place of the link. Nothing was changed. Give "
            "--output=FOLDER for a repaired copy, or repair the dataset that the link leads to"));
      }
      ASSIGN_OR_RETURN(replaced_, AtomicFile::Create(manifest_, Replace::kAlways));
      ASSIGN_OR_RETURN(const std::string text, ReadFile(manifest_));
      RETURN_IF_ERROR(replaced_->Write(text.substr(0, text.find('\n') + 1)));
    }
    return absl::OkStatus();
  }

  absl::Status Add(Case* c) {
    CompareWithOthers(c);
    for (const Finding& finding : c->findings) RETURN_IF_ERROR(Note(finding, *c));
    if (c->remove || !options_.repair) return absl::OkStatus();
    if (writer_ != nullptr) return writer_->Write(c->entry);
    return replaced_->Write(EntryToJson(c->entry) + "\n");
  }

  absl::Status Commit() {
    RETURN_IF_ERROR(CheckMostImagesAreThere());
    Provenance provenance;
    RETURN_IF_ERROR(provenance.AddInput(manifest_));
    if (findings_ != nullptr) RETURN_IF_ERROR(CommitFindings(provenance));
    if (writer_ != nullptr) return writer_->Commit(provenance);
    if (replaced_ == nullptr || summary_.repairs.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(KeepOldManifest());
    RETURN_IF_ERROR(replaced_->Commit());
    return provenance.WriteBeside(manifest_);
  }

  DoctorSummary* summary() { return &summary_; }

 private:
  // Where most images are missing it is not the entries that are wrong.
  absl::Status CheckMostImagesAreThere() const {
    const auto missing = summary_.findings.find("missing_image");
    if (!options_.repair || missing == summary_.findings.end()) return absl::OkStatus();
    if (2 * missing->second <= summary_.stats.images()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat(manifest_, ": ", missing->second, " of ", summary_.stats.images(), " images cannot be read, e.g. ",
                     summary_.example.at("missing_image"),
                     ": probably its image_root is wrong. A repair would remove more than half of the entries, so "
                     "nothing was written; mend image_root (line 1) or fetch the images"));
  }

  absl::Status CommitFindings(Provenance provenance) {
    for (const std::string& dataset : options_.against) {
      ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(dataset));
      RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
    }
    RETURN_IF_ERROR(findings_->Commit());
    return provenance.WriteBeside(options_.findings);
  }

  // As manifest.jsonl.before_repair, and .before_repair.2 and so on: the first one is the original.
  absl::Status KeepOldManifest() const {
    const std::string name = manifest_ + ".before_repair";
    std::string free = name;
    for (int number = 2;; ++number) {
      ASSIGN_OR_RETURN(const bool taken, PathExists(free));
      if (!taken) break;
      free = absl::StrCat(name, ".", number);
    }
    ASSIGN_OR_RETURN(const std::string old, ReadFile(manifest_));
    return WriteFileAtomically(free, old, Replace::kAlways);
  }

  void CompareWithOthers(Case* c) {
    if (!ids_.insert(absl::StrCat(c->entry.flip ? "1" : "0", c->entry.image)).second) {
      c->findings.push_back({"double_entry", "stands twice in the manifest", /*repaired=*/true});
      c->remove = true;
      return;
    }
    if (c->hash.empty()) return;
    if (const auto other = others_.find(c->hash); other != others_.end()) {
      c->findings.push_back({"in_other_dataset", absl::StrCat("is the same picture as ", other->second), false});
    }
    const auto [first, added] = contents_.emplace(c->hash, c->entry.image);
    if (!added && first->second != c->entry.image) {
      c->findings.push_back({"same_image", absl::StrCat("is the same picture as ", first->second), false});
    }
  }

  absl::Status Note(const Finding& finding, const Case& c) {
    const std::string place = absl::StrCat(manifest_, ":", c.line, ": ", c.entry.image);
    ++summary_.findings[finding.kind];
    summary_.example.emplace(finding.kind, absl::StrCat(place, " ", finding.message));
    const bool repaired = options_.repair && finding.repaired;
    if (repaired) ++summary_.repairs[finding.kind];
    if (findings_ == nullptr) return absl::OkStatus();
    const nlohmann::ordered_json line = {{"kind", finding.kind},       {"line", c.line},
                                         {"image", c.entry.image},     {"flip", c.entry.flip},
                                         {"message", finding.message}, {"repaired", repaired}};
    return findings_->Write(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }

  const DoctorOptions& options_;
  const std::string manifest_;
  const ContentIndex others_;
  ContentIndex contents_;
  absl::flat_hash_set<std::string> ids_;
  std::unique_ptr<AtomicFile> findings_, replaced_;
  std::unique_ptr<DatasetWriter> writer_;
  DoctorSummary summary_;
};

}  // namespace

absl::StatusOr<DoctorSummary> ExamineDataset(const DoctorOptions& options) {
  if (!options.against.empty() && options.images == ImageChecks::kNone) {
    return absl::InvalidArgumentError(
        "--against compares pictures, and --images=none reads none; give --images=header or decode");
  }
  ContentIndex others;
  for (const std::string& dataset : options.against) RETURN_IF_ERROR(IndexDataset(dataset, options.threads, &others));
  ASSIGN_OR_RETURN(auto opened, DatasetReader::Open(options.input));
  CaseReader reader(std::move(opened));
  Registry registry(options, reader.reader().manifest_path(), std::move(others));
  RETURN_IF_ERROR(registry.Open(reader.reader()));
  const Examiner examiner(options);
  Progress progress("doctor", reader.reader().CountEntries(), "images");
  std::vector<Case> batch;
  while (true) {
    RETURN_IF_ERROR(reader.ReadBatch(&batch));
    if (batch.empty()) break;
    for (const Case& c : batch) registry.summary()->stats.Add(c.entry);
    ParallelFor(static_cast<int64_t>(batch.size()), options.threads, [&](int64_t i) { examiner.Run(&batch[i]); });
    for (Case& c : batch) RETURN_IF_ERROR(registry.Add(&c));
    progress.Advance(static_cast<int64_t>(batch.size()));
  }
  progress.Finish();
  RETURN_IF_ERROR(registry.Commit());
  return std::move(*registry.summary());
}

std::string DoctorText(const DoctorSummary& summary) {
  std::string text = summary.stats.ToText();
  absl::StrAppend(&text, summary.findings.empty() ? "nothing found\n" : "findings\n");
  for (const auto& [kind, count] : summary.findings) {
    const auto repaired = summary.repairs.find(kind);
    absl::StrAppendFormat(&text, "  %-17s %7d%s  %s\n", kind, count,
                          repaired == summary.repairs.end() ? "" : absl::StrCat(", repaired ", repaired->second),
                          Advice().at(kind));
    absl::StrAppend(&text, "      e.g. ", summary.example.at(kind), "\n");
  }
  return text;
}

}  // namespace hardface::data
