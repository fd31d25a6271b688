#!/usr/bin/env python3
"""Times detect's speeds beside each other on one machine: processor-seconds a photograph, interleaved.

Not part of the product (which needs no Python); see docs/ENGINE.md. Needs nothing but Python:
  bazel build //infer:detect
  compare_speeds.py --detect=bazel-bin/infer/detect --rounds=3 photographs/*.jpg

Every round runs each speed once, in a process of its own, on all photographs. Processor time (user and system) is told
rather than wall time, which depends on what else the machine does; what shares its caches still counts. One more run on
the first photograph alone with the smallest level tells what starting costs. Prints the machine and a table of medians;
--csv writes the table as a file, for a plot.
"""
import argparse
import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def machine():
    """Name, caches and instruction sets, as Linux tells them."""
    facts = {}
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    caches = []
    base = "/sys/devices/system/cpu/cpu0/cache"
    for index in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        if index.startswith("index"):
            def read(name, folder=os.path.join(base, index)):
                with open(os.path.join(folder, name)) as file:
                    return file.read().strip()
            if read("type") != "Instruction":
                caches.append(f"L{read('level')} {read('size')}")
    sets = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in facts.get("flags", "").split()]
    return (f"{facts.get('model name', '?')}, family {facts.get('cpu family', '?')}, model {facts.get('model', '?')}, "
            f"{os.cpu_count()} processors; {', '.join(caches)}; {' '.join(sets)}")


def run(command):
    """Processor-seconds, wall seconds and peak MB of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(command[:4])} ... failed: {errors.decode(errors='replace').strip()[-500:]}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def time_speeds(detects, model, speeds, threads, rounds, photographs):
    """{(program, speed or "start"): a run of each round: processor-seconds and wall seconds a photograph, peak MB}."""
    folder = tempfile.mkdtemp()
    seen = {}
    try:
        for _ in range(rounds):
            for detect in detects:
                common = [detect, f"--threads={threads}", "--device=cpu", f"--output={folder}/found"]
                common += [f"--model={model}"] if model else []
                runs = [("start", ["--pyramid=16", photographs[0]], 1)]
                runs += [(speed, [f"--speed={speed}"] + photographs, len(photographs)) for speed in speeds]
                for name, more, count in runs:
                    shutil.rmtree(f"{folder}/found", ignore_errors=True)
                    processor, wall, peak = run(common + more)
                    seen.setdefault((detect, name), []).append((processor / count, wall / count, peak))
    finally:
        shutil.rmtree(folder)
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", nargs="+")
    parser.add_argument("--detect", required=True, help="the program; several for comparison, separated by commas")
    parser.add_argument("--model", default="", help="empty: the one that ships")
    parser.add_argument("--speeds", default="accurate,balanced,fast")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--csv", default="")
    args = parser.parse_args()
    seen = time_speeds(args.detect.split(","), args.model, args.speeds.split(","), args.threads, args.rounds,
                       args.photographs)
    print(machine())
    print(f"{len(args.photographs)} photographs, {args.threads} threads, medians of {args.rounds} rounds, seconds a photograph")
    rows = []
    for (detect, name), runs in seen.items():
        processor, wall, peak = (statistics.median(values) for values in zip(*runs))
        rows.append([detect, name, f"{processor:.3f}", f"{wall:.3f}", f"{max(r[2] for r in runs):.0f}"])
        spread = f"{min(r[0] for r in runs):.3f} to {max(r[0] for r in runs):.3f}"
        print(f"  {name:10} processor {processor:7.3f} ({spread})  wall {wall:7.3f}  peak {peak:5.0f} MB  {detect}")
    if args.csv:
        with open(args.csv, "w", newline="") as file:
            csv.writer(file).writerows([["program", "speed", "processor_seconds", "wall_seconds", "peak_mb"]] + rows)


if __name__ == "__main__":
    main()
