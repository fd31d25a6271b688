#!/usr/bin/env bash
# CI regression on the quickstart's AP: the stages are cached Bazel actions, this compares their result with the bounds.
set -euo pipefail
eval/gate --metrics="$1/metrics.json" --expect=pipelines/quickstart.expect
