#!/usr/bin/env bash
# The main job end to end on drawn faces: data, training with hard image mining, detection, scoring.
# Usage: ./bazelw run //:quickstart [-- --output=DIR]
set -euo pipefail

started_in="${BUILD_WORKING_DIRECTORY:-$PWD}"
unset BUILD_WORKING_DIRECTORY  # the tools below are given absolute paths
output="$started_in/quickstart_output"
for argument in "$@"; do
  case "$argument" in
    --output=*) output="$(cd "$started_in" && realpath -m "${argument#--output=}")" ;;
    --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
    *) echo "quickstart: unknown argument $argument (only --output=DIR is taken)" >&2; exit 2 ;;
  esac
done
# Trainings of an earlier run are made again. Folders of these names that no training wrote are left for train to refuse.
for folder in "$output/trained_once" "$output/trained_on"; do
  if grep -qsF '"tool": "train/train"' "$folder/provenance.json"; then rm -rf "$folder"; fi
done
# What an interrupted detection by an earlier run's model left is of no use.
if grep -qsF '"tool": "infer/detect"' "$output/detections.unfinished/provenance.json"; then
  rm -rf "$output/detections.unfinished"
fi

step=0
stage() {  # stage "WHAT IT DOES" TOOL FLAGS...
  step=$((step + 1))
  printf '\n[%d/10] %s\n        bazel run //%s -- %s\n' "$step" "$1" "$(dirname "$2"):$(basename "$2")" "${*:3}"
  "./$2" "${@:3}"
}

recipe="$PWD/train/recipes/quickstart.flags"
stage "drawing 300 training images" data_tools/synthesize --output="$output/data" --images=300 --seed=1
stage "drawing 80 test images" data_tools/synthesize --output="$output/test" --images=80 --seed=2
stage "doubling the training set by mirrored entries" data_tools/flip --input="$output/data" --output="$output/flipped"
stage "training with hard image mining" train/train --flagfile="$recipe" --dataset="$output/flipped" \
  --output="$output/trained_once" --iterations=700 --checkpoint_every=350
stage "scoring how hard each image still is" mining/score --model="$output/trained_once/model.safetensors" \
  --dataset="$output/flipped" --short_side=360 --output="$output/difficulty.jsonl"
stage "choosing the hard images" mining/select --dataset="$output/flipped" --scores="$output/difficulty.jsonl" \
  --threshold=0.5 --output="$output/hard"
stage "training on, on the hard images" train/train --flagfile="$recipe" --dataset="$output/hard" \
  --init="$output/trained_once/model.safetensors" --output="$output/trained_on" --iterations=300 --learning_rate=0.001 \
  --hard_negatives_at_start=1
stage "finding faces in the test images" infer/detect --model="$output/trained_on/model.safetensors" \
  --dataset="$output/test" --output="$output/detections" --draw
stage "scoring the detections" eval/dataset --dataset="$output/test" --detections="$output/detections" --output="$output/eval"
stage "comparing with what is expected" eval/gate --metrics="$output/eval/metrics.json" --expect="$PWD/pipelines/quickstart.expect"

cat <<EOF

Done in $SECONDS s. In $output:
  detections/drawn/   the test images with the faces found (PNG)
  eval/metrics.json   the scores
  trained_on/         the model (model.safetensors), its training curve (metrics.jsonl) and settings (flags.txt)
  difficulty.jsonl    how hard each training image was
Next: docs/DATA_TOOLS.md to import photographs, docs/TRAINING.md to train on them.
EOF
