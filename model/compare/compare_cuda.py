#!/usr/bin/env python3
"""Times hardface on a GPU beside PyTorch on the same one: inference and training step of the detector at full width.

Not part of the product (which needs no Python); see docs/CUDA.md. Needs PyTorch with CUDA for the comparison:
  bazel build --config=cuda //model/execution:cuda_executor_benchmark
  compare_cuda.py --benchmark=bazel-bin/model/execution/cuda_executor_benchmark

Both sides are timed on the device between two events, images already in its memory, medians; the runs alternate. Prints a
table (ms, TFLOP/s counted as a direct convolution's, and the ratio to hardface), and the matrix products' rate that the
GPU reaches here, which the detector's is to be compared with.
"""
import argparse
import json
import statistics
import subprocess

SHAPES = [(1, 640, 640), (1, 960, 1280), (8, 640, 640), (8, 960, 1280)]


def hardface(benchmark, what, precision, shape):
    name = f"^{what}/{precision}/{shape[0]}/{shape[1]}/{shape[2]}/"
    text = subprocess.run([benchmark, "--benchmark_format=json", f"--benchmark_filter={name}",
                           "--benchmark_repetitions=3", "--benchmark_min_time=0.5"],
                          stdout=subprocess.PIPE, check=True).stdout
    runs = json.loads(text)["benchmarks"]
    errors = [run["error_message"] for run in runs if run.get("error_occurred")]
    if errors or not runs:
        raise RuntimeError(f"hardface {what} {precision} {shape}: {errors[:1] or 'no such benchmark'}")
    return statistics.median(run["real_time"] for run in runs if run.get("run_type") == "iteration"), runs[0]["GFLOP"]


def torch_types():
    import torch
    return {"fp32": None, "tf32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def torch_network(compiled):
    import torch
    from compare_runtimes import torch_network as network_of
    network = network_of(trunk=False).cuda().to(memory_format=torch.channels_last)
    return torch.compile(network, mode="max-autotune") if compiled else network


def time_on_device(run, repeats=30):
    import torch
    for _ in range(10):
        run()
    times = []
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def torch_time(network, what, precision, shape):
    import torch
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    kind = torch_types()[precision]
    n, h, w = shape
    image = torch.randn(n, 3, h, w, device="cuda").to(memory_format=torch.channels_last)
    autocast = torch.autocast("cuda", dtype=kind or torch.float32, enabled=kind is not None)
    if what == "detector":
        def run():
            with torch.inference_mode(), autocast:
                network(image)
    else:
        # conv1_* and conv2_* are frozen, as in the paper.
        for stage in list(getattr(network, "_orig_mod", network).stages)[:2]:
            stage.requires_grad_(False)

        def run():
            network.zero_grad(set_to_none=True)
            with autocast:
                loss = sum(output.float().mean() for output in network(image))
            loss.backward()
    return time_on_device(run)


def matrix_rate(precision):
    """TFLOP/s of an 8192^3 matrix product."""
    import torch
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch_types()[precision] or torch.float32) for _ in range(2))
    return 2 * 8192**3 / time_on_device(lambda: a @ b) * 1e-9


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", required=True)
    parser.add_argument("--what", default="detector,training")
    parser.add_argument("--precisions", default="bf16")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no_compile", action="store_true", help="leave out torch.compile, which takes minutes")
    args = parser.parse_args()
    import torch
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")
    for precision in args.precisions.split(","):
        peak = matrix_rate(precision)
        print(f"{precision}: matrix product of 8192: {peak:.0f} TFLOP/s")
        for what in args.what.split(","):
            for shape in [s for s in SHAPES if what == "detector" or s[1:] == (640, 640)]:
                peers = {"torch": torch_network(False)}
                if not args.no_compile:
                    peers["torch.compile"] = torch_network(True)
                seen = {name: [] for name in ["hardface", *peers]}
                for _ in range(args.rounds):
                    milliseconds, gflop = hardface(args.benchmark, what, precision, shape)
                    seen["hardface"].append(milliseconds)
                    for name, network in peers.items():
                        seen[name].append(torch_time(network, what, precision, shape))
                ours = statistics.median(seen["hardface"])
                print(f"{what} {precision} {shape[0]} x {shape[2]}x{shape[1]}")
                for name, times in seen.items():
                    median = statistics.median(times)
                    rate = f"{gflop / median:7.1f} TFLOP/s ({gflop / median / peak:.0%})" if what == "detector" else ""
                    print(f"  {name:14} {median:8.3f} ms   x{median / ours:5.2f}   {rate}")


if __name__ == "__main__":
    main()
