#!/usr/bin/env bash
# Runs eval:dataset and eval:gate as a user does.
set -euo pipefail

fail() { echo "FAILED: $*" >&2; exit 1; }

work="$TEST_TMPDIR"
mkdir -p "$work/set"
cat > "$work/set/manifest.jsonl" <<'END'
{"format":"hardface.dataset","version":1,"image_root":"."}
{"image":"a.jpg","width":100,"height":100,"flip":false,"faces":[{"box":[0,0,10,10],"ignore":false},{"box":[50,0,10,10],"ignore":false}]}
{"image":"b.jpg","width":100,"height":100,"flip":false,"faces":[]}
END
cat > "$work/detections.jsonl" <<'END'
{"image":"a.jpg","boxes":[[0,0,10,10,0.9]]}
{"image":"elsewhere.jpg","boxes":[]}
END

line="$(eval/dataset --dataset="$work/set" --detections="$work/detections.jsonl" --output="$work/score" | tail -n 1)"
[[ "$line" == "ap=0.500000 ap_50_95=0.500000 "* ]] || fail "unexpected line: $line"
for file in metrics.json pr.csv provenance.json; do
  [[ -s "$work/score/$file" ]] || fail "$file is missing"
done
grep -q '"tool": "eval/dataset"' "$work/score/provenance.json" || fail "provenance without the tool"

status=0
eval/dataset --strict --dataset="$work/set" --detections="$work/detections.jsonl" --output="$work/strict" \
  > /dev/null 2> "$work/stderr" || status=$?
[[ "$status" == 1 ]] || fail "--strict let an unknown image pass ($status)"
grep -q elsewhere.jpg "$work/stderr" || fail "--strict does not name the image"
[[ ! -e "$work/strict" ]] || fail "a failed run left an output"

# Corners in place of extents.
echo '{"image":"a.jpg","boxes":[[50,0,60,10,0.9]]}' > "$work/corners.jsonl"
status=0
eval/dataset --strict --dataset="$work/set" --detections="$work/corners.jsonl" --output="$work/strict" \
  > /dev/null 2> "$work/stderr" || status=$?
[[ "$status" == 1 ]] || fail "--strict let corners pass ($status)"
grep -q 'corners instead of extents.*corners.jsonl:1 (a.jpg)' "$work/stderr" || fail "corners: $(cat "$work/stderr")"

status=0
eval/dataset --dataset="$work/set" --output="$work/none" 2> /dev/null || status=$?
[[ "$status" == 2 ]] || fail "a missing flag gave exit code $status"

echo 'ap >= 0.5' > "$work/good"
eval/gate --metrics="$work/score" --expect="$work/good" | grep -q 'checks=1 failed=0' || fail "gate stopped a good run"
echo 'ap >= 0.500001' > "$work/bad"
status=0
eval/gate --metrics="$work/score/metrics.json" --expect="$work/bad" > "$work/table" 2> /dev/null || status=$?
[[ "$status" == 1 ]] || fail "gate let a bad run pass ($status)"
grep -q FAILED "$work/table" || fail "gate's table does not say FAILED"
