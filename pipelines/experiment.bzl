"""Experiments as Bazel targets, in this workspace and in anyone's: docs/PIPELINES.md.

    load("@hardface//pipelines:experiment.bzl", "ap_test", "detect", "flip", "score", "synthesize", "train")

    synthesize(name = "faces", images = 300)
    synthesize(name = "unseen", images = 80, seed = 2)
    flip(name = "flipped", dataset = ":faces")
    train(name = "model", dataset = ":flipped", recipes = ["@hardface//train:recipes/quickstart.flags"], iterations = 700)
    detect(name = "found", dataset = ":unseen", model = ":model")
    score(name = "scores", detections = ":found")
    ap_test(name = "model_test", bounds = ["ap >= 0.5"], scores = ":scores")

Every target but the tests is one run of a tool as a cached action, and its output is a folder named after the target. An
action runs again only when something that it reads has changed. What an attribute expects and does not get is an error of
the analysis, before any work.

The attribute settings takes further flags of the tool: settings = {"learning_rate": "0.001"} is --learning_rate=0.001.
Numbers with a fraction are written as strings, because Bazel 4 has no others.
"""

DatasetInfo = provider(
    doc = "A dataset.",
    fields = {
        "label": "the target that made it, for messages",
        "path": "the folder of manifest.jsonl, as a tool's flag takes it",
        "files": "depset of everything that a reader needs: the folder, and the datasets whose images it refers to",
    },
)

ModelInfo = provider(
    doc = "A trained model.",
    fields = {
        "path": "the model's file, as a tool's flag takes it",
        "files": "depset of the folder or file that holds it",
        "run": "the training's folder with its logs and checkpoints (File), or None for a model that is a file",
    },
)

DifficultyInfo = provider(
    doc = "How hard the images of a dataset are: a difficulty file.",
    fields = {
        "dataset": "DatasetInfo of the images that were scored",
        "path": "the .jsonl file, as a tool's flag takes it",
        "files": "depset of the folder that holds it",
    },
)

DetectionsInfo = provider(
    doc = "Detections on a dataset.",
    fields = {
        "dataset": "DatasetInfo of the images that faces were looked for in",
        "path": "the folder, as a tool's flag takes it",
        "files": "depset of it",
    },
)

ScoresInfo = provider(
    doc = "A scorer's figures and outcomes.",
    fields = {
        "dataset": "DatasetInfo of the ground truth",
        "folder": "the scorer's folder (File)",
    },
)

# ---- What all rules share.

# Tools in the target configuration: the exec one would compile every tool a second time.
def _tool(label):
    return attr.label(default = Label(label), executable = True, cfg = "target")

_SETTINGS = {"settings": attr.string_dict(doc = "Further flags of the tool, without the leading dashes.")}

_SEED = {"seed": attr.int(default = -1, doc = "Seed of everything random; -1 leaves it to the recipe or the tool.")}

def _stop(kind, ctx, text):
    fail("\n\n%s(name = \"%s\") in %s: %s\n" % (kind, ctx.label.name, ctx.build_file_path, text))

def _number(kind, ctx, name, text):
    """A number with a fraction, which comes as a string; empty means that it was not given."""
    digits = text.lstrip("-").replace(".", "", 1).replace("e-", "", 1)
    if text and not digits.isdigit():
        _stop(kind, ctx, "%s = \"%s\" is not a number; write it as in \"0.5\"." % (name, text))
    return text

def _flags(kind, ctx, given, own):
    """The flags of a call: GIVEN (name to value) where they are set, then the settings, which must name none of OWN."""
    given = {name: value for name, value in given.items() if value not in ("", 0, -1)}
    flags = ["--%s=%s" % (name, value) for name, value in given.items()]
    for name, value in ctx.attr.settings.items():
        if name.startswith("-"):
            _stop(kind, ctx, "settings name flags without the leading dashes; write \"%s\" for \"%s\"." % (name.lstrip("-"), name))
        if name in given or name in own:
            _stop(kind, ctx, "settings must not hold \"%s\", which the rule sets from its attributes." % name)
        flags.append("--%s=%s" % (name, value))
    return flags

def _dataset(kind, ctx, name, target):
    if DatasetInfo not in target:
        _stop(kind, ctx, ("%s = \"%s\" is not a dataset. Give a target of dataset, synthesize, flip, merge, mining_select or split, or one " +
                          "of a dataset_repository.") % (name, target.label))
    return target[DatasetInfo]

def _one_file(kind, ctx, name, target, endings, instead):
    files = target.files.to_list()
    if len(files) == 1 and not files[0].is_directory:
        for ending in endings:
            if files[0].basename.endswith(ending):
                return files[0]
    _stop(kind, ctx, "%s = \"%s\" is neither %s nor one file whose name ends in %s." % (name, target.label, instead, " or ".join(endings)))

def _model(kind, ctx, name, target):
    if ModelInfo in target:
        return target[ModelInfo]
    file = _one_file(kind, ctx, name, target, [".safetensors", ".caffemodel"], "a target of train")
    return ModelInfo(path = file.path, files = depset([file]), run = None)

def _environment(ctx):
    """The PATH of --action_env, for gnuplot and the like, and nothing else: an action's key holds all that it sees."""
    return {"PATH": ctx.configuration.default_shell_env.get("PATH", "/usr/local/bin:/usr/bin:/bin")}

def _training_environment(ctx):
    """All of --action_env, with what mpirun may need, and HARDFACE_SCRATCH from there or from --define."""
    environment = dict(ctx.configuration.default_shell_env)
    if "HARDFACE_SCRATCH" in ctx.var:
        environment["HARDFACE_SCRATCH"] = ctx.var["HARDFACE_SCRATCH"]
    return environment

def _run(ctx, mnemonic, flags, inputs, outputs, doing, tool = None):
    ctx.actions.run(
        executable = tool or ctx.executable._tool,
        arguments = flags,
        inputs = depset(transitive = inputs),
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = "%s %s" % (doing, ctx.label),
        env = _environment(ctx),
    )

def _outputs(ctx, files):
    """As runfiles, too: a test that takes the target as data finds them."""
    return DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files = files))

def _made_dataset(ctx, mnemonic, flags, datasets, doing, more = []):
    """Runs a tool that makes a dataset of others."""
    folder = ctx.actions.declare_directory(ctx.label.name)
    earlier = [dataset.files for dataset in datasets]
    _run(ctx, mnemonic, flags + ["--output=" + folder.path], earlier + more, [folder], doing)
    return [
        _outputs(ctx, [folder]),
        DatasetInfo(label = str(ctx.label), path = folder.path, files = depset([folder], transitive = earlier)),
    ]

# ---- Datasets.

def _dataset_impl(ctx):
    manifest = ctx.file.manifest
    if manifest.basename != "manifest.jsonl":
        _stop("dataset", ctx, "manifest = \"%s\" must be a file named manifest.jsonl; data_tools:import makes one." % ctx.attr.manifest.label)
    files = depset([manifest] + ctx.files.images)
    return [
        DefaultInfo(files = files),
        DatasetInfo(label = str(ctx.label), path = manifest.dirname, files = files),
    ]

_dataset_rule = rule(
    implementation = _dataset_impl,
    doc = "A dataset that lies in the workspace.",
    attrs = {
        "manifest": attr.label(allow_single_file = True, mandatory = True, doc = "Its manifest.jsonl."),
        "images": attr.label_list(allow_files = True, doc = "Its images, such as glob([\"faces/images/**\"])."),
    },
)

def _outside_dataset_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        command = """
set -euo pipefail
read -r found _ < <(sha256sum "$2")
if [[ "$found" != "$3" ]]; then
  echo "The manifest of $1 was changed: its SHA-256 is $found, and the dataset_repository in WORKSPACE says $3." \
    "Where the change is meant, write the new one there." >&2
  exit 1
fi
{ cat "$4"; tail -n +2 "$2"; } >"$5/manifest.jsonl"
""",
        arguments = [ctx.attr.path, ctx.file.manifest.path, ctx.attr.sha256, ctx.file.header.path, folder.path],
        inputs = [ctx.file.manifest, ctx.file.header],
        outputs = [folder],
        mnemonic = "OutsideDataset",
        progress_message = "Checking the manifest of %s" % ctx.attr.path,
        env = _environment(ctx),
    )
    return [
        _outputs(ctx, [folder]),
        DatasetInfo(label = str(ctx.label), path = folder.path, files = depset([folder])),
    ]

# Used by the BUILD file that dataset_repository writes.
outside_dataset = rule(
    implementation = _outside_dataset_impl,
    attrs = {
        "header": attr.label(allow_single_file = True, mandatory = True),
        "manifest": attr.label(allow_single_file = True, mandatory = True),
        "path": attr.string(mandatory = True),
        "sha256": attr.string(mandatory = True),
    },
)

def _dataset_repository_impl(repository_ctx):
    name, path = repository_ctx.name, repository_ctx.attr.path
    start = "\n\ndataset_repository(name = \"%s\"): " % name
    if not path.startswith("/"):
        fail(start + "path = \"%s\" must be absolute.\n" % path)
    manifest = path.rstrip("/") + "/manifest.jsonl"
    if not repository_ctx.path(manifest).exists:
        fail(start + "%s is not there. Give the folder of a dataset; data_tools:import makes one of your annotations.\n" % manifest)
    summed = repository_ctx.execute(["sha256sum", manifest])
    if summed.return_code:
        fail(start + "%s cannot be read: %s\n" % (manifest, summed.stderr))
    found = summed.stdout.split(" ")[0].lstrip("\\")
    wanted = repository_ctx.attr.manifest_sha256
    if not wanted:
        fail(start + "manifest_sha256 is missing, which keeps results from being taken for those of another dataset. For %s as it is now, write\n\n    manifest_sha256 = \"%s\",\n" % (manifest, found))
    if found != wanted:
        fail(start + "the SHA-256 of %s is\n    %s, not\n    %s.\nThe dataset was changed, or this is another one. Where that is meant, write the first one as manifest_sha256.\n" % (manifest, found, wanted))
    first = repository_ctx.execute(["head", "-n", "1", manifest]).stdout
    if "hardface.dataset" not in first:
        fail(start + "%s does not start as a dataset's manifest does.\n" % manifest)
    header = json.decode(first)
    root = header.get("image_root", ".")
    if not root.startswith("/"):
        header["image_root"] = path.rstrip("/") if root == "." else path.rstrip("/") + "/" + root
    repository_ctx.file("header.json", json.encode(header) + "\n", executable = False)
    repository_ctx.symlink(manifest, "original.jsonl")
    repository_ctx.file("BUILD", """load("@%s//pipelines:experiment.bzl", "outside_dataset")

outside_dataset(
    name = "%s",
    header = "header.json",
    manifest = "original.jsonl",
    path = "%s",
    sha256 = "%s",
    visibility = ["//visibility:public"],
)
""" % (Label("//pipelines:experiment.bzl").workspace_name, name, path, wanted), executable = False)

dataset_repository = repository_rule(
    implementation = _dataset_repository_impl,
    doc = """A dataset outside the workspace, for WORKSPACE; "@NAME" is then a dataset.

Only its manifest, whose hash is checked, is an input of actions. The images stay where they are and are read there by their
absolute paths, so that no sandbox is filled with photographs one by one. Neither Bazel nor the hash sees a picture that was
replaced by another one of the same name; data_tools:doctor finds those of another size.""",
    attrs = {
        "path": attr.string(mandatory = True, doc = "The dataset's folder, absolute."),
        "manifest_sha256": attr.string(doc = "SHA-256 of its manifest.jsonl. When it is missing, the error says what it is."),
    },
    local = True,
)

def _synthesize_impl(ctx):
    if ctx.attr.images < 1:
        _stop("synthesize", ctx, "images = %d must be at least 1." % ctx.attr.images)
    for name in ("faces_per_image", "face_px"):
        if len(getattr(ctx.attr, name)) not in (0, 2):
            _stop("synthesize", ctx, "%s takes two numbers, the least and the greatest." % name)
    flags = _flags("synthesize", ctx, {
        "images": ctx.attr.images,
        "seed": ctx.attr.seed,
        "width": ctx.attr.width,
        "height": ctx.attr.height,
        "scenes": ctx.attr.scenes,
        "faces_per_image": ",".join([str(n) for n in ctx.attr.faces_per_image]),
        "face_px": ",".join([str(n) for n in ctx.attr.face_px]),
    }, ["output"])
    return _made_dataset(ctx, "Synthesize", flags, [], "Drawing")

_synthesize = rule(
    implementation = _synthesize_impl,
    doc = "A dataset of drawn faces (data_tools:synthesize).",
    attrs = dict({
        "images": attr.int(mandatory = True, doc = "How many images."),
        "width": attr.int(doc = "Of the images, in pixels; 0 leaves it to the tool."),
        "height": attr.int(),
        "scenes": attr.string(values = ["", "varied", "plain", "adverse"]),
        "faces_per_image": attr.int_list(doc = "Fewest and most."),
        "face_px": attr.int_list(doc = "Smallest and greatest height of a face in pixels."),
        "_tool": _tool("//data_tools:synthesize"),
    }, **dict(_SEED, **_SETTINGS)),
)

def _flip_impl(ctx):
    dataset = _dataset("flip", ctx, "dataset", ctx.attr.dataset)
    flags = _flags("flip", ctx, {"input": dataset.path}, ["output"])
    return _made_dataset(ctx, "Flip", flags, [dataset], "Mirroring")

_flip = rule(
    implementation = _flip_impl,
    doc = "A dataset doubled by mirrored entries (data_tools:flip).",
    attrs = dict({
        "dataset": attr.label(mandatory = True),
        "_tool": _tool("//data_tools:flip"),
    }, **_SETTINGS),
)

def _merge_impl(ctx):
    if len(ctx.attr.datasets) < 2:
        _stop("merge", ctx, "datasets must name at least two.")
    datasets = [_dataset("merge", ctx, "datasets", target) for target in ctx.attr.datasets]
    flags = _flags("merge", ctx, {"inputs": ",".join([dataset.path for dataset in datasets])}, ["output"])
    return _made_dataset(ctx, "Merge", flags, datasets, "Joining the datasets of")

_merge = rule(
    implementation = _merge_impl,
    doc = "Several datasets as one (data_tools:merge).",
    attrs = dict({
        "datasets": attr.label_list(mandatory = True),
        "_tool": _tool("//data_tools:merge"),
    }, **_SETTINGS),
)

def _split_impl(ctx):
    dataset = _dataset("split", ctx, "dataset", ctx.attr.dataset)
    names = ctx.attr.fractions.keys()
    folders = [ctx.actions.declare_directory(ctx.label.name + "." + name) for name in names]
    flags = _flags("split", ctx, {
        "input": dataset.path,
        "outputs": ",".join([folder.path for folder in folders]),
        "fractions": ",".join([_number("split", ctx, "fractions", value) for value in ctx.attr.fractions.values()]),
        "seed": ctx.attr.seed,
    }, [])
    _run(ctx, "Split", flags, [dataset.files], folders, "Splitting")
    parts = {
        names[i]: DatasetInfo(
            label = "%s.%s" % (ctx.label, names[i]),
            path = folders[i].path,
            files = depset([folders[i]], transitive = [dataset.files]),
        )
        for i in range(len(names))
    }
    return [_outputs(ctx, folders), _PartsInfo(folders = {names[i]: folders[i] for i in range(len(names))}, parts = parts)]

_PartsInfo = provider(fields = ["folders", "parts"])

_split = rule(
    implementation = _split_impl,
    attrs = dict({
        "dataset": attr.label(mandatory = True),
        "fractions": attr.string_dict(mandatory = True),
        "_tool": _tool("//data_tools:split"),
    }, **dict(_SEED, **_SETTINGS)),
)

def _part_impl(ctx):
    parts = ctx.attr.whole[_PartsInfo]
    return [_outputs(ctx, [parts.folders[ctx.attr.part]]), parts.parts[ctx.attr.part]]

_part = rule(
    implementation = _part_impl,
    attrs = {"part": attr.string(mandatory = True), "whole": attr.label(mandatory = True, providers = [_PartsInfo])},
)

# ---- Training.

def _train_impl(ctx):
    dataset = _dataset("train", ctx, "dataset", ctx.attr.dataset)
    given = {"dataset": dataset.path}
    files = [dataset.files]
    if ctx.attr.validation:
        validation = _dataset("train", ctx, "validation", ctx.attr.validation)
        given["validation"] = validation.path
        files.append(validation.files)
    for name in ("init", "teacher"):
        if getattr(ctx.attr, name):
            model = _model("train", ctx, name, getattr(ctx.attr, name))
            given[name] = model.path
            files.append(model.files)
    for target in ctx.attr.recipes:
        _one_file("train", ctx, "recipes", target, [".flags"], "a recipe")
    if ctx.attr.ranks < 1:
        _stop("train", ctx, "ranks = %d must be at least 1." % ctx.attr.ranks)
    given["iterations"] = ctx.attr.iterations
    given["seed"] = ctx.attr.seed
    given["threads"] = ctx.attr.threads
    flags = ["--flagfile=" + recipe.path for recipe in ctx.files.recipes]
    flags += _flags("train", ctx, given, ["output", "resume", "flagfile", "init", "teacher", "validation"])

    run = ctx.actions.declare_directory(ctx.label.name + ".run")
    folder = ctx.actions.declare_directory(ctx.label.name)
    inputs = depset([ctx.executable._tool] + ctx.files.recipes, transitive = files)
    head = ctx.actions.args()
    head.add_all([run, folder], expand_directories = False)
    head.add(ctx.attr.ranks)

    # Everything that decides the result, file by file: the wrapper makes the scratch folder's name of their contents.
    read = ctx.actions.args()
    read.use_param_file("%s", use_always = True)
    read.set_param_file_format("multiline")
    read.add_all(inputs)
    ctx.actions.run(
        executable = ctx.executable._wrapper,
        arguments = [head, read, ctx.executable._tool.path] + flags,
        inputs = inputs,
        tools = [ctx.executable._tool],
        outputs = [run, folder],
        mnemonic = "Train",
        progress_message = "Training %s" % ctx.label,
        env = _training_environment(ctx),
        # SIGTERM and some seconds for a checkpoint, where Bazel would kill at once.
        execution_requirements = {"supports-graceful-termination": ""},
    )
    return [
        _outputs(ctx, [folder]),
        OutputGroupInfo(run = depset([run])),
        ModelInfo(path = folder.path + "/model.safetensors", files = depset([folder]), run = run),
    ]

_train = rule(
    implementation = _train_impl,
    doc = """A trained model (train:train).

NAME/ holds model.safetensors and its provenance; NAME.run/ is the training's whole folder, with its logs and checkpoints. Only
the first is what later targets read, so that a training made again to the same bits makes nothing else again.

With --define=HARDFACE_SCRATCH=/FOLDER an interrupted training goes on where it was: docs/PIPELINES.md.""",
    attrs = dict({
        "dataset": attr.label(mandatory = True, doc = "What to train on."),
        "recipes": attr.label_list(allow_files = True, doc = "Flag files (train/recipes/*.flags), later ones over earlier ones."),
        "init": attr.label(allow_files = True, doc = "Weights to start from: a target of train, or a .safetensors or .caffemodel file."),
        "teacher": attr.label(allow_files = True, doc = "A model to learn from beside the labels."),
        "validation": attr.label(doc = "A dataset whose AP is measured on the way; needs the setting validate_every."),
        "iterations": attr.int(doc = "Steps; 0 leaves them to the recipe."),
        "threads": attr.int(doc = "Threads that compute; 0 takes all processors. The result does not depend on it."),
        "ranks": attr.int(default = 1, doc = "Processes that train together, started by mpirun."),
        "_tool": _tool("//train:train"),
        "_wrapper": _tool("//pipelines:train_action"),
    }, **dict(_SEED, **_SETTINGS)),
)

# ---- Hard images between two trainings.

def _mining_score_impl(ctx):
    dataset = _dataset("mining_score", ctx, "dataset", ctx.attr.dataset)
    model = _model("mining_score", ctx, "model", ctx.attr.model)
    folder = ctx.actions.declare_directory(ctx.label.name)
    path = folder.path + "/difficulty.jsonl"
    flags = _flags("mining_score", ctx, {
        "model": model.path,
        "dataset": dataset.path,
        "short_side": ctx.attr.short_side,
    }, ["output"])
    _run(ctx, "MiningScore", flags + ["--output=" + path], [dataset.files, model.files], [folder], "Scoring how hard images are for")
    return [_outputs(ctx, [folder]), DifficultyInfo(dataset = dataset, path = path, files = depset([folder]))]

_mining_score = rule(
    implementation = _mining_score_impl,
    doc = "How hard each image of a dataset is for a model (mining:score).",
    attrs = dict({
        "dataset": attr.label(mandatory = True),
        "model": attr.label(mandatory = True, allow_files = True),
        "short_side": attr.int(doc = "Of the images as the model sees them, in pixels; 0 leaves it to the tool."),
        "_tool": _tool("//mining:score"),
    }, **_SETTINGS),
)

def _mining_select_impl(ctx):
    target = ctx.attr.difficulty
    if DifficultyInfo not in target:
        _stop("mining_select", ctx, "difficulty = \"%s\" is not the output of mining_score." % target.label)
    difficulty = target[DifficultyInfo]
    flags = _flags("mining_select", ctx, {
        "dataset": difficulty.dataset.path,
        "scores": difficulty.path,
        "threshold": _number("mining_select", ctx, "threshold", ctx.attr.threshold),
        "drop": _number("mining_select", ctx, "drop", ctx.attr.drop),
        "seed": ctx.attr.seed,
    }, ["output"])
    return _made_dataset(ctx, "MiningSelect", flags, [difficulty.dataset], "Choosing the hard images of", [difficulty.files])

_mining_select = rule(
    implementation = _mining_select_impl,
    doc = "The hard images of the dataset whose difficulty was scored, and some of the easy ones (mining:select).",
    attrs = dict({
        "difficulty": attr.label(mandatory = True, doc = "A target of mining_score."),
        "threshold": attr.string(doc = "WPAS from which an image is easy."),
        "drop": attr.string(doc = "Probability that an easy image is left out."),
        "_tool": _tool("//mining:select"),
    }, **dict(_SEED, **_SETTINGS)),
)

# ---- Detection and scoring.

def _detect_impl(ctx):
    dataset = _dataset("detect", ctx, "dataset", ctx.attr.dataset)
    model = _model("detect", ctx, "model", ctx.attr.model)
    folder = ctx.actions.declare_directory(ctx.label.name)
    flags = _flags("detect", ctx, {
        "model": model.path,
        "dataset": dataset.path,
        "pyramid": ",".join([str(level) for level in ctx.attr.pyramid]),
        "nms": ctx.attr.nms,
        "format": ",".join(ctx.attr.formats),
        "flip": "" if ctx.attr.flip else "false",
    }, ["output", "resume", "images", "shard", "watch"])
    _run(ctx, "Detect", flags + ["--output=" + folder.path], [dataset.files, model.files], [folder], "Finding faces for")
    return [_outputs(ctx, [folder]), DetectionsInfo(dataset = dataset, path = folder.path, files = depset([folder]))]

_detect = rule(
    implementation = _detect_impl,
    doc = "A model's detections on a dataset (infer:detect).",
    attrs = dict({
        "dataset": attr.label(mandatory = True),
        "model": attr.label(mandatory = True, allow_files = True, doc = "A target of train, or a .safetensors or .caffemodel file."),
        "pyramid": attr.int_list(doc = "Levels of the image pyramid; empty takes the model's own."),
        "flip": attr.bool(default = True, doc = "Whether the mirror image of every level is looked at, too."),
        "nms": attr.string(values = ["", "vote", "plain"]),
        "formats": attr.string_list(doc = "Forms of the results beside detections.jsonl, which score needs: jsonl, wider, ..."),
        "_tool": _tool("//infer:detect"),
    }, **_SETTINGS),
)

def _score_impl(ctx):
    target = ctx.attr.detections
    if DetectionsInfo in target:
        detections = target[DetectionsInfo]
        dataset = detections.dataset
        if ctx.attr.dataset and _dataset("score", ctx, "dataset", ctx.attr.dataset).label != dataset.label:
            _stop("score", ctx, "the detections of \"%s\" are on %s, not on \"%s\"; leave dataset out." % (
                target.label,
                dataset.label,
                ctx.attr.dataset.label,
            ))
        path, files = detections.path, detections.files
    else:
        file = _one_file("score", ctx, "detections", target, [".jsonl"], "a target of detect")
        if not ctx.attr.dataset:
            _stop("score", ctx, "the file \"%s\" does not say which images it is about; give dataset, too." % target.label)
        dataset = _dataset("score", ctx, "dataset", ctx.attr.dataset)
        path, files = file.path, depset([file])
    wider = ctx.attr.protocol == "wider"
    truth, truth_files = dataset.path, [dataset.files]
    if ctx.files.ground_truth:
        if not wider:
            _stop("score", ctx, "ground_truth goes with protocol = \"wider\" only; that of \"dataset\" is the dataset itself.")
        folders = {file.dirname: True for file in ctx.files.ground_truth}.keys()
        if len(folders) != 1:
            _stop("score", ctx, "the files of ground_truth must lie in one folder; they lie in %s." % ", ".join(folders))
        truth, truth_files = folders[0], [depset(ctx.files.ground_truth)]
    folder = ctx.actions.declare_directory(ctx.label.name)
    flags = _flags("score", ctx, {
        "ground_truth" if wider else "dataset": truth,
        "detections": path,
        "bootstrap": ctx.attr.bootstrap,
        "outcomes": "true",
    }, ["output"])
    _run(
        ctx,
        "Score",
        flags + ["--output=" + folder.path],
        truth_files + [files],
        [folder],
        "Scoring the detections of",
        tool = ctx.executable._wider if wider else ctx.executable._tool,
    )
    return [_outputs(ctx, [folder]), ScoresInfo(dataset = dataset, folder = folder)]

_score = rule(
    implementation = _score_impl,
    doc = "Scores detections (eval:dataset, eval:wider): metrics.json, pr.csv, and outcomes.jsonl for paired comparisons.",
    attrs = dict({
        "detections": attr.label(mandatory = True, allow_files = True, doc = "A target of detect, or a kept detections.jsonl."),
        "dataset": attr.label(doc = "The ground truth, where the detections are a file; those of detect know theirs."),
        "bootstrap": attr.int(doc = "Resamplings of the images for 95 % intervals; 0 makes none."),
        "protocol": attr.string(default = "dataset", values = ["dataset", "wider"], doc = "Whose rules count: eval:dataset's or WIDER FACE's."),
        "ground_truth": attr.label_list(
            allow_files = [".mat"],
            doc = "With the protocol wider, wider_{easy,medium,hard}_val.mat of the official toolkit; without them the dataset is taken.",
        ),
        "_tool": _tool("//eval:dataset"),
        "_wider": _tool("//eval:wider"),
    }, **_SETTINGS),
)

# ---- Gates.

_OPERATORS = [">=", "<=", ">", "<"]

def _bounds_file(ctx, name, bounds):
    for bound in bounds:
        words = bound.split(" ")
        if len(words) != 3 or words[1] not in _OPERATORS:
            _stop("ap_test", ctx, "\"%s\" is not a bound; write it as in \"ap >= 0.5\", with one of %s." % (bound, " ".join(_OPERATORS)))
        _number("ap_test", ctx, bound, words[2])
    file = ctx.actions.declare_file("%s.%s" % (ctx.label.name, name))
    ctx.actions.write(file, "".join([bound + "\n" for bound in bounds]))
    return file

def _scores(kind, ctx, name, target):
    if ScoresInfo not in target:
        _stop(kind, ctx, "%s = \"%s\" is not the output of score." % (name, target.label))
    return target[ScoresInfo]

def _ap_test_impl(ctx):
    scores = _scores("ap_test", ctx, "scores", ctx.attr.scores)
    if not ctx.attr.bounds and not ctx.file.expect and not ctx.attr.kept:
        _stop("ap_test", ctx, "give bounds, a file of them (expect), or a kept result to compare with (kept).")
    files = [scores.folder]
    gate = "\"%s\" --metrics=\"%%s\" --expect=\"%%s\" || failed=1" % ctx.executable._gate.short_path
    lines = ["#!/usr/bin/env bash", "set -uo pipefail", "failed=0"]
    expected = [ctx.file.expect] if ctx.file.expect else []
    if ctx.attr.bounds:
        expected.append(_bounds_file(ctx, "bounds", ctx.attr.bounds))
    lines += [gate % (scores.folder.short_path, file.short_path) for file in expected]
    if ctx.attr.kept:
        kept = _scores("ap_test", ctx, "kept", ctx.attr.kept)
        if kept.dataset.label != scores.dataset.label:
            _stop("ap_test", ctx, "the scores are of %s and the kept ones of %s; a paired comparison needs the same images." % (
                scores.dataset.label,
                kept.dataset.label,
            ))
        bounds = _bounds_file(ctx, "kept_bounds", ctx.attr.kept_bounds)
        lines += [
            "compared=\"${TEST_TMPDIR:-/tmp}/compared\"",
            "\"%s\" --a=\"%s\" --b=\"%s\" --bootstrap=%d --output=\"$compared\" || exit 1" % (
                ctx.executable._compare.short_path,
                kept.folder.short_path,
                scores.folder.short_path,
                ctx.attr.bootstrap,
            ),
            gate % ("$compared", bounds.short_path),
        ]
        files += [kept.folder]
        expected.append(bounds)
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(script, "\n".join(lines + ["exit \"$failed\"", ""]), is_executable = True)
    runfiles = ctx.runfiles(files = files + expected)
    for tool in (ctx.attr._gate, ctx.attr._compare):
        runfiles = runfiles.merge(tool[DefaultInfo].default_runfiles)
    return [DefaultInfo(executable = script, runfiles = runfiles)]

_ap_test = rule(
    implementation = _ap_test_impl,
    doc = "Fails when a figure misses its bound (eval:gate), or is worse than a kept result (eval:compare).",
    test = True,
    attrs = {
        "scores": attr.label(mandatory = True, doc = "A target of score."),
        "bounds": attr.string_list(doc = "Such as [\"ap >= 0.5\", \"recall >= 0.8\"]; the names are those of metrics.json."),
        "expect": attr.label(allow_single_file = True, doc = "A file of bounds, one a line."),
        "kept": attr.label(doc = "Another target of score on the same dataset, such as that of detections kept from an earlier day."),
        "kept_bounds": attr.string_list(
            default = ["ap_high >= 0"],
            doc = "What must hold for the differences scores - kept over resampled images: NAME_difference, NAME_low, NAME_high, " +
                  "NAME_p. By default the test fails when AP has fallen and the 95 % interval of its difference is below 0.",
        ),
        "bootstrap": attr.int(default = 1000, doc = "Resamplings of that comparison."),
        "_compare": _tool("//eval:compare"),
        "_gate": _tool("//eval:gate"),
    },
)

# ---- Many trainings in one table.

def _matrix_impl(ctx):
    folders = {}
    for target in ctx.attr.scores:
        folders[target.label.name] = _scores("matrix", ctx, "scores", target).folder
    table = ctx.actions.declare_directory(ctx.label.name)
    results = ctx.actions.declare_file(ctx.label.name + ".csv")
    lines = ["table,test_set,variant,seed,baseline,scores"]
    for row in ctx.attr.rows:
        words = row.split(",")
        lines.append(",".join(words[:5] + [folders[words[5]].path]))
    ctx.actions.write(results, "\n".join(lines) + "\n")
    ctx.actions.run(
        executable = ctx.executable._table,
        arguments = ["--results=" + results.path, "--output=" + table.path, "--bootstrap=%d" % ctx.attr.bootstrap],
        inputs = [results] + folders.values(),
        outputs = [table],
        mnemonic = "AblationTable",
        progress_message = "Making the table of %s" % ctx.label,
        env = _environment(ctx),
    )
    runs = [target[ModelInfo].run for target in ctx.attr.models]
    page = ctx.actions.declare_file(ctx.label.name + ".html")
    ctx.actions.run(
        executable = ctx.executable._report,
        arguments = ["--output=" + page.path] + ["--run=" + folder.path for folder in runs + folders.values()],
        inputs = runs + folders.values(),
        outputs = [page],
        mnemonic = "Report",
        progress_message = "Making the report of %s" % ctx.label,
        env = _environment(ctx),
    )
    return [_outputs(ctx, [table, page])]

_matrix = rule(
    implementation = _matrix_impl,
    attrs = {
        "bootstrap": attr.int(),
        "models": attr.label_list(providers = [ModelInfo]),
        "rows": attr.string_list(doc = "Rows of the table as eval:ablation_table reads them, with the target in place of the folder."),
        "scores": attr.label_list(),
        "_report": _tool("//eval:report"),
        "_table": _tool("//eval:ablation_table"),
    },
)

# ---- The rules as users call them. All are tagged "stage", so that a build of everything can leave them out.

def _stage(rule, name, tags, attributes):
    rule(name = name, tags = ["stage"] + (tags or []), **attributes)

def dataset(name, tags = None, **kwargs):
    """A dataset that lies in the workspace: manifest, images."""
    _stage(_dataset_rule, name, tags, kwargs)

def synthesize(name, tags = None, **kwargs):
    """A dataset of drawn faces: images, seed, width, height, scenes, faces_per_image, face_px."""
    _stage(_synthesize, name, tags, kwargs)

def flip(name, tags = None, **kwargs):
    """A dataset doubled by mirrored entries: dataset."""
    _stage(_flip, name, tags, kwargs)

def merge(name, tags = None, **kwargs):
    """Several datasets as one: datasets."""
    _stage(_merge, name, tags, kwargs)

def split(name, dataset, fractions, tags = None, visibility = None, **kwargs):
    """A dataset in parts: fractions = {"train": "0.9", "val": "0.1"} makes the targets NAME.train and NAME.val."""
    _stage(_split, name, tags, dict(kwargs, dataset = dataset, fractions = fractions, visibility = visibility))
    for part in fractions:
        _stage(_part, "%s.%s" % (name, part), tags, {"part": part, "visibility": visibility, "whole": ":" + name})

def train(name, tags = None, **kwargs):
    """A trained model: dataset, recipes, init, teacher, validation, iterations, seed, threads, ranks, settings."""
    _stage(_train, name, tags, kwargs)

def mining_score(name, tags = None, **kwargs):
    """How hard each image is for a model: dataset, model, short_side."""
    _stage(_mining_score, name, tags, kwargs)

def mining_select(name, tags = None, **kwargs):
    """The hard images of a dataset: difficulty, threshold, drop, seed."""
    _stage(_mining_select, name, tags, kwargs)

def detect(name, tags = None, **kwargs):
    """A model's detections on a dataset: dataset, model, pyramid, flip, nms, formats, settings."""
    _stage(_detect, name, tags, kwargs)

def score(name, tags = None, **kwargs):
    """Scores of detections: detections, dataset, protocol, ground_truth, bootstrap, settings."""
    _stage(_score, name, tags, kwargs)

def ap_test(name, tags = None, size = "small", **kwargs):
    """A gate: scores, bounds, expect, kept, kept_bounds, bootstrap."""

    # The stages before it may train for minutes; under a sanitizer, for hours.
    _ap_test(name = name, size = size, tags = ["no_sanitizer", "stage"] + (tags or []), **kwargs)

def variant(recipes = [], settings = {}, baseline = None):
    """One way to train, of a matrix: what it adds to the matrix's recipes and settings.

    Args:
      recipes: flag files, put after those of the matrix
      settings: flags, put over those of the matrix
      baseline: the variant that this one is compared with, where that is not the matrix's
    """
    return struct(recipes = recipes, settings = settings, baseline = baseline)

def test_set(dataset, pyramid = [], settings = {}):
    """A dataset that every model of a matrix is scored on.

    Args:
      dataset: a dataset
      pyramid: levels of the image pyramid; empty takes each model's own
      settings: further flags of infer:detect
    """
    return struct(dataset = dataset, pyramid = pyramid, settings = settings)

def _detect_and_score(name, model, test, change, bootstrap, tags):
    settings = dict(test.settings)
    settings.update(change)
    attributes = {"dataset": test.dataset, "model": model, "pyramid": test.pyramid, "settings": settings}
    if "pyramid" in settings:
        attributes["pyramid"] = [int(level) for level in settings.pop("pyramid").split(",")]
    if "nms" in settings:
        attributes["nms"] = settings.pop("nms")
    detect(name = name + ".found", tags = tags, **attributes)
    score(name = name, tags = tags, detections = ":%s.found" % name, bootstrap = bootstrap)

def matrix(
        name,
        dataset,
        tests,
        variants,
        baseline,
        seeds = [1, 2],
        recipes = [],
        settings = {},
        iterations = 0,
        threads = 0,
        inference = {},
        inference_of = None,
        bootstrap = 1000,
        tags = None,
        visibility = None,
        **train_attributes):
    """Trains every variant with every seed, scores each model on each test set, and puts all in one table and one page.

    NAME/table.md is the table and NAME.html the page. The trainings are the targets NAME.VARIANT.seedN, and their scores
    NAME.VARIANT.seedN.TEST.

    Args:
      name: the target
      dataset: what all of them train on
      tests: test sets by name (test_set), {"web": test_set(":web", pyramid = [100, 300, 600])}
      variants: ways to train by name (variant)
      baseline: the variant that the others are compared with
      seeds: of training, a list of numbers
      recipes: flag files that every training starts from
      settings: flags of every training
      iterations: steps of every training; 0 leaves them to the recipes
      threads: of each training; 0 takes all processors
      inference: ways to detect by name, as flags of infer:detect: {"plain_nms": {"nms": "plain"}}. They are run with the
        models of inference_of and compared with the test set's own way (as_given), in a table of their own. Where they
        depend on the test set, a function that takes a test_set and gives them.
      inference_of: that variant
      bootstrap: resamplings of the images for the table's intervals
      tags: of all targets
      visibility: of the table's target
      **train_attributes: of train, for every training
    """
    start = "\n\nmatrix(name = \"%s\"): " % name
    if baseline not in variants:
        fail(start + "baseline = \"%s\" is not among the variants %s.\n" % (baseline, ", ".join(variants.keys())))
    if inference and inference_of not in variants:
        fail(start + "inference_of = \"%s\" must be one of the variants %s.\n" % (inference_of, ", ".join(variants.keys())))
    if not tests or not seeds:
        fail(start + "tests and seeds must hold at least one each.\n")
    rows, models, scores = [], [], []
    for variant_name, way in variants.items():
        against = way.baseline or baseline
        if against not in variants:
            fail(start + "the variant %s is compared with \"%s\", which is none of %s.\n" % (variant_name, against, ", ".join(variants.keys())))
        for seed in seeds:
            model = "%s.%s.seed%d" % (name, variant_name, seed)
            train(
                name = model,
                tags = tags,
                dataset = dataset,
                recipes = recipes + way.recipes,
                settings = dict(settings, **way.settings),
                iterations = iterations,
                seed = seed,
                threads = threads,
                **train_attributes
            )
            models.append(model)
            for test_name, test in tests.items():
                scored = "%s.%s" % (model, test_name)
                _detect_and_score(scored, model, test, {}, 0, tags)
                scores.append(scored)
                rows.append(",".join(["training", test_name, variant_name, str(seed), "" if variant_name == against or variant_name == baseline else against, scored]))
                ways = inference(test) if type(inference) == "function" else inference
                if variant_name != inference_of or not ways:
                    continue
                table = "inference of " + inference_of
                rows.append(",".join([table, test_name, "as_given", str(seed), "", scored]))
                for way_name, change in ways.items():
                    other = "%s.%s" % (scored, way_name)
                    _detect_and_score(other, model, test, change, 0, tags)
                    scores.append(other)
                    rows.append(",".join([table, test_name, way_name, str(seed), "as_given", other]))
    _stage(_matrix, name, tags, {
        "bootstrap": bootstrap,
        "models": [":" + model for model in models],
        "rows": rows,
        "scores": [":" + scored for scored in scores],
        "visibility": visibility,
    })
