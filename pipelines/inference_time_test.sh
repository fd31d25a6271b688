#!/usr/bin/env bash
# The timing table, made small: all detectors and sizes have their rows, and bad arguments are named.
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh
out="$work/out"

expect 0 "--no_pyramids" pipelines/inference_time --help
expect 0 "rows=12" pipelines/inference_time --output="$out" --smoke --no_pyramids --device=cpu --threads=1
for file in table.md table.csv timing.json provenance.json; do
  [[ -s "$out/$file" ]] || fail "$file is not there:"
done
for detector in single_dh single three ssh s3fd pyramidbox; do
  [[ "$(grep -c "^$detector," "$out/table.csv")" == 2 ]] || fail "$detector lacks rows:"
done

expect 0 "rows=1" pipelines/inference_time --output="$work/one" --smoke --no_pyramids --detectors=s3fd --sizes=64x64
expect 2 "--output=FOLDER must be given" pipelines/inference_time --smoke
expect 2 "give one of single_dh" pipelines/inference_time --output="$out" --smoke --detectors=resnet
expect 2 "for example 640x480" pipelines/inference_time --output="$out" --smoke --sizes=640
expect 2 "width divisor 3" pipelines/inference_time --output="$out" --smoke --width_divisor=3

[[ "$failures" == 0 ]]
