"""How soon a 30 000 x 30 000 uint16 scene is on view, and at what cost in memory.

Run as `python tests/benchmarks/bench_open.py [--size N] [--compress deflate]`. Each way of opening
runs in a process of its own, so that its peak of resident memory is its own.
The named alternative is one decimated read of the whole band with rasterio.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SCREEN = (1000, 1600)
PANS = 40


def write_scene(path: Path, size: int, compress: str) -> None:
    """A tiled uint16 GeoTIFF of speckle with a bright cross; no overviews."""
    import rasterio
    from rasterio.windows import Window

    rng = np.random.default_rng(1)
    speckle = np.sqrt(rng.gamma(4.0, 2500.0, (1024, 1024))).astype(np.uint16)
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint16", "tiled": True}
    profile |= {"blockxsize": 256, "blockysize": 256, "crs": "EPSG:32633", "bigtiff": "IF_SAFER"}
    profile |= {"transform": rasterio.transform.from_origin(400000, 5300000, 10, 10), "compress": compress}
    with rasterio.open(path, "w", **profile) as out:
        for row in range(0, size, 1024):
            for col in range(0, size, 1024):
                block = speckle[: size - row, : size - col]
                if abs(row - col) < 1024:
                    block = block * 3
                out.write(block, 1, window=Window(col, row, block.shape[1], block.shape[0]))


class Steps:
    def step(self, done: int, total: int, message: str) -> None:
        """Never cancels."""


def ours(path: Path, cache: Path) -> dict[str, float]:
    from sarvlm_app.core.pyramid import ScenePyramid
    from sarvlm_app.core.scene import default_band, default_stretch, open_scene, scene_stats

    result = {"peak_mib_before": peak_mib()}
    begin = time.perf_counter()
    scene = open_scene(path)
    result["open_s"] = time.perf_counter() - begin
    band = default_band(scene)
    scene_stats(scene, band)
    default_stretch(scene, band)
    result["open_and_stats_s"] = time.perf_counter() - begin
    pyramid = ScenePyramid(scene, band, cache)
    np.asarray(pyramid.level_arrays()[-1])
    result["first_picture_s"] = time.perf_counter() - begin
    result["peak_mib_first_picture"] = peak_mib()
    middle = scene.height // 2
    start = time.perf_counter()
    pyramid.read(0, middle, middle + SCREEN[0], middle, middle + SCREEN[1])
    result["full_resolution_screen_s"] = time.perf_counter() - start
    start = time.perf_counter()
    pyramid.build(Steps())
    result["build_s"] = time.perf_counter() - start
    worst = 0.0
    for k in range(PANS):
        level = k % len(pyramid.levels)
        height, width = pyramid.levels[level]
        row, col = k * 97 % max(1, height - SCREEN[0]), k * 411 % max(1, width - SCREEN[1])
        start = time.perf_counter()
        pyramid.read(level, row, row + SCREEN[0], col, col + SCREEN[1])
        worst = max(worst, time.perf_counter() - start)
    result["worst_screen_read_s"] = worst
    result["cache_mib"] = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) / 2**20
    result["peak_mib"] = peak_mib()
    return result


def decimated(path: Path, _: Path) -> dict[str, float]:
    import rasterio

    result = {"peak_mib_before": peak_mib()}
    start = time.perf_counter()
    with rasterio.open(path) as dataset:
        step = max(dataset.shape) // 469
        dataset.read(1, out_shape=(dataset.height // step, dataset.width // step))
    result["first_picture_s"] = time.perf_counter() - start
    result["peak_mib"] = peak_mib()
    return result


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=30000)
    parser.add_argument("--compress", default="none")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys.path[:0] = [str(ROOT), str(ROOT / "models")]
        warnings.simplefilter("error")
        way, path, cache = options.child
        print(json.dumps({"ours": ours, "decimated": decimated}[way](Path(path), Path(cache))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write_scene(path, options.size, options.compress)
        print(f"{options.size} x {options.size} uint16, {options.compress}, {path.stat().st_size / 1e6:.0f} MB")
        for way in ("ours", "decimated"):
            command = [sys.executable, __file__, "--child", way, str(path), str(Path(folder) / "cache")]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(way)
            for name, value in json.loads(output).items():
                print(f"  {name:26s} {value:8.2f}")


if __name__ == "__main__":
    main()
