#!/usr/bin/env bash
# The Python module, by the Python that HARDFACE_PYTHON names (python3 else), from a folder that is not the project's.
set -euo pipefail

python="${HARDFACE_PYTHON:-python3}"
if ! command -v "$python" > /dev/null; then
  echo "SKIPPED: there is no $python here"
  exit 0
fi
cp -rL "$PWD/hardface/python/package/hardface" "$TEST_TMPDIR/"
cp -L "$PWD/hardface/python_test.py" "$TEST_TMPDIR/"
cd "$TEST_TMPDIR"
PYTHONDONTWRITEBYTECODE=1 "$python" python_test.py
