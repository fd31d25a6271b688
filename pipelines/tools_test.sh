#!/usr/bin/env bash
# Runs the real binaries of model, mining, train and infer on a few drawn images: exit codes, outputs, and what bad input says.
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh

tiny=(--width_divisor=16 --initialization=he --input_divisor=64 --crops=face_scale --crop_size=64 --max_face=40 --batch=2 --itersize=1
  --solver=adam --early_rate=1 --pyramid=100,300 --threads=1)

expect 0 "infer/detect (hardface " infer/detect --version
expect 0 "images=6" data_tools/synthesize --output="$work/data" --images=6 --width=160 --height=120 --seed=3
expect 0 "images=" data_tools/augment --input="$work/data" --output="$work/samples" --copies=2 --crops=face_scale --crop_size=64 --draw_boxes
expect 0 "train:" train/train --dataset="$work/data" --output="$work/run" --iterations=4 "${tiny[@]}"
test -s "$work/run/model.safetensors" && test -s "$work/run/metrics.jsonl" && test -s "$work/run/provenance.json"
expect 1 "--resume" train/train --dataset="$work/data" --output="$work/run" --iterations=4 "${tiny[@]}"
expect 0 "resuming at iteration 4" train/train --dataset="$work/data" --output="$work/run" --iterations=6 --resume "${tiny[@]}"
expect 2 "--early_rate" train/train --dataset="$work/data" --output="$work/run2"
expect 2 "--solver=sgdm" train/train --dataset="$work/data" --output="$work/run2" --solver=sgdm --early_rate=1
expect 2 "--dataset must be given" train/train --output="$work/run2"
expect 2 "Did you mean --iterations?" train/train --iteration=4
expect 1 "no_such" train/train --dataset="$work/no_such" --output="$work/run2" --early_rate=1
expect 2 "--final_rate has no effect" train/train --dataset="$work/data" --output="$work/run2" --early_rate=1 --final_rate=0.0001
expect 2 "--dilated_heads has no effect" train/train --dataset="$work/data" --output="$work/run2" --early_rate=1 --architecture=three_maps --nodilated_heads
expect 2 "no --validation dataset" train/train --dataset="$work/data" --output="$work/run2" --early_rate=1 --validate_every=10
expect 2 "--precision=fp32" train/train --dataset="$work/data" --output="$work/run2" --early_rate=1 --precision=bf16
# Every recipe, and every ablation after both of its bases, gets past the checks of the settings.
for recipe in train/recipes/*.flags; do
  case "$recipe" in
    */ablation_cpu.flags | */from_scratch.flags | */hardface_s_more.flags | */hardface_s_wider.flags | */mining_experiment.flags | */quickstart.flags) bases=("$recipe") ;;
    */wider_paper.flags) bases=("$recipe") ;;
    *) bases=(train/recipes/wider_paper.flags train/recipes/ablation_cpu.flags) ;;
  esac
  for base in "${bases[@]}"; do
    expect 1 "no_such" train/train --flagfile="$base" --flagfile="$recipe" --init="$work/none" --dataset="$work/no_such" --output="$work/run3"
  done
done

model="$work/run/model.safetensors"
expect 0 "parameters=" model/describe --model="$model" --width=160 --height=120
expect 0 "tensors=" model/convert --input="$model" --output="$work/net.onnx"
expect 0 "tensors=" model/convert --input="$model" --output="$work/for_use.safetensors" --score_threshold=0.75 --pyramid=100,200
expect 0 "scores above 0.75 are taken for faces" model/describe --model="$work/for_use.safetensors"
expect 0 "pyramid 100,200" model/describe --model="$work/for_use.safetensors"
expect 2 "score_threshold" model/convert --input="$model" --output="$work/net.onnx" --score_threshold=0.75
expect 2 "score_threshold" model/convert --input="$model" --output="$work/x.safetensors" --score_threshold=7
expect 0 "tensors=" model/convert --input="$work/for_use.safetensors" --output="$work/calibrated.safetensors" --calibration=2,0
expect 0 "scores above 0.633" model/describe --model="$work/calibrated.safetensors"
expect 0 "scores are told as sigmoid((logit(score) - 0) / 2)" model/describe --model="$work/calibrated.safetensors"
# Once more: the scales one after the other.
expect 0 "tensors=" model/convert --input="$work/calibrated.safetensors" --output="$work/twice.safetensors" --calibration=1.5,1
expect 0 "scores are told as sigmoid((logit(score) - 2) / 3)" model/describe --model="$work/twice.safetensors"
expect 0 "scores above 0.42" model/describe --model="$work/twice.safetensors"
# What is to be trained on tells its scores as they are.
expect 0 "tensors=" model/convert --input="$work/twice.safetensors" --output="$work/anew.safetensors" --width_divisor=32
expect 0 "scores above 0.75" model/describe --model="$work/anew.safetensors"
grep -qF "scores are told" "$work/log" && fail "a narrowed model has a calibration:"
expect 2 "--calibration=2" model/convert --input="$model" --output="$work/x.safetensors" --calibration=2
expect 2 "--calibration=0,1" model/convert --input="$model" --output="$work/x.safetensors" --calibration=0,1
expect 0 "revived_outputs=" model/convert --input="$model" --output="$work/revived.safetensors" --revive_seed=1
expect 0 "width_divisor=32" model/convert --input="$model" --output="$work/narrow.safetensors" --width_divisor=32
expect 0 "parameters=" model/describe --model="$work/narrow.safetensors" --width=160 --height=120
expect 2 "does not narrow" model/convert --input="$model" --output="$work/x.safetensors" --width_divisor=16
expect 2 "width_divisor" model/convert --input="$model" --output="$work/net.onnx" --width_divisor=32
expect 2 ".safetensors or .onnx" model/convert --input="$model" --output="$work/net.tflite"
expect 0 "score" mining/score --model="$model" --dataset="$work/data" --short_side=120 --output="$work/difficulty.jsonl"
expect 0 "entries=6" mining/select --dataset="$work/data" --scores="$work/difficulty.jsonl" --output="$work/hard"
expect 2 "--drop=7" mining/select --dataset="$work/data" --scores="$work/difficulty.jsonl" --output="$work/hard" --drop=7
expect 0 "images=6" infer/detect --model="$model" --dataset="$work/data" --output="$work/found" --format=wider,jsonl,fddb,face_eval --draw --nms=plain
test -s "$work/found/detections.jsonl" && test -s "$work/found/wider/000000.txt"
expect 0 "images=1" infer/detect --model="$model" --output="$work/one" "$work/data/images/000001.jpg"
# From the detections back to the drawn images everything fits, until a file in between is another one.
expect 0 "outputs=5 " pipelines/verify "$work/found"
says "findings=0"
says "train/train"
expect 0 "outputs=" pipelines/verify "$work/hard" "$work/difficulty.jsonl"
cp "$work/data/manifest.jsonl" "$work/manifest.kept"
echo >>"$work/data/manifest.jsonl"
expect 1 "NO LONGER FITS  $work/data/manifest.jsonl: was changed since" pipelines/verify "$work/found"
cp "$work/manifest.kept" "$work/data/manifest.jsonl"
expect 2 "give an output" pipelines/verify
expect 1 "is no output of these tools" pipelines/verify "$work"
# With nothing but a photograph.
mkdir -p "$work/here"
expect 0 "the results are in found/" env -C "$work/here" "$PWD/infer/detect" --draw --images="$work/data/images/000001.jpg"
test -s "$work/here/found/detections.jsonl" && compgen -G "$work/here/found/drawn/*.png" >/dev/null || fail "nothing in found/"
expect 2 "--output" infer/detect --dataset="$work/data"
# Photographs get the model's balanced threshold, a dataset the published one.
same() {  # same FILE FILE WHAT
  cmp -s "$1/detections.jsonl" "$2/detections.jsonl" || fail "$3"
}
use() {  # use NAME FLAGS...
  expect 0 "images=" infer/detect --model="$work/for_use.safetensors" --output="$work/use_$1" "${@:2}"
}
use photo "$work/data/images/000001.jpg"
use photo_075 "$work/data/images/000001.jpg" --score_threshold=0.75
use photo_005 "$work/data/images/000001.jpg" --score_threshold=0.05
use data --dataset="$work/data"
use data_005 --dataset="$work/data" --score_threshold=0.05
# A calibrated model finds the same by its own threshold, and a user's threshold is one of what is told.
boxes() { grep -o "boxes=[0-9]*" "$work/log"; }
use again "$work/data/images/000001.jpg"
found="$(boxes)"
for flag in "" --score_threshold=0.63397; do
  expect 0 "$found" infer/detect --model="$work/calibrated.safetensors" --output="$work/use_calibrated" ${flag:+"$flag"} "$work/data/images/000001.jpg"
done
same "$work/use_photo" "$work/use_photo_075" "a photograph does not get the model's threshold"
cmp -s "$work/use_photo/detections.jsonl" "$work/use_photo_005/detections.jsonl" && fail "the threshold of the model changes nothing: this tests nothing"
same "$work/use_data" "$work/use_data_005" "a dataset does not get the published threshold"
expect 2 "score_threshold" infer/detect --model="$model" --output="$work/one" --score_threshold=2 "$work/data/images/000001.jpg"
expect 2 "--box_style=1,2,3: give four numbers" infer/detect --model="$model" --dataset="$work/data" --output="$work/part" --box_style=1,2,3
expect 2 "--box_style=0,0,1,0" infer/detect --model="$model" --dataset="$work/data" --output="$work/part" --box_style=0,0,1,0
# Parts of the images, one after another, are the whole; more parts than images leave some without any.
for i in 0 1 2 3; do
  expect 0 "images=" infer/detect --model="$model" --dataset="$work/data" --output="$work/part$i" --shard="$i/4" --nms=plain
done
cmp <(cat "$work"/part{0,1,2,3}/detections.jsonl) "$work/found/detections.jsonl" || fail "shards differ from the whole"
expect 0 "images=0" infer/detect --model="$model" --dataset="$work/data" --output="$work/part" --shard=0/9
expect 2 "--shard=4/4" infer/detect --model="$model" --dataset="$work/data" --output="$work/part" --shard=4/4
# The model that ships.
expect 0 "images=6" infer/detect --dataset="$work/data" --output="$work/shipped" --pyramid=100,200
expect 2 "either --dataset, or images" infer/detect --model="$model" --output="$work/one"
expect 2 "--pyramid" infer/detect --model="$model" --output="$work/one" --pyramid=100,x a.jpg
expect 2 "the level 100 stands twice" infer/detect --model="$model" --output="$work/one" --pyramid=100,200,100 a.jpg
expect 2 "--threads=-3: give a number of threads" infer/detect --model="$model" --output="$work/one" --threads=-3 a.jpg
expect 2 "--device=cuda:0" infer/detect --model="$model" --output="$work/one" --device=cuda:0 a.jpg
expect 2 "cuda:1 is named twice" infer/detect --model="$model" --output="$work/one" --devices=cuda:1,cuda:1 a.jpg
expect 2 "either --device=cpu or --devices=all" infer/detect --model="$model" --output="$work/one" --device=cpu --devices=all a.jpg
expect 1 "a.jpg" infer/detect --model="$model" --output="$work/one" a.jpg
expect 1 "would replace" infer/detect --model="$model" --dataset="$work/data" --output="$work/data"
expect 1 "would replace" mining/select --dataset="$work/data" --scores="$work/difficulty.jsonl" --output="$work/data"
test -s "$work/data/images/000001.jpg"
expect 2 "--engine" infer/detect --model="$model" --output="$work/one" --engine=fast a.jpg
expect 2 "--memory_limit" infer/detect --model="$model" --output="$work/one" --memory_limit=2 a.jpg
expect 0 "images=1" infer/detect --model="$model" --output="$work/one" --memory_limit=1GiB --instruction_set=baseline "$work/data/images/000001.jpg"
head -c 100 "$model" >"$work/cut.safetensors"
expect 1 "cut.safetensors" infer/detect --model="$work/cut.safetensors" --output="$work/one" "$work/data/images/000001.jpg"
head -c 2000 "$work/data/images/000002.jpg" >"$work/truncated.jpg"
expect 1 "truncated.jpg" infer/detect --model="$model" --output="$work/two" "$work/truncated.jpg" "$work/data/images/000001.jpg"
grep -q 000001 "$work/two/detections.jsonl"

[[ "$failures" == 0 ]]
