"""One geometry of each kind about any place, for tests that hold for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from affine import Affine

from sarvlm_app.core.georef import (
    AffineGeoref,
    BurstGeoref,
    Gcp,
    GcpGeoref,
    GridGeoref,
    GridPoint,
    RpcGeoref,
    RpcModel,
    ScaledGeoref,
    ShiftedGeoref,
    SicdGeoref,
    SiddGeoref,
)
from sarvlm_app.core.georef.chart import Chart
from tests.core.sicd_files import sicd_xml, sidd_xml

SIZE = (600, 400)
METRES = 10.0


def ground(lon: float, lat: float, *, look: str = "R", size: tuple[int, int] = SIZE, metres: float = METRES):
    """A slightly curved swath about a place: (cols, rows) -> lon, lat; mirrored for the other look."""
    chart, turn = Chart(lon, lat), np.deg2rad(12.0)
    side = 1.0 if look == "R" else -1.0

    def place(col, row):
        u, v = (np.asarray(col) - size[0] / 2) * metres, (size[1] / 2 - np.asarray(row)) * metres
        u = side * (u + 4e-7 * u * v)
        x, y = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
        return chart.from_plane(np.stack([x + 1e-7 * y * y, y - 1e-7 * x * x], axis=-1))

    return place


def grid_points(lon: float, lat: float, *, look: str = "R", size=SIZE, metres: float = METRES) -> tuple[GridPoint, ...]:
    """A grid of 5 lines and 7 pixels with incidence and range, on hills that moved its points sideways."""
    place, level = ground(lon, lat, look=look, size=size, metres=metres), []
    for line in np.linspace(0, size[1] - 1, 5):
        for pixel in np.linspace(0, size[0] - 1, 7):
            x, y = place(pixel + 0.5, line + 0.5)
            angle = 30.0 + 15.0 * pixel / size[0]
            level.append(GridPoint(float(line), float(pixel), float(x), float(y), 0.0, angle, 850_000.0))
    flat, points = GridGeoref(tuple(level)), []
    for point in level:
        tall = 200.0 + 150.0 * np.sin(point.line / 90.0) * np.cos(point.pixel / 70.0)
        x, y = (float(value) for value in flat.to_lonlat(point.pixel + 0.5, point.line + 0.5, tall))
        points.append(replace(point, lon=x, lat=y, height=tall))
    return tuple(points)


def rpc_model(lon: float, lat: float, *, look: str = "R", **changes) -> RpcModel:
    """Gently curved polynomials about a place; lines grow to the south."""
    wide = min(0.05 / max(np.cos(np.deg2rad(lat)), 1e-3), 60.0)
    side = 1.0 if look == "R" else -1.0
    above = np.zeros((4, 20))
    above[0, :10] = (0.002, 0.03, -1.01, 0.02, 0.004, 1e-3, -2e-3, 3e-3, -1e-3, 1e-4)  # line
    above[1, :10] = (1.0, 1e-3, -2e-3, 5e-4, 1e-4, 0, 0, 2e-4, 0, 0)
    above[2, :10] = (-0.001, 0.98 * side, 0.04, -0.05, 2e-3, 2e-3, 1e-3, -1e-3, 2e-3, 0)  # sample
    above[3, :10] = (1.0, -2e-3, 1e-3, 4e-4, 0, 1e-4, 0, 0, 1e-4, 0)
    above[:, 10:] = 1e-5 * np.arange(-5, 5)
    numbers = {
        "line_off": 200.0, "samp_off": 300.0, "lat_off": lat, "long_off": lon, "height_off": 300.0,
        "line_scale": 210.0, "samp_scale": 310.0, "lat_scale": 0.05, "long_scale": wide, "height_scale": 800.0,
        "line_num_coeff": tuple(above[0]), "line_den_coeff": tuple(above[1]),
        "samp_num_coeff": tuple(above[2]), "samp_den_coeff": tuple(above[3]),
        "err_bias": 3.0, "err_rand": 4.0,
    }  # fmt: skip
    return RpcModel(**(numbers | changes))


def affine(lon: float, lat: float, look: str):
    """In a polar map near a pole, else in degrees; west is right where the sensor looks left."""
    side = 1.0 if look == "R" else -1.0
    if abs(lat) > 80.0:
        crs = "EPSG:3413" if lat > 0 else "EPSG:3031"
        x, y = AffineGeoref(Affine.scale(1.0), crs).from_lonlat(lon, lat)
        return AffineGeoref(Affine(side * 10, 0, float(x) - side * 3000, 0, -10, float(y) + 2000), crs, SIZE)
    return AffineGeoref(Affine(side * 1e-4, 0, lon - side * 0.03, 0, -1e-4, lat + 0.02), "EPSG:4326", SIZE)


def _gcps(lon: float, lat: float, look: str) -> tuple[Gcp, ...]:
    place = ground(lon, lat, look=look)
    cells = [(float(c), float(r)) for c in np.linspace(0, SIZE[0], 6) for r in np.linspace(0, SIZE[1], 5)]
    return tuple(Gcp(c, r, *(float(v) for v in place(c, r))) for c, r in cells)


def burst_points(lon: float, lat: float, look: str) -> GridGeoref:
    """Continuous in time over 400 + 2 x 120 lines."""
    return GridGeoref(grid_points(lon, lat, look=look, size=(600, 640)), (600, 640))


KINDS = {
    "affine": affine,
    "gcps": lambda lon, lat, look: GcpGeoref(_gcps(lon, lat, look), "EPSG:4326", SIZE),
    "grid": lambda lon, lat, look: GridGeoref(grid_points(lon, lat, look=look), SIZE),
    "rpc": lambda lon, lat, look: RpcGeoref(rpc_model(lon, lat, look=look), SIZE),
    "sicd": lambda lon, lat, look: SicdGeoref(sicd_xml(lon, lat, look=look)),
    "sicd, zero Doppler": lambda lon, lat, look: SicdGeoref(sicd_xml(lon, lat, look=look, grid="RGZERO")),
    "sidd": lambda lon, lat, look: SiddGeoref(sidd_xml(lon, lat, look=look)),
    "window of a grid": lambda lon, lat, look: ShiftedGeoref(
        GridGeoref(grid_points(lon, lat, look=look), SIZE), 37.0, -12.0, SIZE
    ),
    "multilooked rpc": lambda lon, lat, look: ScaledGeoref(
        RpcGeoref(rpc_model(lon, lat, look=look), SIZE), 0.9, 0.8, SIZE
    ),
    "bursts": lambda lon, lat, look: BurstGeoref(burst_points(lon, lat, look), 200, (0.0, 220.0), SIZE),
}
"""Maker of each kind: (lon, lat, "L" or "R") -> a geometry of `SIZE` about that place."""
