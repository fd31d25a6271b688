#!/usr/bin/env bash
# Runs pipelines:mining_experiment with few images and steps: the table has both variants, and nothing is done twice.
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh

command=(pipelines/mining_experiment --output="$work/out" --images=20 --test_images=8 --seeds=1 --iterations=52 --jobs=2)

expect 0 "--seeds=LIST" pipelines/mining_experiment --help
expect 2 "--output=FOLDER must be given" pipelines/mining_experiment --images=20
expect 2 "--images=5" pipelines/mining_experiment --output="$work/out" --images=5
expect 0 "rows=4 results=4" "${command[@]}"
for set in "hard (8," "easy (2,"; do
  grep -qF "| $set" "$work/out/ablation/table/table.md" || fail "no row of $set"
done
grep -qF "| him_dh, seed 1 |" "$work/out/visits.md" || fail "no row of visits"
[[ "$(grep -c '"image":' "$work/out/data/train/manifest.jsonl")" == 20 ]] || fail "the training set has not 20 images"

# Again: only the table.
expect 0 "trained already" "${command[@]}"
if grep -qE "drawing|one training set|train/train " "$work/log"; then fail "complete work was done again:"; fi

# Other images: the trainings are of others than that, which is said.
expect 1 "was trained with" "${command[@]}" --images=30

[[ "$failures" == 0 ]]
