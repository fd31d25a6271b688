#!/usr/bin/env python3
"""Measures the CPU engine on this machine and writes one report: ours beside other runtimes, layer by layer, by --speed.

Not part of the product (which needs no Python); see docs/ENGINE.md. What is not installed is named in the report and left out:
  pip install numpy onnxruntime openvino
  bazel build //infer:detect //infer:detect_benchmark //model:time //model:convert //model/execution:executor_benchmark
  compare_all.py --binaries=bazel-bin --output=report photographs/*.jpg

One table, with a line for each figure:
  network     forward pass of the whole detector at full width; every runtime once a round, in a process of its own
  detection   the same with resizing, decoding and merging (infer:detect_benchmark)
  layer       each layer's time, and what share of the processor's multiply-add peak its products reach (model:time)
  photograph  processor-seconds of detect by --speed, of the model that ships; "start" is one photograph, smallest level
Writes OUTPUT/report.md, which is printed as well, and the same table as OUTPUT/report.csv. Nothing else should run meanwhile.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile

from compare_runtimes import check_runtimes, compare
from compare_speeds import machine, time_speeds

PROGRAMS = {"infer/detect": "//infer:detect", "infer/detect_benchmark": "//infer:detect_benchmark", "model/time": "//model:time",
            "model/convert": "//model:convert", "model/execution/executor_benchmark": "//model/execution:executor_benchmark"}
COLUMNS = ["part", "what", "value", "unit", "against hardface", "remark"]


def output_of(command, threads):
    """What a program of ours prints; its failure ends this one."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def network_rows(args, folder):
    """Ours and the peers, interleaved."""
    peers = [name for name in args.runtimes.split(",") if name and name != "hardface"]
    onnx = os.path.join(folder, "network.onnx")
    if peers:
        output_of([f"{args.binaries}/model/convert", f"--input={args.model}", f"--output={onnx}"], args.threads)
    child = [f"--onnx={onnx}", f"--benchmark={args.binaries}/model/execution/executor_benchmark", f"--height={args.side}",
             f"--width={args.side}", f"--threads={args.threads}"]
    seen, errors = compare("detector", ["hardface"] + peers, child, args.rounds)
    if "hardface" not in seen:
        sys.exit(f"the time of our own network is missing: {errors['hardface']}")
    ours = statistics.median(ms for ms, _ in seen["hardface"])
    rows = []
    for name, runs in seen.items():
        median = statistics.median(ms for ms, _ in runs)
        rows.append(["network", name, f"{median:.1f}", "ms", f"{median / ours:.2f}",
                     f"runs {', '.join(f'{ms:.0f}' for ms, _ in runs)}; peak {max(mb for _, mb in runs):.0f} MB"])
    return rows + [["network", name, "", "", "", f"not measured: {error}"] for name, error in errors.items()]


def detection_rows(args):
    text = output_of([f"{args.binaries}/infer/detect_benchmark", "--benchmark_format=json",
                      f"--benchmark_filter=^single/1/{args.side}/{args.side}/"], args.threads)
    return [["detection", "hardface", f"{run['real_time']:.1f}", run["time_unit"], "", "one level, not mirrored, random weights"]
            for run in json.loads(text)["benchmarks"]]


def layer_rows(args, folder):
    """model:time's layers.md as rows, and what it says of the machine."""
    times = os.path.join(folder, "times")
    output_of([f"{args.binaries}/model/time", "--detectors=single_dh", f"--sizes={args.side}x{args.side}", "--layers",
               f"--rounds={args.rounds}", f"--threads={args.threads}", "--device=cpu", f"--output={times}"], args.threads)
    with open(os.path.join(times, "layers.md")) as file:
        lines = file.read().splitlines()
    rows = []
    for cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")):
        if cells[0] == "layer":
            continue
        layer, ms, of_all, _, share, _ = cells
        rows.append(["layer", layer, ms, "ms", "", f"{of_all} of all" + (f"; {share} of the peak" if share else "")])
    peak = next(line.split(": ")[-1] for line in lines if "peak: " in line)
    rows.append(["layer", "the peak", peak.split()[0], peak.split()[1], "", "multiply-adds on registers alone"])
    return rows, lines[-1]


def photograph_rows(args):
    detect = f"{args.binaries}/infer/detect"
    rows = []
    for (_, name), runs in time_speeds([detect], "", args.speeds.split(","), args.threads, args.rounds, args.photographs).items():
        processor, wall, _ = (statistics.median(values) for values in zip(*runs))
        rows.append(["photograph", name, f"{processor:.3f}", "processor-seconds", "",
                     f"{min(run[0] for run in runs):.3f} to {max(run[0] for run in runs):.3f}; wall {wall:.3f} s; "
                     f"peak {max(run[2] for run in runs):.0f} MB"])
    return rows


def write_whole(path, write):
    with open(path + ".part", "w", newline="") as file:
        write(file)
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="+")
    parser.add_argument("--binaries", default="bazel-bin", help="where infer/detect and the others lie")
    parser.add_argument("--output", required=True, help="folder of the report")
    parser.add_argument("--model", default="model/zoo/hardface-l.safetensors", help="of full width, for the peers' network")
    parser.add_argument("--runtimes", default="onnxruntime,openvino",
                        help="peers, by the names of compare_runtimes.py; empty measures ours alone")
    parser.add_argument("--speeds", default="accurate,balanced,fast")
    parser.add_argument("--side", type=int, default=640, choices=[320, 640], help="of the network's square input, in pixels")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    for program, target in PROGRAMS.items():
        if not os.access(f"{args.binaries}/{program}", os.X_OK):
            sys.exit(f"--binaries: {args.binaries}/{program} is not there; make it by ./bazelw build {target}")
    for path in args.photographs + [args.model]:
        if not os.path.isfile(path):
            sys.exit(f"{path} is no file; give photographs, and by --model a model of full width")
    check_runtimes(name for name in args.runtimes.split(",") if name)
    if args.threads < 1 or args.rounds < 1:
        sys.exit(f"--threads={args.threads}, --rounds={args.rounds}: give 1 or more")
    os.makedirs(args.output, exist_ok=True)
    load = [f"{os.getloadavg()[0]:.2f}"]
    with tempfile.TemporaryDirectory() as folder:
        rows = network_rows(args, folder) + detection_rows(args)
        layers, programs = layer_rows(args, folder)
    rows += layers + photograph_rows(args)
    load.append(f"{os.getloadavg()[0]:.2f}")
    lines = [machine(), "", f"By model:time: {programs}", "",
             f"{args.side}x{args.side}, batch 1, fp32, {args.threads} threads, medians of {args.rounds} rounds; "
             f"{len(args.photographs)} photographs, figures for each; load {load[0]} before, {load[1]} after.", ""]
    lines += ["| " + " | ".join(row) + " |" for row in [COLUMNS, ["---"] * len(COLUMNS)] + rows]
    report = "\n".join(lines) + "\n"
    write_whole(os.path.join(args.output, "report.md"), lambda file: file.write(report))
    write_whole(os.path.join(args.output, "report.csv"), lambda file: csv.writer(file).writerows([COLUMNS] + rows))
    print(report, end="")


if __name__ == "__main__":
    main()
