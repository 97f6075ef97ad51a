"""How long 20 000 places take against 900 control points, against SciPy's thin plate and a plain inverse.

Run by ``make bench``, or as ``pytest -s tests/benchmarks/bench_georef.py -o python_files='bench_*.py'``. The plain
inverse is the usual one: a Newton search whose slopes are differences of four more evaluations a step. Seconds are
those of the processor (one thread), which other work on the machine does not lengthen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy.interpolate import RBFInterpolator

from sarvlm_app.core.georef import Gcp, GcpGeoref
from sarvlm_app.core.georef.chart import Chart

PLACES, WANTED_TIMES = 20_000, 10.0
SCALE = np.array([12_500.0, 8_000.0])
"""Each axis to about -1..1, as the program scales them."""


def swath() -> tuple[Gcp, ...]:
    points = []
    for row in np.linspace(0, 16_000, 30):
        for col in np.linspace(0, 25_000, 30):
            u, v = col / 25_000, row / 16_000
            lon = 11 + 3.2 * u + 0.35 * v + 0.05 * u * u - 0.02 * u * v
            points.append(Gcp(col, row, lon, 45 + 0.4 * u - 1.45 * v + 0.03 * u * u + 0.01 * np.sin(2 * v)))
    return tuple(points)


def seconds(run: Callable[[], object], times: int = 2) -> float:
    best = np.inf
    for _ in range(times):
        began = time.process_time()
        run()
        best = min(best, time.process_time() - began)
    return float(best)


def plain_inverse(forward: Callable[[np.ndarray], np.ndarray], wanted: np.ndarray, start: np.ndarray) -> np.ndarray:
    at, right, down = start.copy(), np.array([0.5, 0.0]), np.array([0.0, 0.5])
    for _ in range(4):
        miss = wanted - forward(at)
        slopes = np.stack([forward(at + right) - forward(at - right), forward(at + down) - forward(at - down)], axis=2)
        at += np.linalg.solve(slopes, miss[:, :, None])[:, :, 0]
    return at


def test_places_against_many_control_points():
    gcps = swath()
    georef = GcpGeoref(gcps, "EPSG:4326", (25_000, 16_000))
    pixels = np.array([(gcp.col, gcp.row) for gcp in gcps])
    chart = Chart.about(*np.array([(gcp.x, gcp.y) for gcp in gcps]).T)
    plane = chart.to_plane(*np.array([(gcp.x, gcp.y) for gcp in gcps]).T)
    scipy = RBFInterpolator(pixels / SCALE, plane, kernel="thin_plate_spline")
    rng = np.random.default_rng(0)
    cols, rows = rng.uniform(0, 25_000, PLACES), rng.uniform(0, 16_000, PLACES)
    asked = np.column_stack([cols, rows])
    lon, lat = georef.to_lonlat(cols, rows)
    assert np.abs(chart.to_plane(lon, lat) - scipy(asked / SCALE)).max() < 0.01
    mine = seconds(lambda: georef.to_lonlat(cols, rows)), seconds(lambda: georef.from_lonlat(lon, lat))
    wanted = chart.to_plane(lon, lat)
    theirs = (
        seconds(lambda: scipy(asked / SCALE), 1),
        seconds(lambda: plain_inverse(lambda at: scipy(at / SCALE), wanted, asked + 3.0), 1),
    )
    back = georef.from_lonlat(lon, lat)
    assert max(np.abs(back[0] - cols).max(), np.abs(back[1] - rows).max()) < 1e-3
    print(f"\nforward {mine[0]:.2f} s (SciPy {theirs[0]:.2f} s), inverse {mine[1]:.2f} s (plain {theirs[1]:.2f} s)")
    assert theirs[1] / mine[1] > WANTED_TIMES
