#!/usr/bin/env bash
# Everything that needs a GPU, on a machine that has one but neither Bazel nor a compiler.
#
# Where Bazel is:
#   model/cuda/gpu_session.sh pack ARCHIVE.tar.xz     builds with --config=cuda and packs what is needed into one file
# On the GPU's machine, each in less than ten minutes, with this script and the archive:
#   gpu_session.sh test ARCHIVE.tar.xz OUTPUT         all tests tagged gpu
#   gpu_session.sh check ARCHIVE.tar.xz OUTPUT        compute-sanitizer (memcheck, racecheck) on our own kernels; after
#                                                     `test` with the same OUTPUT, whose choice of engines saves time
#   gpu_session.sh bench ARCHIVE.tar.xz OUTPUT        times of the networks, of one convolution and of a copy
#   gpu_session.sh compare ARCHIVE.tar.xz OUTPUT      hardface beside PyTorch on the same GPU
#   gpu_session.sh unpack ARCHIVE.tar.xz FOLDER       unpacks it once; the other calls take FOLDER in its place
#   gpu_session.sh tool FOLDER PROGRAM ARGUMENT...    one of the tools in it, such as train/train or infer/detect
#
# OUTPUT gets a summary, one archive of logs, and the choice of cuDNN's engines, which a later call in the same OUTPUT
# goes on with. The machine needs a driver, and the libraries of CUDA 13, cuDNN 9 and NCCL 2: those of PyTorch's pip
# packages or of /usr/local/cuda are found; CUDA_LIBRARIES names other folders, separated by colons.
#
# Settings: SECONDS_A_CALL (default 560), the time after which what is left is given up and named.
set -euo pipefail

max_archive_mib=64
# Tools that are packed beside the tests.
tools=(//model/execution:cuda_executor_benchmark //infer:detect //train:train //mining:score //data_tools:flip //eval:dataset
  //model:convert)

pack() {
  local archive="$1" target name workspace
  local -a labels names
  cd "$(dirname "${BASH_SOURCE[0]}")/../.."
  # Tests for emulated devices have the tag as well, but are of no use to a GPU.
  mapfile -t labels < <(./bazelw query --noshow_progress 'attr(tags, "\bgpu\b", kind(cc_test, //...))' 2>/dev/null |
    grep -v emulat)
  ((${#labels[@]} > 0)) || { echo "gpu_session.sh: bazel query found no test tagged gpu" >&2; return 1; }
  ./bazelw build --config=cuda "${labels[@]}" "${tools[@]}"
  target="$(mktemp -d)"
  mkdir "$target/lib"
  for name in "${labels[@]}" "${tools[@]}"; do
    name="${name#//}"
    names+=("${name/:/\/}")
  done
  for name in "${names[@]}"; do
    # Tests read their data relative to where they run.
    for workspace in "bazel-bin/$name.runfiles"/*/; do
      [[ -d "$workspace" ]] && cp -rLn "$workspace/." "$target/" 2>/dev/null
    done
    rm -f "$target/$name"
    install -s -D "bazel-bin/$name" "$target/$name"
    # Libraries that a bare machine lacks; the C library and CUDA are its own.
    ldd "bazel-bin/$name" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
      grep -vE '/cuda|/lib(c|m|dl|rt|pthread)\.so|ld-linux' | xargs -r -I{} cp -Lu {} "$target/lib/"
  done
  printf '%s\n' "${labels[@]#//}" | tr ':' '/' >"$target/tests.txt"
  printf '%s\n' "${tools[@]#//}" | tr ':' '/' >"$target/tools.txt"
  # detect looks for the model that ships where Bazel puts it.
  mkdir -p "$target/infer/detect.runfiles"
  ln -s ../.. "$target/infer/detect.runfiles/hardface"
  mkdir -p "$target/model/compare"
  cp model/compare/compare_cuda.py model/compare/compare_runtimes.py "$target/model/compare/"
  tar -C "$target" -c . | xz -T0 -6 >"$archive.part"
  rm -rf "$target"
  mv "$archive.part" "$archive"
  local mib
  mib=$((($(stat -c %s "$archive") + 1048575) / 1048576))
  echo "packed ${#labels[@]} tests into $archive: $mib MiB"
  if ((mib >= max_archive_mib)); then
    echo "gpu_session.sh: that is more than the $max_archive_mib MiB that can be carried" >&2
    return 1
  fi
}

# Folders where the libraries of CUDA, cuDNN and NCCL may lie, with colons.
library_folders() {
  local root folder found=""
  root="$(python3 -c 'import nvidia; print(list(nvidia.__path__)[0])' 2>/dev/null || true)"
  for folder in ${root:+"$root/cudnn/lib" "$root/nccl/lib" "$root/cu13/lib" "$root/cuda_runtime/lib" "$root/cuda_nvrtc/lib"} \
    /usr/local/cuda/lib64; do
    [[ -d "$folder" ]] && found+="${found:+:}$folder"
  done
  echo "${CUDA_LIBRARIES:+$CUDA_LIBRARIES:}$found"
}

left() { echo $((deadline - SECONDS)); }

# note WHAT...: a line of the summary.
note() { echo "$*" | tee -a "$output/summary.txt"; }

# limited SECONDS LOG COMMAND...: within what is left of the call.
limited() {
  local most="$1" log="$2"
  shift 2
  (($(left) < most)) && most="$(left)"
  ((most > 0)) || { echo "no time is left" >"$log"; return 124; }
  timeout "$most" "$@" >"$log" 2>&1
}

# Says which libraries the programs lack, all at once.
preflight() {
  local program missing
  missing="$(for program in $(cat tests.txt tools.txt); do
    "${ours[@]}" ldd "$program" 2>&1 | awk '/not found/ { print $1 }'
  done | sort -u)"
  if [[ -n "$missing" ]]; then
    note "FAILED: libraries are missing on this machine: $(echo "$missing" | tr '\n' ' ')"
    note "looked in $libraries; name their folders by CUDA_LIBRARIES=FOLDER:FOLDER"
    return 1
  fi
}

# run_test NAME [WHAT COMMAND...]: the test, by COMMAND where one is given, of which WHAT is the name. A test that skips
# has tested nothing: here that is a failure. Those for machines without a GPU do skip.
run_test() {
  local program="$1" name="$1" log status=0
  shift
  if (($# > 0)); then
    name="$1 of $name"
    shift
  fi
  log="$logs/${name//[\/ ]/_}.log"
  limited 240 "$log" "${ours[@]}" "$@" "./$program" || status=$?
  if [[ "$status" == 124 ]]; then
    note "FAILED $name: out of time after $SECONDS s of the call"
  elif [[ "$status" != 0 ]] || grep -q "no CUDA device\|built without CUDA\|looking for CUDA devices" "$log"; then
    note "FAILED $name (exit $status)"
    grep -m3 "Failure\|rror\|no CUDA\|without CUDA\|looking for" -A3 "$log" | head -12 | tee -a "$output/summary.txt" || true
  else
    note "passed $name: $(grep '^\[  PASSED  \]' "$log" | tail -1), $(grep -c '^\[  SKIPPED \]' "$log" || true) lines of skips"
    return 0
  fi
  failures=$((failures + 1))
}

run_tests() {
  local name
  while read -r name; do run_test "$name"; done <tests.txt
}

# Our kernels alone are looked at ("hardface" is part of their names): those of cuDNN and CUB would take many times as
# long and are not ours to mend. Errors of calls are not reported, since some are meant to fail: tests run out of memory,
# and the libraries ask for functions that a driver may lack. Only one of our kernels has memory that its threads share,
# which is what racecheck is about.
run_checks() {
  local sanitizer check
  sanitizer="$(PATH="$PATH:${CUDA_PATH:-/usr/local/cuda}/bin" command -v compute-sanitizer || true)"
  if [[ -z "$sanitizer" ]]; then
    note "FAILED: nothing was checked, since compute-sanitizer is neither in PATH nor in ${CUDA_PATH:-/usr/local/cuda}/bin"
    failures=$((failures + 1))
    return
  fi
  for check in memcheck:model/ops/device_ops_test memcheck:train/step/device_step_test \
    racecheck:infer/cuda_face_detector_test memcheck:infer/cuda_face_detector_test \
    memcheck:model/execution/cuda_executor_test memcheck:train/run/cuda_trainer_test; do
    run_test "${check#*:}" "${check%%:*}" "$sanitizer" --tool "${check%%:*}" --kernel-name kns=hardface \
      --report-api-errors no --error-exitcode 9
  done
}

run_benchmark() {
  limited "$(left)" "$logs/benchmark.log" "${ours[@]}" ./model/execution/cuda_executor_benchmark \
    --benchmark_filter='bf16|copy' --benchmark_out="$output/benchmark.json" || failures=$((failures + 1))
  tee -a "$output/summary.txt" <"$logs/benchmark.log"
  # A benchmark that fails says so, and the program ends well.
  if grep -q "ERROR OCCURRED" "$logs/benchmark.log"; then
    note "FAILED: a benchmark has no time"
    failures=$((failures + 1))
  fi
}

run_comparison() {
  if ! python3 -c 'import torch; assert torch.cuda.is_available()' 2>"$logs/torch.log"; then
    note "FAILED: no comparison, since PyTorch finds no GPU: $(tail -1 "$logs/torch.log")"
    failures=$((failures + 1))
    return
  fi
  # The benchmark that Python starts needs the libraries, Python must not see them: hence a wrapper.
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%q XDG_CACHE_HOME=%q exec ./model/execution/cuda_executor_benchmark "$@"\n' \
    "$libraries" "$output" >benchmark.sh
  chmod +x benchmark.sh
  # Unbuffered, so that what was measured is there when the time is over.
  limited "$(left)" "$logs/compare.log" python3 -u model/compare/compare_cuda.py --benchmark=./benchmark.sh --no_compile ||
    failures=$((failures + 1))
  tee -a "$output/summary.txt" <"$logs/compare.log"
}

# Where the archive, or the folder that it was unpacked into, lies unpacked; sets `unpacked`.
unpack() {
  if [[ -d "$1" ]]; then
    unpacked="$(realpath "$1")"
    return
  fi
  unpacked="$(mktemp -d)"
  # shellcheck disable=SC2064  # the folder's name as it is now
  trap "rm -rf '$unpacked'" EXIT
  tar -C "$unpacked" -xf "$1"
}

# tool FOLDER PROGRAM ARGUMENT...: in the caller's folder, with the libraries of this machine and the archive's.
tool() {
  local folder program="$2"
  folder="$(realpath "$1")"
  shift 2
  if [[ ! -x "$folder/$program" ]]; then
    echo "gpu_session.sh: $folder has no program $program; it has: $(tr '\n' ' ' <"$folder/tools.txt")" >&2
    return 2
  fi
  exec env "LD_LIBRARY_PATH=$(library_folders):$folder/lib" "$folder/$program" "$@"
}

# run WHAT ARCHIVE OUTPUT
run() {
  local what="$1" unpacked
  mkdir -p "$3"
  output="$(realpath "$3")"
  deadline=$((SECONDS + ${SECONDS_A_CALL:-560}))
  failures=0
  unpack "$2"
  cd "$unpacked"
  logs="$unpacked/logs"
  mkdir -p "$logs"
  libraries="$(library_folders):$PWD/lib"
  # Our programs see these libraries; Python, which brings its own, does not.
  ours=(env "LD_LIBRARY_PATH=$libraries" "XDG_CACHE_HOME=$output")
  note "== $what, $(date -u '+%Y-%m-%d %H:%M UTC')"
  note "$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>&1 | head -4)"
  if preflight; then
    case "$what" in
      test) run_tests ;;
      check) run_checks ;;
      bench) run_benchmark ;;
      compare) run_comparison ;;
    esac
  else
    failures=1
  fi
  tar -C "$unpacked" -czf "$output/logs_$what.tar.gz" logs
  note "$what: $failures failed"
  [[ "$failures" == 0 ]]
}

case "${1:-}" in
  pack) pack "$(realpath -m "${2:?name the archive to make}")" ;;
  test | check | bench | compare)
    run "$1" "${2:?name the archive that pack made}" "${3:?name the folder for what comes out}"
    ;;
  unpack)
    [[ -d "${3:?name the folder to unpack into}" ]] || mkdir -p "$3"
    tar -C "$3" -xf "${2:?name the archive that pack made}"
    ;;
  tool)
    (($# >= 3)) || { echo "gpu_session.sh: tool FOLDER PROGRAM ARGUMENT..." >&2; exit 2; }
    shift
    tool "$@"
    ;;
  *) sed -n '2,22p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
