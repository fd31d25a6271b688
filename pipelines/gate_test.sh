#!/usr/bin/env bash
# CI regression on scores: the stages are cached Bazel actions, this compares their result with the bounds.
# Usage: gate_test.sh SCORE_FOLDER EXPECT_FILE
set -euo pipefail
eval/gate --metrics="$1/metrics.json" --expect="$2"
