"""The repositories that the build needs, for this workspace and for those of programs that use the library (examples/)."""

load("//third_party/cuda:configure.bzl", "cuda_configure")
load("//third_party/host:host.bzl", "host_repository")
load("//third_party/pkg_config:pkg_config.bzl", "pkg_config_repository")

_EMPTY = "third_party/empty"

# Outside libraries, all from Debian's packages (apt_packages.txt). Most are installed under /usr, where the compiler
# finds headers by itself: those repositories hold link flags only and need no files.
_LIBRARIES = {
    "com_google_benchmark": _EMPTY,
    "com_google_googletest": _EMPTY,
    "com_google_protobuf_debian": _EMPTY,
    "com_google_re2": _EMPTY,
    "eigen": "/usr/include/eigen3",
    "isal": _EMPTY,
    "libarchive": _EMPTY,
    "libjpeg_turbo": _EMPTY,
    "libpng": _EMPTY,
    "libwebp": _EMPTY,
    "matio": _EMPTY,
    "nlohmann_json": _EMPTY,
    "onednn": _EMPTY,
    "opencv": "/usr/include/opencv4",
    "openssl": _EMPTY,
    "pugixml": _EMPTY,
    "zlib": _EMPTY,
}

def _at(root, path):
    return path if path.startswith("/") else root + path

def hardface_repositories(root = ""):
    """Defines them all.

    Args:
      root: hardface's folder as the calling workspace sees it, with a "/" at the end; empty for hardface itself
    """

    # Repositories that Bazel 4.2.3 asks for by itself. Here they come from Debian's packages or from shims in this tree,
    # so that no build needs a network (README.md).
    native.local_repository(name = "rules_cc", path = _at(root, "third_party/rules_cc"))
    native.local_repository(name = "rules_java", path = "/usr/share/bazel/rules/java")
    native.local_repository(name = "platforms", path = "/usr/share/bazel/tools/platforms")
    native.local_repository(name = "bazel_skylib", path = "/usr/share/bazel/tools/skylib")
    native.new_local_repository(
        name = "remote_coverage_tools",
        build_file_content = "filegroup(name = 'coverage_report_generator', visibility = ['//visibility:public'])",
        path = _at(root, _EMPTY),
    )

    for name, path in _LIBRARIES.items():
        native.new_local_repository(
            name = name,
            # From another workspace on, whose own labels have no name before them.
            build_file = "%s//third_party:%s.BUILD" % ("@hardface" if root else "", name),
            path = _at(root, path),
        )

    # Abseil's shared libraries are some forty, and others in each release.
    pkg_config_repository(
        name = "com_google_absl",
        modules = [
            "absl_flags",
            "absl_flags_reflection",
            "absl_flags_usage",
            "absl_flat_hash_map",
            "absl_status",
            "absl_statusor",
            "absl_str_format",
            "absl_strings",
            "absl_synchronization",
            "absl_time",
        ],
        target = "absl",
    )

    # Open MPI, whose folder is named after the processor.
    pkg_config_repository(name = "mpi", modules = ["ompi-c"])

    # data.yaml of YOLO data sets.
    pkg_config_repository(name = "yaml_cpp", modules = ["yaml-cpp"])

    host_repository(name = "host")

    cuda_configure(name = "local_cuda")
