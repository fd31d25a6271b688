#!/usr/bin/env bash
# Runs mining:explore as a user does.
set -euo pipefail

# shellcheck source=base/expect_status.sh
source base/expect_status.sh
command -v gnuplot > /dev/null || { echo "skipped: gnuplot is not installed"; exit 0; }

mkdir -p "$work/run" "$work/set" "$work/empty"
for i in 1 2 3 4 5 6; do
  echo "{\"image\":\"a.png\",\"flip\":false,\"wpas\":0.1,\"positives\":3,\"iteration\":${i}0,\"scale\":0.5}"
  echo "{\"image\":\"b.png\",\"flip\":false,\"wpas\":0.9,\"positives\":3,\"iteration\":${i}0,\"scale\":0.5}"
done > "$work/run/ledger.jsonl"
cat > "$work/set/manifest.jsonl" <<'END'
{"format":"hardface.dataset","version":1,"image_root":"."}
{"image":"a.png","width":100,"height":100,"flip":false,"faces":[]}
{"image":"b.png","width":100,"height":100,"flip":false,"faces":[]}
END

expect_status 0 mining/explore --ledger="$work/run" --output="$work/page.html"
[[ "$(cat "$work/stdout")" == "visits=12 images=2 never_learnt=1 pictures=0 warnings=0" ]] || fail "$(cat "$work/stdout")"
grep -q 'Never learnt' "$work/page.html" || fail "no list"
grep -q 'run/ledger.jsonl": "[0-9a-f]' "$work/page.html.provenance.json" || fail "no provenance"
expect_status 0 mining/explore --ledger="$work/run/ledger.jsonl" --output="$work/page.html" --threshold=0.05
grep -q 'never_learnt=0' "$work/stdout" || fail "$(cat "$work/stdout")"

# Images that are not there: a page with warnings.
expect_status 0 mining/explore --ledger="$work/run" --dataset="$work/set" --output="$work/missing.html"
grep -q 'set/./a.png\|set/a.png' "$work/stderr" || fail "the missing image is not named: $(cat "$work/stderr")"
grep -q 'set/manifest.jsonl": "[0-9a-f]' "$work/missing.html.provenance.json" || fail "no provenance of the dataset"

# What cannot be read leaves an older page alone.
cp "$work/page.html" "$work/older.html"
echo '{"image":"a.png"}' >> "$work/run/ledger.jsonl"
expect_status 1 mining/explore --ledger="$work/run" --output="$work/page.html"
grep -q 'ledger.jsonl:13: ' "$work/stderr" || fail "the line is not named: $(cat "$work/stderr")"
cmp "$work/page.html" "$work/older.html" || fail "the older page has changed"
expect_status 1 mining/explore --ledger="$work/empty" --output="$work/x.html"
expect_status 1 mining/explore --ledger="$work/run" --dataset="$work/empty" --output="$work/x.html"
expect_status 2 mining/explore --output="$work/x.html"
expect_status 2 mining/explore --ledger="$work/run"
expect_status 1 mining/explore --ledger="$work/run" --output="$work/run/ledger.jsonl"
expect_status 2 mining/explore --ledger="$work/run" --output="$work/page.txt"
expect_status 2 mining/explore --ledger="$work/run" --output="$work/x.html" --threshold=1.5
[[ ! -e "$work/x.html" ]] || fail "a page was written"
expect_status 0 mining/explore --help
