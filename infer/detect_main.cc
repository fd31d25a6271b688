// infer/detect: finds faces.
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/atomic_output.h"
#include "base/flag_values.h"
#include "base/json_text.h"
#include "base/output_guard.h"
#include "base/paths.h"
#include "base/progress.h"
#include "base/provenance.h"
#include "base/running_tool.h"
#include "base/status_macros.h"
#include "base/text_file.h"
#include "base/tool_main.h"
#include "data_tools/dataset/dataset.h"
#include "data_tools/images/image_io.h"
#include "infer/detect_images.h"
#include "infer/images_to_detect.h"
#include "infer/picture_outputs.h"
#include "infer/result_journal.h"
#include "infer/result_names.h"
#include "infer/result_writers.h"
#include "infer/shipped_model.h"
#include "infer/video_frames.h"
#include "infer/watched_folders.h"
#include "model/cuda/cuda_device.h"
#include "model/cuda/precision.h"
#include "model/execution/device.h"
#include "model/execution/engine_flags.h"
#include "model/execution/openmp_policy.h"

ABSL_FLAG(std::string, model, "",
          "Detector to run: a .safetensors file, or a published .caffemodel. Empty takes hardface-s, which ships with "
          "the project.");
ABSL_FLAG(std::string, dataset, "", "Dataset on whose images faces are detected. Give this, or images and folders.");
ABSL_FLAG(std::vector<std::string>, images, {},
          "Images on which faces are detected, separated by commas: files, videos, named pipes with a video's "
          "ending into which ffmpeg writes a stream, folders, patterns ('2024/*.jpg'), lists of files (@list.txt, a "
          "name on each line), or - for such a list on the standard input. They can be given as "
          "arguments as well.");
ABSL_FLAG(
    bool, resume, false,
    "Goes on with an interrupted run of the same images and settings behind the images that are done. The results "
    "are those of a run that was not interrupted. Where there is none, the run begins with the first image.");
ABSL_FLAG(bool, watch, false,
          "Watches the folders that are given, and detects faces on each picture in them and on each that comes, when "
          "nobody writes it any more. Ctrl-C ends it and completes the results; after any other end --resume goes on.");
ABSL_FLAG(std::string, shard, "",
          "Part of the images to detect on, as I/N, such as 0/4 for the first of four. The images are divided into N "
          "consecutive parts, for several machines or GPUs. The parts' files, one after another, equal those of one "
          "run. Empty takes all images.");
ABSL_FLAG(std::string, exif, "turn",
          "What to do with photographs whose EXIF data say that they are to be turned: turn (detect on the picture as "
          "viewers show it, to which boxes and drawings then refer) or keep (take the pixels as stored). A --dataset "
          "is always taken as stored, because its boxes refer to these pixels.");
ABSL_FLAG(std::string, output, "", "Folder to write. Required with --dataset; otherwise empty means the folder found.");
ABSL_FLAG(
    std::vector<std::string>, format, std::vector<std::string>({"jsonl"}),
    "Forms of the results, separated by commas: any of jsonl, csv, wider, fddb, face_eval, coco (COCO's results), "
    "yolo (labels to correct by hand), tracks (which faces of a video's frames are the same).");
ABSL_FLAG(
    std::vector<std::string>, pyramid, {},
    "Levels of the image pyramid, separated by commas, such as 100,300,600,1000,1400. Empty takes the model's own.");
ABSL_FLAG(std::string, speed, "",
          "How much of the pyramid is run: accurate (every level and its mirror image, as published), balanced (large "
          "levels only around small candidates of smaller levels, and few mirror images), or fast (the same with fewer "
          "levels run whole and stronger candidates asked for). Empty means accurate with --dataset, whose detections "
          "are to be scored, and balanced for other images.");
ABSL_FLAG(bool, flip, true,
          "Runs mirror images as well: of every level with --speed=accurate, of small levels and some regions with "
          "balanced, of none with fast.");
ABSL_FLAG(bool, adaptive, false, "No longer exists: --speed=balanced takes its place.");
ABSL_FLAG(std::string, nms, "vote",
          "How overlapping boxes are merged: vote (box voting) or plain (non-maximum suppression).");
ABSL_FLAG(double, nms_threshold, 0.4, "IoU above 0, up to 1, from which boxes are merged.");
ABSL_FLAG(std::string, singletons, "keep",
          "Applies with --nms=vote. What happens to a box that no other box overlaps: keep or drop. The published code "
          "drops it.");
ABSL_FLAG(double, score_threshold, -1,
          "Score from 0 to 1; boxes of this score or less are left out. -1 chooses by the input. With --dataset, whose "
          "detections are to be scored, it means 0.05 of the network's own scores, as published. For other images it "
          "means the model's own "
          "balanced threshold, or 0.05 where it has none.");
ABSL_FLAG(std::vector<std::string>, box_style, {},
          "Changes every box to another annotation style than the training set's, by four numbers DX,DY,WIDTH,HEIGHT. "
          "The box moves by DX of its width and DY of its height, and its size is multiplied by WIDTH and HEIGHT. Run "
          "eval:dataset --refits to measure the four for a dataset. Empty leaves the boxes as they are.");
ABSL_FLAG(bool, draw, false,
          "Writes pictures with the boxes drawn into OUTPUT/drawn. Of a video a video is written, with its sound.");
ABSL_FLAG(
    double, draw_threshold, -1,
    "Smallest score, from 0 to 1, of a face that is drawn, cut out, blurred or pixelated. -1 takes the model's own "
    "balanced threshold, or 0.5 where it has none.");
ABSL_FLAG(std::string, crops, "",
          "Folder to write a picture of each face into, outside of --output. Empty cuts out no faces.");
ABSL_FLAG(bool, blur, false,
          "Writes the pictures and videos with their faces blurred into OUTPUT/blurred, under their own names.");
ABSL_FLAG(bool, pixelate, false,
          "Writes the pictures and videos with their faces pixelated into OUTPUT/pixelated, under their own names.");
ABSL_FLAG(bool, single_frames, false,
          "Applies with --draw, --blur and --pixelate. Writes each frame of a video as a picture of its own instead of "
          "one video.");
ABSL_FLAG(
    double, margin, 0.2,
    "Applies with --crops, --blur and --pixelate. How much of its width and height is added to a box on each side, "
    "from 0 to 10.");
ABSL_FLAG(
    bool, contact_sheet, false,
    "Writes the page OUTPUT/contact_sheet.html, which shows the first thousand pictures small, with their boxes.");
ABSL_FLAG(int, threads, 0, "Number of threads that compute. 0 uses all processors.");
ABSL_FLAG(std::string, memory_limit, "",
          "Memory that the process may use, such as 2GiB or 800MB; on GPUs, the memory of each of them. Larger levels "
          "are run in tiles, which give the same detections. Empty sets no limit.");
ABSL_FLAG(
    std::string, device, "auto",
    "Device to run on: cpu, cuda:N, or auto (the first GPU where this program and machine have one, else the CPU).");
ABSL_FLAG(std::vector<std::string>, devices, {},
          "Several GPUs that share the images, in place of --device: cuda:0,cuda:1, or all. The results are written in "
          "the images' order, as with one GPU. Empty takes --device.");
ABSL_FLAG(
    int, workers_per_gpu, 1,
    "Number of images, from 1 to 8, that each GPU works on at a time. More than 1 keeps a large GPU busy with small "
    "images, and takes as many times the memory; --memory_limit is divided among them. It is ignored on the CPU.");
ABSL_FLAG(int, pad_to, 0,
          "Number of pixels, from 0 to 1024, to a multiple of which the sides of pyramid levels are padded. 64 makes "
          "images of many sizes share a GPU's plans at the price of some 4 % more pixels. 0, and what is less than the "
          "detector's own multiple (16 or 32), takes the latter.");
ABSL_FLAG(std::string, precision, "bf16",
          "Arithmetic type used on a GPU: fp32, tf32, bf16 or fp16. It is ignored on the CPU.");

namespace hardface::infer {
namespace {

absl::StatusOr<std::vector<int>> ParseLevels() {
  std::vector<int> levels;
  for (const std::string& text : absl::GetFlag(FLAGS_pyramid)) {
    int level = 0;
    if (!absl::SimpleAtoi(text, &level) || level < 1 || level > 100000) {
      return UsageError(
          absl::StrCat("--pyramid: \"", text, "\" is not a level; give whole numbers such as 100,300,600"));
    }
    if (std::find(levels.begin(), levels.end(), level) != levels.end()) {
      return UsageError(
          absl::StrCat("--pyramid: the level ", level, " stands twice, and each of its boxes would; remove one"));
    }
    levels.push_back(level);
  }
  return levels;
}

absl::StatusOr<int64_t> ParseBytes(const std::string& text) {
  if (text.empty()) return 0;
  const std::vector<std::pair<absl::string_view, double>> units = {
      {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"GB", 1e9}, {"MB", 1e6}};
  for (const auto& [unit, factor] : units) {
    absl::string_view number = text;
    double value = 0;
    if (absl::ConsumeSuffix(&number, unit) && absl::SimpleAtod(number, &value) && value > 0 && value < 1e6) {
      return static_cast<int64_t>(value * factor);
    }
  }
  return UsageError(absl::StrCat("--memory_limit=", text, ": give a number and a unit, such as 2GiB or 800MB"));
}

absl::StatusOr<data::BoxStyle> ParseBoxStyle() {
  const std::vector<std::string> parts = absl::GetFlag(FLAGS_box_style);
  data::BoxStyle style;
  if (parts.empty()) return style;
  double* const values[] = {&style.dx, &style.dy, &style.width, &style.height};
  bool good = parts.size() == 4;
  for (size_t i = 0; i < 4 && good; ++i) {
    good = absl::SimpleAtod(parts[i], values[i]) && std::abs(*values[i]) <= 100;
  }
  if (good && style.width > 0 && style.height > 0) return style;
  return UsageError(absl::StrCat("--box_style=", absl::StrJoin(parts, ","),
                                 ": give four numbers, two offsets and two factors above 0, such as 0,-0.1,1.2,1.4"));
}

// --device, or --devices in its place.
absl::Status SetDevices(DetectImagesOptions* options) {
  const std::string device = absl::GetFlag(FLAGS_device);
  const std::vector<std::string> several = absl::GetFlag(FLAGS_devices);
  if (several.empty()) {
    const auto parsed = model::ParseDevice(device);
    if (!parsed.ok()) return UsageError(absl::StrCat("--device=", device, ": ", parsed.status().message()));
    options->detect.device = *parsed;
    return absl::OkStatus();
  }
  const std::string text = absl::StrCat("--devices=", absl::StrJoin(several, ","));
  if (device != "auto") return UsageError(absl::StrCat("give either --device=", device, " or ", text));
  const auto parsed = model::ParseDevices(several, model::CudaDeviceCount());
  if (!parsed.ok()) return UsageError(absl::StrCat(text, ": ", parsed.status().message()));
  options->devices = *parsed;
  return absl::OkStatus();
}

absl::Status SetFormats(DetectImagesOptions* options) {
  std::vector<std::pair<std::string, std::string>> choices;
  for (const std::string& format : ResultFormats()) choices.emplace_back(format, format);
  options->formats.clear();
  for (const std::string& text : absl::GetFlag(FLAGS_format)) {
    std::string format;
    RETURN_IF_ERROR(Choose<std::string>("format", text, choices, &format));
    if (absl::c_linear_search(options->formats, format)) {
      return UsageError(absl::StrCat("--format: ", format, " is named twice; name each form once"));
    }
    options->formats.push_back(format);
  }
  if (!options->formats.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("--format: name at least one of ", absl::StrJoin(ResultFormats(), ", ")));
}

absl::Status SetPictures(PictureOptions* pictures) {
  pictures->draw = absl::GetFlag(FLAGS_draw);
  pictures->blur = absl::GetFlag(FLAGS_blur);
  pictures->pixelate = absl::GetFlag(FLAGS_pixelate);
  pictures->single_frames = absl::GetFlag(FLAGS_single_frames);
  if (pictures->single_frames && !pictures->draw && !pictures->blur && !pictures->pixelate) {
    return UsageError("--single_frames goes with --draw, --blur or --pixelate");
  }
  pictures->contact_sheet = absl::GetFlag(FLAGS_contact_sheet);
  pictures->margin = absl::GetFlag(FLAGS_margin);
  return RequireRange("margin", pictures->margin, 0, 10);
}

absl::Status SetSpeed(DetectOptions* options) {
  if (absl::GetFlag(FLAGS_adaptive)) return UsageError("--adaptive no longer exists; give --speed=balanced");
  const std::string speed = absl::GetFlag(FLAGS_speed);
  options->speed = absl::GetFlag(FLAGS_dataset).empty() ? Speed::kBalanced : Speed::kAccurate;
  if (speed.empty()) return absl::OkStatus();
  return Choose<Speed>("speed", speed,
                       {{"accurate", Speed::kAccurate}, {"balanced", Speed::kBalanced}, {"fast", Speed::kFast}},
                       &options->speed);
}

absl::StatusOr<DetectImagesOptions> OptionsFromFlags() {
  DetectImagesOptions options;
  ASSIGN_OR_RETURN(options.detect.engine, model::EngineFromFlags());
  ASSIGN_OR_RETURN(options.detect.memory_limit, ParseBytes(absl::GetFlag(FLAGS_memory_limit)));
  ASSIGN_OR_RETURN(options.detect.pyramid, ParseLevels());
  ASSIGN_OR_RETURN(options.style, ParseBoxStyle());
  options.detect.flip = absl::GetFlag(FLAGS_flip);
  RETURN_IF_ERROR(SetSpeed(&options.detect));
  const std::string nms = absl::GetFlag(FLAGS_nms), singletons = absl::GetFlag(FLAGS_singletons);
  if (nms != "vote" && nms != "plain") return UsageError(absl::StrCat("--nms=", nms, ": give vote or plain"));
  if (singletons != "keep" && singletons != "drop") {
    return UsageError(absl::StrCat("--singletons=", singletons, ": give keep or drop"));
  }
  options.detect.merge = nms == "vote" ? Merge::kVote : Merge::kNms;
  const double threshold = absl::GetFlag(FLAGS_nms_threshold);
  if (!(threshold > 0 && threshold <= 1))
    return UsageError(absl::StrCat("--nms_threshold=", threshold, ": give a number above 0, up to 1"));
  options.detect.nms_threshold = options.detect.vote.iou_threshold = static_cast<float>(threshold);
  options.detect.vote.drop_singletons = singletons == "drop";
  RETURN_IF_ERROR(SetFormats(&options));
  RETURN_IF_ERROR(SetPictures(&options.pictures));
  options.threads = absl::GetFlag(FLAGS_threads);
  RETURN_IF_ERROR(SetDevices(&options));
  options.workers_per_gpu = absl::GetFlag(FLAGS_workers_per_gpu);
  RETURN_IF_ERROR(RequireRange("workers_per_gpu", options.workers_per_gpu, 1, 8));
  options.detect.pad_to = absl::GetFlag(FLAGS_pad_to);
  RETURN_IF_ERROR(RequireRange("pad_to", options.detect.pad_to, 0, 1024));
  const auto precision = model::ParsePrecision(absl::GetFlag(FLAGS_precision));
  if (!precision.ok()) return UsageError(absl::StrCat("--precision: ", precision.status().message()));
  options.detect.precision = *precision;
  return options;
}

absl::StatusOr<data::Pixels> PixelsFromFlags() {
  data::Pixels pixels = data::Pixels::kAsSeen;
  RETURN_IF_ERROR(Choose<data::Pixels>("exif", absl::GetFlag(FLAGS_exif),
                                       {{"turn", data::Pixels::kAsSeen}, {"keep", data::Pixels::kAsStored}}, &pixels));
  return pixels;
}

absl::StatusOr<std::vector<ImageToDetect>> FindPhotographs(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(const data::Pixels pixels, PixelsFromFlags());
  ASSIGN_OR_RETURN(FoundImages found, ImagesOfPaths(paths, pixels));
  if (!found.given_again.empty()) {
    absl::FPrintF(stderr, "detect: %d files were given more than once, such as %s; each is detected once\n",
                  found.given_again.size(), found.given_again[0]);
  }
  if (!found.videos.empty()) {
    absl::FPrintF(stderr,
                  "detect: %d videos in the folders are passed over, such as %s; name them, or give a pattern\n",
                  found.videos.size(), found.videos[0]);
  }
  return std::move(found.images);
}

std::vector<std::string> GivenPaths(const std::vector<std::string>& arguments) {
  std::vector<std::string> paths = absl::GetFlag(FLAGS_images);
  paths.insert(paths.end(), arguments.begin(), arguments.end());
  return paths;
}

absl::StatusOr<std::vector<ImageToDetect>> FindImages(const std::vector<std::string>& arguments,
                                                      Provenance* provenance) {
  const std::string dataset = absl::GetFlag(FLAGS_dataset);
  const std::vector<std::string> paths = GivenPaths(arguments);
  if (dataset.empty() == paths.empty()) {
    return UsageError("give either --dataset, or images and folders (--images=photo.jpg, or as arguments)");
  }
  if (dataset.empty()) return FindPhotographs(paths);
  ASSIGN_OR_RETURN(const auto reader, data::DatasetReader::Open(dataset));
  RETURN_IF_ERROR(provenance->AddInput(reader->manifest_path()));
  return ImagesOfDataset(dataset);
}

// Mirrored entries have a place in jsonl only.
void SayWhatIsLeftOut(const std::vector<ImageToDetect>& images, const std::vector<std::string>& formats) {
  const auto mirrored = absl::c_count_if(images, [](const ImageToDetect& image) { return image.flip; });
  for (const std::string& format : formats) {
    if (mirrored == 0 || format == "jsonl") continue;
    absl::FPrintF(stderr,
                  "detect: --format=%s has no place for mirrored entries; the dataset's %d are left out of it\n",
                  format, mirrored);
  }
}

// The thresholds of the flags, or what is right for MODEL and what is done with the detections.
absl::Status SetThresholds(const model::Model& model, DetectImagesOptions* options) {
  const double score = absl::GetFlag(FLAGS_score_threshold), draw = absl::GetFlag(FLAGS_draw_threshold);
  const std::optional<float> balanced = model.info.score_threshold;
  const bool to_be_scored = !absl::GetFlag(FLAGS_dataset).empty();
  for (const auto& [name, value] : {std::pair("score_threshold", score), std::pair("draw_threshold", draw)}) {
    if (value != -1) RETURN_IF_ERROR(RequireRange(name, value, 0, 1));
  }
  if (score != -1) {
    options->detect.score_threshold = model.info.NetworkScore(static_cast<float>(score));
  } else if (!to_be_scored && balanced.has_value()) {
    options->detect.score_threshold = model.info.NetworkScore(*balanced);
    std::fprintf(stderr, "detect: leaving out scores up to %g, the model's balanced threshold (--score_threshold)\n",
                 static_cast<double>(*balanced));
  }
  options->pictures.threshold = draw != -1 ? static_cast<float>(draw) : balanced.value_or(options->pictures.threshold);
  return absl::OkStatus();
}

// Leaves the part of IMAGES that --shard names.
absl::Status TakeShard(std::vector<ImageToDetect>* images) {
  const std::string shard = absl::GetFlag(FLAGS_shard);
  if (shard.empty()) return absl::OkStatus();
  const std::vector<std::string> parts = absl::StrSplit(shard, '/');
  int64_t index = 0, count = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &index) || !absl::SimpleAtoi(parts[1], &count) || index < 0 ||
      index >= count || count > 1000000) {
    return UsageError(absl::StrCat("--shard=", shard, ": give I/N with I from 0 to N - 1, such as 0/4"));
  }
  const auto all = static_cast<int64_t>(images->size());
  const int64_t first = all * index / count, end = all * (index + 1) / count;
  *images = std::vector<ImageToDetect>(images->begin() + first, images->begin() + end);
  return absl::OkStatus();
}

// Of pictures the forms of results whose names must not collide.
std::vector<std::string> NamedForms(const DetectImagesOptions& options) {
  std::vector<std::string> forms = options.formats;
  if (options.pictures.blur || options.pictures.pixelate) forms.emplace_back(kCopies);
  return forms;
}

// Work with the settings in which the results of an interrupted run must agree.
struct Work {
  std::string model_path;
  DetectImagesOptions options;
  std::string output;
  std::string crops;  // as given
  Provenance provenance;
};

// Where the results are put together until they are complete.
struct Folders {
  std::unique_ptr<AtomicFolder> results;
  std::unique_ptr<AtomicFolder> crops;  // null where no faces are cut out

  absl::Status Commit() const {
    return crops == nullptr ? results->Commit() : AtomicFolder::CommitTogether({results.get(), crops.get()});
  }
  void Discard() const {
    results->Discard();
    if (crops != nullptr) crops->Discard();
  }
};

absl::StatusOr<model::Model> LoadModelFor(Work* work) {
  ASSIGN_OR_RETURN(model::Model model, model::LoadModel(work->model_path));
  RETURN_IF_ERROR(work->provenance.AddInput(work->model_path));
  RETURN_IF_ERROR(SetThresholds(model, &work->options));
  return model;
}

// An error where the interrupted run in FOLDER had other settings or other inputs.
absl::Status CheckSameSettings(const std::string& folder, const nlohmann::ordered_json& now) {
  const std::string path = folder + "/provenance.json";
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path));
  ASSIGN_OR_RETURN(const auto before, ParseJson<nlohmann::ordered_json>(text, path));
  for (const char* part : {"flags", "inputs"}) {
    for (const auto& [name, value] : now[part].items()) {
      const bool matters = name != "threads";  // any number of them gives the same bits
      if (!matters || (before.contains(part) && before[part].contains(name) && before[part][name] == value)) continue;
      const std::string what = std::string(part) == "flags" ? "--" + name : name;
      return absl::FailedPreconditionError(absl::StrCat(
          folder, ": ", what,
          " differs from that of the interrupted run, so that --resume would mix two "
          "kinds of results. Give the same settings and inputs, or begin anew by --overwrite without --resume"));
    }
  }
  return absl::OkStatus();
}

// The results' folder; with --resume that of the interrupted run.
absl::StatusOr<std::unique_ptr<AtomicFolder>> OpenResults(const Work& work) {
  const bool resume = absl::GetFlag(FLAGS_resume);
  ASSIGN_OR_RETURN(auto folder,
                   AtomicFolder::CreateResumable(work.output, kImagesName, resume ? Begin::kGoOn : Begin::kAnew));
  if (folder->goes_on()) {
    RETURN_IF_ERROR(CheckSameSettings(folder->temporary_path(), work.provenance.ToJson()));
    return folder;
  }
  if (resume) {
    absl::FPrintF(stderr, "detect: --resume: there is no interrupted run of %s; the first image comes first\n",
                  work.output);
  }
  RETURN_IF_ERROR(work.provenance.WriteInto(folder->temporary_path()));
  return folder;
}

// Opens what --crops names and says in OPTIONS where faces go until the end.
absl::Status OpenCrops(const Work& work, Folders* folders, DetectImagesOptions* options) {
  if (work.crops.empty()) return absl::OkStatus();
  const bool resume = absl::GetFlag(FLAGS_resume);
  ASSIGN_OR_RETURN(folders->crops,
                   AtomicFolder::CreateResumable(work.crops, "provenance.json", resume ? Begin::kGoOn : Begin::kAnew));
  if (folders->results->goes_on() && !folders->crops->goes_on()) {
    folders->crops->Discard();
    return absl::FailedPreconditionError(absl::StrCat(
        work.crops, ".unfinished: the faces that the interrupted run of ", work.output,
        " has cut out are not there, and --resume does not do its pictures again; begin anew by --overwrite without "
        "--resume"));
  }
  RETURN_IF_ERROR(work.provenance.WriteInto(folders->crops->temporary_path()));
  options->pictures.crops = folders->crops->temporary_path();
  return absl::OkStatus();
}

absl::StatusOr<Folders> OpenFolders(Work* work) {
  Folders folders;
  ASSIGN_OR_RETURN(folders.results, OpenResults(*work));
  const absl::Status opened = OpenCrops(*work, &folders, &work->options);
  if (!opened.ok() && !folders.results->goes_on()) folders.results->Discard();
  RETURN_IF_ERROR(opened);
  return folders;
}

// Puts the results in place and says what they are. WANTED: how many images there were to detect.
absl::Status Complete(const Work& work, const DetectionCounts& counts, size_t wanted, const Folders& folders) {
  if (counts.images == 0 && !counts.failures.empty()) {
    folders.Discard();
    return absl::InvalidArgumentError(
        absl::StrCat("none of ", wanted, " images could be detected; the first: ", counts.failures[0]));
  }
  RETURN_IF_ERROR(work.provenance.WriteInto(folders.results->temporary_path()));
  if (folders.crops != nullptr) RETURN_IF_ERROR(work.provenance.WriteInto(folders.crops->temporary_path()));
  RETURN_IF_ERROR(folders.Commit());
  if (absl::GetFlag(FLAGS_output).empty()) absl::FPrintF(stderr, "detect: the results are in %s/\n", work.output);
  absl::PrintF("images=%d boxes=%d failed=%d\n", counts.images, counts.boxes, counts.failures.size());
  for (const std::vector<std::string>* messages : {&counts.failures, &counts.undrawn}) {
    for (const std::string& failure : *messages) absl::FPrintF(stderr, "detect: %s\n", failure);
  }
  if (counts.failures.empty() && counts.undrawn.empty()) return absl::OkStatus();
  if (counts.failures.empty()) {
    return absl::InternalError(
        absl::StrCat("of ", counts.undrawn.size(),
                     " videos no copy could be written (listed above); all other results are in ", work.output));
  }
  return absl::InvalidArgumentError(absl::StrCat(counts.failures.size(), " of ", wanted,
                                                 " images failed (listed above); the others' results are in ",
                                                 work.output));
}

// IMAGES, and of each video its first frame, which is called as the others are but for the number.
std::vector<ImageToDetect> NamesOfFirstFrames(std::vector<ImageToDetect> images) {
  for (ImageToDetect& image : images) {
    if (IsVideo(image.path)) image.name = FrameName(image.name, 0);
  }
  return images;
}

// The names of all results, those of videos that become videos again included.
absl::Status CheckNames(const std::vector<ImageToDetect>& images, const DetectImagesOptions& options) {
  const PictureOptions& pictures = options.pictures;
  RETURN_IF_ERROR(CheckResultNames(NamesOfFirstFrames(images), options.formats));
  if (!pictures.blur && !pictures.pixelate) return absl::OkStatus();
  return CheckResultNames(pictures.single_frames ? NamesOfFirstFrames(images) : images, {kCopies});
}

// ---- Ctrl-C, which ends --watch and streams, as they have no end of their own.

volatile std::sig_atomic_t stop_asked = 0;

void AskToStop(int) { stop_asked = 1; }

// From now on Ctrl-C ends what WORK does and completes its results, and a second one the process.
void StopAtInterrupt(Work* work) {
  work->options.stop = [] { return stop_asked != 0; };
  struct sigaction action = {};
  action.sa_handler = &AskToStop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and reading is interrupted
  sigaction(SIGINT, &action, nullptr);
}

void SayHowToStop(const char* doing, const Folders& folders) {
  absl::FPrintF(stderr, "detect: %s; the results so far are in %s/%s, and Ctrl-C completes them\n", doing,
                folders.results->temporary_path(), kDetectionsName);
}

absl::Status DetectGiven(const std::vector<std::string>& arguments, Work* work) {
  ASSIGN_OR_RETURN(std::vector<ImageToDetect> images, FindImages(arguments, &work->provenance));
  // Of all images, whatever the shard: the shards' results belong together.
  RETURN_IF_ERROR(CheckNames(images, work->options));
  SayWhatIsLeftOut(images, work->options.formats);
  RETURN_IF_ERROR(TakeShard(&images));
  for (const ImageToDetect& image : images) {
    RETURN_IF_ERROR(CheckSpares(work->output, image.path));
    if (!work->crops.empty()) RETURN_IF_ERROR(CheckSpares(work->crops, image.path));
  }
  ASSIGN_OR_RETURN(model::Model model, LoadModelFor(work));
  ASSIGN_OR_RETURN(const Folders folders, OpenFolders(work));
  if (absl::c_any_of(images, [](const ImageToDetect& image) { return IsStream(image.path); })) {
    StopAtInterrupt(work);
    SayHowToStop("reading a stream", folders);
  }
  ASSIGN_OR_RETURN(const DetectionCounts counts,
                   DetectImages(std::move(model), images, folders.results->temporary_path(), work->options));
  return Complete(*work, counts, images.size(), folders);
}

// ---- --watch.

absl::StatusOr<std::vector<std::string>> FoldersToWatch(const std::vector<std::string>& arguments) {
  const std::vector<std::string> folders = GivenPaths(arguments);
  if (!absl::GetFlag(FLAGS_dataset).empty() || !absl::GetFlag(FLAGS_shard).empty() || folders.empty()) {
    return UsageError("--watch goes with folders (--images=incoming, or as arguments), not with --dataset and --shard");
  }
  for (const std::string& folder : folders) {
    RETURN_IF_ERROR(CheckIsNoStream(folder));
    if (!IsFolder(folder)) return UsageError(absl::StrCat("--watch: ", folder, " is no folder"));
  }
  return folders;
}

absl::Status DetectWhatComes(WatchedFolders* watched, data::Pixels pixels, ResultNames* names, DetectionRun* run) {
  Progress progress("detect", /*total=*/0, "images");
  while (stop_asked == 0) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, watched->Look());
    std::vector<ImageToDetect> images;
    for (const std::string& file : files) {
      const ImageToDetect image{file, file, /*flip=*/false, pixels};
      const absl::Status named = names->Add(image);
      if (named.ok()) {
        images.push_back(image);
      } else {
        RETURN_IF_ERROR(run->Fail(image, std::string(named.message())));
      }
    }
    if (!images.empty()) RETURN_IF_ERROR(run->Detect(images, &progress));
    if (files.empty()) poll(nullptr, 0, /*milliseconds=*/1000);
  }
  return absl::OkStatus();
}

absl::Status DetectWatched(const std::vector<std::string>& arguments, Work* work) {
  ASSIGN_OR_RETURN(const std::vector<std::string> folders, FoldersToWatch(arguments));
  ASSIGN_OR_RETURN(const data::Pixels pixels, PixelsFromFlags());
  ASSIGN_OR_RETURN(model::Model model, LoadModelFor(work));
  ASSIGN_OR_RETURN(const Folders outputs, OpenFolders(work));
  WatchedFolders watched(folders);
  ResultNames names(NamedForms(work->options));
  const auto know = [&](const ImageOutcome& outcome) {
    watched.Know(outcome.detections.image);
    names.Add({outcome.detections.image, outcome.detections.image}).IgnoreError();  // failed where it failed then
    return absl::OkStatus();
  };
  StopAtInterrupt(work);
  ASSIGN_OR_RETURN(const auto run,
                   DetectionRun::Start(std::move(model), outputs.results->temporary_path(), work->options, know));
  SayHowToStop("watching", outputs);
  RETURN_IF_ERROR(DetectWhatComes(&watched, pixels, &names, run.get()));
  ASSIGN_OR_RETURN(const DetectionCounts counts, run->Finish());
  return Complete(*work, counts, static_cast<size_t>(run->done()), outputs);
}

absl::Status Run(const std::string& program, const std::vector<std::string>& arguments) {
  // Whether a run was interrupted leaves no trace in what it wrote.
  RunningTool().flags.erase("resume");
  Work work;
  work.output = absl::GetFlag(FLAGS_output);
  if (!absl::GetFlag(FLAGS_dataset).empty()) RETURN_IF_ERROR(RequireFlag("output", work.output));
  if (work.output.empty()) work.output = "found";
  ASSIGN_OR_RETURN(work.options, OptionsFromFlags());
  work.crops = absl::GetFlag(FLAGS_crops);
  work.model_path = absl::GetFlag(FLAGS_model);
  if (work.model_path.empty()) {
    ASSIGN_OR_RETURN(work.model_path, ShippedModelPath(program));
  }
  return absl::GetFlag(FLAGS_watch) ? DetectWatched(arguments, &work) : DetectGiven(arguments, &work);
}

}  // namespace
}  // namespace hardface::infer

int main(int argc, char** argv) {
  hardface::model::UsePassiveOpenMpWaiting(argv);
  return hardface::ToolMain(
      argc, argv,
      {"infer/detect",
       "Finds faces in images with a trained model, on an image pyramid, and writes them in the forms that scorers and "
       "annotation programs read. Prints one line of counts.",
       "[IMAGE, VIDEO, FOLDER, PATTERN, @LIST or - ...]",
       {{"model", hardface::kReadsFile},
        {"dataset", hardface::kReadsDataset},
        {"images", hardface::kReadsImages, hardface::PathForm::kList},
        {"", hardface::kReadsImages},
        {"output", hardface::kWrites, hardface::PathForm::kOne, "found"},
        {"crops", hardface::kWrites}}},
      [argv](const std::vector<std::string>& arguments) { return hardface::infer::Run(argv[0], arguments); });
}
