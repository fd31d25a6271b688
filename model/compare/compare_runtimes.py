#!/usr/bin/env python3
"""Times hardface's CPU engine beside other runtimes on one machine, interleaved, each run in a process of its own.

Not part of the product (which needs no Python); see docs/ENGINE.md. Needs what it measures, from PyPI:
  pip install numpy onnx onnxruntime openvino opencv-python-headless torch
  bazel build //model/execution:executor_benchmark //model:convert
  compare_runtimes.py --onnx=model.onnx --benchmark=bazel-bin/model/execution/executor_benchmark --what=trunk,detector,training

--onnx: a full-width model (dilated heads) exported by model:convert. Prints a table of medians over rounds (ms), the ratio
to hardface and the peak memory of each process.
"""
import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

PEERS = ("onnxruntime", "openvino", "opencv", "torch")


def check_runtimes(names):
    """Ends the program where a name is neither ours (hardface, hardface:ENGINE) nor a peer's."""
    for name in names:
        if name.split(":")[0] != "hardface" and name not in PEERS:
            sys.exit(f"--runtimes: {name} is none of hardface, hardface:ENGINE, {', '.join(PEERS)}")


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(run, repeats):
    run()
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def trunk_model(path):
    """The same model cut after conv5_3, beside it."""
    import onnx
    cut = path[:-5] + ".trunk.onnx"
    if not os.path.exists(cut):
        model = onnx.load(path)
        output = next(n for n in model.graph.node if n.op_type == "Relu" and "conv5_3" in n.input[0] + n.output[0])
        onnx.utils.extract_model(path, cut, ["image"], [output.output[0]], check_model=False)
    return cut


def torch_network(trunk):
    """The detector in plain PyTorch; the weights' values do not matter for time."""
    import torch
    from torch import nn

    class Detector(nn.Module):
        def __init__(self):
            super().__init__()
            layers, channels = [], 3
            for out, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
                stage = []
                for _ in range(count):
                    stage += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(inplace=True)]
                    channels = out
                layers.append(nn.Sequential(*stage))
            self.stages = nn.ModuleList(layers)
            if trunk:
                return
            self.conv5_256, self.conv4_256 = nn.Conv2d(512, 256, 1), nn.Conv2d(512, 256, 1)
            self.fuse, self.reduce = nn.Conv2d(512, 512, 3, padding=1), nn.Conv2d(512, 128, 3, padding=1)
            self.head = nn.Conv2d(128, 128, 3, padding=1)
            self.scores = nn.ModuleList(nn.Conv2d(128, 2, 1) for _ in range(3))
            self.boxes = nn.ModuleList(nn.Conv2d(128, 4, 1) for _ in range(3))

        def forward(self, x):
            f = nn.functional
            for i, stage in enumerate(self.stages):
                x = stage(x if i == 0 else f.max_pool2d(x, 2))
                if i == 3:
                    conv4 = x
            if trunk:
                return [x]
            up = f.interpolate(torch.relu(self.conv5_256(x)), scale_factor=2, mode="bilinear")
            x = torch.relu(self.fuse(torch.cat([up, torch.relu(self.conv4_256(conv4))], 1)))
            x = torch.relu(self.reduce(x))
            out = []
            for i, dilation in enumerate((1, 2, 4)):
                head = torch.relu(f.conv2d(x, self.head.weight, self.head.bias, padding=dilation, dilation=dilation))
                out += [self.scores[i](head), self.boxes[i](head)]
            return out

    return Detector()


def measure(runtime, what, args):
    height, width = args.height, args.width
    path = trunk_model(args.onnx) if what == "trunk" else args.onnx
    if runtime.startswith("hardface"):
        engine = runtime.split(":")[1] if ":" in runtime else "fastest"
        process = subprocess.Popen(
            [args.benchmark, "--benchmark_format=json", f"--benchmark_filter=^{what}/{engine}/1/{height}/{width}/"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS=str(args.threads)))
        text = process.stdout.read()
        process.wait()
        return json.loads(text)["benchmarks"][0]["real_time"], resource.getrusage(
            resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    import numpy
    image = numpy.random.default_rng(0).standard_normal((1, 3, height, width)).astype("float32")
    if runtime == "onnxruntime":
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return timed(lambda: session.run(None, {"image": image}), args.repeats), peak_mb()
    if runtime == "openvino":
        import openvino
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape([1, 3, height, width])
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_NUM_THREADS": args.threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
        request = compiled.create_infer_request()
        return timed(lambda: request.infer({0: image}), args.repeats), peak_mb()
    if runtime == "opencv":
        import cv2
        cv2.setNumThreads(args.threads)
        network = cv2.dnn.readNetFromONNX(path)
        names = network.getUnconnectedOutLayersNames()

        def run():
            network.setInput(image)
            network.forward(names)
        return timed(run, args.repeats), peak_mb()
    import torch
    torch.set_num_threads(args.threads)
    network = torch_network(what == "trunk").to(memory_format=torch.channels_last)
    tensor = torch.from_numpy(image).to(memory_format=torch.channels_last)
    if what == "training":
        def step():
            network.zero_grad()
            sum(output.mean() for output in network(tensor)).backward()
        return timed(step, args.repeats), peak_mb()
    network.eval()
    with torch.no_grad():
        return timed(lambda: network(tensor), args.repeats), peak_mb()


def compare(what, runtimes, child, rounds):
    """Runs each of RUNTIMES once a round in a process of its own: {runtime: [(ms, peak MB), ...]}, {runtime: its error}.

    CHILD: the arguments, as lists of words, with which this file measures one of them (--child is added)."""
    seen, errors = {runtime: [] for runtime in runtimes}, {}
    for _ in range(rounds):
        for runtime in runtimes:
            if runtime in errors:
                continue
            done = subprocess.run([sys.executable, os.path.abspath(__file__), *child, f"--child={what},{runtime}"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            last = done.stdout.strip().splitlines()[-1:] or [""]
            if done.returncode != 0 or not re.match(r"\[", last[0]):
                errors[runtime] = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
                continue
            seen[runtime].append(json.loads(last[0]))
    return {runtime: runs for runtime, runs in seen.items() if runs}, errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onnx", required=True)
    parser.add_argument("--benchmark", required=True)
    parser.add_argument("--what", default="trunk,detector,training")
    parser.add_argument("--runtimes", default="hardface,hardface:onednn_winograd,onnxruntime,openvino,torch,opencv")
    parser.add_argument("--height", type=int, default=640)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        what, runtime = args.child.split(",")
        print(json.dumps(measure(runtime, what, args)))
        return
    check_runtimes(args.runtimes.split(","))
    for what in args.what.split(","):
        runtimes = args.runtimes.split(",")
        if what == "training":
            runtimes = [r for r in runtimes if r.startswith("hardface") or r == "torch"]
        seen, errors = compare(what, runtimes, sys.argv[1:], args.rounds)
        for runtime, error in errors.items():
            print(f"{runtime} failed: {error}", file=sys.stderr)
        if "hardface" not in seen:
            sys.exit("there is no time of hardface to compare with: have it among --runtimes, and see --benchmark")
        ours = statistics.median(run[0] for run in seen["hardface"])
        print(f"{what} {args.height}x{args.width}, {args.threads} threads, medians of {args.rounds} rounds")
        for runtime, runs in seen.items():
            median = statistics.median(run[0] for run in runs)
            print(f"  {runtime:26} {median:8.1f} ms   x{median / ours:5.2f}   {max(run[1] for run in runs):6.0f} MB"
                  f"   runs {[round(run[0]) for run in runs]}")


if __name__ == "__main__":
    main()
