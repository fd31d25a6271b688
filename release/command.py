"""The command `hardface` of the wheel: the release's, which lies in this package."""

import os
import sys


def main():
    command = os.path.join(os.path.dirname(os.path.abspath(__file__)), "release", "bin", "hardface")
    os.execv("/bin/sh", ["sh", command] + sys.argv[1:])
