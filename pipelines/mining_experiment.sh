#!/usr/bin/env bash
# Does hard image mining pay? A test tube in which the truth is known: drawn faces, nine tenths of the training images easy
# (upright faces before an empty background), one tenth hard (turned, dark, half hidden, among look-alikes). Trains with and
# without mining, several seeds each and equally many steps, and compares the AP on unseen hard images.
#
#   ./bazelw run //pipelines:mining_experiment -- --output=OUT [options]
#
#   --output=OUT      what is made: OUT/ablation/table/table.md, OUT/visits.md and what they are made from
#   --images=N        training images, a tenth of them hard (1000)
#   --test_images=N   hard images to test on; a quarter as many easy ones (400)
#   --seeds=LIST      of training (1,2,3,4,5,6,7,8)
#   --iterations=N    of each training (3000)
#   --jobs=N          trainings at a time (2)
#   --dry_run         prints the commands that are still to be run
#
# Run again, it goes on where it was stopped.

set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
if [[ -d "$0.runfiles/hardface" ]]; then here="$0.runfiles/hardface/pipelines"; fi
# shellcheck source=pipelines/stages.sh
source "$here/stages.sh"

output="" images=1000 test_images=400 seeds=1,2,3,4,5,6,7,8 iterations=3000 jobs=2
for argument in "$@"; do
  value="${argument#*=}"
  case "$argument" in
    --output=?*) output="$(absolute "$value")" ;;
    --images=*) images="$value" && require_number images "$value" 10 ;;
    --test_images=*) test_images="$value" && require_number test_images "$value" 4 ;;
    --seeds=?*) seeds="$value" ;;
    --iterations=*) iterations="$value" && require_number iterations "$value" 1 ;;
    --jobs=*) jobs="$value" && require_number jobs "$value" 1 ;;
    --dry_run) dry_run=yes ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) usage_error "unknown or incomplete argument $argument; --help lists all" ;;
  esac
done
[[ -n "$output" ]] || usage_error "--output=FOLDER must be given; --help lists all"
require_tools data_tools/synthesize data_tools/merge
stop_on_problems

# draw NAME SCENES IMAGES FACE_PX SEED
draw() {
  local folder="$output/data/$1"
  if complete "$folder" "\"images\": \"$3\"" "\"seed\": \"$5\""; then return; fi
  run "drawing $3 $2 scenes" "$tools/data_tools/synthesize" --output="$folder" --scenes="$2" --images="$3" --face_px="$4" \
    --seed="$5" --width=64 --height=64 --faces_per_image=1,1
}

draw easy plain $((images - images / 10)) 28,34 1
draw hard adverse $((images / 10)) 24,34 2
draw hard_test adverse "$test_images" 24,34 3
draw easy_test plain $((test_images / 4)) 28,34 4
if ! complete "$output/data/train" "$(hash_of "$output/data/easy/manifest.jsonl")" \
  "$(hash_of "$output/data/hard/manifest.jsonl")"; then
  run "one training set" "$tools/data_tools/merge" --inputs="$output/data/easy,$output/data/hard" --output="$output/data/train"
fi

arguments=(--train="$output/data/train" --test=hard="$output/data/hard_test@64" --test=easy="$output/data/easy_test@64"
  --output="$output/ablation" --recipe="$root/train/recipes/mining_experiment.flags" --variants=dh,him_dh --baseline=dh
  --inference= --seeds="$seeds" --iterations="$iterations" --jobs="$jobs" --threads=1)
if [[ "$dry_run" == yes ]]; then arguments+=(--dry_run); fi
"$here/ablations.sh" "${arguments[@]}"
if [[ "$dry_run" == yes ]]; then exit; fi

# How often each kind was visited: what mining changes first.
visits() {
  awk -v easy_images=$((images - images / 10)) -v hard_images=$((images / 10)) '
    /"wpas"/ && /\/easy\// { ++easy }
    /"wpas"/ && /\/hard\// { ++hard }
    END { printf "%.1f | %.1f", easy / easy_images, hard / hard_images }' "$1"
}
{
  echo "| training | visits of an easy image | of a hard image |"
  echo "|---|---|---|"
  IFS=, read -ra seed_list <<<"$seeds"
  for variant in dh him_dh; do
    for seed in "${seed_list[@]}"; do
      echo "| $variant, seed $seed | $(visits "$output/ablation/runs/$variant.seed$seed/ledger.jsonl") |"
    done
  done
} >"$output/visits.md.new"
mv -- "$output/visits.md.new" "$output/visits.md"
say "Visits: $output/visits.md"
