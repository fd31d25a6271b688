#!/usr/bin/env bash
# The whole paper on WIDER FACE: import, mirror, train, detect on the image pyramid, score.
#
#   ./bazelw run //pipelines:wider_face -- DATA_DIR VGG16_FILE OUT [options]
#
#   DATA_DIR             with WIDER_train/images, WIDER_val/images, wider_face_split/, and the scorer's ground truth
#   VGG16_FILE           ImageNet weights: VGG_ILSVRC_16_layers.caffemodel, or torchvision's vgg16 as .safetensors
#   OUT                  what is made: OUT/scores/metrics.json, and what it is made from
#   --ranks=N            processes that train together, of 1, 2, 4 or 8 (1); more than one are started by mpirun
#   --mpirun=COMMAND     that starts them (mpirun --bind-to none); a --hostfile goes here
#   --threads=N          of each process, in training and detection (all processors, shared by the ranks)
#   --ground_truth=DIR   with wider_{easy,medium,hard}_val.mat (looked for in DATA_DIR)
#   --recipe=FILE        of training (train/recipes/wider_paper.flags)
#   --train_flags=FLAGS  more flags of train/train, separated by blanks
#   --detect_flags=FLAGS more flags of infer/detect
#   --dry_run            prints the commands that are still to be run
#
# Run again, it goes on at the stage where it stopped: docs/PIPELINES.md.

set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
if [[ -d "$0.runfiles/hardface" ]]; then here="$0.runfiles/hardface/pipelines"; fi
# shellcheck source=pipelines/stages.sh
source "$here/stages.sh"

places=() ranks=1 threads=0 ground_truth="" recipe="$root/train/recipes/wider_paper.flags"
mpirun=(mpirun --bind-to none) train_flags=() detect_flags=()
for argument in "$@"; do
  value="${argument#*=}"
  case "$argument" in
    --ranks=*) ranks="$value" && require_number ranks "$value" 1 ;;
    --mpirun=?*) read -ra mpirun <<<"$value" ;;
    --threads=*) threads="$value" && require_number threads "$value" 1 ;;
    --ground_truth=?*) ground_truth="$(absolute "$value")" ;;
    --recipe=?*) recipe="$(absolute "$value")" ;;
    --train_flags=*) read -ra train_flags <<<"$value" ;;
    --detect_flags=*) read -ra detect_flags <<<"$value" ;;
    --dry_run) dry_run=yes ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    -*) usage_error "unknown or incomplete argument $argument; --help lists all" ;;
    *) places+=("$(absolute "$argument")") ;;
  esac
done
((${#places[@]} == 3)) || usage_error "give DATA_DIR VGG16_FILE OUT; --help says what they are"
data="${places[0]}" vgg="${places[1]}" output="${places[2]}"
# The paper's step is 8 images: 4 GPUs of 1 image, gradients of 2 passes.
((8 % ranks == 0)) || usage_error "--ranks=$ranks: a step of the paper has 8 images; give 1, 2, 4 or 8"
passes=$((8 / ranks))

# ---- What was given is looked at before any work.
require_tools data_tools/import data_tools/flip train/train infer/detect eval/wider
if ((ranks > 1)) && ! command -v "${mpirun[0]}" >/dev/null; then
  problem "--ranks=$ranks: ${mpirun[0]} is not installed (Debian: openmpi-bin)"
fi

# The annotations of PART (train, val) as text, or else as .mat: the import gives the same dataset from both.
annotations_of() {
  local stem="$data/wider_face_split/wider_face_$1"
  if [[ -f "${stem}_bbx_gt.txt" || ! -f "$stem.mat" ]]; then echo "${stem}_bbx_gt.txt"; else echo "$stem.mat"; fi
}
check_part() {  # check_part PART IMAGES: WIDER FACE has so many
  local part="$1" expected="$2" images="$data/WIDER_$1/images" annotations missing=0 count=0 first="" image
  annotations="$(annotations_of "$part")"
  if [[ ! -d "$images" ]]; then problem "$images is not there: unpack WIDER_$part.zip in $data"; fi
  if [[ ! -f "$annotations" ]]; then
    problem "$annotations is not there (nor wider_face_$part.mat): unpack wider_face_split.zip in $data"
  fi
  if [[ ! -d "$images" || "$annotations" != *.txt || ! -f "$annotations" ]]; then return; fi
  while IFS= read -r image; do
    count=$((count + 1))
    if [[ -s "$images/${image%$'\r'}" ]]; then continue; fi
    missing=$((missing + 1))
    first="${first:-$image}"
  done < <(grep -E '\.jpg[[:space:]]*$' "$annotations")
  if ((missing > 0)); then
    problem "$images lacks $missing of the $count images that $annotations names, the first: $first;" \
      "unpack WIDER_$part.zip again"
  elif ((count == 0)); then
    problem "$annotations names no image; unpack wider_face_split.zip again"
  elif ((count != expected)); then
    say "Note: $annotations names $count images; WIDER FACE has $expected."
  fi
}
has_ground_truth() {
  local subset
  for subset in easy medium hard; do
    if [[ ! -f "$1/wider_${subset}_val.mat" ]]; then return 1; fi
  done
}
check_part train 12880
check_part val 3226
if [[ -z "$ground_truth" ]]; then
  ground_truth="$data/eval_tools/ground_truth"
  for folder in "$data/ground_truth" "$data/wider_face_split" "$data"; do
    if ! has_ground_truth "$ground_truth" && has_ground_truth "$folder"; then ground_truth="$folder"; fi
  done
fi
if ! has_ground_truth "$ground_truth"; then
  problem "$ground_truth lacks wider_easy_val.mat, wider_medium_val.mat or wider_hard_val.mat: unpack eval_tools.zip" \
    "in $data, or name their folder with --ground_truth"
fi
if [[ ! -s "$vgg" ]]; then
  problem "$vgg is not there: docs/TRAINING.md (\"Start weights\") says which files are taken"
elif [[ "$vgg" != *.caffemodel && "$vgg" != *.safetensors ]]; then
  problem "$vgg must be a .caffemodel or .safetensors; docs/TRAINING.md (\"Start weights\") says how one is made of" \
    "torchvision's"
fi
[[ -f "$recipe" ]] || problem "--recipe: $recipe is not there"
stop_on_problems

# A run with other settings would be taken for this one. The number of ranks, and with it of passes, may change.
run_folder="$output/run"
wanted_flags() {
  local flags
  flags="$(mktemp)"
  {
    sed '/^--itersize=/d' -- "$recipe"
    printf '\n%s\n' "${train_flags[@]}" "--dataset=$output/train_flipped" "--init=$vgg"
  } >"$flags"
  recipe_flags "$flags"
  rm -- "$flags"
}
if [[ -f "$run_folder/flags.txt" ]]; then
  while read -r difference; do
    problem "$run_folder was trained with $difference; name another OUT, or remove the folder"
  done < <(wanted_flags | differing_flags "$run_folder/flags.txt")
fi
stop_on_problems

# ---- The work.
if [[ "$dry_run" == no ]]; then lock_output "$output"; fi
say "Tools: $tools"

step=0
stage() {  # stage "WHAT IT DOES" COMMAND...
  step=$((step + 1))
  run "$step/6 $1" "${@:2}"
}
skip() {
  step=$((step + 1))
  say "[$(date +%H:%M:%S)] $step/6 $1: complete already"
}

for part in train val; do
  annotations="$(annotations_of "$part")"
  format=wider
  if [[ "$annotations" == *.mat ]]; then format=wider_mat; fi
  if complete "$output/$part" "$(hash_of "$annotations")" "\"images\": \"$data/WIDER_$part/images\""; then
    skip "importing $part"
  else
    stage "importing $part" "$tools/data_tools/import" --format="$format" --input="$annotations" \
      --images="$data/WIDER_$part/images" --output="$output/$part"
  fi
done

if complete "$output/train_flipped" "$(hash_of "$output/train/manifest.jsonl")"; then
  skip "mirroring"
else
  stage "mirroring" "$tools/data_tools/flip" --input="$output/train" --output="$output/train_flipped"
fi

trainer=("$tools/train/train")
if ((ranks > 1)); then trainer=("${mpirun[@]}" -np "$ranks" "$tools/train/train"); fi
thread_flags=()
if ((threads > 0)); then thread_flags=(--threads="$threads"); fi
if [[ -e "$run_folder/done" ]]; then
  skip "training"
else
  stage "training, $ranks processes of $passes passes a step" "${trainer[@]}" --flagfile="$recipe" --init="$vgg" \
    --dataset="$output/train_flipped" --output="$run_folder" --itersize="$passes" --resume "${thread_flags[@]}" \
    "${train_flags[@]}"
  if [[ "$dry_run" == no ]]; then : >"$run_folder/done"; fi
fi

# As published: five levels, each also mirrored, and voting that drops what nothing else overlaps.
model="$run_folder/model.safetensors" pyramid=100,300,600,1000,1400
inputs=("$(hash_of "$output/val/manifest.jsonl")" "$(hash_of "$model")")
for flag in "${detect_flags[@]}"; do
  if [[ "$flag" =~ ^--?([a-z_]+)=(.*)$ ]]; then inputs+=("\"${BASH_REMATCH[1]}\": \"${BASH_REMATCH[2]}\""); fi
done
if complete "$output/detections" "${inputs[@]}"; then
  skip "detecting on val"
else
  if [[ "$dry_run" == no ]]; then forget_unfinished "$output/detections" "${inputs[@]}"; fi
  stage "detecting on val" "$tools/infer/detect" --model="$model" --dataset="$output/val" --pyramid="$pyramid" --flip \
    --singletons=drop --format=jsonl,wider --output="$output/detections" --resume "${thread_flags[@]}" "${detect_flags[@]}"
fi

detections="$output/detections/detections.jsonl"
if complete "$output/scores" "$(hash_of "$detections")" "$(hash_of "$ground_truth/wider_hard_val.mat")"; then
  skip "scoring"
else
  stage "scoring" "$tools/eval/wider" --ground_truth="$ground_truth" --detections="$detections" \
    --bootstrap=1000 --outcomes --attribution --output="$output/scores"
fi

if [[ "$dry_run" == yes ]]; then exit 0; fi
figure() {  # figure NAME: of metrics.json, four decimals; nan where no face counts
  local value
  value="$(sed -n "s/^ *\"$1\": \([^,]*\),*$/\1/p" "$output/scores/metrics.json")"
  if [[ "$value" == null ]]; then echo nan; else printf '%.4f' "$value"; fi
}
say ""
say "WIDER FACE val         easy    medium  hard"
say "$(printf '%-22s %-6s  %-6s  %-6s' "this model" "$(figure easy)" "$(figure medium)" "$(figure hard)")"
say "published (the paper)  0.957   0.949   0.897"
say ""
say "Done in $(duration "$SECONDS"). The model: $model; 95 % intervals and counts: $output/scores/metrics.json"
