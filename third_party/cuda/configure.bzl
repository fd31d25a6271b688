"""cuda_configure: finds a CUDA toolkit with cuDNN and NCCL, or makes an empty repository that says there is none."""

_BUILD = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "cuda",
    hdrs = glob(["cuda/include/**"], allow_empty = True),
    includes = {includes},
    linkopts = {linkopts},
)

cc_library(
    name = "nccl",
    linkopts = {nccl_linkopts},
    deps = [":cuda"],
)
"""

def _cuda_configure_impl(ctx):
    root = ctx.os.environ.get("CUDA_PATH", "/usr/local/cuda")
    found = ctx.path(root + "/bin/nvcc").exists
    includes = []
    linkopts = []
    if found:
        ctx.symlink(root, "cuda")
        includes = ["cuda/include"]
        linkopts = ["-L%s/lib64" % root, "-Wl,-rpath,%s/lib64" % root, "-lcudart", "-lcudnn"]
    ctx.file("defs.bzl", 'CUDA_FOUND = %s\nCUDA_ROOT = "%s"\n' % (found, root))
    nccl_linkopts = ["-lnccl"] if found else []
    ctx.file("BUILD", _BUILD.format(includes = repr(includes), linkopts = repr(linkopts), nccl_linkopts = repr(nccl_linkopts)))

cuda_configure = repository_rule(
    implementation = _cuda_configure_impl,
    environ = ["CUDA_PATH"],
    local = True,
)
