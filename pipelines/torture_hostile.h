// Files that are made to hurt, and sizes that few have, for //pipelines:torture.
#ifndef HARDFACE_PIPELINES_TORTURE_HOSTILE_H_
#define HARDFACE_PIPELINES_TORTURE_HOSTILE_H_

#include <cstdint>

#include "pipelines/torture_report.h"
#include "pipelines/torture_workspace.h"

namespace hardface {

// Bombs (PNG, zip, gz, tar.zst, .mat, XML entities, YAML aliases), nesting of a million levels, headers that lie, names
// that lead elsewhere: refused within 30 seconds and 1.5 GB, by an error that names the file; and nothing appears
// outside the output.
void GiveHostileFiles(const TortureWorkspace& workspace, TortureReport* report);

struct LoadSizes {
  int64_t images = 100'000;         // detect
  int64_t entries = 1'000'000;      // of a manifest: stats, split, train
  int64_t detections = 50'000'000;  // eval:dataset
  int64_t megapixels = 200;         // of one image
};

// Each load at a quarter of its size and at its size: time in proportion, memory not.
void Load(const TortureWorkspace& workspace, const LoadSizes& sizes, TortureReport* report);

}  // namespace hardface

#endif  // HARDFACE_PIPELINES_TORTURE_HOSTILE_H_
