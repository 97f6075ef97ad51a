"""What the instruments found as plain numbers under the names of JSON: the command line and files tell the same."""

from __future__ import annotations

from typing import Any

from sarvlm_app.core.instruments.area import AreaMeasure
from sarvlm_app.core.instruments.distance import LineMeasure
from sarvlm_app.core.instruments.point_target import Cut, PointResponse
from sarvlm_app.core.instruments.region import RegionStatistics, decibels


def line_numbers(line: LineMeasure) -> dict[str, Any]:
    """Length in all and by segments, azimuths, basis; None for metres that are not known."""
    return {
        "points_px": line.points_px.tolist(),
        "points_lonlat": None if line.lonlat is None else line.lonlat.tolist(),
        "length_m": line.total_m,
        "length_px": line.total_px,
        "segments_m": None if line.segments_m is None else line.segments_m.tolist(),
        "segments_px": line.segments_px.tolist(),
        "azimuth_deg": None if line.azimuth_deg is None else line.azimuth_deg.tolist(),
        "basis": str(line.basis),
    }


def area_numbers(area: AreaMeasure) -> dict[str, Any]:
    """Area and perimeter on the ground and in pixels, basis."""
    return {
        "area_m2": area.area_m2,
        "perimeter_m": area.perimeter_m,
        "area_px": area.area_px,
        "perimeter_px": area.perimeter_px,
        "basis": str(area.basis),
    }


def region_numbers(found: RegionStatistics) -> dict[str, Any]:
    """Statistics of the linear intensity, and of what has decibels these too."""
    return {
        "pixels": found.pixels,
        "count": found.count,
        "valid_share": found.valid_share,
        "mean": found.mean,
        "mean_db": found.mean_db,
        "median": found.median,
        "median_db": decibels(found.median),
        "std": found.std,
        "minimum": found.minimum,
        "minimum_db": decibels(found.minimum),
        "maximum": found.maximum,
        "maximum_db": decibels(found.maximum),
        "percentiles": {f"{share:g}": value for share, value in found.percentiles.items()},
        "percentiles_db": {f"{share:g}": decibels(value) for share, value in found.percentiles.items()},
        "enl": found.enl,
        "coefficient_of_variation": found.variation,
    }


def point_numbers(found: PointResponse) -> dict[str, Any]:
    """Place, level, widths and side lobes of a point target."""
    return {
        "col": found.col,
        "row": found.row,
        "lon": found.lon,
        "lat": found.lat,
        "peak_db": found.peak_db,
        "contrast_db": found.contrast_db,
        "range": _cut(found.range),
        "azimuth": _cut(found.azimuth),
        "complex": found.is_complex,
        "notes": list(found.notes),
    }


def _cut(cut: Cut) -> dict[str, Any]:
    return {"width_px": cut.width_px, "width_m": cut.width_m, "pslr_db": cut.pslr_db, "islr_db": cut.islr_db}
