"""The strip under an exported picture: the question, the scene, the model, a scale bar and the legend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from sarvlm_app import __version__
from sarvlm_app.core.export.lettering import Font, font, lettered, wrap
from sarvlm_app.core.export.ramp import heat_colours
from sarvlm_app.core.georef import local_spacing_m
from sarvlm_app.core.query import Answer
from sarvlm_app.core.scene import Scene

PANEL = (33, 37, 46)
TEXT = (232, 234, 238)
MUTED = (160, 167, 180)
WARM = (255, 180, 84)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    font: Font
    colour: tuple[int, int, int]


def font_px(width: int) -> int:
    """Size of the small print for a picture of `width` pixels."""
    return max(14, min(32, round(width / 62)))


def caption_strip(answer: Answer, width: int, pixel_scale: float) -> Image.Image:
    """Draw the strip.

    Parameters
    ----------
    answer : Answer
    width : int
        Of the picture, in its own pixels.
    pixel_scale : float
        Picture pixels per pixel of the scene.
    """
    size = font_px(width)
    margin, split = round(1.2 * size), round(0.64 * width)
    lines = list(_lines(answer, size, split - 2 * margin))
    height = round(sum(_line_height(line.font) for line in lines)) + 2 * margin
    strip = Image.new("RGB", (width, max(height, 9 * size)), PANEL)
    draw = ImageDraw.Draw(strip)
    y = float(margin)
    for line in lines:
        draw.text((margin, y), line.text, font=line.font, fill=line.colour)
        y += _line_height(line.font)
    room = width - split - margin
    _scale_bar(draw, (split, margin), room, _bar(answer.scene, pixel_scale, room), size)
    _legend(strip, (split, margin + 4 * size), room, answer.query.threshold, size)
    return strip


def _lines(answer: Answer, size: int, room: float) -> Iterator[_Line]:
    query, scene = answer.query, answer.scene
    yield from _wrapped(f"\u201c{query.text}\u201d", 1.4 * size, TEXT, room, most=4)
    if query.negatives:
        yield from _wrapped("not: " + ", ".join(query.negatives), size, MUTED, room)
    yield from _wrapped(verdict(answer), size, WARM, room)
    facts = [
        scene.name,
        scene.bands[answer.band - 1].name,
        _when(scene),
        *(["simulated scene"] if scene.simulated else []),
    ]
    method = f"crops of {', '.join(map(str, query.scales))} px" if query.scales else "dense features"
    made = " \u00b7 ".join((query.model_id, method, f"SARVLM Desktop {__version__}"))
    for text in (" \u00b7 ".join(facts), _place(scene), made):
        yield from _wrapped(text, size, MUTED, room)


def _wrapped(text: str, size: float, colour: tuple[int, int, int], room: float, most: int = 2) -> Iterator[_Line]:
    shown, own = lettered(text, size)
    yield from (_Line(line, own, colour) for line in wrap(shown, own, room, most=most))


def verdict(answer: Answer) -> str:
    """What the answer says, in a sentence."""
    found, threshold = len(answer.candidates), answer.query.threshold
    if not answer.stands_out or not found:
        text = f"Nothing stands out above {threshold:.2f}."
    else:
        text = f"{found} {'place stands' if found == 1 else 'places stand'} out above {threshold:.2f}."
    return text if answer.complete else text + " Only a part of the scene was searched so far."


def _when(scene: Scene) -> str:
    if scene.acquired is None:
        return "time unknown"
    only_date = not any((scene.acquired.hour, scene.acquired.minute, scene.acquired.second))
    return scene.acquired.strftime("%Y-%m-%d" if only_date else "%Y-%m-%d %H:%M UTC")


def _place(scene: Scene) -> str:
    if scene.georef is None:
        return f"{scene.width} \u00d7 {scene.height} px, no georeference"
    lon, lat = (float(v) for v in scene.georef.to_lonlat(scene.width / 2, scene.height / 2))
    centre = f"{abs(lat):.4f}\u00b0 {'N' if lat >= 0 else 'S'}, {abs(lon):.4f}\u00b0 {'E' if lon >= 0 else 'W'}"
    return f"centre {centre} \u00b7 {scene.georef.crs_name}"


def _line_height(of: Font) -> float:
    left, top, right, bottom = of.getbbox("Ag\u00b0")
    return 1.45 * (bottom - top) + 0.2 * top


@dataclass(frozen=True, slots=True)
class _Bar:
    length_px: float
    label: str


def _bar(scene: Scene, pixel_scale: float, room: float) -> _Bar:
    """A round length that fills at most `room` picture pixels, across the picture at the scene's centre."""
    spacing = scene.spacing_m
    if scene.georef is not None:
        spacing = local_spacing_m(scene.georef, scene.width / 2, scene.height / 2)
    if spacing is None or not all(math.isfinite(s) and s > 0 for s in spacing):
        pixels = nice_length(room / pixel_scale)
        return _Bar(pixels * pixel_scale, f"{pixels:g} px")
    across, down = spacing
    metres = nice_length(room / pixel_scale * across)
    label = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    uneven = abs(across / down - 1.0) > 0.02
    return _Bar(metres / across * pixel_scale, label + (" across" if uneven else ""))


def nice_length(longest: float) -> float:
    """The longest of 1, 2, 5 x 10^k that is no longer than `longest` (> 0)."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(n * power for n in (5.0, 2.0, 1.0) if n * power <= longest * (1 + 1e-9))


def _scale_bar(draw: ImageDraw.ImageDraw, at: tuple[int, int], room: int, bar: _Bar, size: int) -> None:
    x, y = at[0], at[1] + round(0.4 * size)
    end, thick, tick = x + min(bar.length_px, room), max(1, size // 9), round(0.5 * size)
    draw.line([(x, y), (x, y + tick), (end, y + tick), (end, y)], fill=TEXT, width=thick)
    draw.text((x, y + tick + 0.3 * size), bar.label, font=font(size), fill=TEXT)


def _legend(strip: Image.Image, at: tuple[int, int], room: int, threshold: float, size: int) -> None:
    """The ramp from 0.5 to 1.0, with the threshold marked: what lies left of it is not drawn on the picture."""
    (x, y), draw = at, ImageDraw.Draw(strip)
    ramp = heat_colours(np.linspace(0.5, 1.0, room, dtype=np.float32))
    strip.paste(Image.fromarray(np.repeat(ramp[None], size, axis=0)), (x, y))
    mark = x + (min(max(threshold, 0.5), 1.0) - 0.5) * 2.0 * (room - 1)
    draw.line([(mark, y - 0.3 * size), (mark, y + 1.3 * size)], fill=TEXT, width=max(1, size // 9))
    small, below = font(0.9 * size), y + 1.4 * size
    draw.text((x, below), "background 0.5", font=small, fill=MUTED)
    right = "strong match 1.0"
    draw.text((x + room - small.getlength(right), below), right, font=small, fill=MUTED)
