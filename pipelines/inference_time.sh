#!/usr/bin/env bash
# The paper's timing table on this machine: our detector with and without dilated heads, Baseline-Three, SSH, S3FD and
# PyramidBox, all of them by the same program, in interleaved rounds, with random weights.
#
#   ./bazelw run //pipelines:inference_time -- --output=OUT [options]
#
#   --output=OUT        what is made: OUT/table.md, table.csv, timing.json and time.svg
#   --smoke             narrow networks and small images, within seconds: to see that it works
#   --no_pyramids       leaves out each detector's own WIDER FACE test pyramid, which takes a CPU minutes
#   any flag of model/time, which comes after these settings: --rounds=9 --device=cpu --threads=2

set -euo pipefail

usage_error() {
  echo "inference_time: $*" >&2
  exit 2
}

output="" pyramid=1024x768 more=() settings=(--sizes=640x480,1024x768 --rounds=5)
for argument in "$@"; do
  case "$argument" in
    --output=?*) output="$(cd "${BUILD_WORKING_DIRECTORY:-.}" && realpath -m -s -- "${argument#*=}")" ;;
    --smoke) pyramid=64x48 settings=(--sizes=64x64,96x64 --rounds=2 --width_divisor=32) ;;
    --no_pyramids) pyramid="" ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    --?*) more+=("$argument") ;;
    *) usage_error "unknown argument $argument; --help lists all" ;;
  esac
done
[[ -n "$output" ]] || usage_error "--output=FOLDER must be given; --help lists all"
# The tool lies in Bazel's runfiles, which are the current folder under `bazel run` and in tests.
tools=.
if [[ -d "$0.runfiles/hardface" ]]; then tools="$0.runfiles/hardface"; fi
exec "$tools/model/time" --output="$output" "${settings[@]}" --pyramid_image="$pyramid" ${more[@]+"${more[@]}"}
