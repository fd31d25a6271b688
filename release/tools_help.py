"""What a release says about its tools, all of it taken from their own --help: the table of `hardface --help`, manual pages,
and completion for bash and zsh."""
import os
import re
import subprocess
from collections import namedtuple

# A room of the project, the word that its tools are called by ("" where its tool's own name is enough), and a heading.
Subject = namedtuple("Subject", "room word heading")
SUBJECTS = [
    Subject("infer", "", "Finding faces"),
    Subject("data_tools", "data", "Datasets"),
    Subject("train", "", "Training"),
    Subject("mining", "mining", "Hard images"),
    Subject("eval", "eval", "Scoring"),
    Subject("model", "model", "Models"),
    Subject("pipelines", "", "Results"),
]

# use: what the flag's value is, "reads: file" or "writes", or "" where it is no path.
Flag = namedtuple("Flag", "name text default use")

_FLAG = re.compile(r"  --(\w+)  (.*?)(?: \(default: (.*)\))?(?: \[(reads: [a-z ]+|writes)\])?")


class Tool:
    """A tool of the project: its program, and what its --help says."""

    def __init__(self, program):
        self.program = program
        # "infer/detect (hardface 0.1.0)"
        self.name, self.version = re.fullmatch(r"(\S+) \(hardface (\S+)\)\n", self._say("--version", "")).groups()
        room, tool = self.name.split("/")
        found = [subject for subject in SUBJECTS if subject.room == room]
        if not found:
            raise SystemExit(f"{self.name}: release/tools_help.py has no subject for the room {room}")
        self.subject = found[0]
        self.words = f"{self.subject.word} {tool}".strip()
        self.file = self.words.replace(" ", "-")
        text = self._say("--help", "hardface " + self.words)
        head, flags = text.split("\n\nFlags:\n")
        summary, usage = head.split("\n\nUsage: ")
        self.summary = summary.split(": ", 1)[1]
        self.usage = usage.strip()
        self.flags = [self._flag(line) for line in flags.rstrip("\n").split("\n")]

    def _say(self, option, command):
        environment = {"HARDFACE_COMMAND": command, "LC_ALL": "C.UTF-8"}
        return subprocess.run([os.path.abspath(self.program), option], check=True, stdout=subprocess.PIPE, text=True,
                              env=environment).stdout

    def _flag(self, line):
        match = _FLAG.fullmatch(line)
        if not match:
            raise SystemExit(f"{self.name} --help: release/tools_help.py cannot read this line: {line}")
        return Flag(match[1], match[2], match[3] or "", match[4] or "")

    @property
    def first_sentence(self):
        return re.split(r"(?<=[a-z)])\.(?: |$)", self.summary)[0].rstrip(".") + "."


def is_switch(flag):
    """Whether the flag stands without a value."""
    return flag.default in ("true", "false") or flag.name in ("overwrite", "help", "version")


def wrap(text, width):
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines


def table(tools):
    """The text of `hardface --help`."""
    lines = ["hardface finds faces in photographs, and trains and measures detectors that do so.", "",
             "Usage: hardface TOOL [flags]", ""]
    column = max(len(tool.words) for tool in tools) + 4
    for subject in SUBJECTS:
        lines.append(subject.heading + ":")
        for tool in (tool for tool in tools if tool.subject is subject):
            text = wrap(tool.first_sentence, 110 - column)
            lines.append("  " + tool.words.ljust(column - 2) + text[0])
            lines += [" " * column + more for more in text[1:]]
        lines.append("")
    lines += ['"hardface TOOL --help" explains a tool and its flags. "hardface --version" says which release this is.']
    return "\n".join(lines) + "\n"


def commands(tools):
    return "".join(f"{tool.words}\t{tool.file}\t{tool.name}\n" for tool in tools)


def _roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def manual_page(tool):
    lines = [f'.TH "HARDFACE\\-{_roff(tool.file.upper())}" 1 "" "hardface {tool.version}" "hardface"',
             ".SH NAME", f"hardface\\-{_roff(tool.file)} \\- {_roff(tool.first_sentence.rstrip('.'))}",
             ".SH SYNOPSIS", f".B {_roff(tool.usage)}",
             ".SH DESCRIPTION", _roff(tool.summary), ".SH OPTIONS"]
    for flag in tool.flags:
        value = "" if is_switch(flag) else "=VALUE"
        default = f" The default is {flag.default}." if flag.default else ""
        lines += [".TP", f".B \\-\\-{_roff(flag.name + value)}", _roff(flag.text + default)]
    lines += [".SH EXIT STATUS", "0: done. 1: the work failed. 2: a flag is wrong. 3: the work was stopped and can go on.",
              ".SH SEE ALSO", ".BR hardface (1)"]
    return "\n".join(lines) + "\n"


def main_manual_page(tools):
    lines = [f'.TH "HARDFACE" 1 "" "hardface {tools[0].version}" "hardface"', ".SH NAME",
             "hardface \\- finds faces in photographs, and trains and measures detectors that do so",
             ".SH SYNOPSIS", ".B hardface", "TOOL [flags]", ".SH TOOLS"]
    for subject in SUBJECTS:
        lines.append(f".SS {subject.heading}")
        for tool in (tool for tool in tools if tool.subject is subject):
            lines += [".TP", f".BR hardface\\-{_roff(tool.file)} (1)", _roff(tool.first_sentence)]
    return "\n".join(lines) + "\n"


def _first_words(tools):
    return sorted({tool.words.split(" ")[0] for tool in tools} | {"help", "--help", "--version"})


def _second_words(tools):
    """word -> the words that follow it."""
    follow = {}
    for tool in tools:
        first, _, second = tool.words.partition(" ")
        if second:
            follow.setdefault(first, []).append(second)
    return follow


def _flag_word(flag):
    return "--" + flag.name + ("" if is_switch(flag) else "=")


def bash_completion(tools):
    lines = ["# Completion of hardface's tools and flags for bash; made from their --help.", "_hardface() {",
             '  local current="${COMP_WORDS[COMP_CWORD]}" first="${COMP_WORDS[1]-}" second="${COMP_WORDS[2]-}" choices=""',
             "  COMPREPLY=()",
             "  if (( COMP_CWORD == 1 )); then",
             f'    choices="{" ".join(_first_words(tools))}"', "  else", '    case "$first $second" in']
    for tool in tools:
        flags = " ".join(_flag_word(flag) for flag in tool.flags)
        pattern = f'"{tool.words}"' if " " in tool.words else f'"{tool.words} "*'
        lines.append(f"      {pattern}) choices=\"{flags}\" ;;")
    lines += ["    esac", "    if (( COMP_CWORD == 2 )); then", '      case "$first" in']
    for word, follow in sorted(_second_words(tools).items()):
        lines.append(f'        {word}) choices="{" ".join(sorted(follow))}" ;;')
    lines += ["      esac", "    fi", "  fi",
              '  if [[ "$current" == "=" ]]; then current=""; choices=""; fi',
              '  if [[ "${COMP_WORDS[COMP_CWORD-1]}" == "=" ]]; then choices=""; fi',
              '  if [[ -n "$choices" && ( "$current" == -* || COMP_CWORD -le 2 ) ]]; then',
              '    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")',
              '    if [[ "${COMPREPLY[*]}" == *= ]]; then compopt -o nospace; fi', "  fi",
              '  if (( ${#COMPREPLY[@]} == 0 )); then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi', "}",
              "complete -o filenames -F _hardface hardface"]
    return "\n".join(lines) + "\n"


def _zsh(text):
    text = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    return text.replace("'", "'\\''")


def zsh_completion(tools):
    lines = ["#compdef hardface", "# Completion of hardface's tools and flags; made from their --help.", "_hardface() {",
             "  if (( CURRENT == 2 )); then", f"    compadd -- {' '.join(_first_words(tools))}", "    return", "  fi"]
    follow = _second_words(tools)
    lines += ['  local tool="$words[2]"', '  case "$tool" in']
    for word, seconds in sorted(follow.items()):
        lines.append(f"    {word})")
        lines.append(f"      if (( CURRENT == 3 )); then compadd -- {' '.join(sorted(seconds))}; return; fi")
        lines += ['      tool="$words[2] $words[3]"', "      shift words", "      (( CURRENT-- ))", "      ;;"]
    lines += ["  esac", "  shift words", "  (( CURRENT-- ))", '  case "$tool" in']
    for tool in tools:
        lines += [f'    "{tool.words}")', "      _arguments \\"]
        for flag in tool.flags:
            text = _zsh(flag.text)
            action = "" if is_switch(flag) else ":value:" + ("_files" if flag.use or flag.name == "flagfile" else "")
            lines.append(f"        '{_flag_word(flag)}[{text}]{action}' \\")
        lines += ["        '*:file:_files'", "      ;;"]
    lines += ["  esac", "}", '_hardface "$@"']
    return "\n".join(lines) + "\n"
