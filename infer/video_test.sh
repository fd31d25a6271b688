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
# The file itself is what its decoder gives, and its encoder writes what it is given; of STUCK_AT it gives STUCK bytes and then nothing more, where that is set.
cat > bin/ffmpeg <<'SCRIPT'
#!/usr/bin/env bash
echo "$*" >> "$FFMPEG_LOG"
for argument in "$@"; do if [[ "$argument" == file:* && -z "${file:-}" ]]; then file="${argument#file:}"; fi; done
output="${!#}"
if [[ "$*" == *"-t 0 -f null"* ]]; then  # what the file is
  coded="bt709"
  if [[ "$file" == *hdr* ]]; then coded="bt2020nc/bt2020/smpte2084"; fi
  printf '  Stream #0:0: Audio: aac\n  Stream #0:1: Video: hevc (Main 10), yuv420p10le(tv, %s), 32x24\n' "$coded" >&2
elif [[ "$*" == *"-filters"* ]]; then
  if [[ -z "${NO_ZSCALE:-}" ]]; then printf ' .S. tonemap  V->V\n .SC zscale  V->V\n'; fi
elif [[ "$*" == *"-f null"* ]]; then  # whether it can encode
  cat > /dev/null
  if [[ -n "${NO_H264:-}" ]]; then echo "Unknown encoder 'libx264'" >&2; exit 1; fi
elif [[ "$*" == *"-f framecrc"* ]]; then
  printf '#sar 0: 16/15\n'
  for number in {0..99}; do printf '0, 0, %d, 100, 9, 0x0\n' "$((500 + number * 100))"; done
elif [[ "$output" == file:* ]]; then  # what is to be encoded is the copy
  if [[ "$file" == *unwritable* ]]; then printf 'first\nlast words\n' >&2; exit 1; fi
  if [[ -n "${STUCK_ENCODER:-}" ]]; then
    echo $$ > stuck.pid
    exec sleep 600
  fi
  cat > "${output#file:}"
elif [[ -n "${STUCK:-}" && "$file" == "$STUCK_AT" ]]; then
  head -c "$STUCK" "$file"
  echo $$ > stuck.pid
  exec sleep 600
else
  cat "$file"
  if [[ "$file" == *broken* && "$*" == *-xerror* ]]; then echo "moov atom not found" >&2; exit 1; fi
  if [[ "$file" == *halved* ]]; then echo "[matroska,webm @ 0x1] File ended prematurely" >&2; fi
fi
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
expect_status 0 "$detect" "${quick[@]}" --output=one --format=jsonl,wider,coco --blur --single_frames film.mp4
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
  rm -f stuck.pid
  "$detect" "${quick[@]}" --resume --output=killed "${videos[@]}" > /dev/null 2> "$work/stderr" &
  local process=$!
  until [[ -s stuck.pid ]] && (( $(lines killed.unfinished/images.jsonl) >= $1 )); do
    kill -0 "$process" || fail "ended by itself: $(cat "$work/stderr")"
    sleep 0.02
  done
  kill -KILL "$process"
  wait "$process" || true
  [[ "$(lines killed.unfinished/images.jsonl)" == "$1" ]] || fail "not $1: $(cat killed.unfinished/images.jsonl)"
}
# The decoder gives nothing of a video.
for wait_at in "broken.avi 3" "film.mp4 8"; do
  read -r video count <<< "$wait_at"
  STUCK=0 STUCK_AT="$video" kill_at "$count"
  kill "$(cat stuck.pid)"
done
# Behind 20 frames of the film and a piece of the next one, of which a batch of 16 is done.
STUCK="$((20 * $(frame 1 32 24 | wc -c) + 5))" STUCK_AT=film.mp4 kill_at 24
kill "$(cat stuck.pid)"
expect_status 1 "$detect" "${quick[@]}" --resume --output=killed "${videos[@]}"
cmp all/detections.jsonl killed/detections.jsonl
cmp all/images.jsonl killed/images.jsonl

echo "4. a video's copies are videos"
# size_of_copy FRAMES: the bytes that the encoder is given.
size_of_copy() { echo $((32 + $1 * (12 + $(frame 1 32 24 | wc -c)))); }
frames 3 > unwritable.mkv
mkdir other
frames 1 > other/film.mp4
mixed=(film.mp4 broken.avi unwritable.mkv other/film.mp4)
copies=(--draw --draw_threshold=0.001 --blur --format=csv)
expect_status 1 "$detect" "${quick[@]}" "${copies[@]}" --output=copies "${mixed[@]}"
grep -q '^images=46 boxes=[0-9]* failed=1$' "$work/stdout" || fail "$(cat "$work/stdout")"
grep -q 'detect: unwritable.mkv: ffmpeg cannot write its copy: first | last words; --single_frames' "$work/stderr" ||
  fail "$(cat "$work/stderr")"
found="$(cd copies && find drawn blurred ! -type d | sort | tr '\n' ' ')"
expected="blurred/broken.avi.mkv blurred/film.mp4 blurred/other/film.mp4 "
expected+="drawn/00000_film.mp4 drawn/00040_broken.mkv drawn/00046_film.mp4 "
[[ "$found" == "$expected" ]] || fail "$found"
[[ "$(wc -c < copies/blurred/film.mp4)" == "$(size_of_copy 40)" ]] || fail "$(ls -l copies/blurred)"
[[ "$(wc -c < copies/drawn/00040_broken.mkv)" == "$(size_of_copy 2)" ]] || fail "$(ls -l copies/drawn)"
cmp -s copies/blurred/film.mp4 copies/drawn/00000_film.mp4 && fail "drawn and blurred are the same"
# The first frame's time and the second one's, in the file and beside the sound.
[[ "$(head -c 40 copies/blurred/other/film.mp4 | tail -c 4 | od -An -tu4 | tr -d ' ')" == 0 ]] || fail "not from 0"
second=$((32 + 12 + $(frame 1 32 24 | wc -c) + 4))
[[ "$(tail -c +$((second + 1)) copies/blurred/film.mp4 | head -c 4 | od -An -tu4 | tr -d ' ')" == 100 ]] || fail "time"
grep -q -- '-itsoffset 0.000694 .*setsar=16/15.* -f mp4 file:' ffmpeg.log || fail "$(cat ffmpeg.log)"
expect_status 1 "$detect" "${quick[@]}" --output=one_failed --draw unwritable.mkv
grep -q 'of 1 videos no copy could be written.*all other results are in one_failed' "$work/stderr" ||
  fail "$(cat "$work/stderr")"
[[ -s one_failed/detections.jsonl && -z "$(ls -A one_failed/drawn)" ]] || fail "$(find one_failed)"

echo "5. interrupted while a copy is written, it is written anew; none is there in part"
# kill_while_drawing OUTPUT: a run that is killed when all frames are done and the first copy is begun.
kill_while_drawing() {
  rm -f stuck.pid
  STUCK_ENCODER=1 "$detect" "${quick[@]}" "${copies[@]}" --output="$1" "${mixed[@]}" 2> "$work/stderr" &
  local process=$!
  until [[ -s stuck.pid ]]; do
    kill -0 "$process" || fail "ended by itself: $(cat "$work/stderr")"
    sleep 0.02
  done
  kill -KILL "$process"
  wait "$process" || true
  kill "$(cat stuck.pid)" || true
  [[ -z "$(find "$1.unfinished" -name '*.mp4')" ]] || fail "$(find "$1.unfinished")"
}
kill_while_drawing stuck
expect_status 1 "$detect" "${quick[@]}" "${copies[@]}" --resume --output=stuck "${mixed[@]}"
for folder in drawn blurred; do diff -r "copies/$folder" "stuck/$folder" || fail "not the same"; done

# A frame on which detection failed is hidden as a whole, and drawn as it was.
kill_while_drawing failed_frame
sed -i '1s/.*/{"image":"film.mp4\/00000000","error":"no memory"}/' failed_frame.unfinished/images.jsonl
sed -i 1d failed_frame.unfinished/detections.jsonl
expect_status 1 "$detect" "${quick[@]}" "${copies[@]}" --resume --output=failed_frame "${mixed[@]}"
# of_first_frame BYTES_BEFORE FILE
of_first_frame() { tail -c +"$(($1 + 1))" "$2" | head -c "$(frame 1 32 24 | wc -c)"; }
cmp <(of_first_frame 0 film.mp4) <(of_first_frame 44 failed_frame/drawn/00000_film.mp4)
cmp -s <(of_first_frame 0 film.mp4) <(of_first_frame 44 failed_frame/blurred/film.mp4) && fail "it is not hidden"

echo "6. an ffmpeg that cannot encode is an error before anything is done; pictures need none"
NO_H264=1 expect_status 1 "$detect" "${quick[@]}" --output=none --draw film.mp4
grep -q "cannot encode videos with libx264: Unknown encoder 'libx264'.*--single_frames" "$work/stderr" ||
  fail "$(cat "$work/stderr")"
[[ ! -e none && ! -e none.unfinished/images.jsonl ]] || fail "$(find none*)"
NO_H264=1 expect_status 0 "$detect" "${quick[@]}" --output=none --draw --single_frames short.MKV
[[ -s none/drawn/00002_00000002.png ]] || fail "$(find none)"
expect_status 2 "$detect" "${quick[@]}" --output=none --single_frames film.mp4
grep -q -- '--single_frames goes with --draw, --blur or --pixelate' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "7. without ffmpeg a video is an error that says so"
PATH="$work" expect_status 1 "$detect" "${quick[@]}" --output=without film.mp4
grep -q 'film.mp4: is a video, and the program ffmpeg.*apt-get install ffmpeg' "$work/stderr" || fail "$(cat "$work/stderr")"

echo "7b. a film of which the end is missing is told, though ffmpeg is content with it"
frames 2 > halved.mkv
expect_status 1 "$detect" "${quick[@]}" --output=halved halved.mkv short.MKV
grep -q 'detect: halved.mkv: its end is missing' "$work/stderr" || fail "$(cat "$work/stderr")"
grep -q 'File ended prematurely' "$work/stderr" || fail "$(cat "$work/stderr")"
grep -q '^images=5 boxes=[0-9]* failed=1$' "$work/stdout" || fail "$(cat "$work/stdout")"

echo "7c. HDR is brought to the range of photographs, or said to be left"
frames 2 > hdr.mp4
: > ffmpeg.log
expect_status 0 "$detect" "${quick[@]}" --output=hdr --blur hdr.mp4 short.MKV
# When faces are detected, and when they are hidden.
mapped="$(grep -c 'file:hdr.mp4 .*-vf setparams=.*color_trc=smpte2084,zscale=.*tonemap=.*-f image2pipe' ffmpeg.log)"
[[ "$mapped" == 2 ]] || fail "$(cat ffmpeg.log)"
grep 'short.MKV .*image2pipe' ffmpeg.log | grep -q zscale && fail "$(cat ffmpeg.log)"
NO_ZSCALE=1 expect_status 0 "$detect" "${quick[@]}" --output=pale hdr.mp4
[[ "$(grep -c 'detect: hdr.mp4: is an HDR video.*faces may be missed' "$work/stderr")" == 1 ]] ||
  fail "$(cat "$work/stderr")"

echo "7d. a stream comes through a pipe: its frames are results at once, and Ctrl-C completes them"
mkfifo camera.ts
# stream NUMBER OUTPUT FLAGS...: a run on a camera that has given so many frames and says nothing more.
stream() {
  local number="$1" output="$2"
  shift 2
  { frames "$number"; exec sleep 600; } > camera.ts 2> /dev/null &
  feeder=$!
  env --default-signal=INT "$detect" "${quick[@]}" --output="$output" "$@" camera.ts > "$work/stdout" 2> "$work/stderr" &
  process=$!
  until (( $(lines "$output.unfinished/images.jsonl") >= number )); do
    kill -0 "$process" || fail "ended by itself: $(cat "$work/stderr")"
    sleep 0.02
  done
}
: > ffmpeg.log
stream 5 live --draw --single_frames
kill -INT "$process"
wait "$process" || fail "Ctrl-C: exit code $?: $(cat "$work/stderr")"
kill "$feeder" || true
grep -q 'reading a stream; the results so far are in live.unfinished/detections.jsonl, and Ctrl-C' "$work/stderr" ||
  fail "$(cat "$work/stderr")"
grep -q '^images=5 boxes=[0-9]* failed=0$' "$work/stdout" || fail "$(cat "$work/stdout")"
[[ "$(lines live/detections.jsonl)" == 5 && -s live/drawn/00004_00000004.png ]] || fail "$(find live)"
grep -q -- '-xerror' ffmpeg.log && fail "a damaged frame would end it: $(cat ffmpeg.log)"
# One that ends by itself is done.
{ frames 3 > camera.ts; } &
expect_status 0 "$detect" "${quick[@]}" --output=ended camera.ts
[[ "$(lines ended/detections.jsonl)" == 3 ]] || fail "$(cat ended/images.jsonl)"
# What a killed run has seen does not come again, and stays.
stream 2 lost
kill -KILL "$process"
wait "$process" || true
kill "$feeder" || true
expect_status 1 "$detect" "${quick[@]}" --output=lost --resume camera.ts
grep -q 'camera.ts: is a pipe, and its 2 frames.*do not come again.*lost.unfinished.*--overwrite without --resume' \
  "$work/stderr" || fail "$(cat "$work/stderr")"
[[ "$(lines lost.unfinished/detections.jsonl)" == 2 ]] || fail "$(find lost.unfinished)"
expect_status 1 "$detect" "${quick[@]}" --output=more camera.ts short.MKV
grep -q 'camera.ts: is a pipe.*give it alone' "$work/stderr" || fail "$(cat "$work/stderr")"
expect_status 1 "$detect" "${quick[@]}" --output=more --blur camera.ts
grep -q 'camera.ts: is a pipe.*--single_frames' "$work/stderr" || fail "$(cat "$work/stderr")"
[[ ! -e more && ! -e more.unfinished ]] || fail "something is left behind"

echo "8. the real ffmpeg"
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

ffmpeg -v error -nostdin -f lavfi -i testsrc=size=64x48:rate=10:duration=3 -c:v mjpeg whole.mkv
head -c "$(($(wc -c < whole.mkv) / 2))" whole.mkv > cut.mkv
expect_status 1 "$detect" "${quick[@]}" --output=cut_film cut.mkv real.avi
grep -q 'detect: cut.mkv: its end is missing' "$work/stderr" || fail "$(cat "$work/stderr")"
(( $(grep -c '^{"image":"cut.mkv/' cut_film/detections.jsonl) > 5 )) || fail "$(cat cut_film/images.jsonl)"
# A camera, which a transport stream stands for.
rm camera.ts
mkfifo camera.ts
ffmpeg -v error -nostdin -y -i whole.mkv -c:v mpeg2video -f mpegts camera.ts &
expect_status 0 "$detect" "${quick[@]}" --output=broadcast camera.ts
[[ "$(lines broadcast/detections.jsonl)" == 30 ]] || fail "$(cat broadcast/images.jsonl)"
# The light of HDR, coded as in films of phones and of discs, one of them without a word about its colours.
if ffmpeg -v error -filters | grep ' zscale ' > /dev/null; then
  ffmpeg -v error -nostdin -f lavfi -i gradients=size=64x48:c0=0x404040:c1=0xc0a080:n=2:duration=0.1:seed=1 -c:v ffv1 grey.mkv
  linear="setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709,zscale=transfer=linear:npl=100,format=gbrpf32le"
  for transfer in smpte2084 arib-std-b67; do
    for primaries in bt2020 unknown; do
      ffmpeg -v error -nostdin -y -i grey.mkv -frames:v 1 -vf "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,\
$linear,zscale=primaries=bt2020,zscale=transfer=$transfer:matrix=bt2020nc:range=tv:npl=100,format=yuv420p10le,\
setparams=color_primaries=$primaries" -color_primaries "$primaries" -color_trc "$transfer" -c:v ffv1 hdr.mkv
      expect_status 0 "$detect" "${quick[@]}" --output=mapped --overwrite --draw --single_frames --draw_threshold=1 hdr.mkv
      psnr="$(ffmpeg -nostdin -i grey.mkv -i mapped/drawn/00000_00000000.png -frames:v 1 -lavfi \
        "[0:v]format=rgb24[a];[1:v]format=rgb24[b];[a][b]psnr" -f null - 2>&1 | sed -n 's/.*average:\([0-9]*\).*/\1/p')"
      echo "$transfer, $primaries: $psnr dB"
      (( psnr >= 30 )) || fail "$transfer, $primaries: not as bright as the photograph: $psnr dB"
    done
  done
fi

echo "9. copies by the real ffmpeg: times, size, turn and sound are the source's, descriptions are gone"
if ! command -v ffprobe > /dev/null || ! ffmpeg -v error -encoders | grep libx264 > /dev/null; then
  echo "SKIPPED: there is no ffprobe here, or ffmpeg has no libx264"
  exit 0
fi
ffmpeg -v error -nostdin -f lavfi -i testsrc=size=64x48:rate=30000/1001:duration=1 -f lavfi -i sine=duration=1 \
  -vf "select='lt(n,10)+not(mod(n,3))'" -fps_mode vfr -c:v mpeg4 -c:a aac -metadata comment=home \
  -metadata:s:a handler_name=home uneven.mp4
ffmpeg -v error -nostdin -i uneven.mp4 -c copy -metadata:s:v rotate=90 phone.mp4
ffmpeg -v error -nostdin -i uneven.mp4 -frames:v 1 -an -vf scale=33:25 -c:v ffv1 -pix_fmt bgr0 single.mkv
# of VIDEO ENTRIES: what ffprobe says of it.
of() { ffprobe -v error -select_streams "$3" -show_entries "$2" -of csv=p=0 "$1" | tr -d ',' | sort -g; }
expect_status 0 "$detect" "${quick[@]}" --output=turned --draw --blur phone.mp4 single.mkv
for copy in turned/drawn/00000_phone.mp4 turned/blurred/phone.mp4; do
  diff <(of phone.mp4 packet=pts_time v) <(of "$copy" packet=pts_time v) || fail "$copy: other times"
  diff <(of phone.mp4 packet=pts_time,size a) <(of "$copy" packet=pts_time,size a) || fail "$copy: other sound"
  pixels="$(of "$copy" stream=width,height v)"
  turned="$(of phone.mp4 stream_side_data=rotation v)"
  if [[ "$turned" == *90* ]]; then [[ "$pixels" == 4864 ]] || fail "$copy: $pixels"; fi
  ffprobe -v error -show_entries format_tags:stream_tags "$copy" | grep home && fail "$copy says where it was taken"
done
[[ "$(of turned/blurred/single.mkv stream=width,height v)" == 3325 ]] || fail "single.mkv: another size"
[[ "$(of turned/blurred/single.mkv packet=pts_time v | wc -l)" == 1 ]] || fail "single.mkv: not one frame"
echo PASSED
