"""The version that a release's files are named after; the build holds it against that of the tools (base/running_tool.h)."""

VERSION = "0.1.0"
