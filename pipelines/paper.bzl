"""The paper's experiments, on anyone's datasets: docs/PIPELINES.md."""

load(":experiment.bzl", "detect", "flip", "matrix", "score", "train", "variant")

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
