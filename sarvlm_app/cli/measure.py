"""`sarvlm measure`: the instruments on a scene."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.cli.given import open_wanted
from sarvlm_app.cli.output import print_json
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.instruments import (
    MEANING,
    Basis,
    measure_line,
    measure_polygon,
    point_response,
    profile,
    region_statistics,
)
from sarvlm_app.core.instruments.numbers import area_numbers, line_numbers, point_numbers, region_numbers
from sarvlm_app.core.scene import Scene, resolve_band
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window

Points = NDArray[np.float64]


def measure(options: argparse.Namespace) -> int:
    """Measure one line, region, window or point."""
    scene = open_wanted(options.scene, options)
    band = resolve_band(scene, options.band)
    about = {"scene": str(scene.path), "band": scene.bands[band - 1].name, "calibration": str(scene.calibration)}
    with Progress("Measuring") as progress:
        if options.line is not None:
            found = _line(scene, band, options)
        elif options.point is not None:
            col, row = _pixels(scene, options.point, options.lonlat)[0]
            found = {"point": point_numbers(point_response(scene, band, float(col), float(row)))}
        else:
            found = {"region": _region(scene, band, options, progress)}
    if options.json:
        print_json({**about, **found})
    else:
        print("\n".join(_lines({**about, **found})))
    return 0


def _pixels(scene: Scene, given: Points, lonlat: bool) -> Points:
    """Positions in pixels of what was given in pixels or in degrees.

    Raises
    ------
    QueryError
        The scene has no georeference, or it does not reach a place.
    """
    if not lonlat:
        return given
    if scene.georef is None:
        raise QueryError(f"{scene.path} has no georeference; give positions in pixels, without --lonlat.")
    found = np.column_stack(scene.georef.from_lonlat(given[:, 0], given[:, 1]))
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        lon, lat = given[int(np.argmax(bad))]
        raise QueryError(f"The geometry of {scene.path} does not reach {lon:g}, {lat:g}; choose a place in the scene.")
    return found


def _line(scene: Scene, band: int, options: argparse.Namespace) -> dict[str, Any]:
    points = _pixels(scene, options.line, options.lonlat)
    line = measure_line(scene, points)
    found: dict[str, Any] = {"line": line_numbers(line)}
    if options.profile:
        values = profile(scene, band, points, options.step, options.width)
        found["profile"] = {
            "step_px": options.step,
            "width_px": options.width,
            "distance_px": values.distance_px.tolist(),
            "distance_m": None if values.distance_m is None else values.distance_m.tolist(),
            "points_px": values.points_px.tolist(),
            "points_lonlat": None if values.lonlat is None else values.lonlat.tolist(),
            "intensity": values.intensity.tolist(),
            "db": values.db.tolist(),
        }
    return found


def _region(scene: Scene, band: int, options: argparse.Namespace, progress: Progress) -> dict[str, Any]:
    if options.window is not None:
        window = Window(*options.window)
        ring = np.array([
            (window.col, window.row), (window.col_end, window.row),
            (window.col_end, window.row_end), (window.col, window.row_end),
        ], np.float64)  # fmt: skip
        region: Window | Points = window
    else:
        region = ring = _pixels(scene, options.region, options.lonlat)
    return {
        "points_px": ring.tolist(),
        **area_numbers(measure_polygon(scene, ring)),
        **region_numbers(region_statistics(scene, band, region, progress)),
    }


def _lines(found: dict[str, Any]) -> list[str]:
    """What a person reads: one value a line, a profile as a table."""
    table = found.pop("profile", None)
    lines = []
    for key, value in found.items():
        if isinstance(value, dict):
            lines += [f"{name.replace('_', ' '):>24}  {_words(name, inner)}" for name, inner in value.items()]
        else:
            lines.append(f"{key:>24}  {value}")
    if table is not None:
        along = table["distance_m"] or table["distance_px"]
        lines.append(f"{'m' if table['distance_m'] else 'px':>12}  {'dB':>8}")
        lines += [f"{far:12.2f}  {value:8.2f}" for far, value in zip(along, table["db"], strict=True)]
    return lines


def _words(name: str, value: Any) -> str:
    if name == "basis":
        return MEANING[Basis(value)]
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.8g}" if np.isfinite(value) else "no value"  # of pixels without data, decibels of zero
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_words(key, inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_words("", inner) if not isinstance(inner, str) else inner for inner in value)
    return str(value)
