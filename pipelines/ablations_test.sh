#!/usr/bin/env bash
# Runs pipelines:ablations on a few drawn images: what it says before it starts, the table, and that it goes on.
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh

count_of() { grep -cF -- "$1" "$work/log" || true; }

data_tools/synthesize --output="$work/data" --images=6 --width=160 --height=120 --seed=3 >/dev/null
data_tools/synthesize --output="$work/test" --images=5 --width=160 --height=120 --seed=4 >/dev/null
cat >"$work/tiny.flags" <<'FLAGS'
# As ablation_cpu.flags, far smaller.
--width_divisor=16
--initialization=he
--input_divisor=64
--crops=face_scale
--crop_size=64
--max_face=40
--batch=2
--itersize=1
--solver=adam
--learning_rate=0.0020
--early_rate=1
--iterations=4
FLAGS
command=(pipelines/ablations --train="$work/data" --test=drawn="$work/test@100,200,300" --output="$work/out"
  --recipe="$work/tiny.flags" "--variants=baseline_single,him_dh" "--seeds=1,2" --bootstrap=20 --jobs=2 --threads=1)

# What is wrong is said before anything is made.
expect 0 "--variants=LIST" pipelines/ablations --help
expect 2 "--train=DATASET must be given" pipelines/ablations --output="$work/out"
expect 2 "unknown or incomplete argument --seed=1" "${command[@]}" --seed=1
expect 2 "--jobs=0" "${command[@]}" --jobs=0
expect 2 "--baseline=him is not among" "${command[@]}" --baseline=him
expect 1 "$work/none is no dataset" pipelines/ablations --train="$work/none" --test=a.b="$work/test@x" --test=c="$work/test@1,,2" \
  --test=c="$work/none" --output="$work/out" --variants=him,hem --seeds=1,1,x --recipe="$work/none.flags"
for text in "a.b" "1,,2 are no levels" "second test set named c" "hem has no recipe" "1 stands twice" "x is not a whole number" \
  "none.flags is not there"; do
  says "$text"
done
expect 0 "train/train --flagfile=" "${command[@]}" --dry_run
[[ "$(count_of train/train)" == 4 ]] || fail "a dry run of 4 trainings prints others:"
says "--output=$(printf '%q' "$work/out/detections/drawn/him_dh.seed2.without_100_200")"
[[ ! -e "$work/out" ]] || fail "a dry run or a wrong call made $work/out"

# All of it.
expect 0 "rows=7 results=14" "${command[@]}"
table="$work/out/table/table.md"
grep -q '^| drawn (5, .*| him_dh | .* | baseline_single | [-+]' "$table" || fail "no row of him_dh in $table"
grep -q '^### inference of him_dh$' "$table" || fail "no inference in $table"
for row in all_levels without_100 without_100_200 only_200 plain_nms; do
  grep -q "^inference of him_dh,drawn,5,[0-9]*,ap,$row,1;2," "$work/out/table/table.csv" || fail "no row $row"
done
[[ -f "$work/out/runs/him_dh.seed2/done" && -s "$work/out/logs/him_dh.seed2.log" ]] || fail "no done file or log"

# Again: only the table. What is missing or made from another model is made again, with what follows from it.
expect 0 "him_dh.seed1: trained already" "${command[@]}"
[[ "$(count_of "infer/detect")$(count_of "eval/dataset")$(count_of "train/train")" == 000 ]] || fail "complete work was done again:"
rm -r "$work/out/scores/drawn/him_dh.seed1.plain_nms"
cp "$work/out/runs/baseline_single.seed1/model.safetensors" "$work/out/runs/baseline_single.seed2/model.safetensors"
expect 0 "him_dh.seed1.plain_nms: scoring on drawn" "${command[@]}"
[[ "$(count_of "infer/detect")$(count_of "eval/dataset")$(count_of "train/train")" == 120 ]] || fail "1 detection, 2 scorings:"
# A training that was stopped goes on.
rm "$work/out/runs/him_dh.seed2/done"
expect 0 "him_dh.seed2: training" "${command[@]}"
grep -q "resuming at iteration 4" "$work/out/logs/him_dh.seed2.log" || fail "it was not resumed"
# Trainings with other settings are not taken for these; numbers may be written otherwise.
expect 1 "runs/him_dh.seed1 was trained with --iterations=4, now 6" "${command[@]}" --iterations=6
sed -i 's/0.0020/0.003/' "$work/tiny.flags"
expect 1 "runs/him_dh.seed1 was trained with --learning_rate=0.002, now 0.003" "${command[@]}"
sed -i 's/0.003/2e-3/' "$work/tiny.flags"
expect 0 "rows=7" "${command[@]}"
sed -i 's/--batch=2/--batch=0/' "$work/tiny.flags"
expect 1 "failed: baseline_single.seed3" "${command[@]}" --seeds=3 --variants=baseline_single --inference=
says "--batch"

[[ "$failures" == 0 ]]
