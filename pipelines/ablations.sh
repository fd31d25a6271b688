#!/usr/bin/env bash
# Trains the paper's ablations with several seeds, runs and scores them on test sets, and puts everything in one table.
#
#   ./bazelw run //pipelines:ablations -- --train=DATASET --test=NAME=DATASET[@LEVELS] --output=OUT [options]
#
#   --train=DATASET      the dataset to train on (usually mirrored: data_tools:flip)
#   --test=NAME=DATASET  a dataset to score on; may be given several times. @50,190,390 behind it are the levels of its
#                        image pyramid (without: 100,300,600,1000,1400)
#   --output=OUT         what is made: OUT/table/table.md, and what it is made from
#   --variants=LIST      of train/recipes/ablation_NAME.flags
#                        (baseline_three,baseline_single,him,dh,him_dh,no_ohem)
#   --seeds=LIST         of training (1,2)
#   --recipe=FILE        that every training starts from (train/recipes/ablation_cpu.flags)
#   --iterations=N       instead of the recipe's
#   --baseline=NAME      the variant that the others are compared with (baseline_single); no_ohem is with him_dh
#   --inference=NAME     the variant whose models are also run with fewer levels and with plain NMS (him_dh);
#                        empty: none
#   --bootstrap=N        resamplings of the images (1000)
#   --jobs=N             trainings and detections at a time (1); their output is in OUT/logs
#   --threads=N          of each (all processors by the jobs)
#   --dry_run            prints the commands that are still to be run
#
# Run again, it goes on where it was stopped: docs/PIPELINES.md.

set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
if [[ -d "$0.runfiles/hardface" ]]; then here="$0.runfiles/hardface/pipelines"; fi
# shellcheck source=pipelines/stages.sh
source "$here/stages.sh"

train="" output="" recipe="$root/train/recipes/ablation_cpu.flags" iterations="" baseline="" inference=him_dh
variants=(baseline_three baseline_single him dh him_dh no_ohem)
seeds=(1 2)
tests=()
bootstrap=1000 jobs=1 threads=""
for argument in "$@"; do
  value="${argument#*=}"
  case "$argument" in
    --train=?*) train="$(absolute "$value")" ;;
    --test=?*=?*) tests+=("$value") ;;
    --output=?*) output="$(absolute "$value")" ;;
    --variants=?*) IFS=, read -ra variants <<<"$value" ;;
    --seeds=?*) IFS=, read -ra seeds <<<"$value" ;;
    --recipe=?*) recipe="$(absolute "$value")" ;;
    --iterations=*) iterations="$value" && require_number iterations "$value" 1 ;;
    --baseline=?*) baseline="$value" ;;
    --inference=*) inference="$value" ;;
    --bootstrap=*) bootstrap="$value" && require_number bootstrap "$value" 1 ;;
    --jobs=*) jobs="$value" && require_number jobs "$value" 1 ;;
    --threads=*) threads="$value" && require_number threads "$value" 1 ;;
    --dry_run) dry_run=yes ;;
    --help) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) usage_error "unknown or incomplete argument $argument; --help lists all" ;;
  esac
done
[[ -n "$train" ]] || usage_error "--train=DATASET must be given; --help lists all"
[[ -n "$output" ]] || usage_error "--output=FOLDER must be given; --help lists all"
((${#tests[@]})) || usage_error "--test=NAME=DATASET must be given at least once; --help lists all"
if [[ -z "$threads" ]]; then threads=$(($(nproc) / jobs)) && ((threads > 0)) || threads=1; fi

has_variant() { [[ " ${variants[*]} " == *" $1 "* ]]; }
if [[ -z "$baseline" ]]; then
  if has_variant baseline_single; then baseline=baseline_single; else baseline="${variants[0]}"; fi
fi
has_variant "$baseline" || usage_error "--baseline=$baseline is not among --variants=$(IFS=, && echo "${variants[*]}")"

# ---- What was given is looked at before any work.
require_tools train/train infer/detect eval/dataset eval/ablation_table

results_header="table,test_set,variant,seed,baseline,scores"
variant_recipe() { echo "$root/train/recipes/ablation_$1.flags"; }
run_folder() { echo "$output/runs/$1.seed$2"; }

check_dataset() {  # check_dataset FLAG FOLDER
  local manifest="$2/manifest.jsonl"
  if [[ ! -f "$manifest" ]]; then
    problem "$1: $2 is no dataset (no manifest.jsonl); make one with data_tools:import"
  elif ! head -n 1 "$manifest" | grep -qF hardface.dataset; then
    problem "$1: $manifest does not start as a dataset's manifest does"
  fi
}

wanted_flags() {  # wanted_flags VARIANT SEED: what decides the training, lines NAME=VALUE
  recipe_flags "$recipe" "$(variant_recipe "$1")" | if [[ -n "$iterations" ]]; then grep -v '^iterations='; else cat; fi
  if [[ -n "$iterations" ]]; then echo "iterations=$iterations"; fi
  printf '%s\n' "seed=$2" "dataset=$train"
}

# A folder that holds a training with other settings would be taken for this one.
check_run() {  # check_run VARIANT SEED
  local folder difference
  folder="$(run_folder "$1" "$2")"
  if [[ ! -e "$folder" ]]; then return; fi
  if [[ -e "$folder/done" && ! -s "$folder/model.safetensors" ]]; then
    problem "$folder is marked as done but has no model.safetensors; remove the folder"
  fi
  if [[ -f "$folder/provenance.json" ]] && ! complete "$folder" "$(hash_of "$train/manifest.jsonl")"; then
    problem "$folder was trained with another $train/manifest.jsonl; name another --output, or remove the folder"
  fi
  if [[ ! -f "$folder/flags.txt" ]]; then return; fi
  while read -r difference; do
    problem "$folder was trained with $difference; name another --output, or remove the folder"
  done < <(wanted_flags "$1" "$2" | differing_flags "$folder/flags.txt")
}

check_dataset --train "$train"
test_names=()
declare -A test_dataset test_levels
for test in "${tests[@]}"; do
  name="${test%%=*}" dataset="${test#*=}" levels=100,300,600,1000,1400
  if [[ "$dataset" =~ ^(.+)@([0-9,]+)$ ]]; then dataset="${BASH_REMATCH[1]}" levels="${BASH_REMATCH[2]}"; fi
  [[ "$name" =~ ^[A-Za-z0-9_-]+$ ]] || problem "--test=$test: the name may hold letters, digits, _ and - only"
  [[ ! -v "test_dataset[$name]" ]] || problem "--test=$test: a second test set named $name"
  [[ ",$levels" =~ ^(,[1-9][0-9]{0,4})+$ ]] ||
    problem "--test=$test: $levels are no levels; give some as in @100,300,600"
  test_names+=("$name")
  test_dataset[$name]="$(absolute "$dataset")"
  test_levels[$name]="$levels"
  check_dataset "--test=$name" "${test_dataset[$name]}"
done
[[ -f "$recipe" ]] || problem "--recipe: $recipe is not there"
declare -A known_variants known_seeds
for variant in "${variants[@]}"; do
  [[ -f "$(variant_recipe "$variant")" ]] || problem "--variants: $variant has no recipe $(variant_recipe "$variant")"
  [[ ! -v "known_variants[$variant]" ]] || problem "--variants: $variant stands twice"
  known_variants[$variant]=1
done
for seed in "${seeds[@]}"; do
  [[ "$seed" =~ ^[0-9]{1,9}$ ]] || problem "--seeds: $seed is not a whole number"
  [[ ! -v "known_seeds[$seed]" ]] || problem "--seeds: $seed stands twice"
  known_seeds[$seed]=1
done
if [[ -s "$output/results.csv" && "$(head -n 1 "$output/results.csv")" != "$results_header" ]]; then
  problem "$output/results.csv was not written by this pipeline, which would replace it; name another --output"
fi
stop_on_problems
for variant in "${variants[@]}"; do
  for seed in "${seeds[@]}"; do check_run "$variant" "$seed"; done
done
stop_on_problems

# ---- What is run on a test set: lines "NAME LEVELS NMS", the whole method first.
inference_variants() {  # inference_variants LEVELS
  local levels middle
  IFS=, read -ra levels <<<"$1"
  echo "all_levels $1 vote"
  mapfile -t levels < <(printf '%s\n' "${levels[@]}" | sort -n)
  if ((${#levels[@]} > 1)); then
    echo "without_${levels[0]} $(IFS=, && echo "${levels[*]:1}") vote"
    if ((${#levels[@]} > 2)); then
      echo "without_${levels[0]}_${levels[1]} $(IFS=, && echo "${levels[*]:2}") vote"
    fi
    middle="${levels[$(((${#levels[@]} - 1) / 2))]}"
    echo "only_$middle $middle vote"
  fi
  echo "plain_nms $1 plain"
}

# Detections and scores of one model on one test set; NAME all_levels is what all variants are compared by.
result_name() { if [[ "$3" == all_levels ]]; then echo "$1.seed$2"; else echo "$1.seed$2.$3"; fi; }
detect_and_score() {  # detect_and_score VARIANT SEED TEST NAME LEVELS NMS
  local variant="$1" seed="$2" test="$3" pyramid="$5" nms="$6" result detections scores model manifest_hash model_hash
  result="$(result_name "$variant" "$seed" "$4")"
  detections="$output/detections/$test/$result" scores="$output/scores/$test/$result"
  model="$(run_folder "$variant" "$seed")/model.safetensors"
  manifest_hash="$(hash_of "${test_dataset[$test]}/manifest.jsonl")"
  model_hash="$(hash_of "$model")"
  if ! complete "$detections" "$manifest_hash" "$model_hash" "\"pyramid\": \"$pyramid\"" "\"nms\": \"$nms\""; then
    if [[ "$dry_run" == no ]]; then
      forget_unfinished "$detections" "$manifest_hash" "$model_hash" "\"pyramid\": \"$pyramid\"" "\"nms\": \"$nms\""
    fi
    run "$result: detecting on $test" "$tools/infer/detect" --model="$model" --dataset="${test_dataset[$test]}" \
      --pyramid="$pyramid" --nms="$nms" --threads="$threads" --output="$detections" --resume
  fi
  if ! complete "$scores" "$manifest_hash" "$(hash_of "$detections/detections.jsonl")"; then
    run "$result: scoring on $test" "$tools/eval/dataset" --dataset="${test_dataset[$test]}" \
      --detections="$detections" --outcomes --output="$scores"
  fi
}

# Everything of one variant and seed. A training ends with its folder's file "done".
unit() {  # unit VARIANT SEED
  local variant="$1" seed="$2" folder test kind
  folder="$(run_folder "$variant" "$seed")"
  if [[ -e "$folder/done" ]]; then
    say "[$(date +%H:%M:%S)] $variant.seed$seed: trained already"
  else
    run "$variant.seed$seed: training" "$tools/train/train" --flagfile="$recipe" \
      --flagfile="$(variant_recipe "$variant")" ${iterations:+--iterations="$iterations"} --seed="$seed" \
      --dataset="$train" --output="$folder" --threads="$threads" --resume
    if [[ "$dry_run" == no ]]; then : >"$folder/done"; fi
  fi
  for test in "${test_names[@]}"; do
    while read -r -a kind; do
      detect_and_score "$variant" "$seed" "$test" "${kind[@]}" </dev/null
      if [[ "$variant" != "$inference" ]]; then break; fi
    done < <(inference_variants "${test_levels[$test]}")
  done
}

# ---- The work: units in the background, at most `jobs` at a time, each a process group that can be ended whole.
declare -A running=()
failed=()
stop_units() {
  local pid
  for pid in "${!running[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
}
trap 'stop_units; exit 130' INT TERM

await_one() {
  local pid="" status=0
  wait -n -p pid "${!running[@]}" || status=$?
  if ((status != 0)); then
    failed+=("${running[$pid]}")
    if ((jobs > 1)); then
      say "The end of $output/logs/${running[$pid]}.log:"
      tail -n 5 -- "$output/logs/${running[$pid]}.log" | sed 's/^/    /' >&3
    fi
  fi
  unset "running[$pid]"
}

start_unit() {  # start_unit VARIANT SEED
  local name="$1.seed$2"
  set -m
  if ((jobs > 1)); then
    (set +m; unit "$1" "$2") </dev/null >>"$output/logs/$name.log" 2>&1 &
  else
    (set +m; unit "$1" "$2") </dev/null &
  fi
  running[$!]="$name"
  set +m
}

say "Tools: $tools"
say "ablations: ${#variants[@]} variants, ${#seeds[@]} seeds, test sets ${test_names[*]}; $jobs at a time," \
  "$threads threads each"
if [[ "$dry_run" == yes ]]; then
  for seed in "${seeds[@]}"; do
    for variant in "${variants[@]}"; do unit "$variant" "$seed"; done
  done
else
  lock_output "$output"
  mkdir -p "$output/runs" "$output/logs"
  for seed in "${seeds[@]}"; do
    for variant in "${variants[@]}"; do
      while ((${#running[@]} >= jobs)); do await_one; done
      start_unit "$variant" "$seed"
    done
  done
  while ((${#running[@]})); do await_one; done
  if ((${#failed[@]})); then
    echo "ablations: failed: ${failed[*]}. Everything else is complete; the same command goes on with these." >&2
    exit 1
  fi
fi

# ---- The table.
results="$output/results.csv"
write_results() {
  local variant seed test kind against result
  echo "$results_header"
  for test in "${test_names[@]}"; do
    for variant in "${variants[@]}"; do
      against="$baseline"
      if [[ "$variant" == no_ohem ]] && has_variant him_dh; then against=him_dh; fi
      if [[ "$variant" == "$baseline" ]]; then against=""; fi
      for seed in "${seeds[@]}"; do
        echo "training,$test,$variant,$seed,$against,$output/scores/$test/$variant.seed$seed"
      done
    done
  done
  if [[ -z "$inference" ]] || ! has_variant "$inference"; then return; fi
  for test in "${test_names[@]}"; do
    while read -r -a kind; do
      against=all_levels
      if [[ "${kind[0]}" == all_levels ]]; then against=""; fi
      for seed in "${seeds[@]}"; do
        result="$(result_name "$inference" "$seed" "${kind[0]}")"
        echo "inference of $inference,$test,${kind[0]},$seed,$against,$output/scores/$test/$result"
      done
    done < <(inference_variants "${test_levels[$test]}")
  done
}
if [[ "$dry_run" == no ]]; then
  write_results >"$results.new"
  mv -- "$results.new" "$results"
fi
run "the table" "$tools/eval/ablation_table" --results="$results" --bootstrap="$bootstrap" --output="$output/table"
say "Done in $(duration "$SECONDS"). The table: $output/table/table.md"
