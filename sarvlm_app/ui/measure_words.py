"""How measures read: one line each, rows of name and value, text to copy, words beside the pointer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sarvlm_app.core.instruments import MEANING, Cut, LineMeasure, PointResponse, measure_line, measure_polygon
from sarvlm_app.core.instruments.region import RegionStatistics, decibels
from sarvlm_app.core.measure_list import Measured, Stage, Tool
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError
from sarvlm_app.ui.formats import lonlat_text, number_text, share_text

NAMES = {
    Tool.LINE: "Line",
    Tool.PROFILE: "Profile",
    Tool.AREA: "Region",
    Tool.BOX: "Box",
    Tool.POINT: "Point target",
}
HINTS = {
    Tool.LINE: "Click points of the line · right click or double click ends · Backspace: one back · Esc leaves",
    Tool.PROFILE: "Click points of the profile · right click or double click ends · Backspace: one back · Esc leaves",
    Tool.AREA: "Click corners of the region · right click or double click ends · Backspace: one back · Esc leaves",
    Tool.BOX: "Drag a rectangle · Esc leaves",
    Tool.POINT: "Click a bright point · Esc leaves",
}
GIVES = {
    Tool.LINE: "The length of a line on the ground, and the azimuth of each of its segments.",
    Tool.PROFILE: "Backscatter along a line: mean intensity in dB over the distance.",
    Tool.AREA: "Area and perimeter of a polygon, and statistics of its pixels in dB with ENL.",
    Tool.BOX: "Area of a rectangle of whole pixels, and statistics of these in dB with ENL.",
    Tool.POINT: "Width and side lobes of the brightest point within 8 px of the click.",
}
INVITATION = "Choose what to measure, then click on the map. Drag and wheel move the view as ever."
_SEGMENTS = 12
"""Segments of a line are told one by one up to so many."""

Row = tuple[str, str]


def length_text(metres: float | None, pixels: float) -> str:
    """Metres, from a kilometre on kilometres; pixels where metres are not known."""
    if metres is None:
        return f"{pixels:.1f} px"
    if metres < 1000:
        return f"{metres:.1f} m" if metres >= 10 else f"{metres:.2f} m"
    return f"{metres / 1000:.3f} km" if metres < 100_000 else f"{metres / 1000:.1f} km"


def area_text(square_metres: float | None, pixels: float) -> str:
    """Square metres, from a tenth of a square kilometre on square kilometres; else pixels."""
    if square_metres is None:
        return f"{pixels:.1f} px²" if pixels < 1000 else f"{_thousands(pixels)} px²"
    if square_metres < 100_000:
        return f"{square_metres:.1f} m²" if square_metres < 1000 else f"{_thousands(square_metres)} m²"
    km2 = square_metres / 1e6
    return f"{km2:.3f} km²" if km2 < 1000 else f"{_thousands(km2)} km²"


def db_text(value: float) -> str:
    """Decibels; a dash where there are none."""
    return f"{number_text(value, 2)} dB" if math.isfinite(value) else "–"


def azimuth_text(degrees: float) -> str:
    """Clockwise from true north."""
    return f"{degrees % 360:.1f}°" if math.isfinite(degrees) else "–"


def summary(measured: Measured) -> str:
    """What is wanted most, in one line."""
    if measured.stage is Stage.RUNNING and not measured.area and not measured.line:
        return "measuring…"
    if measured.line is not None:
        return _line_summary(measured.line)
    if measured.area is not None:
        size = area_text(measured.area.area_m2, measured.area.area_px)
        region = measured.region
        if region is None:
            return size + (" · measuring…" if measured.stage is Stage.RUNNING else "")
        return f"{size} · no data" if region.count == 0 else f"{size} · {db_text(region.mean_db)}"
    found = measured.point
    return "" if found is None else f"{_width(found.range)} × {_width(found.azimuth)}"


def label(measured: Measured) -> str:
    """The same for the map, shorter."""
    if measured.line is not None:
        size = length_text(measured.line.total_m, measured.line.total_px)
    elif measured.area is not None:
        size = area_text(measured.area.area_m2, measured.area.area_px)
    else:
        size = summary(measured)
    return f"{measured.number}  {size}".rstrip()


def rows(scene: Scene, measured: Measured) -> list[Row]:
    """All that is known of a measure, value by value, each with its unit."""
    told: list[Row] = []
    if measured.line is not None:
        told += _line_rows(measured.line)
    if measured.area is not None:
        area = measured.area
        told.append(("Area", _both(area_text(area.area_m2, area.area_px), area.area_m2, area_text(None, area.area_px))))
        told.append(("Perimeter", length_text(area.perimeter_m, area.perimeter_px)))
    if measured.profile is not None:
        told += _profile_rows(measured)
    if measured.region is not None:
        told += _region_rows(measured.region)
    if measured.point is not None:
        told += _point_rows(measured.point)
    if measured.tool is not Tool.LINE:
        told.append(("Values", values_text(scene, measured.band)))
    if measured.basis is not None:
        told.append(("Ground", MEANING[measured.basis]))
    if measured.stage is Stage.CANCELLED:
        told.append(("Pixels", "reading them was cancelled"))
    return told


def values_text(scene: Scene, band: int) -> str:
    """What the decibels are of."""
    name = next((one.name for one in scene.bands if one.index == band), f"band {band}")
    kind = "intensity, uncalibrated" if scene.calibration is Calibration.UNCALIBRATED else str(scene.calibration)
    return f"{name}, {kind}"


def copied(scene: Scene, entries: Sequence[Measured]) -> str:
    """Text for the clipboard: name, tabulator, value; a blank line between measures."""
    blocks = []
    for measured in entries:
        lines = [f"{measured.number}\t{NAMES[measured.tool]}\t{scene.name}"]
        lines += [f"{name}\t{value}" for name, value in rows(scene, measured)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def ground_sentence(scene: Scene | None) -> str:
    """What lengths are in, where they are not geodesic."""
    if scene is None or scene.georef is not None:
        return ""
    if scene.spacing_m is not None:
        return "The scene has no georeference: lengths go by its pixel spacing, and azimuths are not known."
    return "The scene has neither georeference nor pixel spacing: lengths and areas are in pixels."


def live_text(scene: Scene, tool: Tool, points: Sequence[tuple[float, float]]) -> str:
    """What stands beside the pointer while something is drawn; the last point is under it."""
    if tool is Tool.POINT or len(points) < 2:
        return ""
    if tool in (Tool.AREA, Tool.BOX):
        return _live_area(scene, tool, points)
    line = measure_line(scene, points)
    last = length_text(None if line.segments_m is None else float(line.segments_m[-1]), float(line.segments_px[-1]))
    if line.azimuth_deg is not None:
        last += f" · {azimuth_text(float(line.azimuth_deg[-1]))}"
    return last if len(points) == 2 else f"{last}\nin all {length_text(line.total_m, line.total_px)}"


def _live_area(scene: Scene, tool: Tool, points: Sequence[tuple[float, float]]) -> str:
    if len(points) < 3:
        return live_text(scene, Tool.LINE, points)
    try:
        area = measure_polygon(scene, points)
    except QueryError:
        return "no area yet" if tool is Tool.BOX else "the sides cross"
    size = area_text(area.area_m2, area.area_px)
    if tool is not Tool.BOX:
        return f"{size}\naround {length_text(area.perimeter_m, area.perimeter_px)}"
    sides = measure_line(scene, points[:3])
    across, down = (
        length_text(None if sides.segments_m is None else float(sides.segments_m[n]), float(sides.segments_px[n]))
        for n in (0, 1)
    )
    return f"{across} × {down}\n{size}"


# ---- rows of each kind ---------------------------------------------------
def _line_summary(line: LineMeasure) -> str:
    size = length_text(line.total_m, line.total_px)
    if line.azimuth_deg is not None and len(line.azimuth_deg) == 1:
        return f"{size} · {azimuth_text(float(line.azimuth_deg[0]))}"
    return size if len(line.segments_px) == 1 else f"{size} · {len(line.segments_px)} segments"


def _line_rows(line: LineMeasure) -> list[Row]:
    total = length_text(line.total_m, line.total_px)
    told = [("Length", _both(total, line.total_m, f"{line.total_px:.1f} px"))]
    count = len(line.segments_px)
    for part in range(min(count, _SEGMENTS)) if count > 1 else ():
        size = None if line.segments_m is None else float(line.segments_m[part])
        turn = "" if line.azimuth_deg is None else f" · {azimuth_text(float(line.azimuth_deg[part]))}"
        told.append((f"Segment {part + 1}", length_text(size, float(line.segments_px[part])) + turn))
    if count > _SEGMENTS:
        told.append(("More", f"{count} segments in all: the export has them"))
    if count == 1 and line.azimuth_deg is not None:
        told.append(("Azimuth", f"{azimuth_text(float(line.azimuth_deg[0]))} from true north"))
    for name, end in (("From", 0), ("To", -1)):
        if line.lonlat is not None:
            told.append((name, lonlat_text(float(line.lonlat[end, 0]), float(line.lonlat[end, 1]))))
        else:
            told.append((name, _pixel(float(line.points_px[end, 0]), float(line.points_px[end, 1]))))
    return told


def _profile_rows(measured: Measured) -> list[Row]:
    found = measured.profile
    if found is None:
        return []
    known = found.intensity[found.intensity == found.intensity]
    spread = (float(known.min()), float(known.max()), float(known.mean())) if known.size else (math.nan,) * 3
    low, high, mean = (db_text(decibels(value)) for value in spread)
    return [
        ("Mean", mean),
        ("Lowest", low),
        ("Highest", high),
        ("Samples", f"{len(found.db)}, {known.size} with data"),
        ("Averaged over", f"{measured.width_px:g} px across"),
    ]


def _region_rows(found: RegionStatistics) -> list[Row]:
    told = [("Pixels", f"{_thousands(found.pixels)}, {share_text(found.valid_share)} with data")]
    if found.count == 0:
        return [*told, ("Values found", "none: no pixel of it holds data")]
    five, ninety_five = (db_text(decibels(found.percentiles[share])) for share in (5.0, 95.0))
    return [
        *told,
        ("Mean", db_text(found.mean_db)),
        ("Median", db_text(decibels(found.median))),
        ("Minimum", db_text(decibels(found.minimum))),
        ("Maximum", db_text(decibels(found.maximum))),
        ("5 % to 95 %", f"{five} to {ninety_five}"),
        ("ENL", _figure(found.enl)),
        ("Variation", f"{_figure(found.variation)} (standard deviation / mean)"),
        ("Mean intensity", f"{found.mean:.4g} (linear)"),
    ]


def _point_rows(found: PointResponse) -> list[Row]:
    told = [("Peak at", _pixel(found.col, found.row))]
    if found.lon is not None and found.lat is not None:
        told.append(("", lonlat_text(found.lon, found.lat)))
    told += [("Peak", db_text(found.peak_db)), ("Above surroundings", db_text(found.contrast_db))]
    for name, cut in (("Range", found.range), ("Azimuth", found.azimuth)):
        told += [
            (f"{name} width", _both(_width(cut), cut.width_m, f"{cut.width_px:.2f} px")),
            (f"{name} PSLR", db_text(cut.pslr_db)),
            (f"{name} ISLR", db_text(cut.islr_db)),
        ]
    return told + [("Beware", note) for note in found.notes]


def _width(cut: Cut) -> str:
    return f"{cut.width_px:.2f} px" if cut.width_m is None else f"{cut.width_m:.2f} m"


def _both(text: str, metres: float | None, pixels: str) -> str:
    """Metres with pixels behind them."""
    return text if metres is None else f"{text} ({pixels})"


def _pixel(col: float, row: float) -> str:
    return f"row {row:.2f}  col {col:.2f}"


def _figure(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "–"


def _thousands(value: float) -> str:
    """With thin blanks that do not break."""
    return f"{value:,.0f}".replace(",", "\u202f")
