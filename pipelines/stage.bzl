"""stage: one run of a tool as a cached Bazel action whose output is a folder. Stages chain into experiments: a stage runs again
only when its tool, its flags or a stage before it has changed."""

StageInfo = provider(
    doc = "What a stage hands on.",
    fields = {
        "folder": "the stage's output folder (File)",
        "needed": "depset of the output folders of this and all earlier stages: datasets refer to each other's images",
    },
)

def _stage_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    places = {"{out}": folder.path}
    for stage in ctx.attr.stages:
        places["{%s}" % stage.label.name] = stage[StageInfo].folder.path
    arguments = []
    for argument in ctx.attr.args_:
        for name, path in places.items():
            argument = argument.replace(name, path)
        arguments.append(argument)
    earlier = depset(transitive = [stage[StageInfo].needed for stage in ctx.attr.stages])
    ctx.actions.run(
        executable = ctx.executable.tool,
        arguments = arguments,
        inputs = depset(ctx.files.data, transitive = [earlier]),
        outputs = [folder],
        mnemonic = "Stage",
        progress_message = "Stage %s" % ctx.label.name,
        # Training writes its log to stderr; Bazel shows it when the stage fails.
        use_default_shell_env = True,
    )
    return [
        # As runfiles, too: a test that takes a stage as data finds the folder.
        DefaultInfo(files = depset([folder]), runfiles = ctx.runfiles(files = [folder])),
        StageInfo(folder = folder, needed = depset([folder], transitive = [earlier])),
    ]

_stage = rule(
    implementation = _stage_impl,
    attrs = {
        # In the target configuration: the exec one would compile every tool a second time.
        "tool": attr.label(mandatory = True, executable = True, cfg = "target"),
        "args_": attr.string_list(doc = "Flags; {out} is this stage's folder, {NAME} that of the stage NAME."),
        "stages": attr.label_list(providers = [StageInfo], doc = "The stages whose folders the flags name."),
        "data": attr.label_list(allow_files = True),
    },
)

def stage(name, tool, flags, stages = [], data = [], tags = [], **kwargs):
    """Runs TOOL with FLAGS; the target's output is the folder {out}. Tagged "stage", so that a build can leave it out."""
    _stage(name = name, tool = tool, args_ = flags, stages = stages, data = data, tags = ["stage"] + tags, **kwargs)
