#include "data_tools/dataset/select_entries.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/atomic_output.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/dataset/relocate.h"
#include "data_tools/images/image_io.h"
#include "data_tools/images/picture_hash.h"

namespace hardface::data {
namespace {

// Calls VISIT for each entry.
absl::Status ForEachEntry(DatasetReader* reader, const std::function<absl::Status(DatasetEntry*)>& visit) {
  Progress progress(reader->manifest_path(), reader->CountEntries(), "images");
  DatasetEntry entry;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(&entry));
    if (!more) return absl::OkStatus();
    RETURN_IF_ERROR(visit(&entry));
    progress.Advance(1);
  }
}

absl::StatusOr<DatasetCounts> Commit(DatasetWriter* writer, const std::vector<std::string>& inputs) {
  Provenance provenance;
  for (const std::string& input : inputs) RETURN_IF_ERROR(provenance.AddInput(input));
  RETURN_IF_ERROR(writer->Commit(provenance));
  return DatasetCounts{writer->entries(), writer->faces()};
}

// 0, 1, 2-3, 4-7, ...: images with alike numbers of faces.
int Stratum(size_t faces) {
  int stratum = 0;
  for (; faces > 0; faces /= 2) ++stratum;
  return stratum;
}

using PartOfImage = absl::flat_hash_map<std::string, uint32_t>;

// Deals images out by the fractions: sizes are as near to them as whole numbers allow, in every stratum and, by
// carrying the remainders on, over all.
class Dealer {
 public:
  explicit Dealer(std::vector<double> fractions) : fractions_(std::move(fractions)), due_(fractions_.size(), 0.0) {
    const double sum = std::accumulate(fractions_.begin(), fractions_.end(), 0.0);
    for (double& fraction : fractions_) fraction /= sum;
  }

  // The part that is most behind its due gets IMAGES images.
  uint32_t Next(size_t images) {
    const auto count = static_cast<double>(images);
    for (size_t i = 0; i < due_.size(); ++i) due_[i] += count * fractions_[i];
    const auto part = static_cast<uint32_t>(std::max_element(due_.begin(), due_.end()) - due_.begin());
    due_[part] -= count;
    return part;
  }

 private:
  std::vector<double> fractions_, due_;
};

struct SplitImage {
  std::string name, path;
  size_t faces = 0;
};

absl::StatusOr<std::vector<SplitImage>> ListImages(const std::string& dataset) {
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(dataset));
  absl::flat_hash_set<std::string> seen;
  std::vector<SplitImage> images;
  RETURN_IF_ERROR(ForEachEntry(reader.get(), [&](DatasetEntry* entry) {
    if (seen.insert(entry->image).second) {
      images.push_back({entry->image, reader->ImagePath(*entry), entry->faces.size()});
    }
    return absl::OkStatus();
  }));
  return images;
}

absl::StatusOr<std::vector<int64_t>> GroupsOf(const std::vector<SplitImage>& images, const SplitOptions& options) {
  std::vector<int64_t> groups(images.size());
  std::iota(groups.begin(), groups.end(), int64_t{0});
  if (!options.keep_alike_together) return groups;
  const auto count = static_cast<int64_t>(images.size());
  std::vector<PictureHash> hashes(images.size());
  std::vector<absl::Status> errors(images.size());
  Progress progress("split: looking for pictures that are alike", count, "images");
  ParallelFor(count, ResolveThreads(options.threads), [&](int64_t i) {
    const absl::StatusOr<cv::Mat> image = ReadImage(images[static_cast<size_t>(i)].path);
    if (image.ok()) hashes[static_cast<size_t>(i)] = HashPicture(*image);
    errors[static_cast<size_t>(i)] = image.status();
    progress.Advance(1);
  });
  for (const absl::Status& error : errors) RETURN_IF_ERROR(error);
  return GroupAlike(hashes);
}

absl::StatusOr<PartOfImage> AssignParts(const SplitOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<SplitImage> images, ListImages(options.input));
  ASSIGN_OR_RETURN(const std::vector<int64_t> groups, GroupsOf(images, options));
  std::map<int64_t, std::vector<size_t>> members;
  for (size_t i = 0; i < images.size(); ++i) members[groups[i]].push_back(i);
  std::map<int, std::vector<int64_t>> strata;  // of groups, by their first members
  for (const auto& [group, of_group] : members) strata[Stratum(images[of_group[0]].faces)].push_back(group);
  Dealer dealer(options.fractions);
  PartOfImage parts;
  for (auto& [stratum, of_stratum] : strata) {
    Random random({options.seed, static_cast<uint64_t>(stratum)});
    random.Shuffle(of_stratum);
    for (const int64_t group : of_stratum) {
      const uint32_t part = dealer.Next(members[group].size());
      for (const size_t i : members[group]) parts[images[i].name] = part;
    }
  }
  return parts;
}

// One output must not lie in another: writing the latter would replace the former.
absl::Status CheckApart(const std::vector<std::string>& outputs) {
  for (const std::string& a : outputs) {
    for (const std::string& b : outputs) {
      if (&a == &b || !IsWithin(RealPath(a), RealPath(b))) continue;
      return absl::InvalidArgumentError(absl::StrCat("the outputs ", a, " and ", b, " lie in each other"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RE2>> Compile(const std::string& pattern) {
  auto compiled = std::make_unique<RE2>(pattern, RE2::Quiet);
  if (!compiled->ok())
    return absl::InvalidArgumentError(absl::StrCat("pattern \"", pattern, "\": ", compiled->error()));
  return compiled;
}

// Decides which faces of which images a subset takes.
class Chooser {
 public:
  static absl::StatusOr<std::unique_ptr<Chooser>> Create(const SubsetOptions& options) {
    auto chooser = std::make_unique<Chooser>(options);
    ASSIGN_OR_RETURN(chooser->images_, Compile(options.images));
    for (const auto& [name, pattern] : options.attributes) {
      ASSIGN_OR_RETURN(auto compiled, Compile(pattern));
      chooser->attributes_.emplace_back(name, std::move(compiled));
    }
    return chooser;
  }
  explicit Chooser(const SubsetOptions& options) : options_(options) {}

  // Changes the faces; false where the image is not in the subset.
  bool Apply(DatasetEntry* entry) {
    if (!RE2::PartialMatch(entry->image, *images_)) return false;
    bool any = false;
    std::vector<Face> kept;
    for (Face& face : entry->faces) {
      NoteAttributes(face);
      const bool chosen = IsChosen(face);
      any = any || chosen;
      if (!chosen && options_.drop_others) continue;
      face.ignore = face.ignore || !chosen;
      kept.push_back(std::move(face));
    }
    entry->faces = std::move(kept);
    return any || options_.keep_empty;
  }

  // An error where a condition is about an attribute that no face has: a slip of the pen, which would choose nothing.
  absl::Status CheckAttributesAreKnown() const {
    for (const auto& [name, pattern] : options_.attributes) {
      if (!any_face_ || seen_.count(name) > 0) continue;
      return absl::InvalidArgumentError(absl::StrCat(options_.input, ": no face has the attribute \"", name,
                                                     "\"; they have ",
                                                     seen_.empty() ? "none" : absl::StrJoin(seen_, ", ")));
    }
    return absl::OkStatus();
  }

 private:
  void NoteAttributes(const Face& face) {
    any_face_ = true;
    if (options_.attributes.empty()) return;
    for (const auto& [name, value] : face.attributes.items()) seen_.insert(name);
  }

  bool IsChosen(const Face& face) const {
    if (face.box.h < options_.min_height || face.box.h > options_.max_height) return false;
    return std::all_of(attributes_.begin(), attributes_.end(), [&face](const auto& condition) {
      const auto found = face.attributes.find(condition.first);
      if (found == face.attributes.end()) return false;
      return RE2::FullMatch(found->is_string() ? found->template get<std::string>() : found->dump(), *condition.second);
    });
  }

  const SubsetOptions& options_;
  std::unique_ptr<RE2> images_;
  std::vector<std::pair<std::string, std::unique_ptr<RE2>>> attributes_;
  std::set<std::string> seen_;  // attributes of the faces so far
  bool any_face_ = false;
};

}  // namespace

absl::Status CheckSplit(const SplitOptions& options) {
  const bool positive = std::all_of(options.fractions.begin(), options.fractions.end(), [](double f) { return f > 0; });
  const std::set<std::string> names(options.outputs.begin(), options.outputs.end());
  if (options.outputs.empty() || options.outputs.size() != options.fractions.size() || !positive ||
      names.size() != options.outputs.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a split needs as many fractions above 0 as different outputs; got ",
                                                   options.fractions.size(), " fractions and ", names.size(),
                                                   " outputs"));
  }
  constexpr double kRounding = 0.0015;  // three parts of 0.333
  const double sum = std::accumulate(options.fractions.begin(), options.fractions.end(), 0.0);
  if (!(std::fabs(sum - 1) <= kRounding)) {
    return absl::InvalidArgumentError(absl::StrCat("the fractions ", absl::StrJoin(options.fractions, ","), " sum to ",
                                                   sum, "; every image goes into one part, so they must sum to 1"));
  }
  return CheckApart(options.outputs);
}

absl::StatusOr<std::vector<DatasetCounts>> SplitDataset(const SplitOptions& options) {
  RETURN_IF_ERROR(CheckSplit(options));
  for (const std::string& output : options.outputs) RETURN_IF_ERROR(CheckSparesDataset(output, options.input));
  ASSIGN_OR_RETURN(const PartOfImage parts, AssignParts(options));
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(options.input));
  std::vector<std::unique_ptr<DatasetWriter>> writers;
  for (const std::string& output : options.outputs) {
    ASSIGN_OR_RETURN(writers.emplace_back(), DatasetWriter::Create(output, RebasedHeader(*reader, output)));
  }
  RETURN_IF_ERROR(
      ForEachEntry(reader.get(), [&](DatasetEntry* entry) { return writers[parts.at(entry->image)]->Write(*entry); }));
  Provenance provenance;
  RETURN_IF_ERROR(provenance.AddInput(reader->manifest_path()));
  std::vector<DatasetWriter*> together;
  for (const auto& writer : writers) together.push_back(writer.get());
  // A part of this split beside one of an earlier split could hold the same images.
  RETURN_IF_ERROR(DatasetWriter::CommitTogether(together, provenance));
  std::vector<DatasetCounts> counts;
  for (const auto& writer : writers) counts.push_back({writer->entries(), writer->faces()});
  return counts;
}

absl::StatusOr<DatasetCounts> MergeDatasets(const MergeOptions& options) {
  if (options.inputs.empty()) return absl::InvalidArgumentError("a merge needs at least one input");
  ASSIGN_OR_RETURN(const auto writer, DatasetWriter::Create(options.output, {"."}, options.inputs));
  absl::flat_hash_set<std::string> seen;
  std::vector<std::string> manifests;
  for (const std::string& input : options.inputs) {
    ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(input));
    manifests.push_back(reader->manifest_path());
    const Relocator relocator(*reader, options.output);
    RETURN_IF_ERROR(ForEachEntry(reader.get(), [&](DatasetEntry* entry) -> absl::Status {
      std::error_code ignored;
      const std::string file =
          std::filesystem::absolute(reader->ImagePath(*entry), ignored).lexically_normal().string();
      if (!seen.insert(absl::StrCat(entry->flip ? "1" : "0", file)).second) {
        if (options.skip_doubles) return absl::OkStatus();
        return absl::AlreadyExistsError(
            absl::StrCat(reader->manifest_path(), ": ", file, " came before; --doubles=skip keeps the first one only"));
      }
      entry->image = relocator.Image(*entry);
      return writer->Write(*entry);
    }));
  }
  return Commit(writer.get(), manifests);
}

absl::StatusOr<DatasetCounts> SubsetDataset(const SubsetOptions& options) {
  ASSIGN_OR_RETURN(const auto chooser, Chooser::Create(options));
  ASSIGN_OR_RETURN(const auto reader, DatasetReader::Open(options.input));
  ASSIGN_OR_RETURN(const auto writer,
                   DatasetWriter::Create(options.output, RebasedHeader(*reader, options.output), {options.input}));
  RETURN_IF_ERROR(ForEachEntry(reader.get(), [&](DatasetEntry* entry) -> absl::Status {
    if (options.limit > 0 && writer->entries() >= options.limit) return absl::OkStatus();
    return chooser->Apply(entry) ? writer->Write(*entry) : absl::OkStatus();
  }));
  const bool saw_all = options.limit == 0 || writer->entries() < options.limit;
  if (saw_all) RETURN_IF_ERROR(chooser->CheckAttributesAreKnown());
  return Commit(writer.get(), {reader->manifest_path()});
}

}  // namespace hardface::data
