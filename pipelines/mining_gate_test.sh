#!/usr/bin/env bash
# Mining acts: in a training of which nine images in ten are easy, the hard tenth is visited much more often than the rest
# once the network knows the easy ones. Without mining, every image is visited equally often. The gate is on visits, which
# mining decides, and not on AP, which also needs many seeds (//pipelines:mining_experiment).
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh

recipe="${1:-train/recipes/ablation_him_dh.flags}"
iterations=1200
least=1.5 # visits of a hard image by those of an easy one, in the last third; 2.0 when this was written, 1.0 without mining

draw() {
  expect 0 "images=$3" data_tools/synthesize --output="$work/$1" --scenes="$2" --images="$3" --face_px="$4" --seed="$5" \
    --width=64 --height=64 --faces_per_image=1,1
}
draw easy plain 450 28,34 1
draw hard adverse 50 24,34 2
expect 0 "images=500" data_tools/merge --inputs="$work/easy,$work/hard" --output="$work/set"
expect 0 "$iterations/$iterations steps" train/train --flagfile=train/recipes/mining_experiment.flags --flagfile="$recipe" \
  --dataset="$work/set" --output="$work/run" --iterations="$iterations" --seed=1 --threads=1

ratio="$(awk -v from=$((iterations * 2 / 3)) '
  /"wpas"/ {
    match($0, /"iteration":[0-9]+/)
    if (substr($0, RSTART + 12, RLENGTH - 12) + 0 < from) next
    if ($0 ~ /\/easy\//) easy++
    if ($0 ~ /\/hard\//) hard++
  }
  END { if (easy == 0) print 0; else printf "%.2f", (hard / 50) / (easy / 450) }' "$work/run/ledger.jsonl")"
echo "A hard image is visited $ratio times as often as an easy one in the last third of the training; at least $least is expected."
awk -v ratio="$ratio" -v least="$least" 'BEGIN { exit !(ratio >= least) }' || fail "mining does not act: $ratio is below $least"

[[ "$failures" == 0 ]]
