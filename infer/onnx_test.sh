#!/usr/bin/env bash
# The ONNX files of model:convert, run by ONNX Runtime, give the detections of infer:detect. By the Python that
# HARDFACE_PYTHON names (python3 else), where it has NumPy and ONNX Runtime.
set -euo pipefail

python="${HARDFACE_PYTHON:-python3}"
if ! "$python" -c 'import numpy, onnxruntime' 2> /dev/null; then
  echo "SKIPPED: there is no $python with NumPy and ONNX Runtime here"
  exit 0
fi
root="$PWD"
cd "$(mktemp -d "$TEST_TMPDIR/onnx.XXXX")"
model="$root/model/zoo/hardface-s.safetensors"
threshold=0.005
"$python" "$root/infer/onnx_test.py" draw
"$python" "$root/infer/onnx_test.py" move "$model"
# Pyramid level 128 is the pictures' own size, which needs no padding.
for name in faces moved; do
  if [[ "$name" == moved ]]; then from=moved.safetensors; else from="$model"; fi
  "$root/infer/detect" --model="$from" --output="found_$name" --pyramid=128 --noflip --nms=plain --nms_threshold=0.4 \
    --score_threshold="$threshold" --threads=1 pictures
  "$root/model/convert" --input="$from" --output="$name.onnx" --with_postprocessing --score_threshold="$threshold"
done
"$root/model/convert" --input="$model" --output=maps.onnx
"$python" "$root/infer/onnx_test.py" compare faces
"$python" "$root/infer/onnx_test.py" compare moved
