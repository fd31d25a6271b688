#!/usr/bin/env bash
# The communicator under mpirun: sums, gathers and texts of thousands of exchanges are right on every rank, and all ranks
# end by themselves.
set -euo pipefail

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# A short path: Open MPI keeps sockets below it. Ranks that share a processor yield it while they wait.
TMPDIR="$(mktemp -d /tmp/hf.XXXXXX)"
export TMPDIR OMPI_MCA_mpi_yield_when_idle=1
# Open MPI 5 wants a home, and Bazel's tests have none.
export HOME="${HOME:-$TMPDIR}"
trap 'rm -rf "$TMPDIR"' EXIT

for ranks in 1 2 3; do
  output="$(timeout 240 mpirun --oversubscribe --bind-to none -np "$ranks" train/ranks/mpi_communicator_check)"
  right="$(grep -c "of $ranks: 6000 exchanges are right" <<< "$output")"
  [[ "$right" == "$ranks" ]] || { echo "FAILED with $ranks ranks: $output" >&2; exit 1; }
done
