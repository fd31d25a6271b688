// What //pipelines:torture does to every tool that writes.
#ifndef HARDFACE_PIPELINES_TORTURE_TRIALS_H_
#define HARDFACE_PIPELINES_TORTURE_TRIALS_H_

#include <cstdint>

#include "pipelines/torture_report.h"
#include "pipelines/torture_workspace.h"

namespace hardface {

// Kills each tool KILLS times, by SIGKILL and SIGTERM in turns, each time at a moment of chance. After each: every
// output is as it was before, as it is to be, or not there; outputs of one run do not contradict each other. Then a run
// to the end gives the output of an undisturbed one, and nothing is left beside it.
void KillTools(const TortureWorkspace& workspace, int kills, uint64_t seed, TortureReport* report);

// Kills a training, and asks it to stop, KILLS times; it ends with the weights of one that was left alone.
void KillTraining(const TortureWorkspace& workspace, int kills, uint64_t seed, TortureReport* report);

// Each tool on a file system that is too small for old and new output, in a folder that may not be written to, and
// where a file must not grow beyond 64 bytes: an error, and the old output stays.
void FillDisks(const TortureWorkspace& workspace, TortureReport* report);
void ForbidWriting(const TortureWorkspace& workspace, TortureReport* report);

// While each tool runs, one of the files that it reads is shortened, overwritten, removed, or made a folder, TIMES
// times: it ends by itself, with an error or its output.
void ChangeInputs(const TortureWorkspace& workspace, int times, uint64_t seed, TortureReport* report);

// Each tool with less and less memory: it ends by itself, with an error or its output.
void LimitMemory(const TortureWorkspace& workspace, TortureReport* report);

// Each tool twice, in a copy of the workspace elsewhere, and with 1 and 2 threads: the same bytes.
void CompareBytes(const TortureWorkspace& workspace, TortureReport* report);

}  // namespace hardface

#endif  // HARDFACE_PIPELINES_TORTURE_TRIALS_H_
