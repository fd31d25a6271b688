#!/usr/bin/env bash
# A training killed with SIGKILL at 20 random moments and resumed each time ends with the weights, to the bit, of one
# that was never interrupted.
set -uo pipefail

work="$TEST_TMPDIR/kill"
mkdir -p "$work"
die() { echo "FAILED: $*"; exit 1; }

data_tools/synthesize --output="$work/data" --images=10 --seed=1 >/dev/null 2>&1 || die "synthesize"
settings=(--dataset="$work/data" --width_divisor=16 --initialization=he --input_divisor=64 --short_sides=96,128
  --solver=adam --learning_rate=0.002 --clip_norm=5 --average=0.9 --early_rate=1 --him_threshold=0.05 --batch=1
  --iterations=600 --step_at=400 --checkpoint_every=4 --keep=2 --log_every=3 --threads=1)
milliseconds() { echo $(($(date +%s%N) / 1000000)); }
started="$(milliseconds)"
OMP_NUM_THREADS=1 train/train "${settings[@]}" --output="$work/whole" 2>"$work/whole.log" || die "$(tail -3 "$work/whole.log")"
# Kills come after a thirtieth of the whole time on average, so that 20 of them fit on any machine.
longest=$((($(milliseconds) - started) / 15))

RANDOM=7
killed=0
for attempt in {1..400}; do
  OMP_NUM_THREADS=1 train/train "${settings[@]}" --resume --workers=$((1 + attempt % 3)) --output="$work/parts" \
    2>"$work/parts.log" &
  training=$!
  if ((killed < 20)); then
    delay=$((RANDOM % longest))
    sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
    kill -KILL "$training" 2>/dev/null && killed=$((killed + 1))
    wait "$training" 2>/dev/null && die "the training ended after $killed of 20 kills: give it more iterations"
    continue
  fi
  wait "$training" || die "attempt $attempt: $(tail -3 "$work/parts.log")"
  break
done
((killed == 20)) || die "only $killed kills"
last=checkpoints/iteration-00000600
for file in "$last/solver.safetensors" "$last/model.safetensors" "$last/state.json" model.safetensors ledger.jsonl difficulty.jsonl; do
  if [[ "$file" == */state.json ]]; then  # metrics.jsonl holds times: its length may differ
    cmp <(sed 's/"metrics_bytes":[0-9]*//' "$work/whole/$file") <(sed 's/"metrics_bytes":[0-9]*//' "$work/parts/$file") ||
      die "$file differs after $killed kills"
  else
    cmp "$work/whole/$file" "$work/parts/$file" || die "$file differs after $killed kills"
  fi
done
iterations() { sed -E 's/.*"iteration":([0-9]+).*/\1/' "$1/metrics.jsonl"; }
[[ "$(iterations "$work/whole")" == "$(iterations "$work/parts")" ]] || die "metrics.jsonl has other lines"
grep -q . "$work/parts/ledger.jsonl" || die "the ledger is empty"

# SIGTERM: a checkpoint of the step at hand, exit code 3, and the same bits when training goes on.
terminated=0
for attempt in {1..50}; do
  OMP_NUM_THREADS=1 train/train "${settings[@]}" --checkpoint_every=1000 --resume --output="$work/stopped" \
    2>"$work/stopped.log" &
  training=$!
  if ((terminated < 5)); then
    delay=$((longest / 2 + RANDOM % longest))
    sleep "$((delay / 1000)).$(printf %03d $((delay % 1000)))"
    # Users find it by its name: pkill train.
    [[ "$(cat "/proc/$training/comm")" != exe ]] || die "ps, top and pkill see a program called exe"
    kill -TERM "$training" 2>/dev/null
    wait "$training"
    code=$?
    ((code == 143)) && continue  # it came before the training could receive it
    ((code == 3)) || die "SIGTERM gave exit code $code: $(tail -3 "$work/stopped.log")"
    grep -q "Stopped: by the signal Terminated after iteration [0-9]*, whose checkpoint is in" "$work/stopped.log" ||
      die "$(tail -3 "$work/stopped.log")"
    terminated=$((terminated + 1))
    continue
  fi
  wait "$training" || die "attempt $attempt: $(tail -3 "$work/stopped.log")"
  break
done
((terminated == 5)) || die "only $terminated of 5 were stopped"
for file in "$last/solver.safetensors" "$last/model.safetensors" model.safetensors ledger.jsonl difficulty.jsonl; do
  cmp "$work/whole/$file" "$work/stopped/$file" || die "$file differs after $terminated SIGTERM"
done
echo "killed $killed times and terminated $terminated times, the same bits"
