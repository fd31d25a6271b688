#!/usr/bin/env bash
# The wheel in a fresh virtual environment of the Python that HARDFACE_PYTHON names (python3 else), without a network: the
# command, and the module by its own test.
set -euo pipefail

source base/expect_status.sh
wheel="$(readlink -f release/hardface-*.whl)"
cp -L hardface/python_test.py "$work/"
cd "$work"
unset RUNFILES_DIR RUNFILES_MANIFEST_FILE RUNFILES_MANIFEST_ONLY JAVA_RUNFILES TEST_SRCDIR BUILD_WORKING_DIRECTORY
python="${HARDFACE_PYTHON:-python3}"
if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
  echo "SKIPPED: $python cannot make virtual environments (Debian's package python3-venv)"
  exit 0
fi
# With what else the Python has: NumPy, OpenCV and Pillow, where they are installed.
"$python" -m venv --system-site-packages fresh
fresh/bin/pip install --quiet --no-index --disable-pip-version-check "$wheel"

echo "1. the command"
expect_status 0 fresh/bin/hardface --help
expect_status 0 fresh/bin/hardface data synthesize --output=set --images=1 --seed=1
expect_status 0 fresh/bin/hardface detect --pyramid=100 --noflip --threads=1 --output=found set/images/*.jpg
[[ -s found/detections.jsonl ]] || fail "nothing was found"

echo "2. the module"
fresh/bin/python python_test.py
fresh/bin/python -c 'import hardface, sys; assert hardface.Detector().detect(sys.argv[1])' set/images/*.jpg

echo "3. it goes away as it came"
fresh/bin/pip uninstall --quiet --yes hardface
[[ ! -e fresh/bin/hardface ]] || fail "the command is still there"
[[ -z "$(find fresh/lib/python3*/site-packages -path '*hardface*' -type f)" ]] || fail "files are left behind"
