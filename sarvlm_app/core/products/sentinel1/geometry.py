"""Where the pixels of an image lie: its geolocation grid, in time where bursts overlap."""

from __future__ import annotations

from dataclasses import replace

from sarvlm_app.core.georef import BurstGeoref, Georeference, GridGeoref, GridPoint

from .annotation import Annotation

MIN_BURSTS = 2


def georeference(about: Annotation) -> Georeference:
    """The geometry of an image.

    The grid's lines and pixels count samples from the centre of the first one.
    Between the bursts of an SLC the image's lines jump back by the overlap:
    there the grid is laid out in azimuth time, and each burst has its own start.

    Raises
    ------
    ValueError
        The grid fixes no map.
    """
    size = (about.width, about.height)
    if len(about.bursts) < MIN_BURSTS or about.lines_per_burst < 1 or about.line_seconds <= 0:
        return GridGeoref(about.grid, size, ground_range=about.ground_range)
    starts = tuple((burst.start - about.first_line).total_seconds() / about.line_seconds for burst in about.bursts)
    return BurstGeoref(GridGeoref(_in_time(about, starts)), about.lines_per_burst, starts, size)


def _in_time(about: Annotation, starts: tuple[float, ...]) -> tuple[GridPoint, ...]:
    """The grid's points at lines of azimuth time instead of the image's lines.

    Its lines are the first ones of the bursts, and the last one of the last burst. (Its own azimuth times
    differ from them by up to 0.2 lines along a line: those of the sensor, not of the image.)
    """
    moved = []
    for point in about.grid:
        burst = min(max(int(point.line // about.lines_per_burst), 0), len(starts) - 1)
        moved.append(replace(point, line=starts[burst] + point.line - burst * about.lines_per_burst))
    return tuple(moved)
