"""What the window says of boxes, runs and estimates."""

from __future__ import annotations

import math

from sarvlm_app.core.box_facts import BoxFacts
from sarvlm_app.core.box_table import Boxes, Touch
from sarvlm_app.core.detection import DetectionEstimate
from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.formats import lonlat_text, pixel_text, seconds_text

UNKNOWN = "–"
NO_SCENE = "Open a SAR scene with Ctrl+O, drop a file on the window, or open the demo scene."
NONE_YET = (
    "Nothing is detected yet. Choose where to look and press D. Another program's boxes can be imported, "
    "and boxes can be drawn by hand (W)."
)
NONE_SHOWN = "No box reaches this confidence in the classes that are ticked: move the slider down or tick more classes."
NONE_FOUND = "All boxes are struck out (Ctrl+Z brings the last one back)."
NO_GEOREF = "The scene has no georeference: places are in pixels, and there is no heading."
NO_SPACING = "Its pixel spacing is unknown too: sizes are in pixels."


def headline(shown: int, total: int) -> str:
    """How many boxes are shown, of how many."""
    if not total:
        return "Objects"
    word = "box" if total == 1 else "boxes"
    return f"{total:,} {word}" if shown == total else f"{shown:,} of {total:,} {word}"


def estimate_text(estimate: DetectionEstimate | None, *, loaded: bool) -> str:
    """What a run would cost."""
    if estimate is None:
        return "" if loaded else "The detector is being loaded…"
    windows = "1 window" if estimate.windows == 1 else f"{estimate.windows} windows"
    area = f"{estimate.megapixels:.1f} Mpx" if estimate.megapixels < 100 else f"{estimate.megapixels:.0f} Mpx"
    time = "no time known yet" if estimate.seconds is None else about(estimate.seconds)
    return f"{windows} · {area} · {time}"


def about(seconds: float) -> str:
    """A duration that is only guessed at."""
    return "under a second" if seconds < 1 else f"about {seconds_text(float(math.ceil(seconds)))}"


def scene_sentence(scene: Scene) -> str:
    """What boxes of a scene cannot tell; nothing where they tell all."""
    if scene.georef is not None:
        return ""
    return NO_GEOREF if scene.spacing_m is not None else f"{NO_GEOREF} {NO_SPACING}"


def size_text(facts: BoxFacts, sides_px: tuple[float, float]) -> str:
    """Length and width on the ground where they are known, else in pixels."""
    length, width = float(facts.length_m[0]), float(facts.width_m[0])
    if math.isfinite(length) and math.isfinite(width):
        return f"{metres(length)} × {metres(width)} m"
    return f"{sides_px[0]:.0f} × {sides_px[1]:.0f} px"


def metres(value: float) -> str:
    """A length as finely as it is known: `212`, `8.4`."""
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"


def place_lines(row: Boxes, facts: BoxFacts) -> list[str]:
    """Where one box is: longitude and latitude where they are known, and its pixel."""
    col, row_px = (float(value) for value in row.centres[0])
    lon, lat = float(facts.lon[0]), float(facts.lat[0])
    lines = [lonlat_text(lon, lat, 5)] if math.isfinite(lon) and math.isfinite(lat) else []
    return [*lines, pixel_text(col, row_px)]


def heading_text(facts: BoxFacts) -> str:
    """The axis of one box, to follow its size; nothing where it is not known."""
    heading = float(facts.heading_deg[0])
    return f" · axis {heading:.0f}°" if math.isfinite(heading) else ""


def touch_text(touches: int) -> str:
    """What was done to a box by hand."""
    said = []
    if touches & Touch.ADDED:
        said.append("drawn by hand")
    elif touches & Touch.EDITED:
        said.append("corrected by hand")
    if touches & Touch.CONFIRMED:
        said.append("confirmed")
    return ", ".join(said)
