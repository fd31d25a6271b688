"""Makes a release, hardface-VERSION-linux-PROCESSOR.tar.zst: every tool behind one command, with what they need. Equal
inputs give equal bytes.

  python3 release/make_tar.py --output=FILE.tar.zst --version=VERSION --command=hardface.sh --library=libhardface.so \\
      --place=FILE=PATH_IN_RELEASE ... TOOL ...
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile

import libraries
import tools_help


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def copy(source, target, mode=0o644):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    os.chmod(target, mode)


def read_tools(programs, version):
    tools = sorted((tools_help.Tool(program) for program in programs), key=lambda tool: tool.words)
    for tool in tools:
        if tool.version != version:
            raise SystemExit(f"{tool.name} is of version {tool.version} (base/running_tool.h), and release/version.bzl "
                             f"says {version}")
    return tools


def add_pages(root, tools):
    share = root + "/share"
    write(share + "/hardface/commands", tools_help.commands(tools))
    write(share + "/hardface/help.txt", tools_help.table(tools))
    write(share + "/hardface/version", tools[0].version + "\n")
    write(share + "/man/man1/hardface.1", tools_help.main_manual_page(tools))
    for tool in tools:
        write(f"{share}/man/man1/hardface-{tool.file}.1", tools_help.manual_page(tool))
    write(share + "/bash-completion/completions/hardface", tools_help.bash_completion(tools))
    write(share + "/zsh/site-functions/_hardface", tools_help.zsh_completion(tools))


def add_programs(root, tools, library):
    found = libraries.needed([tool.program for tool in tools] + [library])
    libraries.add_libraries(found, root + "/lib")
    for tool in tools:
        libraries.add_program(tool.program, f"{root}/libexec/hardface/{tool.file}", found, ["..", "..", "lib"])
    libraries.add_program(library, root + "/lib/libhardface.so", found, [])
    return found


def add_licences(root, version, found):
    of_packages = libraries.packages(found)
    folder = root + "/share/doc/hardface/licences"
    for name, _, _ in of_packages:
        write(f"{folder}/{name}.txt", libraries.licence_text(name))
    write(root + "/share/doc/hardface/hardface.spdx.json",
          json.dumps(libraries.spdx(version, of_packages), indent=1) + "\n")


def pack(folder, output):
    """All files in the order of their names, of one time and owner. Decompressing needs a
    window of 128 MB, which is what zstd and tar allow without being asked."""
    tar = subprocess.Popen(
        ["tar", "--create", "--sort=name", "--format=ustar", "--mtime=1980-01-01 00:00:00Z", "--owner=root:0",
         "--group=root:0", "--mode=u=rwX,go=rX", "--directory", folder] + sorted(os.listdir(folder)),
        stdout=subprocess.PIPE)
    subprocess.run(["zstd", "-q", "-f", "-12", "--long=27", "-T1", "-o", output], stdin=tar.stdout, check=True)
    if tar.wait() != 0:
        raise SystemExit("tar failed")


def main():
    parser = argparse.ArgumentParser()
    for name in ("output", "version", "command", "library"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--place", action="append", default=[])
    parser.add_argument("tools", nargs="+")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        root = work + "/" + os.path.basename(given.output).replace(".tar.zst", "")
        tools = read_tools(given.tools, given.version)
        add_pages(root, tools)
        found = add_programs(root, tools, given.library)
        add_licences(root, given.version, found)
        copy(given.command, root + "/bin/hardface", 0o755)
        for place in given.place:
            source, path = place.split("=")
            copy(source, f"{root}/{path}")
        pack(work, given.output)


main()
