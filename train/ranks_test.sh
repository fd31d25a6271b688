#!/usr/bin/env bash
# Training by several processes under mpirun: the same bits as one process, and the end of a job whose rank dies, hangs,
# diverges or was started with other settings.
set -uo pipefail

work="$TEST_TMPDIR/ranks"
mkdir -p "$work"
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# A short path: Open MPI keeps sockets below it. One thread each: the ranks share what processors there are.
TMPDIR="$(mktemp -d /tmp/hf.XXXXXX)"
export TMPDIR OMP_NUM_THREADS=1
# Open MPI 5 wants a home, and Bazel's tests have none.
export HOME="${HOME:-$TMPDIR}"
trap 'rm -rf "$TMPDIR"' EXIT

ranks() {  # ranks N FLAGS...
  mpirun --oversubscribe --bind-to none -np "$1" train/train "${settings[@]}" "${@:2}"
}

data_tools/synthesize --output="$work/data" --images=12 --seed=1 >/dev/null 2>&1 || fail "synthesize"
settings=(--dataset="$work/data" --width_divisor=16 --initialization=he --input_divisor=64 --short_sides=96,128
  --solver=adam --learning_rate=0.002 --clip_norm=5 --early_rate=1 --him_threshold=0.05 --batch=1 --iterations=12
  --step_at=9 --checkpoint_every=6 --log_every=4 --threads=1)

# 1 x 4, 2 x 2 and 4 x 1 passes a step.
weights=checkpoints/iteration-00000012/solver.safetensors
train/train "${settings[@]}" --itersize=4 --reduction=ordered --output="$work/one" 2>"$work/one.log" || fail "one process: $(tail -3 "$work/one.log")"
for n in 2 4; do
  ranks "$n" --itersize=$((4 / n)) --reduction=ordered --bucket_mb=0.05 --output="$work/$n" 2>"$work/$n.log" ||
    fail "$n ranks: $(tail -5 "$work/$n.log")"
  cmp "$work/one/$weights" "$work/$n/$weights" || fail "$n ranks give other weights than one"
  cmp "$work/one/ledger.jsonl" "$work/$n/ledger.jsonl" || fail "$n ranks keep another ledger than one"
done
ranks 2 --itersize=2 --sampling=replicate --him_published_behaviour --output="$work/replicate" 2>"$work/replicate.log" ||
  fail "replicate: $(tail -5 "$work/replicate.log")"
ranks 2 --itersize=2 --sampling=replicate --him_published_behaviour --output="$work/replicate" --resume --iterations=15 \
  2>"$work/replicate.log" || fail "resumed replicate: $(tail -5 "$work/replicate.log")"

# Prints the processes whose command line holds TEXT, without the pgrep that a small system lacks.
processes_of() {  # processes_of TEXT
  local process
  for process in /proc/[0-9]*; do
    if tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -qF -- "$1"; then echo "${process#/proc/}"; fi
  done
}
kill_all_of() {
  local process
  for process in $(processes_of "$1"); do kill -KILL "$process" 2>/dev/null; done
}

# Runs 2 ranks until the first checkpoint is there, sends SIGNAL to the second rank, and gives the job SECONDS to end by
# itself, with an error that matches EXPECTED.
strike() {  # strike NAME SIGNAL SECONDS EXPECTED RANK_TIMEOUT
  local output="$work/$1" started=$SECONDS
  ranks 2 --itersize=1 --iterations=1000000 --checkpoint_every=5 --keep=2 --rank_timeout="$5" --output="$output" \
    2>"$output.log" &
  local job=$!
  until compgen -G "$output/checkpoints/iteration-*" >/dev/null; do
    sleep 0.2
    ((SECONDS - started < 100)) || { fail "$1: no checkpoint: $(tail -3 "$output.log")"; kill "$job"; return; }
  done
  local rank
  for rank in $(processes_of "--output=$output"); do
    grep -qz '^OMPI_COMM_WORLD_RANK=1$' "/proc/$rank/environ" && kill "-$2" "$rank"
  done
  started=$SECONDS
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - started > $3)); then
      fail "$1: the job goes on $3 s after the rank's end"
      kill_all_of "--output=$output"
      break
    fi
  done
  wait "$job" && fail "$1: the job ended with success"
  kill_all_of "--output=$output"
  grep -qE "$4" "$output.log" || fail "$1: expected \"$4\", got: $(tail -8 "$output.log")"
}
strike dies KILL 30 "rank 1" 60
# Where the signal meets it within an exchange, to which it has come, it falls silent.
strike hangs STOP 90 "rank 1 .*(did not come to|fell silent in) exchange" 5

ranks 2 --itersize=1 --solver=sgd --learning_rate=10 --clip_norm=0 --iterations=500 --output="$work/diverges" 2>"$work/diverges.log" &&
  fail "a diverging training ended with success"
grep -qE "rank [01] of 2 failed: iteration [0-9]+: the (loss|gradient).*diverged" "$work/diverges.log" ||
  fail "diverges: $(tail -5 "$work/diverges.log")"

# Each rank's seed is made of its number, since the mpirun of Open MPI 5.0.7 crashes where it is given two commands.
# shellcheck disable=SC2016  # each rank's own shell is to expand it
mpirun --oversubscribe -np 2 bash -c 'exec train/train "$@" --seed=$((OMPI_COMM_WORLD_RANK + 1))' rank \
  "${settings[@]}" --output="$work/differ" 2>"$work/differ.log" && fail "ranks of two seeds trained"
grep -q 'rank 0 has "--seed=1", rank 1 has "--seed=2"' "$work/differ.log" || fail "differ: $(tail -5 "$work/differ.log")"

((failures == 0)) && echo "all as expected"
exit "$((failures > 0))"
