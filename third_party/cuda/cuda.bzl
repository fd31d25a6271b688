"""CUDA code: cuda_library compiles with nvcc and hands on as a cc_library does; cuda_or_stub chooses by --config=cuda or --config=emulation."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load("@local_cuda//:defs.bzl", "CUDA_FOUND", "CUDA_ROOT")
load("//base:rules.bzl", "hf_library")

# Ampere and Hopper machine code, and PTX that the driver compiles for anything newer.
_ARCHITECTURES = [
    "arch=compute_80,code=sm_80",
    "arch=compute_90a,code=sm_90a",
    "arch=compute_80,code=compute_80",
]

def _cuda_library_impl(ctx):
    if not CUDA_FOUND:
        fail("--config=cuda needs the CUDA toolkit, and there is no %s/bin/nvcc. Install CUDA, or name its folder with --repo_env=CUDA_PATH=DIR." % CUDA_ROOT)
    toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(
        ctx = ctx,
        cc_toolchain = toolchain,
        requested_features = ctx.features,
        unsupported_features = ctx.disabled_features,
    )
    own = cc_common.create_compilation_context(headers = depset(ctx.files.hdrs))
    merged = cc_common.merge_cc_infos(cc_infos = [CcInfo(compilation_context = own)] + [dep[CcInfo] for dep in ctx.attr.deps])
    context = merged.compilation_context
    objects = []
    for src in ctx.files.srcs:
        object = ctx.actions.declare_file(ctx.label.name + "_objs/" + src.basename + ".o")
        args = ctx.actions.args()
        args.add_all(["-std=c++17", "-O3", "-c", "-Xcompiler", "-fPIC,-Wall,-Wextra", "--expt-relaxed-constexpr"])

        # Kernels round as the CPU does: no multiply and add becomes one operation. They wait for memory anyway.
        args.add("-fmad=false")
        args.add_all(ctx.attr.architectures, format_each = "-gencode=%s")
        args.add_all(depset(transitive = [context.includes, context.system_includes]), before_each = "-isystem")
        args.add_all([".", ctx.bin_dir.path], before_each = "-I")
        args.add_all(context.quote_includes, before_each = "-I")
        args.add_all(depset(transitive = [context.defines]), before_each = "-D")
        args.add(src)
        args.add("-o", object)
        ctx.actions.run(
            executable = CUDA_ROOT + "/bin/nvcc",
            arguments = [args],
            inputs = depset([src], transitive = [context.headers]),
            outputs = [object],
            mnemonic = "CudaCompile",
            progress_message = "nvcc " + src.short_path,
            use_default_shell_env = True,
        )
        objects.append(object)
    outputs = cc_common.create_compilation_outputs(pic_objects = depset(objects), objects = depset(objects))
    linking, _ = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        name = ctx.label.name,
        feature_configuration = features,
        cc_toolchain = toolchain,
        compilation_outputs = outputs,
        linking_contexts = [dep[CcInfo].linking_context for dep in ctx.attr.deps],
        disallow_dynamic_library = True,
    )
    return [
        DefaultInfo(files = depset(objects)),
        CcInfo(compilation_context = merged.compilation_context, linking_context = linking),
    ]

_cuda_library = rule(
    implementation = _cuda_library_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cu", ".cc"]),
        "hdrs": attr.label_list(allow_files = [".h", ".cuh"]),
        "deps": attr.label_list(providers = [CcInfo]),
        "architectures": attr.string_list(default = _ARCHITECTURES),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)

def cuda_library(name, deps = [], **kwargs):
    """Sources that see CUDA's headers: .cu by nvcc, .cc by the host's compiler through it. With --config=cuda only."""
    _cuda_library(
        name = name,
        deps = deps + ["@com_google_absl//:absl", "@local_cuda//:cuda"],
        target_compatible_with = select({
            "//:with_cuda": [],
            "//conditions:default": ["@platforms//:incompatible"],
        }),
        **kwargs
    )

def _emulated_library(name, srcs, deps):
    """SRCS (.cu) for emulated devices: a C++ compiler makes loops of their launches (model/cuda/launch.cuh)."""
    for src in srcs:
        native.genrule(
            name = name + "_" + src.replace(".cu", "_cc"),
            srcs = [src],
            outs = ["emulated_" + src.replace(".cu", ".cc")],
            cmd = "cp $< $@",
            tags = ["manual"],
            visibility = ["//visibility:private"],
        )
    hf_library(
        name = name,
        srcs = ["emulated_" + src.replace(".cu", ".cc") for src in srcs],
        hdrs = [],
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = deps,
    )

def cuda_or_stub(name, cuda_srcs, hdrs = None, stub_srcs = None, emulated = None, deps = [], cuda_deps = [], stub_deps = [], visibility = None):
    """An interface without CUDA's headers, and one of three libraries behind it, as the build says.

    With --config=cuda it is CUDA_SRCS, compiled by nvcc. With --config=emulation it runs on the CPU, for tests: EMULATED,
    or CUDA_SRCS compiled by a C++ compiler. Otherwise it is STUB_SRCS, which say that there is no CUDA.

    Args:
      name: the library
      cuda_srcs: .cu or .cc; where EMULATED is not given, .cu files of which all that nvcc alone can compile is in
        model/cuda/*.cuh
      hdrs: the interface, NAME.h; NAME_h has it alone
      stub_srcs: compiled without CUDA, NAME_stub.cc
      emulated: a library in place of cuda_srcs, whose deps are NAME_h and the like
      deps: of the interface
      cuda_deps: of cuda_srcs, beside deps and CUDA
      stub_deps: of stub_srcs, beside deps
      visibility: of the library
    """
    hdrs = hdrs or [name + ".h"]
    hf_library(name = name + "_h", srcs = [], hdrs = hdrs, deps = deps, visibility = ["//:users_of_model"])
    cuda_library(
        name = name + "_cuda",
        srcs = cuda_srcs,
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = [":" + name + "_h", "//model/cuda:cuda_status"] + cuda_deps,
    )
    if not emulated:
        emulated = ":" + name + "_emulated"
        _emulated_library(name = name + "_emulated", srcs = cuda_srcs, deps = [":" + name + "_h"] + cuda_deps)
    hf_library(
        name = name + "_stub",
        srcs = stub_srcs or [name + "_stub.cc"],
        hdrs = [],
        visibility = ["//visibility:private"],
        deps = [":" + name + "_h"] + stub_deps,
    )
    hf_library(
        name = name,
        srcs = [],
        hdrs = hdrs,
        visibility = visibility,
        deps = deps + select({
            "//:with_cuda": [":" + name + "_cuda"],
            "//:with_emulation": [emulated],
            "//conditions:default": [":" + name + "_stub"],
        }),
    )
