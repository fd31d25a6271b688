#!/usr/bin/env bash
# The release as a user meets it: unpacked in a folder of its own, started by its path, by a link and by PATH, with nothing of
# the build in reach. release/try_in_debian.sh does the same on a bare Debian.
set -euo pipefail

source base/expect_status.sh
tar="$(echo "$PWD"/release/hardface-*.tar.zst)"
(( $(stat -L -c %s "$tar") < 60000000 )) || fail "the release is larger than 60 MB: $(ls -lL "$tar")"
cd "$work"
unset RUNFILES_DIR RUNFILES_MANIFEST_FILE RUNFILES_MANIFEST_ONLY JAVA_RUNFILES TEST_SRCDIR BUILD_WORKING_DIRECTORY
mkdir "a folder"
tar --zstd -xf "$tar" -C "a folder"
root="$(readlink -f "$work/a folder"/hardface-*)"
hardface="$root/bin/hardface"

echo "1. by its path, by links and by PATH, the command finds its tools and the model"
expect_status 0 "$hardface" data synthesize --output=set --images=1 --seed=1
photo="$(echo set/images/*.jpg)"
quick=(--pyramid=100 --noflip --threads=1)
expect_status 0 "$hardface" detect "${quick[@]}" --output=by_path "$photo"
mkdir bin
ln -s "$hardface" bin/hardface
ln -s bin/hardface finder
expect_status 0 ./finder detect "${quick[@]}" --output=by_link "$photo"
PATH="$work/bin:$PATH" expect_status 0 hardface detect "${quick[@]}" --output=by_name "$photo"
cmp by_path/detections.jsonl by_link/detections.jsonl
cmp by_path/detections.jsonl by_name/detections.jsonl
cp "$hardface" alone
expect_status 1 ./alone --help
grep -q 'Make a link' stderr || fail "$(cat stderr)"

echo "2. every tool is in the table, starts, and has a manual page"
expect_status 0 "$hardface" --help
cp stdout table
cut -f 1,2 "$root/share/hardface/commands" > commands
(( $(wc -l < commands) >= 28 )) || fail "only $(wc -l < commands) tools"
while IFS=$'\t' read -r words file; do
  grep -q "^  $words  " table || fail "hardface --help does not name $words"
  # shellcheck disable=SC2086  # "eval wider" is two words
  expect_status 0 "$hardface" $words --help
  grep -q "^Usage: hardface $words " stdout || fail "$words --help: $(head -3 stdout)"
  grep -q '^\.SH OPTIONS' "$root/share/man/man1/hardface-$file.1" || fail "no manual page of $words"
done < commands
[[ "$(find "$root/libexec/hardface" -type f | wc -l)" == "$(wc -l < commands)" ]] || fail "not all tools have a command"

echo "3. tools are called by the names in their outputs as well; other names are an error that helps"
expect_status 0 "$hardface" eval/wider --help
expect_status 0 "$hardface" help eval wider
expect_status 2 "$hardface" wider
grep -q 'hardface eval wider' stderr || fail "$(cat stderr)"
expect_status 2 "$hardface" eval widder
grep -q 'no tool "eval widder"' stderr || fail "$(cat stderr)"
expect_status 2 "$hardface" nonsense
expect_status 2 "$hardface" detect --nonsense
expect_status 0 "$hardface" --version

echo "4. only glibc comes from the machine"
for program in "$root"/libexec/hardface/* "$root"/lib/*.so*; do
  strangers="$(ldd "$program" | grep -vF "$root/" | grep -vE 'lib(c|m|dl|rt|pthread)\.so|ld-linux|linux-vdso|statically linked' || true)"
  [[ -z "$strangers" ]] || fail "$program needs what does not travel: $strangers"
done

echo "5. every library has a licence, by SPDX and as a text"
spdx="$root/share/doc/hardface/hardface.spdx.json"
for library in "$root"/lib/*.so*; do
  name="$(basename "$library")"
  [[ "$name" == libhardface.so ]] || grep -qF "${name/-hardface/}" "$spdx" || fail "$spdx does not name $name"
done
grep -q 'MIT' "$root/share/doc/hardface/licences/nlohmann-json3-dev.txt" || fail "no licence of nlohmann-json3-dev"
grep -q 'Apache License' "$root/share/doc/hardface/LICENSE" || fail "no LICENSE"

echo "6. completion for bash knows tools, flags and files"
cat > complete.sh <<'END'
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
compopt() { :; }
_hardface
echo "${COMPREPLY[*]}"
END
complete() { bash complete.sh "$root/share/bash-completion/completions/hardface" hardface "$@"; }
[[ "$(complete det)" == detect ]] || fail "$(complete det)"
[[ "$(complete eval wi)" == wider ]] || fail "$(complete eval wi)"
[[ "$(complete eval wider --detec)" == --detections= ]] || fail "$(complete eval wider --detec)"
[[ "$(complete detect --draw)" == "--draw --draw_threshold=" ]] || fail "$(complete detect --draw)"
[[ "$(complete detect --output = by_na)" == by_name ]] || fail "$(complete detect --output = by_na)"
