// A long run of detect that is killed again and again, for //pipelines:torture.
#ifndef HARDFACE_PIPELINES_TORTURE_RESUME_H_
#define HARDFACE_PIPELINES_TORTURE_RESUME_H_

#include <cstdint>

#include "pipelines/torture_report.h"
#include "pipelines/torture_workspace.h"

namespace hardface {

// Detects faces on IMAGES small pictures, every thousandth of which is broken, once undisturbed and once killed KILLS
// times, by SIGKILL and SIGTERM in turns, and resumed each time. The kills are spread over the whole run: the pictures
// are divided into KILLS equal parts, and a kill falls at a moment of chance in each. All files of both runs, pictures
// of cut out faces included, are the same to the byte; provenance.json may differ in the outputs' names only.
void KillLongDetection(const TortureWorkspace& workspace, int64_t images, int kills, uint64_t seed,
                       TortureReport* report);

}  // namespace hardface

#endif  // HARDFACE_PIPELINES_TORTURE_RESUME_H_
