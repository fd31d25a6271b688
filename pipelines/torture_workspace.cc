#include "pipelines/torture_workspace.h"

#include <matio.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/read_file.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "data_tools/formats/mat_test_util.h"

namespace hardface {
namespace {

namespace fs = std::filesystem;
using Flags = std::vector<std::string>;

Flags operator+(Flags a, const Flags& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string HashOf(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_symlink(path, ignored)) return absl::StrCat("-> ", fs::read_symlink(path, ignored).string());
  if (fs::is_directory(path, ignored)) return "folder";
  return HashFile(path.string()).value_or("unreadable");
}

// The flags of the folder OUTPUT, and what does not fit its provenance.
std::string FlagsIfWhole(const fs::path& output) {
  constexpr char kProvenance[] = "provenance.json";
  const auto provenance = nlohmann::json::parse(ReadFile((output / kProvenance).string()).value_or(""), nullptr,
                                                /*allow_exceptions=*/false);
  if (!provenance.is_object()) return "no provenance";
  std::set<std::string> listed = {kProvenance};
  for (const auto& line : provenance.value("files", nlohmann::json::array())) {
    const std::string text = line.get<std::string>(), name = text.substr(66);  // "SHA-256  NAME"
    if (HashOf(output / name) != text.substr(0, 64)) return absl::StrCat(name, " is not as its provenance says");
    listed.insert(name);
  }
  for (const auto& entry : fs::recursive_directory_iterator(output)) {
    const std::string name = entry.path().lexically_relative(output).string();
    if (!entry.is_directory() && listed.count(name) == 0) return absl::StrCat(name, " is not in its provenance");
  }
  return provenance.value("flags", nlohmann::json::object()).dump();
}

// Annotations of PASCAL faces' form: a face in each of three pictures.
void WriteFaceEvalMat(const std::string& path) {
  const char* fields[] = {"imgname", "objects"};
  size_t dimensions[2] = {1, 3};
  matvar_t* annotations = Mat_VarCreateStruct("Annotations", 2, dimensions, fields, 2);
  for (size_t i = 0; i < dimensions[1]; ++i) {
    Mat_VarSetStructFieldByName(annotations, "imgname", i, data::NewText(nullptr, absl::StrCat("p", i, ".jpg")));
    Mat_VarSetStructFieldByName(annotations, "objects", i, data::NewDoubles(nullptr, {{10, 10, 90, 90, 0, 0}}, 6));
  }
  data::WriteMat(path, {annotations});
}

}  // namespace

ToolOutcome TortureWorkspace::Run(const std::string& tool, const Flags& flags, ToolLimits limits) const {
  limits.folder = folder_;
  return RunTool(Flags{ProgramOf(tool)} + flags, limits);
}

absl::Status TortureWorkspace::Make(int images) {
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  const Flags drawn = {absl::StrCat("--images=", images), "--width=96", "--height=96", "--face_px=12,60",
                       "--threads=1"};
  const Flags training = {"--width_divisor=16", "--initialization=he", "--early_rate=1", "--input_divisor=64",
                          "--short_sides=64",   "--iterations=20",     "--threads=1",    "--device=cpu"};
  const std::string detector = "--model=" + model();
  struct Step {
    std::string tool;
    Flags flags;
  };
  const std::vector<Step> steps = {
      {"data_tools/synthesize", drawn + Flags{"--output=data", "--seed=1"}},
      {"data_tools/synthesize", drawn + Flags{"--output=other", "--seed=2"}},
      {"data_tools/export", {"--format=voc", "--input=data", "--output=voc"}},
      {"data_tools/export", {"--format=voc", "--input=other", "--output=voc2"}},
      {"data_tools/synth/mini_wider", {"--train=other", "--val=data", "--output=wider"}},
      {"infer/detect", {"--dataset=data", detector, "--pyramid=64", "--output=found"}},
      {"infer/detect", {"--dataset=data", detector, "--pyramid=96", "--output=found2"}},
      {"eval/dataset", {"--dataset=data", "--detections=found", "--outcomes", "--output=scored"}},
      {"eval/dataset", {"--dataset=data", "--detections=found2", "--outcomes", "--output=scored2"}},
      {"mining/score", {"--dataset=data", detector, "--short_side=96", "--output=difficulty.jsonl"}},
      {"train/train", training + Flags{"--dataset=data", "--output=run"}},
      {"train/train", training + Flags{"--dataset=other", "--output=run2"}},
  };
  for (const Step& step : steps) {
    const ToolOutcome outcome = Run(step.tool, step.flags);
    if (outcome.exit_code == 0) continue;
    return absl::InternalError(absl::StrCat(step.tool, " ", absl::StrJoin(step.flags, " "), ": ", outcome.error));
  }
  const std::string head = "table,test_set,variant,seed,baseline,scores\n";
  std::ofstream(At("results.csv")) << head << "t,s,v,1,v,scored\nt,s,w,1,v,scored2\n";
  std::ofstream(At("results2.csv")) << head << "t,s,v,1,v,scored2\nt,s,w,1,v,scored\n";
  std::ofstream(At("faces.txt")) << "a/img_1\n1\n30 30 0 50 50 1\na/img_2\n1\n20 10 0.5 50 50 1\n";
  std::ofstream(At("boxes.txt")) << "a/img_1\n2\n20 20 60 60 0.9\n0 0 9 9 0.5\na/img_2\n0\n";
  std::ofstream(At("sizes.csv")) << "name,width,height\na/img_1,100,100\na/img_2,100,100\n";
  WriteFaceEvalMat(At("faces.mat"));
  std::ofstream(At("corners.txt")) << "p0 0.9 10 10 90 90\np1 0.8 10 20 90 95\np2 0.7 200 200 290 290\n";
  return absl::OkStatus();
}

std::vector<std::string> TortureWorkspace::OtherTools() {
  return {"eval/gate", "model/describe", "pipelines/verify", "train/train"};
}

std::vector<TortureCase> TortureWorkspace::Cases() const {
  const std::string detector = "--model=" + model(), out = "--output=out";
  const std::vector<std::string> outs = {"out"};
  const auto with = [](const Flags& common, const Flags& first, const Flags& second) {
    return std::make_pair(common + first, common + second);
  };
  std::vector<TortureCase> cases;
  const auto add = [&cases, this](const std::string& tool, const std::pair<Flags, Flags>& flags, const Flags& outputs,
                                  const Flags& reads, bool threaded = false) {
    const bool wanted = only_.empty() || std::find(only_.begin(), only_.end(), tool) != only_.end();
    if (wanted) cases.push_back({tool, flags.first, flags.second, outputs, reads, threaded});
  };
  const Flags input = {"--input=data"}, input2 = {"--input=other"};
  add("data_tools/synthesize", with({out, "--images=24", "--width=96", "--height=96"}, {"--seed=1"}, {"--seed=2"}),
      outs, {}, true);
  add("data_tools/import",
      with({out, "--format=voc"}, {"--input=voc", "--images=data/images"}, {"--input=voc2", "--images=other/images"}),
      outs, {"voc", "data/images"}, true);
  add("data_tools/merge", with({out}, {"--inputs=data,other"}, {"--inputs=other,data"}), outs, {"data", "other"});
  add("data_tools/split",
      with({"--input=data", "--outputs=out_a,out_b", "--fractions=0.5,0.5"}, {"--seed=1"}, {"--seed=2"}),
      {"out_a", "out_b"}, {"data"});
  add("data_tools/subset", with({out}, input + Flags{"--min_height=20"}, input + Flags{"--min_height=30"}), outs,
      {"data"});
  add("data_tools/flip", with({out, "--materialize"}, input, input2), outs, {"data"}, true);
  add("data_tools/relabel", with({out, "--input=data"}, {"--detections=found"}, {"--detections=found2"}), outs,
      {"data", "found"});
  add("data_tools/export", with({out, "--format=coco"}, input, input2), outs, {"data"});
  add("data_tools/augment", with({out, "--short_sides=64"}, input, input2), outs, {"data"}, true);
  add("data_tools/stats", with({"--json=out"}, input, input2), outs, {"data"});
  add("data_tools/doctor", with({out, "--repair", "--findings=out.jsonl"}, input, input2), {"out", "out.jsonl"},
      {"data"}, true);
  add("data_tools/synth/mini_wider", with({out}, {"--train=data", "--val=other"}, {"--train=other", "--val=data"}),
      outs, {"data"});
  add("infer/detect",
      with({out, detector, "--pyramid=64", "--format=jsonl,wider", "--draw"}, {"--dataset=data"}, {"--dataset=other"}),
      outs, {"data"}, true);
  add("eval/dataset", with({out, "--dataset=data", "--outcomes"}, {"--detections=found"}, {"--detections=found2"}),
      outs, {"data/manifest.jsonl", "found"});
  add("eval/wider", with({out, "--ground_truth=data"}, {"--detections=found"}, {"--detections=found2"}), outs,
      {"data/manifest.jsonl", "found"}, true);
  add("eval/fddb",
      with({out, "--annotations=faces.txt", "--detections=boxes.txt", "--image_sizes=sizes.csv"},
           {"--false_positives=1"}, {"--false_positives=2"}),
      outs, {"faces.txt", "boxes.txt", "sizes.csv"});
  add("eval/compare", with({out, "--bootstrap=100"}, {"--a=scored", "--b=scored2"}, {"--a=scored2", "--b=scored"}),
      outs, {"scored", "scored2"}, true);
  add("eval/plot", with({"--output=out.svg"}, {"--inputs=a=scored/pr.csv"}, {"--inputs=b=scored2/pr.csv"}), {"out.svg"},
      {"scored/pr.csv"});
  add("eval/report", with({"--output=out.html"}, {"--run=scored"}, {"--run=scored2"}), {"out.html"}, {"scored"});
  add("eval/ablation_table", with({out, "--bootstrap=10"}, {"--results=results.csv"}, {"--results=results2.csv"}), outs,
      {"results.csv", "scored", "scored2"}, true);
  add("eval/face_eval",
      with({out, "--annotations=faces.mat", "--detections=corners.txt"}, {"--refits=0"}, {"--top_edge_shift=0.2"}),
      outs, {"faces.mat", "corners.txt"});
  add("mining/score", with({out, detector, "--short_side=96"}, {"--dataset=data"}, {"--dataset=other"}), outs, {"data"},
      true);
  add("mining/select",
      with({out, "--dataset=data", "--scores=difficulty.jsonl", "--threshold=0.3"}, {"--seed=1"}, {"--seed=5"}), outs,
      {"data/manifest.jsonl", "difficulty.jsonl"});
  add("mining/explore", with({"--output=out.html"}, {"--ledger=run"}, {"--ledger=run2"}), {"out.html"}, {"run"});
  add("model/convert",
      with({"--output=out.safetensors"}, {"--input=run/model.safetensors"}, {"--input=run2/model.safetensors"}),
      {"out.safetensors"}, {"run/model.safetensors"});
  add("model/time",
      with({out, "--detectors=single", "--width_divisor=16", "--rounds=1", "--device=cpu", "--threads=1"},
           {"--sizes=64x64"}, {"--sizes=96x96"}),
      outs, {});
  if (!cases.empty() && cases.back().tool == "model/time") cases.back().measures = true;
  return cases;
}

std::map<std::string, std::string> TortureWorkspace::Contents(const std::vector<std::string>& outputs) const {
  std::map<std::string, std::string> contents;
  for (const std::string& output : outputs) {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(At(output), error))) continue;
    contents[output] = HashOf(At(output));
    if (!fs::is_directory(At(output), error)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(At(output), error)) {
      contents[entry.path().lexically_relative(folder_).string()] = HashOf(entry.path());
    }
  }
  return contents;
}

std::map<std::string, std::string> TortureWorkspace::Contents(const TortureCase& tried) const {
  if (!tried.measures) return Contents(tried.outputs);
  std::map<std::string, std::string> contents;
  std::error_code ignored;
  for (const std::string& output : tried.outputs) {
    if (fs::exists(At(output), ignored)) contents[output] = FlagsIfWhole(At(output));
  }
  return contents;
}

void TortureWorkspace::Remove(const std::vector<std::string>& outputs) const {
  for (const std::string& output : outputs) {
    fs::remove_all(At(output));
    fs::remove_all(At(output + ".provenance.json"));
  }
  for (const std::string& leftover : Leftovers()) fs::remove_all(At(leftover));
}

std::vector<std::string> TortureWorkspace::Leftovers() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (absl::StartsWith(name, ".")) names.push_back(name);
  }
  return names;
}

}  // namespace hardface
