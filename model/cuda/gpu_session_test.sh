#!/usr/bin/env bash
# gpu_session.sh on a machine that is pretended: pip's folders of CUDA libraries, and programs that say what they see.
set -euo pipefail

session="$PWD/model/cuda/gpu_session.sh"
work="${TEST_TMPDIR:?}/gpu_session"
rm -rf "$work"
mkdir -p "$work"/{bin,site/nvidia/{cudnn,nccl,cu13}/lib,packed/lib}
fail() { echo "FAILED: $*" >&2; exit 1; }

# The machine: Python finds pip's packages; ldd says what the test wants.
cat >"$work/bin/python3" <<PYTHON
#!/bin/sh
echo "python sees [\$LD_LIBRARY_PATH]" >>"$work/python.log"
case "\$2" in *"import nvidia"*) echo "$work/site/nvidia"; exit 0 ;; esac
[ -z "\$TORCH" ] || { echo "python \$*"; exit 0; }
echo "no module named torch" >&2
exit 1
PYTHON
cat >"$work/bin/ldd" <<'LDD'
#!/bin/sh
[ -z "$MISSING" ] || echo "	$MISSING => not found"
LDD
cat >"$work/bin/nvidia-smi" <<'SMI'
#!/bin/sh
echo "a pretended GPU, 1.2, 3 MiB"
SMI

# The archive: one test that passes, one that fails, one that skips for want of a GPU, one that takes too long.
# shellcheck disable=SC2016  # the program, not this script, shows its libraries
program() {
  mkdir -p "$(dirname "$work/packed/$1")"
  printf '#!/bin/sh\necho "libraries [$LD_LIBRARY_PATH]"\n%s\n' "$2" >"$work/packed/$1"
  chmod +x "$work/packed/$1"
}
program a/good_test 'echo "[  PASSED  ] 3 tests."'
program a/bad_test 'echo "x.cc:1: Failure"; exit 1'
program a/skipping_test 'echo "[  SKIPPED ] x"; echo "no CUDA device"; echo "[  PASSED  ] 0 tests."'
program a/slow_test 'sleep 60'
program model/execution/cuda_executor_benchmark 'echo "detector/bf16 1.0 ms"'
program infer/detect ''
for test in model/ops/device_ops_test model/execution/cuda_executor_test infer/cuda_face_detector_test \
  train/step/device_step_test train/run/cuda_trainer_test; do
  program "$test" 'echo "[  PASSED  ] 1 test."'
done
# shellcheck disable=SC2016  # as above
program train/train 'echo "trains $* in $PWD"'
printf '%s\n' model/execution/cuda_executor_benchmark infer/detect train/train >"$work/packed/tools.txt"
chmod +x "$work"/bin/*

archive() { printf '%s\n' "$@" >"$work/packed/tests.txt"; tar -C "$work/packed" -czf "$work/packed.tar.gz" .; }
session() { PATH="$work/bin:$PATH" CUDA_PATH="$work/no_cuda" LD_LIBRARY_PATH="" "$session" "$@" >"$work/log" 2>&1; }

archive a/good_test
session test "$work/packed.tar.gz" "$work/out" || fail "a good test does not pass: $(cat "$work/log")"
grep -q "passed a/good_test" "$work/out/summary.txt" || fail "no line of the test"
grep -q "a pretended GPU" "$work/out/summary.txt" || fail "no line of the GPU"
tar -xzOf "$work/out/logs_test.tar.gz" logs/a_good_test.log | grep -q "nvidia/cudnn/lib:.*nvidia/nccl/lib:.*cu13/lib" ||
  fail "the test does not see pip's libraries"
grep -q 'sees \[\]' "$work/python.log" || fail "Python sees our libraries"
(($(find "$work/out" -type f | wc -l) <= 8)) || fail "more than 8 files come out"

archive a/good_test a/bad_test a/skipping_test
! session test "$work/packed.tar.gz" "$work/out2" || fail "a failure passes"
for line in "FAILED a/bad_test (exit 1)" "FAILED a/skipping_test" "test: 2 failed"; do
  grep -qF "$line" "$work/out2/summary.txt" || fail "no line '$line' in $(cat "$work/out2/summary.txt")"
done

archive a/slow_test a/good_test
! SECONDS_A_CALL=1 session test "$work/packed.tar.gz" "$work/out3" || fail "a call without end passes"
grep -q "FAILED a/slow_test: out of time" "$work/out3/summary.txt" || fail "the slow test is not named"
grep -q "FAILED a/good_test: out of time" "$work/out3/summary.txt" || fail "what was not run is not named"

! MISSING=libcudnn.so.9 session bench "$work/packed.tar.gz" "$work/out4" || fail "a missing library passes"
grep -q "libraries are missing on this machine: libcudnn.so.9" "$work/out4/summary.txt" || fail "it is not named"

# Without compute-sanitizer nothing is checked, which is no success; with it each program is run under it, and each has
# a log of its own.
! session check "$work/packed.tar.gz" "$work/out8" || fail "a check that checked nothing passes"
grep -q "FAILED: nothing was checked, since compute-sanitizer is neither" "$work/out8/summary.txt" || fail "why is not said"
cat >"$work/bin/compute-sanitizer" <<'SANITIZER'
#!/bin/sh
echo "sanitizer $*"
for program; do :; done
"$program" || exit
case "$*" in *"--tool racecheck"*) echo "race"; [ -z "$RACE" ] || exit 9 ;; esac
SANITIZER
chmod +x "$work/bin/compute-sanitizer"
session check "$work/packed.tar.gz" "$work/out9" || fail "the check: $(cat "$work/log")"
for line in "passed memcheck of model/ops/device_ops_test" "passed racecheck of infer/cuda_face_detector_test" \
  "passed memcheck of infer/cuda_face_detector_test" "passed memcheck of train/run/cuda_trainer_test" "check: 0 failed"; do
  grep -qF "$line" "$work/out9/summary.txt" || fail "no line '$line' in $(cat "$work/out9/summary.txt")"
done
tar -xzOf "$work/out9/logs_check.tar.gz" logs/racecheck_of_infer_cuda_face_detector_test.log |
  grep -q "sanitizer --tool racecheck --kernel-name kns=hardface" || fail "the kernels that are checked are not ours"
! RACE=1 session check "$work/packed.tar.gz" "$work/out10" || fail "a race passes"
grep -qF "FAILED racecheck of infer/cuda_face_detector_test (exit 9)" "$work/out10/summary.txt" || fail "it is not named"

session bench "$work/packed.tar.gz" "$work/out5" || fail "the benchmark: $(cat "$work/log")"
grep -q "detector/bf16" "$work/out5/summary.txt" || fail "no times"
! session compare "$work/packed.tar.gz" "$work/out6" || fail "a comparison without PyTorch passes"
grep -q "no module named torch" "$work/out6/summary.txt" || fail "what is missing is not named"

TORCH=1 session compare "$work/packed.tar.gz" "$work/out11" || fail "the comparison: $(cat "$work/log")"
grep -q "python -u model/compare/compare_cuda.py --benchmark=./benchmark.sh" "$work/out11/summary.txt" || fail "no comparison"

# A benchmark that failed says so in its output alone.
program model/execution/cuda_executor_benchmark 'echo "training/bf16 ERROR OCCURRED: no memory"'
archive a/good_test
! session bench "$work/packed.tar.gz" "$work/out12" || fail "a failed benchmark passes"
grep -q "FAILED: a benchmark has no time" "$work/out12/summary.txt" || fail "the failed benchmark is not named"
program model/execution/cuda_executor_benchmark 'echo "detector/bf16 1.0 ms"'
archive a/good_test

# Unpacked once, then used by every call; a tool runs where it is called from, with the libraries found.
session unpack "$work/packed.tar.gz" "$work/unpacked" || fail "unpacking: $(cat "$work/log")"
session bench "$work/unpacked" "$work/out7" || fail "the benchmark from a folder: $(cat "$work/log")"
[[ -x "$work/unpacked/train/train" ]] || fail "a folder is removed that the call did not make"
(cd "$work/site" && session tool "$work/unpacked" train/train --batch=2) || fail "the tool: $(cat "$work/log")"
grep -q "trains --batch=2 in $work/site" "$work/log" || fail "arguments or folder are lost: $(cat "$work/log")"
grep -q "libraries \[.*nvidia/cudnn/lib:.*unpacked/lib\]" "$work/log" || fail "the tool does not see the libraries"
! session tool "$work/unpacked" train/none || fail "a tool that is not there is no error"
grep -q "has no program train/none; it has: model/execution/cuda_executor_benchmark infer/detect train/train" "$work/log" ||
  fail "the tools that are there are not named: $(cat "$work/log")"
! session tool "$work/unpacked" || fail "no program is no error"
! session || fail "no command is no error"
echo "gpu_session.sh: all held"
