# shellcheck shell=bash
# Shared by the jobs in .ci/jobs; sourced. A job counts what passed and failed; its last line says so.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

passed=0
failed=0

# check NAME COMMAND...: one thing that holds or does not.
check() {
  local name="$1"
  shift
  echo "== $name: $*"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

# bazel_tests NAME ARGUMENT...: `bazelw test`, counted by Bazel's verdicts; a build that breaks counts as one failure.
bazel_tests() {
  local name="$1" log status good wrong
  shift
  echo "== $name: ./bazelw test $*"
  log="$(mktemp)"
  ./bazelw test --noshow_progress --keep_going "$@" 2>&1 | tee "$log"
  status="${PIPESTATUS[0]}"
  good="$(grep -acE '^//.* PASSED in ' "$log")"
  wrong="$(grep -acE '^//.* (FAILED|TIMEOUT|NO STATUS|INCOMPLETE|FLAKY)' "$log")"
  rm -f "$log"
  [[ "$status" != 0 && "$wrong" == 0 ]] && wrong=1
  [[ "$status" == 0 && "$good" == 0 ]] && { echo "no test ran in $name"; wrong=1; }
  passed=$((passed + good))
  failed=$((failed + wrong))
}

skip() { echo "== $1: skipped, $2"; }

# The job's last line and its exit code.
finish() {
  echo "$passed passed, $failed failed"
  [[ "$failed" == 0 ]]
}
