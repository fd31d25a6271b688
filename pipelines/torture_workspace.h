// A folder with an input for every tool, and the commands that //pipelines:torture runs on it.
#ifndef HARDFACE_PIPELINES_TORTURE_WORKSPACE_H_
#define HARDFACE_PIPELINES_TORTURE_WORKSPACE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/run_tool.h"

namespace hardface {

// One tool with two inputs, or two settings, that give two different outputs of one name.
struct TortureCase {
  std::string tool;                // "data_tools/flip"
  std::vector<std::string> first;  // flags; paths are relative to the workspace
  std::vector<std::string> second;
  std::vector<std::string> outputs;  // what it writes, "out"
  std::vector<std::string> reads;    // files and folders that `first` reads
  bool threaded = false;             // it takes --threads
  bool measures = false;             // times, say, which differ from run to run: outputs are told apart by their flags
};

class TortureWorkspace {
 public:
  // TOOLS: the folder of the built programs. FOLDER: where everything is made; it is emptied.
  TortureWorkspace(std::string tools, std::string folder) : tools_(std::move(tools)), folder_(std::move(folder)) {}

  // Draws datasets of IMAGES pictures, and makes what the later tools read: detections, scores, trainings.
  absl::Status Make(int images);

  const std::string& folder() const { return folder_; }
  std::string At(const std::string& name) const { return folder_ + "/" + name; }
  std::string ProgramOf(const std::string& tool) const { return tools_ + "/" + tool; }
  std::string model() const { return tools_ + "/model/zoo/hardface-s.safetensors"; }

  // The tools that write, each with two settings; those named by Only(), where it was called.
  std::vector<TortureCase> Cases() const;
  // Those that Cases() passes over: they write nothing, or have a trial of their own.
  static std::vector<std::string> OtherTools();
  void Only(std::vector<std::string> tools) { only_ = std::move(tools); }

  ToolOutcome Run(const std::string& tool, const std::vector<std::string>& flags, ToolLimits limits = {}) const;

  // Every file of OUTPUTS with its hash, without the provenances beside files, which may be of what comes next. A link
  // has its target.
  std::map<std::string, std::string> Contents(const std::vector<std::string>& outputs) const;
  // The same of the outputs of TRIED; of one that measures the flags in its provenance, and whether it is whole.
  std::map<std::string, std::string> Contents(const TortureCase& tried) const;
  void Remove(const std::vector<std::string>& outputs) const;
  // Names of leftovers in the workspace: hidden files.
  std::vector<std::string> Leftovers() const;

 private:
  const std::string tools_, folder_;
  std::vector<std::string> only_;
};

}  // namespace hardface

#endif  // HARDFACE_PIPELINES_TORTURE_WORKSPACE_H_
