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

# The score in the first column, and fractions: a warning without --strict.
echo '{"image":"a.jpg","boxes":[[0.9,50,0,10,10]]}' > "$work/first.jsonl"
echo '{"image":"a.jpg","boxes":[[0.5,0.0,0.1,0.1,0.9]]}' > "$work/fractions.jsonl"
eval/dataset --dataset="$work/set" --detections="$work/first.jsonl" --output="$work/first" > /dev/null 2> "$work/stderr"
grep -q 'first column looks like scores.*first.jsonl:1 (a.jpg)' "$work/stderr" || fail "first: $(cat "$work/stderr")"
eval/dataset --dataset="$work/set" --detections="$work/fractions.jsonl" --output="$work/fractions" > /dev/null 2> "$work/stderr"
grep -q 'fractions instead of pixels.*fractions.jsonl:1 (a.jpg)' "$work/stderr" || fail "fractions: $(cat "$work/stderr")"

# The same detections in every form give the same figures.
mkdir -p "$work/tree/made"
printf 'a\n1\n0 0 10 10 0.9 \n' > "$work/tree/made/a.txt"
printf 'b\n0\n' > "$work/tree/made/b.txt"
(cd "$work" && tar -czf tree.tar.gz tree)
echo '[{"image_id":"a","category_id":1,"bbox":[0,0,10,10],"score":0.9}]' > "$work/coco.json"
echo '[{"image_id":7,"category_id":1,"bbox":[0,0,10,10],"score":0.9}]' > "$work/ids.json"
echo '{"images":[{"id":7,"file_name":"a.jpg"},{"id":8,"file_name":"b.jpg"}]}' > "$work/annotations.json"
expected="$(eval/dataset --dataset="$work/set" --detections="$work/detections.jsonl" --output="$work/score" 2> /dev/null | tail -n 1)"
for results in tree tree.tar.gz coco.json "ids.json --coco_annotations=$work/annotations.json"; do
  # shellcheck disable=SC2086
  line="$(eval/dataset --dataset="$work/set" --detections="$work/"$results --output="$work/form" 2> "$work/stderr" | tail -n 1)"
  [[ "${line%% images_without*}" == "${expected%% images_without*}" ]] || fail "$results: $line, $(cat "$work/stderr")"
done
grep -q 'annotations.json": "[0-9a-f]' "$work/form/provenance.json" || fail "the annotations are not in the provenance"

# One refit moves the second box, which is no hit before, onto its face.
echo '{"image":"a.jpg","boxes":[[0,0,10,6,0.9],[50,0,10,4.9,0.8]]}' > "$work/flat.jsonl"
for refits in 0 1; do
  line="$(eval/dataset --dataset="$work/set" --detections="$work/flat.jsonl" --output="$work/refit" --refits=$refits 2> /dev/null | tail -n 1)"
  [[ "${line:3:8}" == "$([[ $refits == 0 ]] && echo 0.500000 || echo 1.000000)" ]] || fail "refits $refits: $line"
done
[[ "$line" == *" refits=1 "*"ap_without_refits=0.500000"* ]] || fail "refits are not told: $line"

status=0
eval/dataset --dataset="$work/set" --output="$work/none" 2> /dev/null || status=$?
[[ "$status" == 2 ]] || fail "a missing flag gave exit code $status"

printf '\xef\xbb\xbfap >= 0.5\r\n' > "$work/good"  # as a Windows editor saves it
eval/gate --metrics="$work/score" --expect="$work/good" | grep -q 'checks=1 failed=0' || fail "gate stopped a good run"
echo 'ap >= 0.500001' > "$work/bad"
status=0
eval/gate --metrics="$work/score/metrics.json" --expect="$work/bad" > "$work/table" 2> /dev/null || status=$?
[[ "$status" == 1 ]] || fail "gate let a bad run pass ($status)"
grep -q FAILED "$work/table" || fail "gate's table does not say FAILED"
