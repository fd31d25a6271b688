"""mini_wider: drawn pictures in WIDER FACE's folder layout, imported, for a test of paper.bzl."""

load("//pipelines:experiment.bzl", "DatasetInfo")

def _mini_wider_impl(ctx):
    drawn = [target[DatasetInfo] for target in (ctx.attr.train, ctx.attr.val)]
    wider = ctx.actions.declare_directory(ctx.label.name + ".wider")
    ctx.actions.run(
        executable = ctx.executable._mini_wider,
        arguments = ["--train=" + drawn[0].path, "--val=" + drawn[1].path, "--output=" + wider.path],
        inputs = depset(transitive = [dataset.files for dataset in drawn]),
        outputs = [wider],
    )
    parts = {}
    for part, split, format, ending in (
        ("train", "train", "wider", "_bbx_gt.txt"),
        ("val", "val", "wider", "_bbx_gt.txt"),
        ("val_of_mat", "val", "wider_mat", ".mat"),
    ):
        folder = ctx.actions.declare_directory("%s.%s" % (ctx.label.name, part))
        ctx.actions.run(
            executable = ctx.executable._import,
            arguments = [
                "--format=" + format,
                "--input=%s/wider_face_split/wider_face_%s%s" % (wider.path, split, ending),
                "--images=%s/WIDER_%s/images" % (wider.path, split),
                "--output=" + folder.path,
            ],
            inputs = [wider],
            outputs = [folder],
        )
        parts[part] = folder
    matrices = []
    for subset in ("easy", "medium", "hard"):
        file = ctx.actions.declare_file("%s.truth/wider_%s_val.mat" % (ctx.label.name, subset))
        ctx.actions.run_shell(
            command = "cp \"$1\" \"$2\"",
            arguments = ["%s/eval_tools/ground_truth/%s" % (wider.path, file.basename), file.path],
            inputs = [wider],
            outputs = [file],
        )
        matrices.append(file)
    folder = parts[ctx.attr.part] if ctx.attr.part != "truth" else None
    return [DefaultInfo(files = depset([folder] if folder else matrices))] + ([DatasetInfo(
        label = str(ctx.label),
        path = folder.path,
        files = depset([folder, wider]),
    )] if folder else [])

mini_wider = rule(
    implementation = _mini_wider_impl,
    attrs = {
        "part": attr.string(values = ["train", "val", "val_of_mat", "truth"]),
        "train": attr.label(providers = [DatasetInfo]),
        "val": attr.label(providers = [DatasetInfo]),
        "_import": attr.label(default = "//data_tools:import", executable = True, cfg = "target"),
        "_mini_wider": attr.label(default = "//data_tools/synth:mini_wider", executable = True, cfg = "target"),
    },
)
