#include "pipelines/torture_hostile.h"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "data_tools/formats/made_mat_file.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Flags = std::vector<std::string>;

constexpr double kMaxSeconds = 30;
constexpr int64_t kMaxBytes = int64_t{1500} << 20;

void Write(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string Repeated(const std::string& text, int64_t times) {
  std::string all;
  all.reserve(text.size() * static_cast<size_t>(times));
  for (int64_t i = 0; i < times; ++i) all += text;
  return all;
}

// ---- Files.

std::string BigEndian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string Chunk(const std::string& kind, const std::string& data) {
  const std::string body = kind + data;
  const auto crc =
      static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
  return BigEndian(static_cast<uint32_t>(data.size())) + body + BigEndian(crc);
}

// COUNT zero bytes, packed by zlib.
std::string PackedZeros(int64_t count) {
  z_stream stream{};
  deflateInit(&stream, 9);
  const std::string zeros(1 << 20, '\0');
  std::string packed, part(1 << 20, '\0');
  for (int64_t left = count; left >= 0; left -= static_cast<int64_t>(zeros.size())) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
    stream.avail_in = static_cast<uInt>(std::min<int64_t>(left, static_cast<int64_t>(zeros.size())));
    const int flush = left <= static_cast<int64_t>(zeros.size()) ? Z_FINISH : Z_NO_FLUSH;
    do {
      stream.next_out = reinterpret_cast<Bytef*>(part.data());
      stream.avail_out = static_cast<uInt>(part.size());
      deflate(&stream, flush);
      packed.append(part, 0, part.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    if (flush == Z_FINISH) break;
  }
  deflateEnd(&stream);
  return packed;
}

// A grey PNG whose header says so many pixels, with data for ROWS rows, all black.
std::string BlackPng(uint32_t width, uint32_t height, uint32_t rows) {
  const std::string header = BigEndian(width) + BigEndian(height) + std::string("\x08\x00\x00\x00\x00", 5);
  return std::string("\x89PNG\r\n\x1a\n", 8) + Chunk("IHDR", header) +
         Chunk("IDAT", PackedZeros((int64_t{width} + 1) * rows)) + Chunk("IEND", "");
}

// An archive of one file of BYTES zeros, packed by FILTER of libarchive (-1: a zip).
void WriteArchiveBomb(const std::string& path, int filter, int64_t bytes) {
  archive* const writer = archive_write_new();
  filter < 0 ? archive_write_set_format_zip(writer) : archive_write_set_format_ustar(writer);
  if (filter >= 0) archive_write_add_filter(writer, filter);
  archive_write_open_filename(writer, path.c_str());
  archive_entry* const entry = archive_entry_new();
  archive_entry_set_pathname(entry, "0--Parade/a.txt");
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  archive_entry_set_size(entry, bytes);
  archive_write_header(writer, entry);
  const std::string zeros(1 << 20, '\0');
  for (int64_t left = bytes; left > 0; left -= static_cast<int64_t>(zeros.size())) {
    archive_write_data(writer, zeros.data(), static_cast<size_t>(std::min<int64_t>(left, 1 << 20)));
  }
  archive_entry_free(entry);
  archive_write_free(writer);
}

// An archive of files whose names and links lead elsewhere.
void WriteArchiveThatLeadsElsewhere(const std::string& path) {
  archive* const writer = archive_write_new();
  archive_write_set_format_gnutar(writer);
  archive_write_open_filename(writer, path.c_str());
  const std::string text = "000000\n1\n1 2 30 40 0.5\n";
  for (const char* name : {"../../escaped.txt", "/tmp/escaped-absolute.txt", "linked/escaped.txt", "e/000000.txt"}) {
    archive_entry* const entry = archive_entry_new();
    if (absl::StartsWith(name, "linked")) {
      archive_entry_set_pathname(entry, "linked");
      archive_entry_set_filetype(entry, AE_IFLNK);
      archive_entry_set_symlink(entry, "/tmp");
      archive_write_header(writer, entry);
      archive_entry_clear(entry);
    }
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, static_cast<int64_t>(text.size()));
    archive_write_header(writer, entry);
    archive_write_data(writer, text.data(), text.size());
    archive_entry_free(entry);
  }
  archive_write_free(writer);
}

std::string Safetensors(uint64_t header_bytes, const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &header_bytes, 8);
  return bytes + header + data;
}

// A .mat file of one compressed cell array of COUNT empty cells.
std::string MatOfCells(int32_t count) {
  return data::MadeMatFile("event_list", 1, static_cast<uint32_t>(count),
                           Repeated(std::string("\x0e\0\0\0\0\0\0\0", 8), count));
}

constexpr char kHeader[] = "{\"format\":\"hardface.dataset\",\"version\":1,\"image_root\":\"data/images\"}\n";

// ---- Trials.

struct Hostile {
  std::string subject, trial, tool;
  Flags flags;
  bool refused = true;  // else it is taken, and must do no harm
};

class HostileTrials {
 public:
  HostileTrials(const TortureWorkspace& workspace, TortureReport* report) : workspace_(workspace), report_(report) {}

  void Try(const Hostile& hostile) {
    workspace_.Remove({"out"});
    ToolLimits limits;
    limits.timeout_ms = static_cast<int>(2000 * kMaxSeconds);
    const ToolOutcome outcome = workspace_.Run(hostile.tool, hostile.flags, limits);
    std::string first = outcome.error.substr(0, outcome.error.find('\n'));
    for (size_t line = outcome.error.find("Error: "); line != std::string::npos && line < outcome.error.size();) {
      first = outcome.error.substr(line, outcome.error.find('\n', line) - line);
      break;
    }
    std::string result = outcome.exit_code == 0 ? "taken; nothing appears outside the output" : ShortError(first);
    bool holds = !outcome.timed_out && outcome.seconds < kMaxSeconds && outcome.max_bytes < kMaxBytes;
    if (hostile.refused) {
      holds = holds && outcome.exit_code == 1 && absl::StrContains(outcome.error, "Error: ");
    } else {
      holds = holds && (outcome.exit_code == 0 || outcome.exit_code == 1);
    }
    if (outcome.signal != 0) result = absl::StrCat("ended by signal ", outcome.signal);
    if (Escaped()) {
      holds = false;
      result = "a file appears outside the output";
    }
    report_->Add({"hostile", hostile.subject, absl::StrCat(hostile.trial, ", `", hostile.tool, "`"), result, holds,
                  outcome.seconds, outcome.max_bytes});
    workspace_.Remove({"out"});
  }

 private:
  static std::string ShortError(std::string text) {
    std::replace(text.begin(), text.end(), '|', '/');
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) c = '?';
    }
    return text.size() > 160 ? text.substr(0, 157) + "..." : text;
  }

  bool Escaped() const {
    for (const std::string& place :
         {workspace_.At("escaped.txt"), workspace_.At("../escaped.txt"), workspace_.At("../escaped.jpg"),
          workspace_.At("escaped.jpg"), std::string("/tmp/escaped.txt"), std::string("/tmp/escaped-absolute.txt")}) {
      std::error_code ignored;
      if (fs::exists(place, ignored)) return true;
    }
    return false;
  }

  const TortureWorkspace& workspace_;
  TortureReport* const report_;
};

void TryPictures(const TortureWorkspace& workspace, HostileTrials* trials) {
  const std::string detector = "--model=" + workspace.model();
  Write(workspace.At("bomb/a.png"), BlackPng(30000, 30000, 30000));
  Write(workspace.At("lie/a.png"), BlackPng(1u << 30, 1u << 30, 0));
  trials->Try({"PNG bomb", "900 megapixels in 0.9 MB", "infer/detect", {detector, "bomb", "--output=out"}});
  trials->Try({"PNG header", "2^60 pixels announced", "infer/detect", {detector, "lie", "--output=out"}});
  Write(workspace.At("bombset/manifest.jsonl"),
        "{\"format\":\"hardface.dataset\",\"version\":1,\"image_root\":\"../bomb\"}\n"
        "{\"image\":\"a.png\",\"width\":30000,\"height\":30000,\"flip\":false,\"faces\":[]}\n");
  trials->Try({"PNG bomb", "in a dataset", "data_tools/flip", {"--input=bombset", "--materialize", "--output=out"}});
}

void TryArchives(const TortureWorkspace& workspace, HostileTrials* trials) {
  WriteArchiveBomb(workspace.At("bomb.zip"), -1, int64_t{1} << 30);
  WriteArchiveBomb(workspace.At("bomb.tar.zst"), ARCHIVE_FILTER_ZSTD, int64_t{4} << 30);
  WriteArchiveBomb(workspace.At("bomb.tar.gz"), ARCHIVE_FILTER_GZIP, int64_t{1} << 30);
  for (const char* name : {"bomb.zip", "bomb.tar.zst", "bomb.tar.gz"}) {
    trials->Try({name,
                 absl::StrCat(fs::file_size(workspace.At(name)) / 1000, " kB that unpack to gigabytes"),
                 "eval/wider",
                 {"--ground_truth=data", absl::StrCat("--detections=", name), "--output=out"}});
  }
  WriteArchiveThatLeadsElsewhere(workspace.At("elsewhere.tar"));
  trials->Try({"elsewhere.tar",
               "names with `..`, absolute names, links",
               "eval/wider",
               {"--ground_truth=data", "--detections=elsewhere.tar", "--output=out"},
               /*refused=*/false});
}

void TryJson(const TortureWorkspace& workspace, HostileTrials* trials) {
  const std::string deep = Repeated("[", 1'000'000), objects = Repeated("{\"a\":", 1'000'000);
  Write(workspace.At("deep/manifest.jsonl"), kHeader + deep + "\n");
  trials->Try({"manifest.jsonl", "a million brackets", "data_tools/stats", {"--input=deep"}});
  Write(workspace.At("deep/manifest.jsonl"), objects);
  trials->Try({"manifest.jsonl", "a million objects in the header", "data_tools/stats", {"--input=deep"}});
  Write(workspace.At("deep.jsonl"), objects);
  trials->Try({"detections.jsonl",
               "a million objects",
               "eval/dataset",
               {"--dataset=data", "--detections=deep.jsonl", "--output=out"}});
  Write(workspace.At("deep.json"), "{\"images\":" + deep);
  trials->Try({"COCO",
               "a million brackets",
               "data_tools/import",
               {"--format=coco", "--input=deep.json", "--images=data/images", "--output=out"}});
  Write(workspace.At("deep.odgt"), objects);
  trials->Try({"odgt",
               "a million objects",
               "data_tools/import",
               {"--format=odgt", "--input=deep.odgt", "--images=data/images", "--output=out"}});
  Write(workspace.At("twice/manifest.jsonl"),
        absl::StrCat(kHeader,
                     "{\"image\":\"000000.jpg\",\"width\":96,\"height\":96,\"faces\":[],\"image\":\"x.jpg\"}\n"));
  trials->Try({"manifest.jsonl", "a key that stands twice", "data_tools/stats", {"--input=twice"}});
}

void TryXmlAndYaml(const TortureWorkspace& workspace, HostileTrials* trials) {
  std::string entities = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY e0 \"lol\">";
  std::string aliases = "a0: &a0 [lol]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = absl::StrCat("&e", i - 1, ";"), alias = absl::StrCat("*a", i - 1);
    absl::StrAppend(&entities, "<!ENTITY e", i, " \"", Repeated(before, 10), "\">");
    absl::StrAppend(&aliases, "a", i, ": &a", i, " [", alias, Repeated("," + alias, 9), "]\n");
  }
  absl::StrAppend(&entities, "]><annotation><filename>&e29;</filename></annotation>");
  Write(workspace.At("entities/000000.xml"), entities);
  trials->Try({"VOC",
               "10^29 entities, which are not expanded",
               "data_tools/import",
               {"--format=voc", "--input=entities", "--images=data/images", "--output=out"},
               /*refused=*/false});
  Write(workspace.At("aliases/data.yaml"), aliases + "names: *a29\ntrain: *a29\n");
  trials->Try({"data.yaml",
               "10^29 aliases",
               "data_tools/import",
               {"--format=yolo", "--input=aliases/data.yaml", "--images=data/images", "--output=out"}});
  Write(workspace.At("nested/data.yaml"), "names: " + Repeated("[", 1'000'000));
  trials->Try({"data.yaml",
               "a million brackets",
               "data_tools/import",
               {"--format=yolo", "--input=nested/data.yaml", "--images=data/images", "--output=out"}});
  Write(workspace.At("nested/000000.xml"), "<annotation>" + Repeated("<a>", 1'000'000));
  trials->Try({"VOC",
               "a million elements deep",
               "data_tools/import",
               {"--format=voc", "--input=nested/000000.xml", "--images=data/images", "--output=out"}});
}

void TryModels(const TortureWorkspace& workspace, HostileTrials* trials) {
  const auto with = [&](const char* shape, const char* end) {
    return absl::StrFormat("{\"a\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[0,%s]}}", shape, end);
  };
  const std::string huge = with("1", "9223372036854775807"), wide = with("4294967296,4294967296,4", "16");
  const std::vector<std::pair<std::string, std::string>> files = {
      {"a header of 2^60 bytes", Safetensors(uint64_t{1} << 60, "{}", "")},
      {"a header of 8 EB and one", Safetensors(~uint64_t{0}, "{}", "")},
      {"a tensor that ends at 2^63", Safetensors(huge.size(), huge, "1234")},
      {"a shape of 2^66 values", Safetensors(wide.size(), wide, std::string(16, '\0'))},
      {"a million brackets", Safetensors(1'000'000, Repeated("[", 1'000'000), "")},
  };
  for (const auto& [trial, bytes] : files) {
    Write(workspace.At("lie.safetensors"), bytes);
    trials->Try({"safetensors", trial, "model/describe", {"--model=lie.safetensors"}});
  }
  Write(workspace.At("cells/wider_face_val.mat"), MatOfCells(3'000'000));
  trials->Try({".mat",
               "3 million cells in 24 kB",
               "data_tools/import",
               {"--format=wider_mat", "--input=cells/wider_face_val.mat", "--images=data/images", "--output=out"}});
}

// Manifests whose images' names lead out of every output folder.
void TryNames(const TortureWorkspace& workspace, HostileTrials* trials) {
  fs::create_directories(workspace.At("names"));
  fs::copy_file(workspace.At("data/images/000000.jpg"), workspace.At("names/000000.jpg"),
                fs::copy_options::overwrite_existing);
  fs::create_directories(workspace.At("names/deep/er"));
  std::string manifest = "{\"format\":\"hardface.dataset\",\"version\":1,\"image_root\":\".\"}\n";
  for (const std::string& name : {std::string("deep/er/../../000000.jpg"), std::string("../names/000000.jpg"),
                                  fs::absolute(workspace.At("names/000000.jpg")).string()}) {
    absl::StrAppend(
        &manifest, "{\"image\":\"", name,
        "\",\"width\":96,\"height\":96,\"flip\":false,\"faces\":[{\"box\":[10,10,30,30],\"ignore\":false}]}\n");
  }
  Write(workspace.At("names/manifest.jsonl"), manifest);
  const auto before = workspace.Contents({"names", "data", "other"});
  trials->Try({"manifest.jsonl",
               "names with `..` and absolute names",
               "data_tools/flip",
               {"--input=names", "--materialize", "--output=out"},
               false});
  for (const char* format : {"voc", "yolo"}) {
    trials->Try({"manifest.jsonl",
                 absl::StrCat("the same, to ", format),
                 "data_tools/export",
                 {"--input=names", absl::StrCat("--format=", format), "--output=out"},
                 false});
  }
  trials->Try({"manifest.jsonl",
               "the same, drawn",
               "infer/detect",
               {"--dataset=names", "--model=" + workspace.model(), "--pyramid=64", "--draw", "--output=out"},
               false});
  if (workspace.Contents({"names", "data", "other"}) != before) {
    trials->Try({"manifest.jsonl", "its folder changed", "data_tools/stats", {"--input=nothing"}});
  }
}

}  // namespace

void GiveHostileFiles(const TortureWorkspace& workspace, TortureReport* report) {
  HostileTrials trials(workspace, report);
  TryPictures(workspace, &trials);
  TryArchives(workspace, &trials);
  TryJson(workspace, &trials);
  TryXmlAndYaml(workspace, &trials);
  TryModels(workspace, &trials);
  TryNames(workspace, &trials);
}

namespace {

// A manifest of COUNT entries, which show the first 20 of the workspace's pictures by turns.
void WriteManifest(const TortureWorkspace& workspace, const std::string& folder, int64_t count) {
  fs::create_directories(workspace.At(folder));
  std::ofstream file(workspace.At(folder + "/manifest.jsonl"), std::ios::binary);
  file << "{\"format\":\"hardface.dataset\",\"version\":1,\"image_root\":\"../data/images\"}\n";
  for (int64_t i = 0; i < count; ++i) {
    file << absl::StrFormat(
        "{\"image\":\"%06d.jpg\",\"width\":96,\"height\":96,\"flip\":false,\"faces\":[{\"box\":[%d,%d,"
        "%d,%d],\"ignore\":false}]}\n",
        i % 20, i % 40, i % 30, 12 + i % 20, 12 + i % 20);
  }
}

// A manifest of images that are never read, each with a name of its own, and detections in them.
void WriteNamesAndDetections(const TortureWorkspace& workspace, const std::string& folder, int64_t images,
                             int64_t per_image) {
  fs::create_directories(workspace.At(folder));
  std::ofstream manifest(workspace.At(folder + "/manifest.jsonl"), std::ios::binary);
  std::ofstream found(workspace.At(folder + ".jsonl"), std::ios::binary);
  manifest << "{\"format\":\"hardface.dataset\",\"version\":1,\"image_root\":\".\"}\n";
  for (int64_t i = 0; i < images; ++i) {
    manifest << absl::StrFormat(
        "{\"image\":\"%08d.jpg\",\"width\":96,\"height\":96,\"flip\":false,\"faces\":[{\"box\":[8,8,"
        "30,30],\"ignore\":false}]}\n",
        i);
    found << absl::StrFormat("{\"image\":\"%08d.jpg\",\"boxes\":[", i);
    for (int64_t d = 0; d < per_image; ++d) {
      found << absl::StrFormat("%s[%d,%d,30,30,%.4f]", d == 0 ? "" : ",", 8 + d % 50, 8 + d % 40,
                               0.9999 - 1e-4 * static_cast<double>((i + d) % 9999));
    }
    found << "]}\n";
  }
}

class LoadTrials {
 public:
  LoadTrials(const TortureWorkspace& workspace, TortureReport* report) : workspace_(workspace), report_(report) {}

  // MAKE(size) makes the input and gives the flags. Memory that grows by less than BYTES_PER_UNIT a unit holds.
  template <typename Make>
  void Try(const std::string& tool, const std::string& what, int64_t size, double bytes_per_unit, const Make& make) {
    double seconds[2], longest = 0;  // of the processor; from start to end
    int64_t bytes[2];
    const int64_t sizes[2] = {std::max<int64_t>(1, size / 4), size};
    for (int i = 0; i < 2; ++i) {
      workspace_.Remove({"out", "out_a", "out_b", "load", "load.jsonl", "load.png"});
      const ToolOutcome outcome = workspace_.Run(tool, make(sizes[i]));
      if (outcome.exit_code != 0) {
        report_->Add({"load", tool, what, outcome.error.substr(0, 300), false, outcome.seconds, outcome.max_bytes});
        return;
      }
      seconds[i] = outcome.processor_seconds;
      longest = outcome.seconds;
      bytes[i] = outcome.max_bytes;
    }
    const double growth = static_cast<double>(bytes[1] - bytes[0]) / static_cast<double>(sizes[1] - sizes[0]);
    // Four times the work: time in proportion is four times as much, with room for caches and starting.
    const bool linear = seconds[1] < 6 * std::max(seconds[0], 0.5);
    report_->Add(
        {"load", tool, absl::StrFormat("%d %s", size, what),
         absl::StrFormat("%.1f s of the processor, and %.1f s and %.0f MB for a quarter of it; %.3g bytes more "
                         "for each",
                         seconds[1], seconds[0], static_cast<double>(bytes[0]) / 1e6, growth),
         linear && growth <= bytes_per_unit, longest, bytes[1]});
    workspace_.Remove({"out", "out_a", "out_b", "load", "load.jsonl", "load.png"});
  }

 private:
  const TortureWorkspace& workspace_;
  TortureReport* const report_;
};

}  // namespace

void Load(const TortureWorkspace& workspace, const LoadSizes& sizes, TortureReport* report) {
  LoadTrials trials(workspace, report);
  const auto manifest = [&](int64_t entries) { WriteManifest(workspace, "load", entries); };
  if (sizes.entries > 0) {
    trials.Try("data_tools/stats", "entries of a manifest", sizes.entries, 16, [&](int64_t entries) {
      manifest(entries);
      return Flags{"--input=load"};
    });
    trials.Try("data_tools/split", "entries of a manifest, of 20 images", sizes.entries, 64, [&](int64_t entries) {
      manifest(entries);
      return Flags{"--input=load", "--outputs=out_a,out_b", "--fractions=0.9,0.1"};
    });
    trials.Try("train/train", "entries of a manifest, 4 iterations", sizes.entries, 2000, [&](int64_t entries) {
      manifest(entries);
      return Flags{"--dataset=load", "--output=out",       "--width_divisor=16", "--initialization=he",
                   "--early_rate=1", "--input_divisor=64", "--short_sides=64",   "--iterations=4",
                   "--threads=1",    "--device=cpu"};
    });
  }
  if (sizes.detections > 0) {
    constexpr int64_t kPerImage = 500;
    trials.Try("eval/dataset", "detections, 500 an image", sizes.detections, 300, [&](int64_t detections) {
      WriteNamesAndDetections(workspace, "load", std::max<int64_t>(1, detections / kPerImage), kPerImage);
      return Flags{"--dataset=load", "--detections=load.jsonl", "--output=out"};
    });
  }
  if (sizes.images > 0) {
    trials.Try("infer/detect", "images of 96 x 96 pixels", sizes.images, 400, [&](int64_t images) {
      fs::create_directories(workspace.At("load"));
      for (int64_t i = 0; i < images; ++i) {
        fs::copy_file(workspace.At(absl::StrFormat("data/images/%06d.jpg", i % 20)),
                      workspace.At(absl::StrFormat("load/%08d.jpg", i)));
      }
      return Flags{"load", "--model=" + workspace.model(), "--pyramid=32", "--noflip", "--output=out"};
    });
  }
  if (sizes.megapixels > 0) {
    trials.Try("infer/detect", "million pixels of one image", sizes.megapixels, 2e7, [&](int64_t megapixels) {
      Write(workspace.At("load.png"), BlackPng(static_cast<uint32_t>(megapixels * 100), 10000, 10000));
      return Flags{"load.png", "--model=" + workspace.model(), "--pyramid=400", "--noflip", "--output=out"};
    });
  }
}

}  // namespace hardface
