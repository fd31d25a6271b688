"""The project's build rules: a concept NAME is NAME.h and NAME.cc, tested by NAME_test.cc, measured by NAME_benchmark.cc.

Each rule finds these files by its name, so that a BUILD file says only what is particular: the dependencies. Abseil may
be used everywhere and is not listed. Warnings come from .bazelrc.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")
load(":tools.bzl", "TOOLS")

_ABSL = ["@com_google_absl//:absl"]

# The CPU ops share OpenMP's threads with oneDNN (Debian's oneDNN is built on libgomp), so that no two pools compete.
_OPENMP = ["-fopenmp"]

# Loops over tensors: GCC's -O2 leaves most of them scalar.
_OPTIMIZE = ["-O3"]

def _compatible(cuda_only, emulation_only = False):
    if not cuda_only and not emulation_only:
        return []
    return select({
        "//:with_emulation" if emulation_only else "//:with_cuda": [],
        "//conditions:default": ["@platforms//:incompatible"],
    })

def _copts(copts, openmp, optimize):
    return copts + (_OPENMP if openmp else []) + (_OPTIMIZE if optimize else [])

def hf_library(name, srcs = None, hdrs = None, deps = [], copts = [], openmp = False, optimize = False, cuda_only = False, testonly = False, **kwargs):
    """A concept's library.

    Args:
      name: the concept
      srcs: NAME.cc where there is one
      hdrs: NAME.h
      deps: what its sources include, Abseil apart; libraries for tests may use googletest, too
      copts: further compiler options
      openmp: its loops run on OpenMP's threads
      optimize: it is compiled with -O3
      cuda_only: it sees CUDA's headers, and compiles with --config=cuda only
      testonly: for tests
      **kwargs: as of cc_library
    """
    cc_library(
        name = name,
        srcs = native.glob([name + ".cc"]) if srcs == None else srcs,
        hdrs = [name + ".h"] if hdrs == None else hdrs,
        copts = _copts(copts, openmp, optimize),
        linkopts = _OPENMP if openmp else [],
        target_compatible_with = _compatible(cuda_only),
        testonly = testonly,
        deps = deps + _ABSL + (["@com_google_googletest//:gtest"] if testonly else []),
        **kwargs
    )

def hf_test(name, srcs = None, size = "small", deps = [], copts = [], openmp = False, cuda_only = False, emulation_only = False, **kwargs):
    """A test of googletest, NAME.cc unless srcs says otherwise; the arguments are those of hf_library and cc_test.

    With emulation_only it is for emulated devices alone, and compiles with --config=emulation only.
    """
    cc_test(
        name = name,
        size = size,
        srcs = [name + ".cc"] if srcs == None else srcs,
        copts = _copts(copts, openmp, False),
        linkopts = _OPENMP if openmp else [],
        target_compatible_with = _compatible(cuda_only, emulation_only),
        deps = deps + _ABSL + ["@com_google_googletest//:gtest_main"],
        **kwargs
    )

def hf_fuzz_test(name, srcs = None, seeds = None, mutations = 3000, size = "small", deps = [], tags = [], **kwargs):
    """A fuzz target: NAME.cc defines LLVMFuzzerTestOneInput, which reads any bytes without crash, hang or leak.

    An ordinary build makes a test of it, which runs the seeds and damaged copies of them. With --config=fuzz, which
    takes Clang, the same program is libFuzzer: docs/RELIABILITY.md shows how to run it.

    Args:
      name: the target
      srcs: NAME.cc
      seeds: inputs to start from; all files of fuzz_seeds/NAME
      mutations: how many damaged copies the test tries
      size: as of cc_test
      deps: what it includes, Abseil and //base:fuzz_input apart
      tags: as of cc_test
      **kwargs: as of cc_test
    """
    files = native.glob(["fuzz_seeds/%s/*" % name]) if seeds == None else seeds
    if not files:
        fail("%s has no seeds" % name)
    cc_test(
        name = name,
        size = size,
        srcs = [name + ".cc"] if srcs == None else srcs,
        args = ["$(locations %s)" % file for file in files],
        data = files,
        env = {"FUZZ_MUTATIONS": str(mutations)},
        linkopts = select({
            "//:with_fuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        tags = tags + ["fuzz"],
        deps = deps + _ABSL + ["//base:fuzz_input"] + select({
            "//:with_fuzzer": [],
            "//conditions:default": ["//base:fuzz_replay"],
        }),
        **kwargs
    )

def hf_tool(name, srcs = None, deps = [], visibility = ["//visibility:public"], **kwargs):
    """A tool that users run: NAME_main.cc, flags and a call of the library."""
    label = "//%s:%s" % (native.package_name(), name)
    if label not in TOOLS:
        fail("%s: add this tool to TOOLS in base/tools.bzl, whose tests try every tool's outputs" % label)
    cc_binary(
        name = name,
        srcs = [name + "_main.cc"] if srcs == None else srcs,
        visibility = visibility,
        deps = deps + _ABSL,
        **kwargs
    )

def hf_shared_library(name, srcs, symbols, deps = [], **kwargs):
    """A library for other languages, libNAME.so, with all of ours in it.

    Args:
      name: the library, without "lib" and ".so"
      srcs: its C interface
      symbols: a linker's version script (.lds), which names what it shows
      deps: what its sources include, Abseil apart
      **kwargs: as of cc_binary
    """
    cc_binary(
        name = "lib%s.so" % name,
        srcs = srcs,
        linkopts = ["-Wl,--version-script=$(location %s)" % symbols],
        linkshared = True,
        deps = deps + _ABSL + [symbols],
        **kwargs
    )

def hf_test_program(name, srcs = None, deps = [], **kwargs):
    """A program that a shell test runs, NAME.cc; no tool for users."""
    cc_binary(
        name = name,
        testonly = True,
        srcs = [name + ".cc"] if srcs == None else srcs,
        deps = deps + _ABSL,
        **kwargs
    )

def hf_benchmark(name, srcs = None, deps = [], **kwargs):
    """A benchmark of Google Benchmark, NAME.cc: run by hand, never a test."""
    cc_binary(
        name = name,
        testonly = True,
        srcs = [name + ".cc"] if srcs == None else srcs,
        tags = ["benchmark"],
        deps = deps + _ABSL + ["@com_google_benchmark//:benchmark"],
        **kwargs
    )
