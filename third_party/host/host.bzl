"""host_repository: what a release's file names say of the machine that it is built on."""

def _ask(ctx, command):
    asked = ctx.execute(command)
    if asked.return_code != 0:
        fail("%s failed: %s" % (" ".join(command), asked.stderr.strip()))
    return asked.stdout.strip()

def _host_repository_impl(ctx):
    # "glibc 2.36"
    glibc = _ask(ctx, ["getconf", "GNU_LIBC_VERSION"]).split(" ")[1]
    processor = _ask(ctx, ["uname", "-m"])
    ctx.file("BUILD", "")
    ctx.file("defs.bzl", 'GLIBC = "%s"\nPROCESSOR = "%s"\n' % (glibc, processor))

host_repository = repository_rule(
    implementation = _host_repository_impl,
    local = True,
)
