#!/usr/bin/env bash
# Everything that needs a GPU, in one call, on a machine that has one but neither Bazel nor a compiler.
#
# Where Bazel is:        model/cuda/gpu_session.sh pack DIR     builds with --config=cuda and copies what is needed to DIR
# On the GPU's machine:  DIR/gpu_session.sh run [OUTPUT]        tests, then times; writes OUTPUT/*.log and a summary
#
# The GPU's machine needs the driver, and CUDA 13, cuDNN 9 and NCCL 2 where its loader finds them: CUDA_LIBRARIES names a
# folder or several, with colons. For the comparison: Python with PyTorch; it is left out, saying so, without.
set -euo pipefail

tests=(
  model/cuda/cuda_memory_test model/ops/device_ops_test model/ops/conv2d_cuda_test model/cuda_executor_test
  infer/cuda_face_detector_test train/device_step_test train/nccl_communicator_test train/cuda_trainer_test
)

pack() {
  local target="$1" labels=() name
  cd "$(dirname "${BASH_SOURCE[0]}")/../.."
  for name in "${tests[@]}"; do labels+=("//$(dirname "$name"):$(basename "$name")"); done
  ./bazelw build --config=cuda "${labels[@]}" //model/execution:cuda_executor_benchmark //infer:detect //train
  mkdir -p "$target/lib"
  for name in "${tests[@]}" model/cuda_executor_benchmark infer/detect train/train; do
    install -s -D "bazel-bin/$name" "$target/$name"
    # Libraries that a bare machine lacks; the C library and CUDA are its own.
    ldd "bazel-bin/$name" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' |
      grep -vE '/cuda|/lib(c|m|dl|rt|pthread)\.so|ld-linux' | xargs -r -I{} cp -Lu {} "$target/lib/"
  done
  # Tests read these relative to where they run.
  mkdir -p "$target/model/testdata" "$target/model/compare"
  cp model/testdata/*.json model/testdata/*.caffemodel model/testdata/*.f32 "$target/model/testdata/"
  cp model/compare/compare_cuda.py model/compare/compare_runtimes.py "$target/model/compare/"
  install model/cuda/gpu_session.sh "$target/gpu_session.sh"
  echo "packed into $target: $(du -sh "$target" | cut -f1)"
}

run() {
  local output failures=0 name
  mkdir -p "$1"
  output="$(cd "$1" && pwd)"
  cd "$(dirname "${BASH_SOURCE[0]}")"
  export LD_LIBRARY_PATH="${CUDA_LIBRARIES:+$CUDA_LIBRARIES:}$PWD/lib:${LD_LIBRARY_PATH:-}"
  export XDG_CACHE_HOME="$output/cache"  # what autotuning finds: kept for the next session where OUTPUT is
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv >"$output/gpu.log" 2>&1 || true
  for name in "${tests[@]}"; do
    local log="$output/${name##*/}.log" status=0
    timeout 180 "./$name" >"$log" 2>&1 || status=$?
    # A test that skips has tested nothing: here that is a failure. Those for machines without a GPU do skip.
    local skipped
    skipped="$(grep -c '^\[  SKIPPED \]' "$log" || true)"
    if [[ "$status" != 0 ]] || grep -q "no CUDA device\|built without CUDA\|looking for CUDA devices" "$log"; then
      echo "FAILED $name (exit $status)"
      grep -m3 "Failure\|error\|no CUDA\|without CUDA\|looking for" -A3 "$log" | head -12 || true
      failures=$((failures + 1))
    else
      echo "passed $name: $(grep '^\[  PASSED  \]' "$log" | tail -1), skips listed: $skipped"
    fi
  done
  timeout 240 ./model/cuda_executor_benchmark --benchmark_filter='bf16|copy' --benchmark_out="$output/benchmark.json" \
    2>&1 | tee "$output/benchmark.log" || failures=$((failures + 1))
  if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    python3 model/compare/compare_cuda.py --benchmark=./model/cuda_executor_benchmark --no_compile 2>&1 |
      tee "$output/compare.log" || failures=$((failures + 1))
  else
    echo "PyTorch with CUDA is not here: no comparison"
  fi
  echo "failures=$failures"
  [[ "$failures" == 0 ]]
}

case "${1:-}" in
  pack) pack "$(realpath -m "${2:?give the folder to pack into}")" ;;
  run) run "${2:-gpu_session_output}" ;;
  *) sed -n '2,8p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
