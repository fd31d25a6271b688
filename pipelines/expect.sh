# Sourced by the tests of tools and pipelines: a folder to work in, and expectations of what commands do.
work="$TEST_TMPDIR/work with spaces"
mkdir -p "$work"
failures=0

fail() {
  echo "FAILED: $*"
  cat "$work/log"
  failures=$((failures + 1))
}
# expect CODE "TEXT THAT STDERR OR STDOUT MUST HOLD" COMMAND...
expect() {
  local code="$1" text="$2" status=0
  shift 2
  "$@" >"$work/log" 2>&1 || status=$?
  if [[ "$status" != "$code" ]] || ! grep -qF -- "$text" "$work/log"; then
    fail "$* gave $status (expected $code), without or with \"$text\":"
  fi
}
# What the last command of expect said.
says() { grep -qF -- "$1" "$work/log" || fail "no \"$1\" in:"; }
