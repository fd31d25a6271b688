# Sourced by tests of tools: a folder to work in, and the exit code that a command must give.
work="$TEST_TMPDIR"

fail() { echo "FAILED: $*" >&2; exit 1; }
# expect_status CODE COMMAND...: what it says is in $work/stdout and $work/stderr.
expect_status() {
  local expected="$1" status=0
  shift
  "$@" > "$work/stdout" 2> "$work/stderr" || status=$?
  [[ "$status" == "$expected" ]] || fail "exit code $status instead of $expected: $* $(cat "$work/stderr")"
}
