#!/usr/bin/env bash
# Prints the Markdown of what Bazel has made before this runs, and where it lies. Usage: show.sh FILE_OR_FOLDER...
set -euo pipefail

if [[ -d "$0.runfiles/hardface" ]]; then cd "$0.runfiles/hardface"; fi
for made in "$@"; do
  text="$made"
  if [[ -d "$made" ]]; then text="$made/table.md"; fi
  if [[ "$text" == *.md ]]; then cat "$text"; fi
  printf '\n%s\n\n' "$(realpath "$made")"
done
