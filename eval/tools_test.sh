#!/usr/bin/env bash
# Runs eval:wider, eval:fddb, eval:compare and eval:plot as a user does, on made-up files.
set -euo pipefail

# shellcheck source=base/expect_status.sh
source base/expect_status.sh

# WIDER: a dataset as ground truth, results as a folder and as archives. Two faces 3 pixels apart: the official rule
# gives the second box to the first face, best IoU to the second.
mkdir -p "$work/set" "$work/results/0--Made"
cat > "$work/set/manifest.jsonl" <<'END'
{"format":"hardface.dataset","version":1,"image_root":"."}
{"image":"0--Made/up.jpg","width":100,"height":100,"flip":false,"faces":[{"box":[0,0,10,10],"ignore":false},{"box":[3,0,10,10],"ignore":false}]}
{"image":"0--Made/two.jpg","width":100,"height":100,"flip":false,"faces":[{"box":[50,50,10,10],"ignore":true}]}
END
printf 'up\n2\n0 0 10 10 0.9\n3 0 10 10 0.5\n' > "$work/results/0--Made/up.txt"
printf 'two\n1\n50 50 10 10 0.1\n' > "$work/results/0--Made/two.txt"
(cd "$work" && tar -cf results.tar results && gzip -k results.tar)
for results in results results.tar results.tar.gz; do
  line="$(eval/wider --ground_truth="$work/set" --detections="$work/$results" --output="$work/wider" --strict | tail -n 1)"
  [[ "$line" == "all=0.500000 faces_all=2 "*"matching=official arithmetic=int32 "* ]] || fail "official, $results: $line"
done
line="$(eval/wider --ground_truth="$work/set" --detections="$work/results" --output="$work/best" --matching=best_iou \
  --list_differences="$work/differences.csv" --attribution --outcomes --bootstrap=50 | tail -n 1)"
[[ "$line" == "all=1.000000 "* ]] || fail "best_iou: $line"
grep -q '^0--Made/up,face,2,3,0,10,10,,all,missed,found$' "$work/differences.csv" || fail "no difference listed"
grep -q '^all,event,0--Made,0,2,' "$work/best/attribution.csv" || fail "no attribution by event"
eval/wider --ground_truth="$work/set" --detections="$work/results" --output="$work/official" --outcomes > /dev/null
[[ "$(cut -d, -f1 "$work/official/pr.csv" | sort | uniq -c | tr -s ' ')" == *"1000 all"* ]] || fail "pr.csv is not 1000 points"

rm "$work/results/0--Made/two.txt"
expect_status 0 eval/wider --ground_truth="$work/set" --detections="$work/results" --output="$work/missing"
grep -q '1 missing result files' "$work/stderr" || fail "a missing file is not reported"
expect_status 1 eval/wider --ground_truth="$work/set" --detections="$work/results" --output="$work/strict" --strict
expect_status 1 eval/wider --ground_truth="$work/results" --detections="$work/results" --output="$work/none"
grep -q 'wider_easy_val.mat' "$work/stderr" || fail "a folder without .mat files is not explained"
expect_status 2 eval/wider --ground_truth="$work/set" --detections="$work/results" --output="$work/x" --matching=iou

# Marks before the text, and the score in the first column.
printf '\xef\xbb\xbfup\r\n2\r\n0.9 0 0 10 10\r\n0.5 3 0 10 9\r\n' > "$work/results/0--Made/up.txt"
expect_status 0 eval/wider --ground_truth="$work/set" --detections="$work/results" --output="$work/first"
grep -q 'first column looks like scores.*up.txt:3' "$work/stderr" || fail "score first: $(cat "$work/stderr")"

# Comparison of the two results above, and their curves in one plot.
line="$(eval/compare --a="$work/official" --b="$work/best" --bootstrap=100 | tail -n 1)"
[[ "$line" == "all_a=0.500000 all_b=1.000000 all_difference=0.500000 "* ]] || fail "compare: $line"
expect_status 1 eval/compare --a="$work/wider" --b="$work/best"
grep -q -- '--outcomes' "$work/stderr" || fail "compare does not say how to get outcomes.jsonl"
if command -v gnuplot > /dev/null; then
  eval/plot --inputs="official=$work/official/pr.csv,best=$work/best/pr.csv" --output="$work/pr.svg,$work/pr.png" > /dev/null
  grep -q '<svg' "$work/pr.svg" || fail "no SVG"
  [[ "$(head -c 4 "$work/pr.png" | tail -c 3)" == PNG ]] || fail "no PNG"
fi

# FDDB: one ellipse with a box around it, one box over nothing.
printf 'a/img_1\n1\n30 30 0 50 50 1\na/img_2\n1\n20 10 0.5 50 50 1\n' > "$work/faces.txt"
printf 'a/img_1\n2\n20 20 60 60 0.9\n0 0 9 9 0.5\na/img_2\n0\n' > "$work/found.txt"
printf 'name,width,height\na/img_1,100,100\na/img_2,100,100\n' > "$work/sizes.csv"
line="$(eval/fddb --annotations="$work/faces.txt" --detections="$work/found.txt" --image_sizes="$work/sizes.csv" \
  --false_positives=1,2 --output="$work/fddb" | tail -n 1)"
[[ "$line" == "discrete_at_1=0.500000 continuous_at_1=0.3"*"faces=2 detections=2" ]] || fail "fddb: $line"
expect_status 2 eval/fddb --annotations="$work/faces.txt" --detections="$work/found.txt" --output="$work/fddb"

# A byte-order mark before the results, the annotations and the sizes changes nothing.
for file in found.txt faces.txt sizes.csv; do
  printf '\xef\xbb\xbf' | cat - "$work/$file" > "$work/marked_$file"
done
marked="$(eval/fddb --annotations="$work/marked_faces.txt" --detections="$work/marked_found.txt" \
  --image_sizes="$work/marked_sizes.csv" --false_positives=1,2 --output="$work/fddb_marked" | tail -n 1)"
[[ "$marked" == "$line" ]] || fail "fddb with byte-order marks: $marked"

# FDDB from folders: a folder of detections.jsonl, sizes from a dataset; both stand in the provenance.
mkdir -p "$work/fddb_found" "$work/fddb_set"
echo '{"image":"a/img_1.jpg","boxes":[[20,20,60,60,0.9],[0,0,9,9,0.5]]}' > "$work/fddb_found/detections.jsonl"
cat > "$work/fddb_set/manifest.jsonl" <<'END'
{"format":"hardface.dataset","version":1,"image_root":"."}
{"image":"a/img_1.jpg","width":100,"height":100,"flip":false,"faces":[]}
{"image":"a/img_2.jpg","width":100,"height":100,"flip":false,"faces":[]}
END
expect_status 0 eval/fddb --annotations="$work/faces.txt" --detections="$work/fddb_found" --image_sizes="$work/fddb_set" \
  --false_positives=1,2 --output="$work/fddb_folders"
grep -q '^discrete_at_1=0.500000 ' "$work/stdout" || fail "fddb from folders: $(cat "$work/stdout")"
for input in fddb_found/detections.jsonl fddb_set/manifest.jsonl; do
  grep -q "$input\": \"[0-9a-f]" "$work/fddb_folders/provenance.json" || fail "$input is not in the provenance"
done
grep -q 'images without detections,"a/img_2"' "$work/fddb_folders/layout.csv" || fail "no layout.csv"
expect_status 1 eval/fddb --annotations="$work/faces.txt" --detections="$work/found.txt" --image_sizes="$work/garbage" \
  --output="$work/fddb_garbage"
grep -q 'expected a CSV of name,width,height' "$work/stderr" || fail "sizes: $(cat "$work/stderr")"

# Paths that cannot be looked at end in an error that names them, not in an abort.
long="$work/$(printf 'x%.0s' {1..300})"
expect_status 1 eval/wider --ground_truth="$long" --detections="$work/results" --output="$work/long"
expect_status 1 eval/wider --ground_truth="$work/set" --detections="$long" --output="$work/long"
expect_status 1 eval/fddb --annotations="$long" --detections="$long" --image_sizes="$long" --output="$work/long"
expect_status 1 eval/compare --a="$long" --b="$work/best"
expect_status 1 eval/plot --inputs=a="$long" --output="$work/long.svg"
grep -q xxx "$work/stderr" || fail "the path is not named: $(cat "$work/stderr")"
