"""The paper's experiments, on anyone's datasets: docs/PIPELINES.md."""

load(":experiment.bzl", "detect", "flip", "matrix", "merge", "score", "synthesize", "test_set", "train", "variant")

def _recipe(name):
    return Label("//train:recipes/%s.flags" % name)

# The levels of the paper's image pyramid.
PYRAMID = [100, 300, 600, 1000, 1400]

def _ways_to_detect(test):
    """Without the lowest level or the lowest two, with the middle one alone, and with plain NMS."""
    levels = sorted(test.pyramid or PYRAMID)
    texts = [str(level) for level in levels]
    ways = {}
    if len(levels) > 1:
        ways["without_%s" % texts[0]] = {"pyramid": ",".join(texts[1:])}
    if len(levels) > 2:
        ways["without_%s_%s" % (texts[0], texts[1])] = {"pyramid": ",".join(texts[2:])}
    if len(levels) > 1:
        middle = texts[(len(levels) - 1) // 2]
        ways["only_" + middle] = {"pyramid": middle}
    ways["plain_nms"] = {"nms": "plain"}
    return ways

def paper_ablations(name, dataset, tests, recipes = None, **kwargs):
    """The paper's ablations (table 4 and the levels of the pyramid) as a matrix, whose other arguments it takes as well.

    Args:
      name: the table's target
      dataset: what all train on, usually mirrored (flip)
      tests: test sets by name (test_set)
      recipes: what every training starts from; without them train/recipes/ablation_cpu.flags
      **kwargs: as of matrix: seeds, iterations, settings, threads, ...
    """
    variants = {
        one: variant(recipes = [_recipe("ablation_" + one)], baseline = "him_dh" if one == "no_ohem" else None)
        for one in ["baseline_three", "baseline_single", "him", "dh", "him_dh", "no_ohem"]
    }
    matrix(
        name = name,
        baseline = "baseline_single",
        dataset = dataset,
        inference = _ways_to_detect,
        inference_of = "him_dh",
        recipes = [_recipe("ablation_cpu")] if recipes == None else recipes,
        tests = tests,
        variants = variants,
        **kwargs
    )

def mining_experiment(name, images = 1000, test_images = 400, seeds = [1, 2, 3, 4, 5, 6, 7, 8], iterations = 3000, tags = None):
    """Does hard image mining pay? A test tube in which the truth is known.

    Nine tenths of the training images are easy (upright faces before an empty background), one tenth is hard (turned, dark,
    half hidden, among look-alikes). NAME is the table of trainings with and without mining, of equally many steps, with
    their AP on unseen hard and easy images. NAME.visits says how often each kind was visited.

    Args:
      name: the table's target
      images: of the training set, a tenth of them hard
      test_images: hard images to test on, and a quarter as many easy ones
      seeds: of training
      iterations: steps of each training
      tags: of all targets
    """
    hard_images = images // 10
    for part, scenes, count, least, seed in [
        ("easy", "plain", images - hard_images, 28, 1),
        ("hard", "adverse", hard_images, 24, 2),
        ("hard_test", "adverse", test_images, 24, 3),
        ("easy_test", "plain", test_images // 4, 28, 4),
    ]:
        synthesize(
            name = "%s.%s" % (name, part),
            face_px = [least, 34],
            faces_per_image = [1, 1],
            height = 64,
            images = count,
            scenes = scenes,
            seed = seed,
            tags = tags,
            width = 64,
        )
    merge(
        name = name + ".train",
        datasets = [":%s.easy" % name, ":%s.hard" % name],
        tags = tags,
    )
    matrix(
        name = name,
        baseline = "dh",
        dataset = ":%s.train" % name,
        iterations = iterations,
        recipes = [_recipe("mining_experiment")],
        seeds = seeds,
        tags = tags,
        tests = {part: test_set(":%s.%s_test" % (name, part), pyramid = [64]) for part in ["hard", "easy"]},
        threads = 1,
        variants = {one: variant(recipes = [_recipe("ablation_" + one)]) for one in ["dh", "him_dh"]},
    )
    native.filegroup(
        name = name + ".runs",
        srcs = [":%s.%s.seed%d" % (name, one, seed) for one in ["dh", "him_dh"] for seed in seeds],
        output_group = "run",
        tags = ["stage"] + (tags or []),
    )
    native.genrule(
        name = name + ".visits",
        srcs = [":%s.runs" % name],
        outs = [name + ".visits.md"],
        cmd = "$(location %s) $@ %d %d $(locations :%s.runs)" % (Label("//pipelines:visits"), images - hard_images, hard_images, name),
        tags = ["stage"] + (tags or []),
        tools = [Label("//pipelines:visits")],
    )

def wider_face(
        name,
        train_data,
        val_data,
        init,
        ground_truth = [],
        ranks = 1,
        recipes = None,
        train_settings = {},
        detect_settings = {},
        **kwargs):
    """The whole paper on WIDER FACE: mirrors, trains, detects as published and scores by the official rules.

    Its targets are NAME.flipped, NAME.model, NAME.found and NAME, the scores.

    Args:
      name: the scores' target
      train_data: WIDER's training set, as data_tools:import makes it
      val_data: its validation set
      init: ImageNet weights of VGG16 (docs/TRAINING.md)
      ground_truth: wider_{easy,medium,hard}_val.mat; without them the labels of val_data are taken
      ranks: processes that train together: 1, 2, 4 or 8, because a step of the paper has 8 images
      recipes: of the training; without them train/recipes/wider_paper.flags
      train_settings: further flags of train
      detect_settings: further flags of infer:detect
      **kwargs: what all of the targets get: tags, visibility, testonly
    """
    if ranks not in (1, 2, 4, 8):
        fail("\n\nwider_face(name = \"%s\"): ranks = %d must be 1, 2, 4 or 8, because a step of the paper has 8 images.\n" % (name, ranks))
    flip(
        name = name + ".flipped",
        dataset = train_data,
        **kwargs
    )
    train(
        name = name + ".model",
        dataset = ":%s.flipped" % name,
        init = init,
        ranks = ranks,
        recipes = [_recipe("wider_paper")] if recipes == None else recipes,
        settings = dict({"itersize": str(8 // ranks)}, **train_settings),
        **kwargs
    )
    detect(
        name = name + ".found",
        dataset = val_data,
        formats = ["jsonl", "wider"],
        model = ":%s.model" % name,
        pyramid = PYRAMID,
        settings = dict({"singletons": "drop"}, **detect_settings),
        **kwargs
    )
    score(
        name = name,
        bootstrap = 1000,
        detections = ":%s.found" % name,
        ground_truth = ground_truth,
        protocol = "wider",
        settings = {"attribution": "true"},
        **kwargs
    )
