#!/usr/bin/env bash
# Writes compile_commands.json, by which editors and clang-tidy know how each source is compiled: asked of Bazel.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root="$(./bazelw info --noshow_progress execution_root 2>/dev/null)"
./bazelw aquery --noshow_progress --output=jsonproto 'mnemonic("CppCompile", //...)' 2>/dev/null |
  python3 -c '
import json, sys

root = sys.argv[1]
commands = []
for action in json.load(sys.stdin)["actions"]:
    arguments = action["arguments"]
    sources = [word for word in arguments if word.endswith((".cc", ".cpp")) and not word.startswith("bazel-out")]
    if sources:
        commands.append({"directory": root, "file": sources[-1], "arguments": arguments})
with open("compile_commands.json", "w") as file:
    json.dump(commands, file, indent=1)
print("compile_commands.json:", len(commands), "sources")
' "$root"
