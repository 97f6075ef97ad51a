"""How a caption's place, size, counts and land cover read in the window."""

from __future__ import annotations

from sarvlm_app.core.caption_list import Ground, SceneCaption, Where, ground_of
from sarvlm_app.core.counting import COUNTABLES
from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.formats import lonlat_text, number_text, pixel_text, share_text
from sarvlm_models.types import Window

WHERE_NAMES = {Where.VIEW: "View", Where.PLACE: "Place", Where.REGION: "Region", Where.SCENE: "Scene"}
_NAMES = {kind.key: kind.names for kind in COUNTABLES}
_LEAST_SHARE, _MOST_COVERS = 0.01, 3


def metres_text(size_m: tuple[float, float]) -> str:
    """Width and height on the ground: `6.4 × 4.8 km`, `640 × 480 m`."""
    longest = max(size_m)
    scale, unit = (1000.0, "km") if longest >= 1000 else (1.0, "m")
    decimals = 1 if longest / scale < 100 and (unit == "km" or longest < 10) else 0
    width, height = (f"{length / scale:.{decimals}f}" for length in size_m)
    return f"{width} × {height} {unit}"


def size_texts(window: Window, ground: Ground) -> tuple[str, ...]:
    """Size in pixels, and on the ground where that is known; then the same shorter, for where room is scarce."""
    pixels = f"{window.width} × {window.height} px"
    if ground.size_m is None:
        return (pixels,)
    metres = metres_text(ground.size_m)
    return f"{pixels} · {metres}", metres


def centre_text(window: Window, ground: Ground) -> str:
    """Latitude and longitude of the centre; row and column without georeference."""
    if ground.centre is not None:
        return lonlat_text(*ground.centre)
    return pixel_text(window.col + window.width / 2, window.row + window.height / 2)


def counts_text(counts: tuple[tuple[str, int], ...]) -> str:
    """What was counted, without what was not found: `3 ships, 1 storage tank`."""
    found = []
    for key, number in counts:
        one, several = _NAMES.get(key, (key.replace("_", " "),) * 2)
        if number > 0:
            found.append(f"{number} {one if number == 1 else several}")
    return ", ".join(found)


def cover_text(cover: tuple[tuple[str, float], ...]) -> str:
    """The largest shares of land cover: `water 62 %, built-up 20 %`."""
    shares = [(name, share) for name, share in cover if share >= _LEAST_SHARE][:_MOST_COVERS]
    return ", ".join(f"{name}\u00a0{share_text(share)}" for name, share in shares)


def found_text(caption: SceneCaption) -> str:
    """Counts and land cover, a line each; nothing where there is neither."""
    parts = (counts_text(caption.counts), cover_text(caption.cover))
    return "\n".join(part for part in parts if part)


def place_text(scene: Scene, caption: SceneCaption) -> str:
    """Where a caption lies and which model said it."""
    centre = centre_text(caption.window, ground_of(scene, caption.window))
    return f"{centre} · {caption.model_id.partition('@')[0]}"


def tip_text(scene: Scene, caption: SceneCaption) -> str:
    """All that is known of a caption, a line each."""
    window = caption.window
    lines = [
        f"Column {window.col}, row {window.row}, {size_texts(window, ground_of(scene, window))[0]}",
        f"Model {caption.model_id}",
        f"Made {caption.made.astimezone():%Y-%m-%d %H:%M}",
    ]
    if len(scene.bands) > 1:
        names = {band.index: band.name for band in scene.bands}
        lines.insert(1, f"Band {names.get(caption.band, caption.band)}")
    if caption.logprob is not None:
        lines.append(f"Log-probability {number_text(caption.logprob, 2)}")
    if caption.edited:
        lines.append(f"The model said: {caption.said}")
    lines.append("Double click or F2 changes the words.")
    return "\n".join(lines)
