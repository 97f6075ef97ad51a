"""What the catalogue keeps of a file: its content's hash, and what its scene says of itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import shapely

from sarvlm_app.core.archive.shard import Described
from sarvlm_app.core.export.footprints import Ring, cut_at_antimeridian, footprint
from sarvlm_app.core.scene import Scene
from sarvlm_models.types import Window

BLOCK: Final = 1 << 20
EDGE_POINTS: Final = 4
"""Points along each edge of a scene's footprint, whose edges may bend on the map."""


def files_of(path: Path) -> list[Path]:
    """The file itself, or all files of a product that is a folder, in a fixed order."""
    if not path.is_dir():
        return [path]
    return sorted(Path(folder) / name for folder, _, names in os.walk(path) for name in names)


def size_and_time(path: Path) -> tuple[int, int]:
    """Bytes, and the latest time of change in nanoseconds, of a file or product."""
    states = [file.stat() for file in files_of(path)]
    return sum(state.st_size for state in states), max((state.st_mtime_ns for state in states), default=0)


def content_hash(path: Path) -> str:
    """SHA-256 of a file; of a product, of the names and hashes of its files."""
    if not path.is_dir():
        return _file_hash(path)
    digest = hashlib.sha256()
    for file in files_of(path):
        digest.update(f"{file.relative_to(path).as_posix()}\0{_file_hash(file)}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def described(scene: Scene, band: int, sha: str, bytes_: int, hints: Mapping[str, Any]) -> Described:
    """What a scene says of itself; `hints` (of a STAC item) fill what it leaves open."""
    rings = [] if scene.georef is None else footprint((0, 0, scene.width, scene.height), scene.georef, EDGE_POINTS)
    bounds, wkb = bounds_of(rings), None if not rings else wkb_of(rings)
    if bounds is None and hints.get("bbox"):
        west, south, east, north = (float(value) for value in hints["bbox"])
        bounds = (west, south, east + 360.0 if east < west else east, north)
        wkb = shapely.to_wkb(shapely.box(*bounds))
    pols = [band.polarisation for band in scene.bands if band.polarisation]
    acquired = scene.acquired.isoformat() if scene.acquired else hints.get("acquired")
    incidence = scene.facts.get("incidence") or hints.get("incidence")
    spacing = None if scene.spacing_m is None else (scene.spacing_m[0] * scene.spacing_m[1]) ** 0.5
    return Described(
        sha=sha, path=str(scene.path), bytes=bytes_, width=scene.width, height=scene.height, tiles=0,
        product=scene.product, sensor=sensor_of(scene) or str(hints.get("sensor", "")),
        polarisation=" ".join(dict.fromkeys(pols)) or str(hints.get("polarisation", "")), band=band,
        mode=str(scene.facts.get("mode") or hints.get("mode", "")),
        orbit=str(scene.facts.get("orbit") or hints.get("orbit", "")),
        incidence=_number(incidence), spacing_m=spacing, acquired=acquired,
        footprint=None if wkb is None else wkb.hex(), bounds=bounds,
    )  # fmt: skip


def sensor_of(scene: Scene) -> str:
    """The sensor by the scene's facts, else by its product; empty where only the file's format is known."""
    for key in ("sensor", "platform"):
        if scene.facts.get(key):
            return str(scene.facts[key])
    return "" if scene.product == scene.facts.get("format") else scene.product


def _number(value: object) -> float | None:
    """The first number in a fact such as "30.1 to 46.0 degrees"."""
    for word in str(value or "").replace("°", " ").split():
        try:
            return float(word)
        except ValueError:
            continue
    return None


def tile_footprints(scene: Scene, windows: list[Window]) -> Iterator[bytes | None]:
    """WKB of each window's outline in lon/lat; None without georeference or off the map."""
    for window in windows:
        box = (window.col, window.row, window.width, window.height)
        rings = [] if scene.georef is None else footprint(box, scene.georef)
        yield wkb_of(rings) if rings else None


def wkb_of(rings: list[Ring]) -> bytes:
    """One polygon, or several where the antimeridian cuts it."""
    polygons = [shapely.Polygon(ring) for ring in rings]
    shape = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    return bytes(shapely.to_wkb(shape))


def bounds_of(rings: list[Ring]) -> tuple[float, float, float, float] | None:
    """West, south, east, north; east beyond 180 where the antimeridian lies between."""
    if not rings:
        return None
    points = [point for ring in rings for point in ring]
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    if len(rings) > 1 and max(lons) - min(lons) > 180.0:
        lons = [lon + 360.0 if lon < 0 else lon for lon in lons]
    return min(lons), min(lats), max(lons), max(lats)


def bounds_of_wkb(wkb: bytes | None) -> tuple[float, float, float, float] | None:
    """`bounds_of` of a stored outline."""
    if wkb is None:
        return None
    shape = shapely.from_wkb(wkb)
    parts = shape.geoms if hasattr(shape, "geoms") else [shape]
    rings = [[(float(x), float(y)) for x, y in part.exterior.coords] for part in parts]
    if len(rings) == 1 and max(x for x, _ in rings[0]) - min(x for x, _ in rings[0]) > 180.0:
        rings = cut_at_antimeridian(rings[0][:-1])
    return bounds_of(rings)
