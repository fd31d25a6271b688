#!/usr/bin/env bash
# Runs the examples of docs/DATA_TOOLS.md that need nothing but each other: the indented lines that start with $T/, but
# for those on files that the reader has to bring.
set -euo pipefail

page="$PWD/docs/DATA_TOOLS.md"
export T="$PWD/data_tools"
cd "$(mktemp -d "$TEST_TMPDIR/examples.XXXX")"

examples="$(sed -n 's/^    \(\$T\/.*\)/\1/p' "$page" | grep -v -e '\\$' -e wider_face)"
count="$(echo "$examples" | wc -l)"
if (( count < 12 )); then
  echo "only $count examples found in $page: has its form changed?" >&2
  exit 1
fi
echo "$examples" | while read -r example; do
  echo "+ $example"
  bash -c "$example"
done
