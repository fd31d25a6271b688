# shellcheck shell=bash
# Shared by the longer pipelines; sourced. Finds the tools, gathers what is wrong with the input before any work is
# done, prints every command before it runs and the time that it took, and tells what is complete already.

# The tools lie beside the recipes in Bazel's runfiles, and in bazel-bin/ where a script is run from a checkout.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
tools="$root"
if [[ ! -x "$tools/train/train" ]]; then tools="$root/bazel-bin"; fi

# `bazel run` starts scripts elsewhere; relative paths are those of the user's folder. The tools get absolute ones.
started_in="${BUILD_WORKING_DIRECTORY:-$PWD}"
unset BUILD_WORKING_DIRECTORY
absolute() { (cd "$started_in" && realpath -m -s -- "$1"); }

dry_run=no
pipeline="$(basename "$0" .sh)"

usage_error() {
  echo "$pipeline: $*" >&2
  exit 2
}

# require_number FLAG VALUE LEAST
require_number() {
  if [[ ! "$2" =~ ^[0-9]{1,9}$ ]] || (($2 < $3)); then usage_error "--$1=$2: give a whole number of at least $3"; fi
}

problems=()
problem() { problems+=("$*"); }
# Ends with every problem named, where there is one.
stop_on_problems() {
  ((${#problems[@]} == 0)) && return
  echo "$pipeline: nothing was started:" >&2
  printf '  - %s\n' "${problems[@]}" >&2
  exit 1
}

require_tools() {
  local tool
  for tool in "$@"; do
    [[ -x "$tools/$tool" ]] ||
      problem "$tools/$tool is not there: build the tools with ./bazelw build //pipelines:$pipeline"
  done
}

duration() {  # duration SECONDS
  if (($1 < 60)); then echo "$1 s"; else echo "$(($1 / 60))m $(($1 % 60))s"; fi
}

# What a user is told goes to file descriptor 3, so that the output of tools can go elsewhere.
exec 3>&1
say() { printf '%s\n' "$*" >&3; }

# A word as a shell takes it; plain ones stay as they are.
quoted() { if [[ "$1" =~ ^[A-Za-z0-9_.,:/@%+=-]+$ ]]; then printf '%s' "$1"; else printf '%q' "$1"; fi; }

# run "WHAT IT DOES" COMMAND...: COMMAND starts with a tool's path in `tools`, or with a program and then that.
run() {
  local what="$1" started="$SECONDS" word line="" status=0
  shift
  for word in "$@"; do line+=" $(quoted "${word#"$tools/"}")"; done
  say "[$(date +%H:%M:%S)] $what"
  say "          $line"
  if [[ "$dry_run" == yes ]]; then return; fi
  "$@" || status=$?
  if ((status != 0)); then
    say "[$(date +%H:%M:%S)] $what: FAILED with exit code $status after $(duration $((SECONDS - started)))"
    return "$status"
  fi
  say "[$(date +%H:%M:%S)] $what: $(duration $((SECONDS - started)))"
}

# complete FOLDER TEXT...: whether FOLDER is an output of our tools (which appear complete or not at all) whose
# provenance.json holds every TEXT: hashes of its inputs and flags. What was made from other inputs is made again.
complete() {
  local folder="$1" text
  shift
  [[ -f "$folder/provenance.json" ]] || return 1
  for text in "$@"; do
    if [[ -z "$text" ]] || ! grep -qF -- "$text" "$folder/provenance.json"; then return 1; fi
  done
}

# forget_unfinished FOLDER TEXT...: removes what an interrupted infer/detect left of FOLDER, unless it has every TEXT (as
# above): then `infer/detect --resume` goes on with it.
forget_unfinished() {
  local unfinished="$1.unfinished"
  shift
  if [[ -d "$unfinished" ]] && ! complete "$unfinished" "$@"; then rm -rf -- "$unfinished"; fi
}

# The SHA-256 of a file as provenance.json has it; nothing where there is no such file.
hash_of() { if [[ -f "$1" ]]; then sha256sum -- "$1" | cut -d' ' -f1; fi; }

# One run of a pipeline at a time in a folder. The lock goes with the processes that were started, too.
lock_output() {
  mkdir -p "$1"
  exec {lock}>"$1/.lock"
  flock -n "$lock" || {
    echo "$pipeline: another run of this pipeline, or a tool that it started, is still at work in $1" >&2
    exit 1
  }
}

# The flags of recipe files as lines NAME=VALUE, the last setting of each.
recipe_flags() {
  sed -e 's/[[:space:]]*$//' -e '/^#/d' -e '/^$/d' -e 's/^--*//' -e '/^flagfile=/d' \
    -e '/=/!{s/^no\(.*\)/\1=false/;/=/!s/$/=true/}' -- "$@" |
    awk -F= '{ name = $1; sub(/^[^=]*=/, ""); if (!(name in value)) order[++count] = name; value[name] = $0 }
      END { for (i = 1; i <= count; ++i) print order[i] "=" value[order[i]] }'
}

# differing_flags FLAGS.TXT: of the lines NAME=VALUE on stdin, those that the training behind FLAGS.TXT had otherwise,
# as "--NAME=ITS VALUE, now VALUE". A flag that it did not know is passed over.
differing_flags() {
  awk -F= '
    function number(text) { return text ~ /^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$/ }
    { name = $1; sub(/^-*[^=]*=/, ""); sub(/^--/, "", name) }
    NR == FNR { want[name] = $0; next }
    name in want && want[name] != $0 && !(number($0) && number(want[name]) && $0 + 0 == want[name] + 0) {
      print "--" name "=" $0 ", now " want[name]
    }' - "$1"
}
