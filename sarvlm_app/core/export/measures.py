"""Measures as JSON or as a CSV table; a profile's samples as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.instruments.numbers import area_numbers, line_numbers, point_numbers, region_numbers
from sarvlm_app.core.instruments.profile import Profile
from sarvlm_app.core.instruments.region import RegionStatistics
from sarvlm_app.core.measure_list import Measured
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import StorageError


def write_measures(scene: Scene, entries: Sequence[Measured], path: Path) -> None:
    """Write measures; the ending of the name decides the format.

    ``.json``: one object with the scene and `measures`, each with the names
    that ``sarvlm measure --json`` uses, a profile with its samples, a region
    with its histogram. ``.csv``: one row a measure, UTF-8, the columns of all
    kinds; samples and histograms are left out. What is not known is null, or
    an empty cell.

    Parameters
    ----------
    path : Path
        Replaced when it exists.

    Raises
    ------
    StorageError
        When the ending is another, or the place cannot be written to.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        text = measures_csv(scene, entries)
    elif kind == ".json":
        text = json.dumps(measures_json(scene, entries), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    else:
        raise StorageError(f"{path}: measures are written as .json or .csv; choose one of these endings.")
    _put(path, text)


def write_profile(scene: Scene, measured: Measured, path: Path) -> None:
    """Write the samples of a profile as CSV: distance, place, intensity and decibels.

    Raises
    ------
    StorageError
        When the place cannot be written to.
    ValueError
        The measure is no profile, or is not done yet.
    """
    if measured.profile is None:
        raise ValueError(f"measure {measured.number} has no profile")
    columns = _samples(measured.profile)
    names = [name for name, values in columns.items() if values is not None]
    rows = zip(*(columns[name] or () for name in names), strict=True)
    _put(path, _table(names, [dict(zip(names, row, strict=True)) for row in rows]))


def measures_json(scene: Scene, entries: Sequence[Measured]) -> dict[str, Any]:
    """What `write_measures` writes as JSON."""
    return {**_scene(scene), "measures": [_clean(numbers(scene, measured)) for measured in entries]}


def measures_csv(scene: Scene, entries: Sequence[Measured]) -> str:
    """What `write_measures` writes as CSV."""
    rows = []
    for measured in entries:
        told = numbers(scene, measured)
        told.pop("samples", None)
        told.pop("histogram", None)
        rows.append({**_clean(_flat(told)), **_scene(scene)})
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _table(names, rows)


def numbers(scene: Scene, measured: Measured) -> dict[str, Any]:
    """All that is known of a measure, under the names of ``sarvlm measure --json``; may hold NaN."""
    told: dict[str, Any] = {
        "number": measured.number,
        "kind": str(measured.tool),
        "stage": str(measured.stage),
        "band": next((band.name for band in scene.bands if band.index == measured.band), str(measured.band)),
        "calibration": str(scene.calibration),
        "points_px": measured.points_px.tolist(),
    }
    if measured.line is not None:
        told |= line_numbers(measured.line)
    if measured.area is not None:
        told |= area_numbers(measured.area)
    if measured.profile is not None:
        told |= {"width_px": measured.width_px, "samples": _samples(measured.profile)}
    if measured.region is not None:
        told |= {**region_numbers(measured.region), "histogram": _histogram(measured.region)}
    if measured.point is not None:
        told |= point_numbers(measured.point)
    return told


def _samples(found: Profile) -> dict[str, list[float] | None]:
    lonlat = found.lonlat
    return {
        "distance_px": found.distance_px.tolist(),
        "distance_m": None if found.distance_m is None else found.distance_m.tolist(),
        "col": found.points_px[:, 0].tolist(),
        "row": found.points_px[:, 1].tolist(),
        "lon": None if lonlat is None else lonlat[:, 0].tolist(),
        "lat": None if lonlat is None else lonlat[:, 1].tolist(),
        "intensity": found.intensity.tolist(),
        "db": found.db.tolist(),
    }


def _histogram(found: RegionStatistics) -> dict[str, Any] | None:
    if found.histogram is None:
        return None
    histogram = found.histogram
    return {
        "edges_db": histogram.edges_db.tolist(),
        "counts": histogram.counts.tolist(),
        "outside": histogram.outside,
    }


def _scene(scene: Scene) -> dict[str, Any]:
    return {
        "scene": scene.name,
        "time": scene.acquired.isoformat() if scene.acquired else None,
        "simulated": scene.simulated,
    }


def _flat(told: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Names of inner values behind those of the outer ones; lists as JSON."""
    flat: dict[str, Any] = {}
    for name, value in told.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}_")
        else:
            flat[before + name] = json.dumps(_clean(value), ensure_ascii=False) if isinstance(value, list) else value
    return flat


def _clean(value: Any) -> Any:
    """The same with None for what is no finite number."""
    if isinstance(value, dict):
        return {name: _clean(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    out = io.StringIO()
    table = csv.DictWriter(out, list(names), lineterminator="\n")
    table.writeheader()
    table.writerows({name: _clean(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _put(path: Path, text: str) -> None:
    with replace_when_done(path) as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="")
