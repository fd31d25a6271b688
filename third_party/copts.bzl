"""Compiler options shared by the C++ targets of the project."""

COPTS = ["-Wall", "-Wextra"]

# The CPU ops share OpenMP's threads with oneDNN (Debian's oneDNN is built on libgomp), so that no two pools compete.
OPENMP_COPTS = ["-fopenmp"]
OPENMP_LINKOPTS = ["-fopenmp"]

# Loops over tensors: GCC's -O2 leaves most of them scalar.
OPS_COPTS = ["-O3"]
