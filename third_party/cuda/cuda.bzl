"""cuda_library: compiles .cu files with nvcc and hands them on as a cc_library does."""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load("@local_cuda//:defs.bzl", "CUDA_FOUND", "CUDA_ROOT")

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
        args.add_all(ctx.attr.architectures, format_each = "-gencode=%s")
        args.add_all(depset(transitive = [context.includes, context.system_includes]), before_each = "-isystem")
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

cuda_library = rule(
    implementation = _cuda_library_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".cu"]),
        "hdrs": attr.label_list(allow_files = [".h", ".cuh"]),
        "deps": attr.label_list(providers = [CcInfo]),
        "architectures": attr.string_list(default = _ARCHITECTURES),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
    fragments = ["cpp"],
    toolchains = ["@bazel_tools//tools/cpp:toolchain_type"],
)
