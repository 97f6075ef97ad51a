"""How fast windows of 1024 x 1024 px are encoded, and how near that comes to what the machine can multiply.

Run by ``make bench``, or as ``python tests/benchmarks/bench_encode.py [--device auto] [--threads N ...]
[--models compact ViT-L-14] [--windows N]``. Each model runs in a process of its own, in each precision and
number of threads, so that its peak of memory is its own; the rate of a plain matrix product in the same
precision and with the same threads is measured in the same process. `cpu` is processor time, which other
programs on the machine lengthen less than the clock. ViT-L-14 has random weights (its speed
does not depend on them) and is built by the application's own loader; nothing is fetched.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WINDOW_PX = 1024
WANTED_S = 0.5


def sys_paths() -> None:
    sys.path[:0] = [str(ROOT), str(ROOT / "models")]
    sys.modules.setdefault("triton", None)  # nothing here compiles models


def chosen(device: str, precision: str) -> Any:
    """The device as the application would choose it, in a precision of the caller's choice."""
    import torch

    from sarvlm_models.device import DeviceChoice, choose_device

    choice = choose_device(device)
    dtype = {"auto": choice.dtype, "fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    return DeviceChoice(choice.device, dtype, choice.reason)


def built(model: str, choice: Any) -> Any:
    """The shipped compact encoder, or an open_clip network with random weights."""
    import torch

    if model == "compact":
        from sarvlm_models.compact import load_compact
        from sarvlm_models.locations import weights_dir

        return load_compact(weights_dir(), choice)
    from sarvlm_models.architectures import infer_architecture, open_clip_offline
    from sarvlm_models.clip_encoder import EncoderOptions, OpenClipEncoder, build_network

    library = open_clip_offline()
    with torch.device("meta"):
        shapes = library.CLIP(**library.get_model_config(model)).state_dict()
    torch.manual_seed(0)
    state = {name: torch.randn(value.shape) * 0.02 for name, value in shapes.items()}
    architecture = infer_architecture(state, {}, model)
    return OpenClipEncoder(build_network(architecture, state, model), architecture, EncoderOptions(model, ""), choice)


def settle(device: Any) -> None:
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)


def timed(work: Callable[[], object], device: Any, repeats: int) -> list[tuple[float, float]]:
    """Seconds of each repeat by the clock and of the processor, in order of length."""
    seconds = []
    for _ in range(repeats):
        settle(device)
        clock, worked = time.perf_counter(), time.process_time()
        work()
        settle(device)
        seconds.append((time.perf_counter() - clock, time.process_time() - worked))
    return sorted(seconds)


def matmul_rate(choice: Any) -> float:
    """Multiply-adds counted as two operations, in operations a second, of the best square product."""
    import torch

    edges = (4096, 8192) if choice.device.type == "cuda" else (1024, 2048)
    rates = []
    with torch.inference_mode():
        for edge in edges:
            one, other = (torch.randn(edge, edge, device=choice.device).to(choice.dtype) for _ in range(2))
            rates.append(2 * edge**3 / timed(lambda a=one, b=other: a @ b, choice.device, 6)[0][0])
    return max(rates)


def operations(work: Callable[[], object]) -> int:
    """Operations of products and convolutions in one call."""
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)  # it misses triton, which is not wanted
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def peak_mib(device: Any) -> float:
    if device.type == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated(device) / 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(model: str, device: str, precision: str, threads: int, windows: int) -> dict[str, Any]:
    import torch

    from sarvlm_models.types import SceneStats

    torch.set_num_threads(threads)
    choice = chosen(device, precision)
    rate = matmul_rate(choice)
    encoder = built(model, choice)
    cell = encoder.spec.cell_px
    edge = WINDOW_PX // cell * cell
    window = np.random.default_rng(0).exponential(1.0, (edge, edge)).astype(np.float32)

    def encode() -> object:
        return encoder.encode_patches(window, SceneStats(0.83, 1.98), 10.0)

    begin = time.perf_counter()
    done = operations(encode)
    first = time.perf_counter() - begin
    seconds = timed(encode, choice.device, windows)
    best, (usual, _) = seconds[0][0], seconds[len(seconds) // 2]
    worked = min(processor for _, processor in seconds)
    return {
        "model": model,
        "device": choice.reason if choice.device.type == "cuda" else "CPU",
        "precision": str(choice.dtype).removeprefix("torch."),
        "threads": threads,
        "window_px": edge,
        "first_s": first,
        "median_s": usual,
        "best_s": best,
        "processor_s": worked,
        "windows_per_s": 1 / usual,
        "gflop_a_window": done / 1e9,
        "gflop_per_s": done / usual / 1e9,
        "matmul_gflop_per_s": rate / 1e9,
        "share_of_matmul": done / usual / rate,
        "peak_mib": peak_mib(choice.device),
    }


def in_own_process(model: str, device: str, precision: str, threads: int, windows: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", model, device, precision, str(threads), str(windows)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "models"))}
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


COLUMNS = ("model", "device", "precision", "threads", "first", "median", "best", "cpu", "windows/s", "GFLOP",
           "GFLOP/s", "matmul", "share", "MiB")  # fmt: skip


def row(r: dict[str, Any]) -> str:
    texts = [r["model"], r["device"][:8], r["precision"], str(r["threads"])]
    texts += [f"{r[key]:.3f}" for key in ("first_s", "median_s", "best_s", "processor_s")]
    texts += [f"{r['windows_per_s']:.2f}"]
    texts += [f"{r[key]:.0f}" for key in ("gflop_a_window", "gflop_per_s", "matmul_gflop_per_s")]
    return in_columns([*texts, f"{r['share_of_matmul']:.0%}", f"{r['peak_mib']:.0f}"])


def in_columns(texts: Sequence[str]) -> str:
    return " ".join(f"{text:>{max(len(name), 8)}}" for text, name in zip(texts, COLUMNS, strict=True))


def machine() -> str:
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model or platform.processor()}, {os.cpu_count()} cores{busy}"


def report(
    models: list[str], device: str, threads: list[int], precisions: list[str], windows: int
) -> list[dict[str, Any]]:
    """Measure and print, line by line."""
    print(f"\n{machine()}; windows of {WINDOW_PX} px; seconds a window", flush=True)
    print(in_columns(COLUMNS), flush=True)
    results = []
    for model, count, precision in itertools.product(models, threads, precisions):
        results.append(in_own_process(model, device, precision, count, windows))
        print(row(results[-1]), flush=True)
    return results


def test_a_window_takes_the_compact_model_less_than_half_a_second() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = sorted({1, min(2, cores)})
    compact = report(["compact"], "auto", threads, ["auto", "fp32"], 7)
    vit = report(["ViT-L-14"], "auto", threads[-1:], ["auto"], 1)
    assert min(found["median_s"] for found in compact) < WANTED_S
    assert all(0 < found["share_of_matmul"] < 1 for found in compact + vit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count() or 1])
    parser.add_argument("--models", nargs="+", default=["compact", "ViT-L-14"])
    parser.add_argument("--precisions", nargs="+", default=["auto"], choices=["auto", "fp32", "bf16"])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys_paths()
        model, device, precision, threads, windows = options.child
        print(json.dumps(measure(model, device, precision, int(threads), int(windows))))
        return
    results = report(options.models, options.device, options.threads, options.precisions, options.windows)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
