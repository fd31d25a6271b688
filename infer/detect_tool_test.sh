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
echo PASSED
