#!/usr/bin/env bash
# The detect program itself: started in every way that a shell knows, and given images in ways that must not go wrong.
set -euo pipefail

source base/expect_status.sh
mkdir -p "$work/photos" "$work/built/detect.runfiles/hardface/model/zoo"
# As a build leaves it: the program, and its files beside it.
cp "$PWD/infer/detect" "$work/built/detect"
ln -s "$PWD/model/zoo/hardface-s.safetensors" "$work/built/detect.runfiles/hardface/model/zoo/"
detect="$work/built/detect"
cd "$work"
# What the test runner says of its own files must not help.
unset RUNFILES_DIR RUNFILES_MANIFEST_FILE RUNFILES_MANIFEST_ONLY JAVA_RUNFILES TEST_SRCDIR

# bmp FILE: 4 x 4 grey pixels.
bmp() {
  {
    printf 'BM\x66\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\x18\0'
    head -c 24 /dev/zero
    head -c 48 /dev/zero | tr '\0' '\200'
  } > "$1"
}
for name in a b c; do bmp "photos/$name.bmp"; done
quick=(--pyramid=100 --noflip --threads=1)

echo "1. started by its path, by a link and by its name alone, it finds the shipped model"
mkdir bin
ln -s "$detect" bin/detect
ln -s "$detect" finder
expect_status 0 "$detect" "${quick[@]}" --output=by_path photos/a.bmp
expect_status 0 ./finder "${quick[@]}" --output=by_link photos/a.bmp
PATH="$work/bin:$PATH" expect_status 0 detect "${quick[@]}" --output=by_name photos/a.bmp
cmp by_path/detections.jsonl by_link/detections.jsonl
cmp by_path/detections.jsonl by_name/detections.jsonl
cp "$detect" bin/alone
expect_status 1 bin/alone "${quick[@]}" --output=alone photos/a.bmp
grep -q 'name a model with --model' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "1b. what took the place of --adaptive is named, and speeds are words"
expect_status 2 "$detect" "${quick[@]}" --adaptive --output=old photos/a.bmp
grep -q 'give --speed=balanced' "$work/stderr" || fail "$(cat "$work/stderr")"
expect_status 2 "$detect" "${quick[@]}" --speed=slow --output=old photos/a.bmp
grep -q 'accurate, balanced, fast' "$work/stderr" || fail "$(cat "$work/stderr")"
for speed in accurate balanced fast; do
  expect_status 0 "$detect" "${quick[@]}" --speed="$speed" --output="at_$speed" photos/a.bmp
done

echo "2. twice in one folder, with drawings: they are not detected"
cd photos
expect_status 0 "$detect" "${quick[@]}" --draw .
expect_status 0 "$detect" "${quick[@]}" --draw .
grep -q '^images=3 ' "$work/stdout" || fail "not 3 images: $(cat "$work/stdout")"
[[ "$(find found/drawn -type f | wc -l)" == 3 ]] || fail "$(ls found/drawn)"
cd ..

echo "3. a file that is given twice is detected once, and said to be"
expect_status 0 "$detect" "${quick[@]}" --output=twice photos/b.bmp photos ./photos/a.bmp
[[ "$(wc -l < twice/detections.jsonl)" == 3 ]] || fail "$(cat twice/detections.jsonl)"
grep -q 'detect: 2 files were given more than once' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "4. names that a form cannot keep apart end the run before it begins"
mkdir other
bmp other/a.bmp
expect_status 1 "$detect" "${quick[@]}" --output=apart --format=jsonl,face_eval photos other
grep -q 'face_eval: "other/a.bmp" and "photos/a.bmp" would both be called "a"' "$work/stderr" || fail "$(cat "$work/stderr")"
[[ ! -e apart ]] || fail "it left something"
expect_status 0 "$detect" "${quick[@]}" --output=apart --format=jsonl,fddb,wider photos other
bmp "$(printf 'other/caf\xe9.bmp')"
expect_status 1 "$detect" "${quick[@]}" --output=latin other
grep -q 'caf\\xe9.bmp" is not UTF-8' "$work/stderr" || fail "$(cat "$work/stderr")"
expect_status 2 "$detect" "${quick[@]}" --format=fddb,fddb photos
expect_status 2 "$detect" "${quick[@]}" --exif=maybe photos

echo "5. an image that is not read is named, and the others are detected"
printf 'GIF89a' > photos/d.gif
expect_status 1 "$detect" "${quick[@]}" --output=with_gif photos
grep -q 'photos/d.gif: is a GIF picture' "$work/stderr" || fail "$(cat "$work/stderr")"
[[ "$(wc -l < with_gif/detections.jsonl)" == 3 ]] || fail "$(cat with_gif/detections.jsonl)"
rm photos/d.gif

echo "5b. a pipe or a socket in a folder is a picture that cannot be read, and is not waited for"
mkfifo photos/d.jpg
expect_status 1 timeout 60 "$detect" "${quick[@]}" --output=with_pipe photos
grep -q 'photos/d.jpg: is a pipe, not a file' "$work/stderr" || fail "$(cat "$work/stderr")"
grep -q '^images=3 boxes=[0-9]* failed=1$' "$work/stdout" || fail "$(cat "$work/stdout")"
rm photos/d.jpg
expect_status 0 "$detect" "${quick[@]}" --output=substituted <(cat photos/a.bmp)

echo "5c. a threshold of 0 gives boxes that have an area, in every form"
expect_status 0 "$detect" "${quick[@]}" --output=all_boxes --score_threshold=0 --format=jsonl,csv,coco,wider,fddb,yolo photos
grep -qE '[0-9]' all_boxes/fddb.txt || fail "no boxes; nothing is tested"
tr '[' '\n' < all_boxes/detections.jsonl | awk -F, 'NF >= 5 && ($3 <= 0 || $4 <= 0)' > narrow
awk -F, 'NR > 1 && $2 != "" && ($4 <= 0 || $5 <= 0)' all_boxes/detections.csv >> narrow
grep -rhE '^[-0-9.]+ [-0-9.]+ [-0-9.]+ [-0-9.]+ ' all_boxes/fddb.txt all_boxes/wider | awk '$3 <= 0 || $4 <= 0' >> narrow
find all_boxes/yolo -name '*.txt' -exec cat {} + | awk '$4 <= 0 || $5 <= 0' >> narrow
[[ ! -s narrow ]] || fail "without area: $(head -3 narrow)"

echo "6. patterns, lists and the standard input name images; one that is missing stops no run"
expect_status 0 "$detect" "${quick[@]}" --output=pattern --images='photos/[ab].bmp' other/a.bmp
[[ "$(wc -l < pattern/detections.jsonl)" == 3 ]] || fail "$(cat pattern/detections.jsonl)"
printf 'photos/b.bmp\nphotos/none.bmp\nphotos\n' > list.txt
expect_status 1 "$detect" "${quick[@]}" --output=list --images=@list.txt
grep -q 'detect: photos/none.bmp: ' "$work/stderr" || fail "$(cat "$work/stderr")"
grep -q '^images=3 boxes=[0-9]* failed=1$' "$work/stdout" || fail "$(cat "$work/stdout")"
grep -q '"photos/none.bmp","error":"photos/none.bmp: ' list/images.jsonl || fail "$(cat list/images.jsonl)"
expect_status 1 "$detect" "${quick[@]}" --output=stdin - < list.txt
cmp list/detections.jsonl stdin/detections.jsonl
cmp list/images.jsonl stdin/images.jsonl
expect_status 1 "$detect" "${quick[@]}" --output=list.txt --overwrite --images=@list.txt
grep -q 'this output would replace list.txt' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "7. killed again and again, and resumed: the files are those of a run that nobody disturbed"
mkdir many
for number in 1{0..3}{0..9}; do
  bmp "many/$number.bmp"
  # Files that differ: detections that change places would be seen.
  printf '%s' "$number$number$number" | dd of="many/$number.bmp" bs=1 seek=60 conv=notrunc status=none
done
printf 'no picture' > many/125.bmp
outputs=("${quick[@]}" --score_threshold=0.001 --draw_threshold=0.001 --format=jsonl,csv,coco,yolo --blur --contact_sheet)
lines() { if [[ -e "$1" ]]; then wc -l < "$1"; else echo 0; fi; }
printf '%s\n' many/*.bmp > many.txt
expect_status 1 "$detect" "${outputs[@]}" --output=undisturbed --crops=faces_undisturbed @many.txt
for last in 103 104 119 126 138; do
  # It dies when it waits for this picture, which is a pipe that nobody writes to.
  mv "many/$last.bmp" aside.bmp
  mkfifo "many/$last.bmp"
  "$detect" "${outputs[@]}" --resume --output=killed --crops=faces_killed @many.txt 2> "$work/stderr" > /dev/null &
  process=$!
  until (( $(lines killed.unfinished/images.jsonl) >= last - 100 )); do
    kill -0 "$process" || fail "ended by itself: $(cat "$work/stderr")"
    sleep 0.02
  done
  kill -KILL "$process"
  wait "$process" || true
  mv aside.bmp "many/$last.bmp"
  [[ ! -e killed ]] || fail "something is there before the end"
  [[ "$(lines killed.unfinished/images.jsonl)" == $((last - 100)) ]] || fail "not up to $last"
done
echo '{"image":"torn' >> killed.unfinished/images.jsonl
truncate -s -1 killed.unfinished/images.jsonl
expect_status 1 "$detect" "${outputs[@]}" --output=killed --crops=faces_killed @many.txt
grep -q 'killed.unfinished: holds what an interrupted run has done.*--resume' "$work/stderr" || fail "$(cat "$work/stderr")"
expect_status 1 "$detect" "${outputs[@]}" --nms=plain --resume --output=killed --crops=faces_killed @many.txt
grep -q -- '--nms differs from that of the interrupted run' "$work/stderr" || fail "$(cat "$work/stderr")"
expect_status 1 "$detect" "${outputs[@]}" --resume --output=killed --crops=faces_killed many/139.bmp @many.txt
grep -q "interrupted run's image 1 is many/100.bmp, but now it is many/139.bmp" "$work/stderr" || fail "$(cat "$work/stderr")"
expect_status 1 "$detect" "${outputs[@]}" --resume --output=killed --crops=faces_killed @many.txt
grep -q 'detect: many/125.bmp: ' "$work/stderr" || fail "the broken picture is not named: $(cat "$work/stderr")"
sed -i 's/"output": "killed"/"output": "undisturbed"/; s/faces_killed/faces_undisturbed/' {,faces_}killed/provenance.json
diff -r undisturbed killed || fail "the results differ"
diff -r faces_undisturbed faces_killed || fail "the faces that were cut out differ"
compgen -G "faces_killed/*_face0.png" > /dev/null || fail "no face was cut out; nothing is tested"
[[ ! -e killed.unfinished && ! -e faces_killed.unfinished ]] || fail "something is left behind"

# Faces have a folder of their own.
for bad in two . two/faces; do
  expect_status 2 "$detect" "${outputs[@]}" --output=two --crops="$bad" many/100.bmp
  [[ ! -e two && ! -e two.unfinished ]] || fail "--crops=$bad left something behind"
done

expect_status 2 "$detect" --watch --output=file many/100.bmp

echo "8. a folder is watched: what comes is detected once, also over a kill, until Ctrl-C"
mkdir incoming
bmp incoming/a.bmp
watch() {
  # In a shell that is not interactive, what runs in the background ignores Ctrl-C unless it is told otherwise.
  env --default-signal=INT "$detect" "${quick[@]}" --watch --output=watched "$@" incoming > "$work/stdout" 2> "$work/stderr" &
  process=$!
}
wait_for() {
  until (( $(lines watched.unfinished/images.jsonl) >= $1 )); do
    kill -0 "$process" || fail "ended by itself: $(cat "$work/stderr")"
    sleep 0.1
  done
}
watch
wait_for 1
bmp incoming/c.bmp
wait_for 2
kill -KILL "$process"
wait "$process" || true
bmp incoming/b.bmp
watch --resume
wait_for 3
kill -INT "$process"
wait "$process" || fail "$(cat "$work/stderr")"
[[ "$(grep -o 'incoming/[a-c]' watched/detections.jsonl | tr '\n' ' ')" == "incoming/a incoming/c incoming/b " ]] ||
  fail "$(cat watched/detections.jsonl)"
grep -q '^images=3 ' "$work/stdout" || fail "$(cat "$work/stdout")"
echo PASSED
