#!/usr/bin/env bash
# The action of experiment.bzl's train: stopped or killed in the middle it goes on in HARDFACE_SCRATCH to the same bits; another
# training does not go on with it.
set -euo pipefail
# shellcheck source=pipelines/expect.sh
source pipelines/expect.sh

data_tools/synthesize --output="$work/data" --images=10 --seed=1 >/dev/null
cat >"$work/tiny.flags" <<'FLAGS'
--width_divisor=16
--initialization=he
--input_divisor=64
--short_sides=96,128
--solver=adam
--learning_rate=0.002
--early_rate=1
--batch=1
--iterations=120
--step_at=80
--checkpoint_every=5
--log_every=50
--data_note=drawn
FLAGS

# action NAME DATASET FLAGS...: as Bazel starts it, with empty output folders, in a process group of its own.
action() {
  local name="$1" dataset="$2"
  shift 2
  rm -rf "${work:?}/$name" "${work:?}/$name.run"
  mkdir "$work/$name" "$work/$name.run"
  printf '%s\n' train/train "$work/tiny.flags" "$dataset/manifest.jsonl" "$dataset"/images/* >"$work/$name.inputs"
  exec setsid pipelines/train_action "$work/$name.run" "$work/$name" 1 "$work/$name.inputs" train/train \
    --flagfile="$work/tiny.flags" --dataset="$dataset" --threads=1 "$@"
}
expect_action() { expect "$1" "$2" action_alone "${@:3}"; }
action_alone() { (action "$@"); }

# interrupt SIGNAL NAME DATASET FLAGS...: sends SIGNAL to the whole group after the first checkpoint.
interrupt() {
  local signal="$1" waited=0
  shift
  (action "$@") >"$work/log" 2>&1 &
  local started=$!
  until compgen -G "$HARDFACE_SCRATCH/*/checkpoints/iteration-*" >/dev/null; do
    sleep 0.05
    waited=$((waited + 1))
    if ((waited > 1000)); then
      fail "$1 came to no checkpoint:"
      return
    fi
  done
  kill "-$signal" -- "-$started"
  status=0
  wait "$started" || status=$?
}
folders() { find "$HARDFACE_SCRATCH" -mindepth 1 -maxdepth 1 -type d | wc -l; }
same() { cmp "$work/whole/model.safetensors" "$work/$1/model.safetensors" || fail "$1 has another model:"; }

expect_action 0 "train:" whole "$work/data"
expect 0 "findings=0" pipelines/verify "$work/whole"
export HARDFACE_SCRATCH="$work/scratch"
expect_action 0 "train:" undisturbed "$work/data"
same undisturbed
cmp "$work/whole.run/ledger.jsonl" "$work/undisturbed.run/ledger.jsonl" || fail "the run's folder is not whole:"
[[ ! -L "$work/undisturbed.run" && "$(folders)" == 0 ]] || fail "the scratch folder is not cleared:"

# Bazel's way to interrupt: SIGTERM to all processes.
interrupt TERM stopped "$work/data"
[[ "$status" == 3 ]] || fail "SIGTERM gave $status:"
says "the same build goes on from there"
[[ -d "$work/stopped.run" && ! -L "$work/stopped.run" && "$(folders)" == 1 ]] || fail "no folder to go on with:"
# The same inputs under other names are the same training (whose model names the dataset, where no data_note does).
cp -r "$work/data" "$work/copied"
expect_action 0 "resuming at iteration" renamed "$work/copied"
if grep -q "resuming at iteration 0" "$work/log"; then fail "it began anew:"; fi
same renamed

# A machine that fails.
interrupt KILL killed "$work/data"
[[ "$(folders)" == 1 ]] || fail "no folder to go on with:"
expect_action 0 "starts at iteration 0" other "$work/data" --seed=2
if cmp -s "$work/whole/model.safetensors" "$work/other/model.safetensors"; then fail "seed 2 gave the model of seed 1:"; fi
expect_action 0 "resuming at iteration" killed "$work/data"
same killed
[[ "$(folders)" == 0 ]] || fail "the scratch folder is not cleared:"

# Bazel is killed, and the training alone goes on to its end: the next build takes the result. The middle one of the three
# processes stands for Bazel's process-wrapper.
(
  export -f action
  export work
  exec bash -c 'bash -c "(action \"\$@\"); :" wrapper "$@"; :' bazel orphan "$work/data"
) >"$work/log" 2>&1 &
bazel=$!
until compgen -G "$HARDFACE_SCRATCH/*/checkpoints/iteration-*" >/dev/null; do sleep 0.05; done
kill -KILL "$bazel"
wait "$bazel" || true
until [[ -s "$work/orphan/provenance.json" ]]; do sleep 0.2; done
[[ "$(folders)" == 1 ]] || fail "the result that nobody took is not kept:"
expect_action 0 "resuming at iteration 120" taken "$work/data"
same taken
[[ "$(folders)" == 0 ]] || fail "the scratch folder is not cleared:"

HARDFACE_SCRATCH=somewhere
expect_action 1 "HARDFACE_SCRATCH=somewhere must be the absolute path" whole "$work/data"
[[ "$failures" == 0 ]]
