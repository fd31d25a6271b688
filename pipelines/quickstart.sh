#!/usr/bin/env bash
# Shows what the quickstart has made: its AP beside the expected bounds, and where pictures and model lie. Bazel has made
# them before this runs; the stages are targets of pipelines/BUILD.
# Usage: ./bazelw run //:quickstart
set -euo pipefail

if (($# > 0)); then
  echo "quickstart: takes no arguments, and got: $*. The results lie where its last lines say." >&2
  exit 2
fi
if [[ -d "$0.runfiles/hardface" ]]; then cd "$0.runfiles/hardface"; fi
made="$(realpath pipelines/quickstart_eval/..)"

eval/gate --metrics="$made/quickstart_eval/metrics.json" --expect=pipelines/quickstart.expect
cat <<END

From 300 drawn images: mirrored, trained with hard image mining, scored how hard each image still is, trained on the hard
ones, and faces found in 80 other images. What was made:
  $made/quickstart_detections/drawn    the test images with the faces found (PNG)
  $made/quickstart_eval/metrics.json    the scores
  $made/quickstart_trained_on/model.safetensors    the model
  $made/quickstart_difficulty/difficulty.jsonl    how hard each training image was
The stages are targets in pipelines/BUILD, which only run again when something changes; ./bazelw build -s //:quickstart shows
their command lines.
Next: docs/DATA_TOOLS.md to import photographs, docs/TRAINING.md to train on them, docs/PIPELINES.md for experiments of your own.
END
