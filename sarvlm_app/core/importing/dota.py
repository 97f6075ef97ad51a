"""DOTA text: labels of one image, or results of one class."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError

from .coco import is_scene
from .outlines import Notes, Outline

_RESULT_CELLS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class DotaLine:
    """One object.

    Attributes
    ----------
    corners : float64 (4, 2)
    label : str
    difficult : int
        0 where it is not told.
    score : float or None
        Of files that tell one after the difficulty, as those of `sarvlm detect`.
    """

    corners: NDArray[np.float64]
    label: str
    difficult: int
    score: float | None


@dataclass(frozen=True, slots=True)
class DotaFile:
    """Metres per pixel (0 where they are not told), and the objects."""

    spacing_m: float
    lines: tuple[DotaLine, ...]


def dota_text_lines(path: Path) -> list[str]:
    """The lines of a DOTA file.

    Raises
    ------
    OSError
        It cannot be read.
    QueryError
        It is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as fault:
        raise QueryError(f"{path} is no text; give a DOTA file in UTF-8.") from fault


def parse_dota(lines: Sequence[str], path: Path) -> DotaFile:
    """Labels: “x1 y1 x2 y2 x3 y3 x4 y4 class difficult”, perhaps with a score behind.

    Raises
    ------
    QueryError
        A line is something else.
    """
    spacing, found = 0.0, []
    for number, line in enumerate(lines, 1):
        name, _, value = line.partition(":")
        if name.strip().lower() == "gsd":
            spacing = _positive(value)
        elif line.strip() and name.strip().lower() != "imagesource":
            found.append(_label_line(line, f"{path}, line {number}"))
    return DotaFile(spacing, tuple(found))


def dota_outlines(path: Path, scene: Scene, notes: Notes) -> list[Outline]:
    """The objects of a label file, or of a result file (“image score x1 y1 ... y4”, one class a file) for the scene.

    Raises
    ------
    QueryError
        It cannot be read, a line is neither, or the results are of other images.
    """
    try:
        lines = dota_text_lines(path)
    except OSError as fault:
        raise QueryError(f"{path} cannot be read ({fault.strerror}); check its name and permissions.") from fault
    written = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    if written and len(written[0][1]) == _RESULT_CELLS and _number(written[0][1][8]) is not None:
        return _results(written, path, scene, notes)
    return [Outline(each.label, each.score, each.corners) for each in parse_dota(lines, path).lines]


def _results(lines: Sequence[tuple[int, list[str]]], path: Path, scene: Scene, notes: Notes) -> list[Outline]:
    label = re.sub(r"^task\d_", "", path.stem, flags=re.IGNORECASE) or "object"
    notes.add(f"The file has no classes; its boxes are labelled “{label}” by its name.")
    images: dict[str, list[Outline]] = {}
    for number, cells in lines:
        values = [_number(cell) for cell in cells[1:]]
        if len(values) != _RESULT_CELLS - 1 or any(value is None for value in values):
            text = " ".join(cells)[:60]
            raise QueryError(f"{path}, line {number} is not “image score x1 y1 ... x4 y4” ({text}); correct it.")
        corners = np.array(values[1:], np.float64).reshape(4, 2)
        images.setdefault(cells[0], []).append(Outline(label, values[0], corners))
    own = [outlines for name, outlines in images.items() if is_scene(name, scene)]
    if not own and len(images) > 1:
        raise QueryError(
            f"{path} has boxes of {len(images)} images, “{next(iter(images))}” the first, and none of "
            f"{scene.path.name}; give the results of this scene, or name the image in the file as the scene."
        )
    if not own:
        notes.add(f"Boxes of “{next(iter(images))}”, the only image of the file, are taken for this scene's.")
        own = list(images.values())
    return [outline for outlines in own for outline in outlines]


def _label_line(line: str, place: str) -> DotaLine:
    cells = line.replace(",", " ").split()
    values = [_number(cell) for cell in cells[:8]]
    words, score = cells[8:], None
    if len(words) > 2 and words[-2].isdigit() and _number(words[-1]) is not None:
        words, score = words[:-1], _number(words[-1])
    difficult = len(words) > 1 and words[-1].isdigit()
    label = " ".join(words[:-1] if difficult else words)
    if len(values) != 8 or any(v is None or not math.isfinite(v) for v in values) or not label:
        raise QueryError(f"{place} is not “x1 y1 x2 y2 x3 y3 x4 y4 class difficult” ({line.strip()[:60]}); correct it.")
    corners = np.array(values, np.float64).reshape(4, 2)
    return DotaLine(corners, label, int(words[-1]) if difficult else 0, score)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _positive(text: str) -> float:
    """A number above 0, or 0 where there is none ("null")."""
    value = _number(text) or 0.0
    return value if 0 < value < math.inf else 0.0
