#!/usr/bin/env bash
# What the rule train of experiment.bzl runs: a training as one Bazel action, which survives its interruption.
#
#   train_action.sh RUN MODEL RANKS INPUTS TRAIN FLAGS...
#
# RUN is the training's folder, MODEL the folder that gets its model alone; both are empty folders that Bazel has made. INPUTS
# lists every file that the training reads, one a line.
#
# Where HARDFACE_SCRATCH names a folder, the training is done in a folder there, named after the contents of all inputs and the
# settings, and goes on with what an interrupted one has left in it. Without it, an interrupted training is lost, because Bazel
# throws an interrupted action's outputs away. The training sees its folder under the same name in both cases, and is always
# told to resume, so that its outputs are the same.
set -euo pipefail

run="$1" model="$2" ranks="$3" inputs="$4" trainer="$5"
shift 5

# What decides the result: the files' contents in their order, and the settings; not the names under which files come.
key_of_training() {
  local flag input
  {
    echo "ranks $ranks"
    for flag in "$@"; do
      case "$flag" in
        --dataset=* | --validation=* | --init=* | --teacher=* | --flagfile=*) echo "${flag%%=*}" ;;
        --threads=*) ;;
        *) echo "$flag" ;;
      esac
    done
    while IFS= read -r input; do
      sha256sum <"$input"
    done <"$inputs"
  } | sha256sum | cut -c1-32
}

command=("$trainer")
if ((ranks > 1)); then
  # Open MPI keeps sockets below this folder, whose path must be short.
  TMPDIR="$(mktemp -d /tmp/hf.XXXXXX)"
  export TMPDIR OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  # Open MPI 5 wants a home, and Bazel's actions have none.
  export HOME="${HOME:-$TMPDIR}"
  trap 'rm -rf -- "$TMPDIR"' EXIT
  command=(mpirun --oversubscribe --bind-to none -np "$ranks" "$trainer")
fi

# Bazel's SIGTERM goes to all processes of the action: the training ends with a checkpoint, and this script waits for that.
trap : TERM INT

# Bazel runs this script through its process-wrapper; when that loses its parent, Bazel was killed and nobody takes the outputs.
parent_of_parent() { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$PPID/status" 2>/dev/null || true; }
bazel="$(parent_of_parent)"

status=0
if [[ -z "${HARDFACE_SCRATCH:-}" ]]; then
  "${command[@]}" "$@" --output="$run" --resume || status=$?
else
  if [[ "$HARDFACE_SCRATCH" != /* ]] || ! mkdir -p -- "$HARDFACE_SCRATCH" || [[ ! -w "$HARDFACE_SCRATCH" ]]; then
    echo "HARDFACE_SCRATCH=$HARDFACE_SCRATCH must be the absolute path of a folder that can be written to. In a sandbox" \
      "that forbids it, give --sandbox_writable_path=$HARDFACE_SCRATCH as well." >&2
    exit 1
  fi
  scratch="$HARDFACE_SCRATCH/$(key_of_training "$@")"
  # A training whose Bazel was killed may still be at work here; this one then takes what it has made.
  exec 9>"$scratch.lock"
  if ! flock -n 9; then
    echo "waiting for another training of the same inputs and settings in $scratch" >&2
    flock 9
  fi
  mkdir -p -- "$scratch"
  rmdir -- "$run"
  ln -s -- "$scratch" "$run"
  "${command[@]}" "$@" --output="$run" --resume || status=$?
  rm -- "$run"
  mkdir -- "$run"
  if ((status == 0)); then
    cp -a -- "$scratch/." "$run"
    # What nobody takes is kept for the next build. The lock's file, which is empty, stays: others may wait for it.
    if [[ "$(parent_of_parent)" == "$bazel" ]]; then rm -rf -- "$scratch"; fi
  elif ((status == 3)); then
    echo "The training was stopped. $scratch holds its checkpoint, and the same build goes on from there." >&2
  fi
fi
if ((status != 0)); then exit "$status"; fi
cp -- "$run/model.safetensors" "$model"
# The training's provenance names no files, because its folder grows. This one does, so that pipelines:verify sees a changed model.
read -r hash _ < <(sha256sum <"$model/model.safetensors")
{
  sed '$d' "$run/provenance.json" | sed '$s/$/,/'
  printf '  "files": [\n    "%s  model.safetensors"\n  ]\n}\n' "$hash"
} >"$model/provenance.json"
