#!/usr/bin/env bash
# model/compare/compare_all.py writes one report with a line for each figure, names a peer that is not there, and refuses
# what it cannot use. No peer is needed.
set -euo pipefail

source base/expect_status.sh
report() { PYTHONPATH="$work/peers" PYTHONDONTWRITEBYTECODE=1 expect_status "$1" python3 model/compare/compare_all.py "${@:2}"; }
# Whatever is installed, this runtime is not.
mkdir "$work/peers"
for module in numpy onnxruntime; do echo 'raise ImportError("no runtime for this test")' > "$work/peers/$module.py"; done
cp model/zoo/hardface-s.safetensors "$work/small.safetensors"
printf 'BM\x66\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x04\0\0\0\x04\0\0\0\x01\0\x18\0' > "$work/photo.bmp"
head -c 24 /dev/zero >> "$work/photo.bmp"
head -c 48 /dev/zero | tr '\0' '\200' >> "$work/photo.bmp"

echo "1. one report, as a page and as a table"
report 0 --binaries=. --output="$work/report" --model="$work/small.safetensors" --runtimes=onnxruntime --speeds=balanced,fast \
  --side=320 --threads=1 --rounds=1 "$work/photo.bmp"
cmp "$work/stdout" "$work/report/report.md"
grep -q '^.*processors; L1 ' "$work/report/report.md" || fail "the machine is missing"
grep -q 'By model:time: .* 1 threads' "$work/report/report.md" || fail "the instruction set is missing"
for line in 'network,hardface,[0-9.]*,ms,1.00,' 'network,onnxruntime,,,,not measured: ImportError: no runtime for this test' \
  'detection,hardface,[0-9.]*,ms,' 'layer,conv1_1,[0-9.]*,ms,,.*% of all; .*% of the peak' 'layer,all,' \
  'layer,the peak,[0-9]*,GFLOP/s,' 'photograph,start,[0-9.]*,processor-seconds,' 'photograph,balanced,' 'photograph,fast,'; do
  grep -q "^$line" "$work/report/report.csv" || fail "no line $line in $(cat "$work/report/report.csv")"
done

echo "2. errors name what is wrong and what to do"
report 1 --binaries="$work" --output="$work/none" "$work/photo.bmp"
grep -q 'make it by ./bazelw build //infer:detect' "$work/stderr" || fail "$(cat "$work/stderr")"
report 1 --binaries=. --output="$work/none" --model="$work/small.safetensors" "$work/no.jpg"
grep -q 'no.jpg is no file' "$work/stderr" || fail "$(cat "$work/stderr")"
report 1 --binaries=. --output="$work/none" --model="$work/small.safetensors" --rounds=0 "$work/photo.bmp"
grep -q 'rounds=0: give 1 or more' "$work/stderr" || fail "$(cat "$work/stderr")"
report 1 --binaries=. --output="$work/none" --model="$work/small.safetensors" --runtimes=onxruntime "$work/photo.bmp"
grep -q 'onxruntime is none of hardface, hardface:ENGINE, onnxruntime' "$work/stderr" || fail "$(cat "$work/stderr")"
[[ ! -e "$work/none" ]] || fail "a failed call left something"
echo "PASSED"
