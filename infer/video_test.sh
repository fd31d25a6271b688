#!/usr/bin/env bash
# Videos as inputs of detect: their frames, interruptions, broken ones. ffmpeg is played by a script that hands out frames
# as it would; the last part asks the real one, where it is installed.
set -euo pipefail

source base/expect_status.sh
detect="$PWD/infer/detect"
quick=(--model="$PWD/model/zoo/hardface-s.safetensors" --pyramid=60 --noflip --threads=1 --score_threshold=0.001)
cd "$work"

# frame NUMBER WIDTH HEIGHT: a PPM picture; no two are alike.
frame() {
  printf 'P6\n%d %d\n255\n' "$2" "$3"
  head -c "$(($2 * $3 * 3))" < <(yes "$1 $(($1 * 7919)) frame")
}
# frames COUNT: a video of so many.
frames() { for number in $(seq "$1"); do frame "$number" 32 24; done; }
lines() { if [[ -e "$1" ]]; then wc -l < "$1"; else echo 0; fi; }

mkdir bin
# The file itself is what the decoder gives; STUCK bytes of it, and then nothing more, where that is set.
cat > bin/ffmpeg <<'SCRIPT'
#!/usr/bin/env bash
echo "$*" > "$FFMPEG_LOG"
for argument in "$@"; do if [[ "$argument" == file:* ]]; then file="${argument#file:}"; fi; done
if [[ -n "${STUCK:-}" ]]; then
  head -c "$STUCK" "$file"
  echo $$ > stuck.pid
  exec sleep 600
fi
cat "$file"
if [[ "$file" == *broken* ]]; then echo "moov atom not found" >&2; exit 1; fi
SCRIPT
chmod +x bin/ffmpeg
export FFMPEG_LOG="$work/ffmpeg.log"
real_path="$PATH"
export PATH="$work/bin:$PATH"

frames 40 > film.mp4
frames 3 > short.MKV
frames 2 > broken.avi
: > empty.mov
printf 'no picture' > photo.jpg

echo "1. every frame is an image of its own"
expect_status 0 "$detect" "${quick[@]}" --output=one --format=jsonl,wider,coco --blur film.mp4
[[ "$(lines one/detections.jsonl)" == 40 ]] || fail "$(cat one/images.jsonl)"
head -n 1 one/images.jsonl | grep -q '{"image":"film.mp4/00000000","width":32,"height":24}' || fail "$(head -n 1 one/images.jsonl)"
[[ -s one/wider/film.mp4/00000039.txt && -s one/blurred/film.mp4/00000039.png ]] || fail "$(ls one/*)"
grep -q -- '-protocol_whitelist file -i file:film.mp4' ffmpeg.log || fail "$(cat ffmpeg.log)"

echo "2. broken and empty videos stop no run; what came before the break is detected"
expect_status 1 "$detect" "${quick[@]}" --output=all short.MKV broken.avi empty.mov photo.jpg film.mp4
grep -q '^images=45 boxes=[0-9]* failed=3$' "$work/stdout" || fail "$(cat "$work/stdout")"
grep -q 'detect: broken.avi: ffmpeg cannot decode it to its end' "$work/stderr" || fail "$(cat "$work/stderr")"
grep -q 'detect: empty.mov: has no frames' "$work/stderr" || fail "$(cat "$work/stderr")"
grep -q 'moov atom not found' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "3. interrupted between videos and within one, it goes on to the same files"
videos=(short.MKV broken.avi empty.mov photo.jpg film.mp4)
# kill_at LINES: starts the run, or goes on with it, and kills it when so many images are done.
kill_at() {
  "$detect" "${quick[@]}" --resume --output=killed "${videos[@]}" > /dev/null 2> "$work/stderr" &
  local process=$!
  until (( $(lines killed.unfinished/images.jsonl) >= $1 )); do
    kill -0 "$process" || fail "ended by itself: $(cat "$work/stderr")"
    sleep 0.02
  done
  kill -KILL "$process"
  wait "$process" || true
  [[ "$(lines killed.unfinished/images.jsonl)" == "$1" ]] || fail "not $1: $(cat killed.unfinished/images.jsonl)"
}
# The decoder waits for a pipe to which nobody writes.
for wait_at in "broken.avi 3" "film.mp4 8"; do
  read -r video count <<< "$wait_at"
  mv "$video" aside
  mkfifo "$video"
  kill_at "$count"
  : > "$video"  # the decoder, which its reader left, ends
  rm "$video"
  mv aside "$video"
done
# Behind 20 frames of the film and a piece of the next one, of which a batch of 16 is done.
STUCK="$((20 * $(frame 1 32 24 | wc -c) + 5))" kill_at 24
kill "$(cat stuck.pid)"
expect_status 1 "$detect" "${quick[@]}" --resume --output=killed "${videos[@]}"
cmp all/detections.jsonl killed/detections.jsonl
cmp all/images.jsonl killed/images.jsonl

echo "4. without ffmpeg a video is an error that says so"
PATH="$work" expect_status 1 "$detect" "${quick[@]}" --output=without film.mp4
grep -q 'film.mp4: is a video, and the program ffmpeg.*apt-get install ffmpeg' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "5. the real ffmpeg"
export PATH="$real_path"
if ! command -v ffmpeg > /dev/null; then
  echo "SKIPPED: there is no ffmpeg here"
  exit 0
fi
ffmpeg -v error -nostdin -f lavfi -i testsrc=size=64x48:rate=10:duration=1.2 -c:v mjpeg real.avi
expect_status 0 "$detect" "${quick[@]}" --output=real real.avi
[[ "$(lines real/detections.jsonl)" == 12 ]] || fail "$(cat real/images.jsonl)"
grep -q '{"image":"real.avi/00000011","width":64,"height":48}' real/images.jsonl || fail "$(cat real/images.jsonl)"
head -c 20 real.avi > cut.avi
expect_status 1 "$detect" "${quick[@]}" --output=cut cut.avi photo.jpg real.avi
grep -q 'detect: cut.avi: ffmpeg cannot decode it' "$work/stderr" || fail "$(cat "$work/stderr")"
echo PASSED
