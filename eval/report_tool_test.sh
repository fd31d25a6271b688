#!/usr/bin/env bash
# Runs eval:report as a user does.
set -euo pipefail

# shellcheck source=base/expect_status.sh
source base/expect_status.sh
command -v gnuplot > /dev/null || { echo "skipped: gnuplot is not installed"; exit 0; }

mkdir -p "$work/runs/a" "$work/runs/b" "$work/empty"
for run in a b; do
  for i in 1 2 3; do echo "{\"iteration\":$((50 * i)),\"loss\":$((4 - i))}"; done > "$work/runs/$run/metrics.jsonl"
done
printf '{"iteration":200,"lo' >> "$work/runs/b/metrics.jsonl"

# Runs named one by one are all there, and so are those of one list.
expect_status 0 eval/report --run="$work/runs/a" --run="$work/runs/b" --output="$work/report.html"
[[ "$(cat "$work/stdout")" == "runs=2 charts=1 pictures=0 warnings=1" ]] || fail "$(cat "$work/stdout")"
grep -q 'b/metrics.jsonl:4: half a line' "$work/stderr" || fail "no warning: $(cat "$work/stderr")"
grep -q 'b/metrics.jsonl:4: half a line' "$work/report.html" || fail "the page does not warn"
grep -q 'data:image/svg+xml;base64,' "$work/report.html" || fail "no chart"
grep -q 'a/metrics.jsonl": "[0-9a-f]' "$work/report.html.provenance.json" || fail "no provenance"
expect_status 0 eval/report --run="$work/runs/a,$work/runs/b" --output="$work/list.html"
cmp "$work/report.html" "$work/list.html" || fail "a list gives another page"

# Published results stand beside the runs'.
expect_status 0 eval/report --run="$work/runs/a" --published=eval/published/results.csv --output="$work/field.html"
grep -q 'PyramidBox (released model)' "$work/field.html" || fail "no published results"
expect_status 1 eval/report --run="$work/runs/a" --published="$work/stdout" --output="$work/x.html"

# An older page stays where nothing can be reported.
expect_status 1 eval/report --run="$work/runs/a" --run="$work/empty" --output="$work/list.html"
grep -q 'empty: nothing to report' "$work/stderr" || fail "$(cat "$work/stderr")"
cmp "$work/report.html" "$work/list.html" || fail "the older page has changed"

expect_status 1 eval/report --run="$work/nowhere" --output="$work/x.html"
expect_status 2 eval/report --output="$work/x.html"
expect_status 2 eval/report --run="$work/runs/a"
expect_status 1 eval/report --run="$work/runs/a" --output="$work/runs/a/metrics.jsonl"
expect_status 2 eval/report --run="$work/runs/a" --output="$work/page.txt"
expect_status 2 eval/report --run="$work/runs/a,,b" --output="$work/x.html"
expect_status 2 eval/report --run="$work/runs/a" --output="$work/x.html" --pictures=-1
[[ ! -e "$work/x.html" ]] || fail "a page was written"
expect_status 0 eval/report --help
