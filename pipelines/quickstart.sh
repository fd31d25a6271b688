#!/usr/bin/env bash
# Shows what the quickstart has made: its AP beside the expected bounds, and where pictures and model lie. Bazel has made
# them before this runs; the stages are targets of pipelines/BUILD.
# Usage: ./bazelw run //:quickstart
set -euo pipefail

if (($# > 4)); then
  echo "quickstart: takes no arguments, and got: ${*:5}. The results lie where its last lines say." >&2
  exit 2
fi
if [[ -d "$0.runfiles/hardface" ]]; then cd "$0.runfiles/hardface"; fi
scores="$1" detections="$2" model="$3" difficulty="$4"

eval/gate --metrics="$scores/metrics.json" --expect=pipelines/quickstart.expect
cat <<END

From 300 drawn images: mirrored, trained with hard image mining, scored how hard each image still is, trained on the hard
ones, and faces found in 80 other images. What was made:
  $(realpath "$detections")/drawn    the test images with the faces found (PNG)
  $(realpath "$scores")/metrics.json    the scores
  $(realpath "$model")/model.safetensors    the model
  $(realpath "$difficulty")/difficulty.jsonl    how hard each training image was
The stages are targets in pipelines/BUILD, which only run again when something changes; ./bazelw build -s //:quickstart shows
their command lines.
Next: docs/DATA_TOOLS.md to import photographs, docs/TRAINING.md to train on them, docs/PIPELINES.md for experiments of your own.
END
