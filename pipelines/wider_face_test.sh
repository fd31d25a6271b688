#!/usr/bin/env bash
# Runs pipelines:wider_face on a miniature in WIDER FACE's folder layout: what it checks, all stages, and that it goes on.
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Open MPI's sockets need a short path.
TMPDIR="$(mktemp -d /tmp/wider.XXXX)"
export TMPDIR
# Open MPI 5 wants a home, and Bazel's tests have none.
export HOME="${HOME:-$TMPDIR}"
trap 'rm -rf "$TMPDIR"' EXIT

data_tools/synthesize --output="$work/train" --images=6 --width=160 --height=120 --seed=3 >/dev/null
data_tools/synthesize --output="$work/val" --images=5 --width=160 --height=120 --seed=4 >/dev/null
data_tools/synth/mini_wider --train="$work/train" --val="$work/val" --output="$work/wider"
# Start weights of a sixteenth of VGG16's width.
tiny="--width_divisor=16 --short_sides=64,96 --max_long_side=400 --iterations=2 --step_at=1"
# shellcheck disable=SC2086
train/train --flagfile=train/recipes/wider_paper.flags $tiny --early_rate=1 --dataset="$work/train" --output="$work/start" \
  2>/dev/null
vgg="$work/start/model.safetensors"
command=(pipelines/wider_face "$work/wider" "$vgg" "$work/out" --threads=1 --train_flags="$tiny")

# What is wrong is said before anything is made, all of it at once.
expect 0 "--ranks=N" pipelines/wider_face --help
expect 2 "give DATA_DIR VGG16_FILE OUT" pipelines/wider_face "$work/wider" "$vgg"
expect 2 "--ranks=3: a step of the paper has 8 images" "${command[@]}" --ranks=3
expect 2 "unknown or incomplete argument --rank=2" "${command[@]}" --rank=2
expect 1 "$work/none/WIDER_train/images is not there" pipelines/wider_face "$work/none" "$work/vgg16.pth" "$work/out"
for text in "WIDER_val/images is not there" "wider_face_train_bbx_gt.txt is not there" "wider_face_val_bbx_gt.txt is not there" \
  "lacks wider_easy_val.mat" "vgg16.pth is not there"; do
  says "$text"
done
mv "$work/wider/WIDER_val/images/1--Handshaking" "$work/away"
touch "$work/vgg16.pth"
expect 1 "lacks 2 of the 5 images" pipelines/wider_face "$work/wider" "$work/vgg16.pth" "$work/out"
says "the first: 1--Handshaking/1_Handshaking_Handshaking_1_2.jpg"
mv "$work/away" "$work/wider/WIDER_val/images/1--Handshaking"

expect 0 "1/6 importing train" "${command[@]}" --dry_run --ranks=4
says "mpirun --bind-to none -np 4 train/train"
says "--itersize=2 --resume --threads=1 --width_divisor=16"
says "6/6 scoring"
says "Note: $work/wider/wider_face_split/wider_face_train_bbx_gt.txt names 6 images; WIDER FACE has 12880."
[[ ! -e "$work/out" ]] || fail "a dry run or a wrong call made $work/out"

# All of it, by two processes.
expect 0 "published (the paper)  0.957   0.949   0.897" "${command[@]}" --ranks=2 \
  --mpirun="mpirun --oversubscribe --bind-to none"
says "train: 2 ranks"
grep -q '"faces_hard": [1-9]' "$work/out/scores/metrics.json" || fail "no counts of faces in metrics.json"
grep -q '"images": 5' "$work/out/scores/metrics.json" || fail "not 5 images in metrics.json"
[[ -s "$work/out/detections/wider/0--Parade/0_Parade_marchingband_1_1.txt" && -s "$work/out/scores/attribution.csv" ]] ||
  fail "no detections in WIDER's form, or no attribution"
[[ "$(wc -l <"$work/out/train_flipped/manifest.jsonl")" == 13 ]] || fail "not 12 entries to train on"

# Again: nothing. What is missing is made again, by itself.
expect 0 "6/6 scoring: complete already" "${command[@]}"
[[ "$(grep -c 'complete already' "$work/log")" == 6 ]] || fail "not all stages are complete:"
rm -r "$work/out/detections"
expect 0 "5/6 detecting on val: " "${command[@]}"
says "4/6 training: complete already"
expect 0 "5/6 detecting on val: " "${command[@]}" --detect_flags="--pyramid=100,200 --nms=plain"
expect 0 "6/6 scoring: complete already" "${command[@]}" --detect_flags="--pyramid=100,200 --nms=plain"
rm "$work/out/run/done"
expect 0 "resuming at iteration 2" "${command[@]}"
expect 1 "was trained with --iterations=2, now 60000" "${command[@]}" --train_flags="--width_divisor=16"

# The .mat files do, too, and give the same datasets.
mkdir "$work/text"
mv "$work/wider/wider_face_split/"*.txt "$work/text"
cp -r "$work/out/val/manifest.jsonl" "$work/val.jsonl"
expect 0 "--format=wider_mat" "${command[@]}"
cmp "$work/out/val/manifest.jsonl" "$work/val.jsonl" || fail "another dataset from the .mat file"

[[ "$failures" == 0 ]]
