"""pkg_config_repository: a library of the system, found by pkg-config.

Which libraries a module links, and where its headers lie, differs between Debian's releases and processors; pkg-config
knows, and a list of ours would not.
"""

_BUILD = """
cc_library(
    name = "{name}",
    hdrs = glob(["include/**"], allow_empty = True),
    includes = {includes},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

def _ask(ctx, option):
    asked = ctx.execute(["pkg-config", option] + ctx.attr.modules)
    if asked.return_code != 0:
        fail("pkg-config does not know %s; ./bazelw installs what the build needs. It said: %s" % (
            ", ".join(ctx.attr.modules),
            asked.stderr.strip(),
        ))
    return [word for word in asked.stdout.strip().split(" ") if word]

def _pkg_config_repository_impl(ctx):
    # Folders beside /usr/include, where the compiler looks anyway, are linked into the repository.
    includes = []
    for number, flag in enumerate(_ask(ctx, "--cflags-only-I")):
        link = "include/%d" % number
        ctx.symlink(flag[len("-I"):], link)
        includes.append(link)
    ctx.file("BUILD", _BUILD.format(
        name = ctx.attr.target or ctx.name,
        includes = repr(includes),
        linkopts = repr(["-Wl,--as-needed"] + _ask(ctx, "--libs")),
    ))

pkg_config_repository = repository_rule(
    implementation = _pkg_config_repository_impl,
    attrs = {
        "modules": attr.string_list(mandatory = True, doc = "pkg-config's names of what is used"),
        "target": attr.string(doc = "the library's name in the repository; empty: the repository's"),
    },
    local = True,
)
