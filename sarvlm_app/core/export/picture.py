"""The annotated picture: the scene, the heat map over it, the numbered candidates and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, PngImagePlugin

from sarvlm_app import __version__
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.caption_strip import PANEL, WARM, caption_strip, font_px, verdict
from sarvlm_app.core.export.lettering import font
from sarvlm_app.core.export.ramp import heat_colours, heat_opacity
from sarvlm_app.core.query import Answer
from sarvlm_app.core.radiometry import Stretch, to_intensity
from sarvlm_app.core.scene import Scene, default_stretch, read_chip
from sarvlm_models.types import Float32, Heatmap, Window

LONGEST_PX = 2400
"""Longest edge of the scene in the picture."""
_SMALL_PX = 1000
"""Scenes shorter than this are enlarged by a whole factor."""
_NARROWEST_PX = 900
"""Least width of the picture, for the sake of the text."""
_MOST_MARKS = 100
_NO_DATA = (14, 16, 20)
_HALO = (10, 10, 12)

_Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the scene lies in the picture: its left edge, its size, and picture pixels per pixel of the scene."""

    left: int
    width: int
    height: int
    scale: float


def write_picture(answer: Answer, path: Path, values: Float32 | None = None, stretch: Stretch | None = None) -> None:
    """Write `answer` as an annotated PNG.

    Parameters
    ----------
    answer : Answer
    path : Path
        Replaced when it exists.
    values : float32 (h, w), optional
        The whole scene in its own unit (complex: amplitude), at the shape of
        `picture_shape`, NaN = no data; by default it is read from the file
        and averaged in intensity.
    stretch : Stretch, optional
        Display range; the scene's default (dB, percentiles) by default.

    Raises
    ------
    StorageError
        When the place cannot be written to.
    SceneError
        When the scene cannot be read.
    """
    picture = render_picture(answer, values, stretch)
    about = PngImagePlugin.PngInfo()
    about.add_itxt("Title", answer.query.text)
    about.add_itxt("Description", f"{answer.scene.name}: {verdict(answer)} Model {answer.query.model_id}.")
    about.add_itxt("Software", f"SARVLM Desktop {__version__}")
    with replace_when_done(path) as part:
        picture.save(part, format="PNG", pnginfo=about, compress_level=3)


def picture_shape(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of a scene of `width` x `height` pixels in the picture, reduced but not enlarged."""
    reduction = min(1.0, LONGEST_PX / max(width, height))
    return max(1, round(height * reduction)), max(1, round(width * reduction))


def render_picture(answer: Answer, values: Float32 | None = None, stretch: Stretch | None = None) -> Image.Image:
    """The picture that `write_picture` writes, as an RGB image."""
    scene = answer.scene
    if values is None:
        whole = Window(0, 0, scene.width, scene.height)
        chip = read_chip(scene, whole, answer.band, shape=picture_shape(scene.width, scene.height))
        intensity = np.where(chip.valid, chip.intensity, np.float32(np.nan))
    else:
        intensity = to_intensity(values, scene.bands[answer.band - 1].value_type)
    grey = _grey(intensity, stretch or default_stretch(scene, answer.band))
    enlarged = max(1, _SMALL_PX // max(grey.shape[:2]))
    grey = grey.repeat(enlarged, axis=0).repeat(enlarged, axis=1)
    height, width = grey.shape[:2]
    canvas_width = max(width, _NARROWEST_PX)
    frame = _Frame((canvas_width - width) // 2, width, height, width / scene.width)
    shown = Image.fromarray(_with_heat(grey, answer.heatmap, scene))
    strip = caption_strip(answer, canvas_width, frame.scale)
    picture = Image.new("RGB", (canvas_width, height + strip.height), PANEL)
    picture.paste(shown, (frame.left, 0))
    _draw_candidates(picture, answer, frame)
    if scene.simulated:
        _draw_badge(picture, "SIMULATED", font_px(canvas_width))
    picture.paste(strip, (0, height))
    return picture


def _grey(intensity: Float32, stretch: Stretch) -> _Pixels:
    """RGB uint8 (h, w, 3) of linear intensity under the scene's display stretch; NaN is no data."""
    grey = (np.nan_to_num(stretch.apply(intensity), nan=0.0) * 255.0).round().astype(np.uint8)
    pixels = np.repeat(grey[..., None], 3, axis=2)
    pixels[np.isnan(intensity)] = _NO_DATA
    return pixels


def _with_heat(pixels: _Pixels, heatmap: Heatmap, scene: Scene) -> _Pixels:
    """Lay the heat map over the scene; it is clear below the threshold of its query."""
    size = (pixels.shape[1], pixels.shape[0])
    rows, cols = heatmap.scores.shape
    box = (0.0, 0.0, min(cols, scene.width / heatmap.cell_px), min(rows, scene.height / heatmap.cell_px))
    known = Image.fromarray(np.isfinite(heatmap.scores).astype(np.uint8) * 255)
    filled = Image.fromarray(np.nan_to_num(heatmap.scores, nan=0.0).astype(np.float32))
    scores = np.asarray(filled.resize(size, Image.Resampling.BILINEAR, box=box), dtype=np.float32)
    held = np.asarray(known.resize(size, Image.Resampling.NEAREST, box=box)) > 0
    opacity = (heat_opacity(scores, heatmap.query.threshold) * held)[..., None]
    mixed: Float32 = pixels * (1.0 - opacity) + heat_colours(scores) * opacity
    return mixed.round().astype(np.uint8)


def _draw_candidates(picture: Image.Image, answer: Answer, frame: _Frame) -> None:
    size = font_px(picture.width)
    draw, thick = ImageDraw.Draw(picture), max(2, size // 8)
    for candidate in reversed(answer.candidates[:_MOST_MARKS]):  # the best on top
        x, y = frame.left + candidate.col * frame.scale, candidate.row * frame.scale
        radius = min(max(0.5 * max(candidate.bbox_px[2:]) * frame.scale, 0.8 * size), 3.0 * size)
        circle = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(circle, outline=_HALO, width=thick + 2)
        draw.ellipse([v + s for v, s in zip(circle, (1, 1, -1, -1), strict=True)], outline=WARM, width=thick)
        _draw_rank(draw, candidate.rank, (x, y, 0.75 * radius), frame)


def _draw_rank(draw: ImageDraw.ImageDraw, rank: int, circle: tuple[float, float, float], frame: _Frame) -> None:
    """A small plate at the upper right of the circle (x, y, reach), or where it stays inside the scene."""
    x, y, reach = circle
    size = font_px(max(frame.width, _NARROWEST_PX))
    number, text = font(0.95 * size), str(rank)
    wide, tall = number.getlength(text) + 0.5 * size, 1.25 * size
    left = x + reach if x + reach + wide <= frame.left + frame.width else x - reach - wide
    top = min(max(y - reach - tall, 0.0), frame.height - tall)
    draw.rounded_rectangle((left, top, left + wide, top + tall), radius=0.3 * size, fill=_HALO)
    draw.text((left + wide / 2, top + tall / 2), text, font=number, fill=WARM, anchor="mm")


def _draw_badge(picture: Image.Image, text: str, size: int) -> None:
    draw, bold = ImageDraw.Draw(picture), font(size)
    wide = bold.getlength(text)
    draw.rectangle((size // 2, size // 2, 1.5 * size + wide, 2.2 * size), fill=_HALO, outline=WARM)
    draw.text((size, 0.75 * size), text, font=bold, fill=WARM)
