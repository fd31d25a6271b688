#!/usr/bin/env bash
# Runs every command of docs/DETECT.md, in their order and in one folder, on small pictures and a small pyramid.
set -euo pipefail

page="$PWD/docs/DETECT.md"
export T="$PWD"
cd "$(mktemp -d "$TEST_TMPDIR/commands.XXXX")"

"$T/data_tools/synthesize" --output=test_faces --images=6 --seed=1
mkdir -p album incoming run archive
cp test_faces/images/*0.jpg holiday.jpg
cp test_faces/images/*[12].jpg album/
cp test_faces/images/*[2-5].jpg archive/
cp test_faces/images/*3.jpg incoming/
printf 'holiday.jpg\nalbum\n' > list.txt
cp "$T/model/zoo/hardface-s.safetensors" run/model.safetensors

# What stands for "./bazelw run //infer:detect --": the tool, with what keeps the test short.
detect() { "$T/infer/detect" "$@" --pyramid=60 --noflip --threads=1; }
# The same with --watch: somebody presses Ctrl-C when the picture that was there is done.
watch() {
  env --default-signal=INT "$T/infer/detect" "$@" --pyramid=60 --noflip --threads=1 &
  local process=$!
  until grep -q . found_incoming.unfinished/images.jsonl 2> /dev/null; do
    kill -0 "$process"
    sleep 0.1
  done
  kill -INT "$process"
  wait "$process"
}
export -f detect watch

commands="$(sed -n 's/^    \(.*\.\/bazelw run .*\)/\1/p' "$page")"
count="$(wc -l <<< "$commands")"
if (( count < 10 )); then
  echo "only $count commands found in $page: has its form changed?" >&2
  exit 1
fi
# What else is indented by four spaces, as commands are, would not be run: only the command of ffmpeg below is.
others="$(grep '^    ' "$page" | grep -v './bazelw run //infer:detect -- ' | grep -v '^    ffmpeg ' || true)"
[[ -z "$others" ]] || { echo "commands of $page that this test does not know: $others" >&2; exit 1; }
if command -v ffmpeg > /dev/null; then
  ffmpeg -v error -nostdin -f lavfi -i testsrc=size=32x24:rate=25:duration=0.12 -c:v mpeg4 film.mp4
else
  # In its place: three frames, as it gives them, their times, and what it is given as the video.
  mkdir bin
  cat > bin/ffmpeg <<'SCRIPT'
#!/usr/bin/env bash
output="${!#}"
if [[ "$*" == *"-f framecrc"* ]]; then
  printf '0, 0, %d, 1, 1, 0\n' 0 1 2
elif [[ "$output" == camera.ts ]]; then
  echo > camera.ts
elif [[ "$output" == pipe:1 ]]; then
  for frame in 1 2 3; do
    printf 'P6\n32 24\n255\n'
    head -c $((32 * 24 * 3)) /dev/zero
  done
elif [[ "$output" == file:* ]]; then
  cat > "${output#file:}"
fi
SCRIPT
  chmod +x bin/ffmpeg
  touch film.mp4
  export PATH="$PWD/bin:$PATH"
fi
while read -r command; do
  echo "+ $command"
  called="detect"
  command="${command/rtsp:\/\/camera\/live/film.mp4}"
  if [[ "$command" == *" --watch "* ]]; then called="watch"; fi
  bash -c "set -euo pipefail; ${command/.\/bazelw run \/\/infer:detect --/$called}"
done <<< "$commands"
if [[ -d bin ]]; then
  echo "SKIPPED: the page's command of ffmpeg, which is not installed here"
else
  command="$(sed -n 's/^    \(ffmpeg .*\)/\1/p' "$page")"
  [[ -n "$command" ]] || { echo "the command of ffmpeg is not found in $page: has its form changed?" >&2; exit 1; }
  echo "+ $command"
  bash -c "set -euo pipefail; $command" < /dev/null
  [[ -s drawn.mp4 ]] || { echo "drawn.mp4 is not there" >&2; exit 1; }
fi
# Each has left what the page says.
for output in found found_test found_album found_list found_piped found_incoming found_film found_frames found_camera \
    found_archive found_part_0; do
  [[ -s "$output/detections.jsonl" && -s "$output/images.jsonl" ]] || { echo "$output is not there" >&2; exit 1; }
done
for file in detections.csv fddb.txt face_eval.txt coco_results.json coco_images.json wider yolo; do
  [[ -e "found_forms/$file" ]] || { echo "found_forms/$file is not there" >&2; exit 1; }
done
[[ -s found_film/drawn/00000_film.mp4 ]] || { echo "the drawn video is not there" >&2; exit 1; }
for file in found_blurred_film/blurred/film.mp4 found_blurred_film/drawn/00000_film.mp4 found_faces/provenance.json \
    found_frames/drawn/00002_00000002.png; do
  [[ -s "$file" ]] || { echo "$file is not there" >&2; exit 1; }
done
[[ "$(wc -l < found_camera/detections.jsonl)" == 3 ]] || { echo "the stream's three frames are not there" >&2; exit 1; }
[[ -s found_film/tracks.csv ]] || { echo "found_film/tracks.csv is not there" >&2; exit 1; }
for file in drawn blurred/album pixelated/album contact_sheet.html; do
  [[ -e "found_pictures/$file" ]] || { echo "found_pictures/$file is not there" >&2; exit 1; }
done
echo PASSED
