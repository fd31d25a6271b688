#!/bin/sh
# hardface TOOL ...: runs one of the tools beside it, as git runs its commands. A release holds this file as bin/hardface; it
# may be started by a link or by PATH. It needs a POSIX shell and readlink only.
set -eu

self="$(readlink -f "$0")"
root="${self%/*}/.."
share="$root/share/hardface"
# A line for each tool: the words that call it, its file, and the name that its outputs record, with tabs between.
commands="$share/commands"
if [ ! -r "$commands" ]; then
  echo "hardface: $self lies apart from its release: there is no $commands. Make a link to bin/hardface, not a copy." >&2
  exit 1
fi
tab="$(printf '\t')"

# find_tool WORDS: sets `words` and `file` of the tool that is called so.
find_tool() {
  while IFS="$tab" read -r words file name; do
    if [ "$words" = "$1" ] || [ "$name" = "$1" ]; then return 0; fi
  done < "$commands"
  return 1
}

# The lines of the table for tools whose words hold $1.
like() {
  grep -i -F -- "$1" "$commands" | cut -f 1 | sed 's/^/  hardface /'
}

case "${1-}" in
  "" | -h | --help)
    cat "$share/help.txt"
    exit 0
    ;;
  --version)
    echo "hardface $(cat "$share/version")"
    exit 0
    ;;
  help)
    shift
    if [ $# = 0 ]; then exec "$self"; fi
    exec "$self" "$@" --help
    ;;
esac

if find_tool "$1"; then
  shift
elif [ $# -ge 2 ] && find_tool "$1 $2"; then
  shift 2
else
  similar="$(like "$1" || true)"
  {
    if [ $# -ge 2 ] && [ -n "$similar" ]; then
      echo "hardface: there is no tool \"$1 $2\". Did you mean one of these?"
    else
      echo "hardface: there is no tool \"$1\".${similar:+ Did you mean one of these?}"
    fi
    if [ -n "$similar" ]; then echo "$similar"; fi
    echo "\"hardface --help\" lists all tools."
  } >&2
  exit 2
fi

HARDFACE_COMMAND="hardface $words"
export HARDFACE_COMMAND
exec "$root/libexec/hardface/$file" "$@"
