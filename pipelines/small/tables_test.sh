#!/usr/bin/env bash
# What the experiments of this package end in.
# Usage: tables_test.sh ABLATION_TABLE ABLATION_PAGE WIDER_SCORES MINING_TABLE MINING_PAGE VISITS \
#   WIDER_DETECTIONS WIDER_FLIPPED WIDER_VAL WIDER_VAL_OF_MAT
set -uo pipefail

failures=0
has() {  # has FILE PATTERN
  grep -qE -- "$2" "$1" || {
    echo "FAILED: no \"$2\" in $1:"
    head -n 30 "$1"
    failures=$((failures + 1))
  }
}

for variant in baseline_three baseline_single him dh him_dh no_ohem; do
  has "$1/table.csv" "^training,drawn,[0-9]+,[0-9]+,ap,$variant,1,"
done
has "$1/table.md" '^\| drawn .*\| him_dh \| .*\| baseline_single \|'
has "$1/table.md" '^\| drawn .*\| no_ohem \| .*\| him_dh \|'
for way in as_given without_100 without_100_200 only_200 plain_nms; do
  has "$1/table.csv" "^inference of him_dh,drawn,[0-9]+,[0-9]+,ap,$way,1,"
done
has "$2" 'ablations\.no_ohem\.seed1'
has "$3/metrics.json" '"faces_hard": [1-9]'
has "$3/metrics.json" '"images": 5'
has "$3/attribution.csv" .
has "$4/table.csv" "^training,hard,8,[0-9]+,ap,him_dh,1,"
has "$4/table.csv" "^training,easy,2,[0-9]+,ap,him_dh,1,"
# Without mining, 52 steps of 8 images visit each of the 20 images as often as the other.
has "$6" '^\| mining.dh.seed1 \| 20\.[0-9] \| 2[01]\.[0-9] \|$'
has "$6" '^\| mining.him_dh.seed1 \| '
has "$7/wider/0--Parade/0_Parade_marchingband_1_1.txt" .
entries="$(tail -n +2 "$8/manifest.jsonl" | wc -l)"
[[ "$entries" == 12 ]] || {
  echo "FAILED: $entries entries to train on, not 12"
  failures=$((failures + 1))
}
# The annotations as .mat give the same dataset, but for the folder of its images.
cmp <(tail -n +2 "$9/manifest.jsonl") <(tail -n +2 "${10}/manifest.jsonl") || {
  echo "FAILED: another dataset of the .mat file"
  failures=$((failures + 1))
}
((failures == 0))
