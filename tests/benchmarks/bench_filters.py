"""How fast the speckle filters are, against Lee's filter as it is usually written with SciPy.

Run by ``make bench``, or as ``pytest -s tests/benchmarks/bench_filters.py -o python_files='bench_*.py'``. The two
alternatives are ``scipy.ndimage.generic_filter`` with Lee's formula for each window (the naive way, on a small image)
and ``uniform_filter`` of the image and its square (the quick way; it knows no invalid pixels, and its running sums
make a pixel depend on the tile it is read in). Seconds are those of the processor (one thread).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from sarvlm_app.core.filters import FILTERS, Lee, estimate_looks

SIZE, LOOKS = 7, 1.0
WANTED_MPX = {"multilook": 50, "boxcar": 30, "lee": 15, "refined-lee": 3, "lee-sigma": 2, "frost": 4, "gamma-map": 10}
"""Megapixels a second that each filter reaches on a machine of 2020 or later."""


def rate(work: Callable[[], object], pixels: int, repeats: int = 3) -> float:
    """Megapixels a second."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return pixels / best / 1e6


def lee_of_a_window(window: np.ndarray) -> float:
    mean, variance = window.mean(), window.var(ddof=1)
    signal = max(0.0, (variance - mean * mean / LOOKS) / (1 + 1 / LOOKS))
    return mean + signal / variance * (window[len(window) // 2] - mean)


def lee_by_uniform_filter(image: np.ndarray) -> np.ndarray:
    wide = image.astype(np.float64)
    mean = ndimage.uniform_filter(wide, SIZE)
    variance = ndimage.uniform_filter(wide * wide, SIZE) - mean * mean
    signal = np.maximum(variance - mean * mean / LOOKS, 0) / (1 + 1 / LOOKS)
    return mean + signal / np.maximum(variance, 1e-30) * (wide - mean)


def test_the_filters_take_millions_of_pixels_a_second() -> None:
    image = np.random.default_rng(0).exponential(1.0, (2048, 2048)).astype(np.float32)
    valid = np.ones(image.shape, bool)
    small = image[:200, :200]
    print()
    for name, chosen in FILTERS.items():
        found = rate(lambda chosen=chosen: chosen().apply(image, valid), image.size)
        print(f"{name:<32s}{found:8.1f} Mpx/s  (wanted: {WANTED_MPX[name]} at least)")
        assert found > WANTED_MPX[name]
    naive = rate(lambda: ndimage.generic_filter(small, lee_of_a_window, SIZE), small.size, 1)
    quick = rate(lambda: lee_by_uniform_filter(image), image.size)
    ours = rate(lambda: Lee().apply(image, valid), image.size)
    print(f"{'Lee by scipy generic_filter':<32s}{naive:8.3f} Mpx/s")
    print(f"{'Lee by scipy uniform_filter':<32s}{quick:8.1f} Mpx/s")
    assert ours > 50 * naive


def test_the_number_of_looks_is_told_quickly() -> None:
    image = np.random.default_rng(0).gamma(4, 0.25, (1024, 1024)).astype(np.float32)
    found = rate(lambda: estimate_looks(image, np.ones(image.shape, bool)), image.size)
    print(f"\n{'estimate_looks':<32s}{found:8.1f} Mpx/s")
