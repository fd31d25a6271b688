#!/usr/bin/env bash
# How often trainings visited the images of a folder "...easy" and of one "...hard": what hard image mining changes first.
# Usage: visits.sh OUTPUT EASY_IMAGES HARD_IMAGES RUN...
set -euo pipefail

output="$1" easy_images="$2" hard_images="$3"
shift 3
{
  echo "| training | visits of an easy image | of a hard image |"
  echo "|---|---|---|"
  for run in "$@"; do
    awk -v run="$(basename "$run" .run)" -v easy_images="$easy_images" -v hard_images="$hard_images" '
      /"wpas"/ && /easy\// { ++easy }
      /"wpas"/ && /hard\// { ++hard }
      END { printf "| %s | %.1f | %.1f |\n", run, easy / easy_images, hard / hard_images }' "$run/ledger.jsonl"
  done
} >"$output"
