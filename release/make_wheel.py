"""Makes a wheel of a release: Python's package `hardface`, with the release in its folder `release`, and the command
`hardface`. Equal inputs give equal bytes.

  python3 release/make_wheel.py --output=hardface-VERSION-py3-none-PLATFORM.whl --tar=FILE.tar.zst PYTHON_FILE ...
"""
import argparse
import base64
import hashlib
import os
import subprocess
import tempfile
import zipfile

# The machine's own are loaded, because other Python packages need them too, perhaps in newer versions.
_LEFT_OUT = ("lib/libstdc++.so.6", "lib/libgcc_s.so.1")

_METADATA = """Metadata-Version: 2.1
Name: hardface
Version: {version}
Summary: Finds faces in photographs, and trains and measures detectors that do so
License: Apache-2.0
Classifier: License :: OSI Approved :: Apache Software License
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Requires-Python: >=3.6
Description-Content-Type: text/plain

hardface finds faces in photographs:

    import hardface
    for face in hardface.Detector().detect("holiday.jpg"):
        print(face.x, face.y, face.width, face.height, face.score)

The command "hardface" holds all tools: "hardface detect --draw holiday.jpg", "hardface --help".
"""

_WHEEL = """Wheel-Version: 1.0
Generator: hardface
Root-Is-Purelib: false
Tag: {tag}
"""

_ENTRY_POINTS = """[console_scripts]
hardface = hardface.command:main
"""


def contents(given, work):
    """(path in the wheel, bytes, whether it is a program)"""
    name, version, tag = os.path.basename(given.output)[: -len(".whl")].split("-", 2)
    for source in given.sources:
        with open(source, "rb") as file:
            yield "hardface/" + os.path.basename(source), file.read(), False
    # From standard input, because zstd passes over files that are links.
    with open(given.tar, "rb") as tar:
        subprocess.run(["tar", "--zstd", "--extract", "--strip-components=1", "--directory", work], stdin=tar, check=True)
    for folder, _, files in os.walk(work):
        for one in files:
            path = os.path.join(folder, one)
            inside = os.path.relpath(path, work)
            if inside in _LEFT_OUT:
                continue
            with open(path, "rb") as file:
                yield "hardface/release/" + inside, file.read(), os.access(path, os.X_OK)
    information = f"{name}-{version}.dist-info/"
    yield information + "METADATA", _METADATA.format(version=version).encode(), False
    yield information + "WHEEL", _WHEEL.format(tag=tag).encode(), False
    yield information + "entry_points.txt", _ENTRY_POINTS.encode(), False
    with open(os.path.join(work, "share/doc/hardface/LICENSE"), "rb") as file:
        yield information + "LICENSE", file.read(), False


def record(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def write(wheel, path, data, program):
    entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = (0o100755 if program else 0o100644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    wheel.writestr(entry, data, compresslevel=9)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--tar", required=True)
    parser.add_argument("sources", nargs="+")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work, zipfile.ZipFile(given.output, "w") as wheel:
        lines = []
        # The package first; what says that it is one (.dist-info) comes last, as wheels should have it.
        for path, data, program in sorted(contents(given, work), key=lambda one: (".dist-info/" in one[0], one[0])):
            write(wheel, path, data, program)
            lines.append((record(path, data), path))
        path = lines[-1][1].split("/")[0] + "/RECORD"
        write(wheel, path, ("".join(line for line, _ in lines) + path + ",,\n").encode(), False)


main()
