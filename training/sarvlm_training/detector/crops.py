"""A labelled crop for the detector: amplitude, boxes of known classes, and where nothing is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sarvlm_training.data.samples import FloatImage

CROP_PX = 320
IGNORE_CELL_PX = 4
LEAST_SHARE = 0.55
"""Of an object's extent that must lie in a crop for the object to be taught; what shows less is unknown ground."""


@dataclass(slots=True)
class Picture:
    """A whole picture with its objects.

    Attributes
    ----------
    amplitude : float32 (h, w)
    level, ratio : float
        Median amplitude, and the 98th percentile over it.
    keys : list of str
        Concept of each object.
    corners : float64 (n, 4, 2)
        Rotated boxes (col, row); of objects with an upright box only, its corners.
    upright : float64 (n, 4)
        Left, top, right, bottom.
    is_rotated : bool (n,)
        Whether `corners` is a rotated box.
    ignore : bool (h, w) or None
        Ground of which it is not known whether it holds objects.
    """

    amplitude: FloatImage
    level: float
    ratio: float
    keys: list[str]
    corners: NDArray[np.float64]
    upright: NDArray[np.float64]
    is_rotated: NDArray[np.bool_]
    ignore: NDArray[np.bool_] | None = None


@dataclass(slots=True)
class Crop:
    """One training crop.

    Attributes
    ----------
    relative : float32 (320, 320)
        Amplitude in medians of its picture.
    ratio : float
    keys : list of str
    rotated : float32 (n, 5)
        Centre, length, width, axis in radians; NaN of objects whose rotated box is not known.
    upright : float32 (n, 4)
        Left, top, right, bottom; NaN where not known.
    ignore : bool (80, 80)
        Places that teach nothing.
    source : str
    """

    relative: FloatImage
    ratio: float
    keys: list[str]
    rotated: NDArray[np.float32]
    upright: NDArray[np.float32]
    ignore: NDArray[np.bool_]
    source: str


@dataclass(frozen=True, slots=True)
class View:
    """Which part of a picture a crop shows, how large and how turned.

    Attributes
    ----------
    aim : (float, float)
        (col, row) of the picture that comes to `at` of the crop.
    scale : float
    angle : float
        Radians, clockwise.
    mirror : bool
    """

    aim: tuple[float, float]
    at: tuple[float, float]
    scale: float
    angle: float
    mirror: bool

    def matrix(self) -> NDArray[np.float64]:
        """From picture to crop coordinates: float64 (2, 3)."""
        cos, sin = self.scale * math.cos(self.angle), self.scale * math.sin(self.angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        if self.mirror:
            turn = turn @ np.diag([-1.0, 1.0])
        return np.column_stack((turn, np.array(self.at) - turn @ np.array(self.aim)))

    @property
    def is_right(self) -> bool:
        """Whether upright boxes stay upright."""
        quarter = self.angle / (math.pi / 2)
        return abs(quarter - round(quarter)) < 1e-6


def crop_of(picture: Picture, view: View, source: str) -> Crop:
    """The part of a picture that a view shows; what lies beyond its borders is mirrored and unknown."""
    matrix = view.matrix()
    image, ignore = _sampled(picture, view, matrix)
    corners = picture.corners @ matrix[:, :2].T + matrix[:, 2]
    boxes = _upright(picture, view, matrix)
    extent = np.concatenate((corners.min(1), corners.max(1)), axis=1)
    share = _shown(extent)
    taught = share >= LEAST_SHARE
    for outline in corners[(share > 0) & ~taught]:
        _mark(ignore, outline)
    rotated = np.array([rotated_box(c) for c in corners[taught]], np.float32).reshape(-1, 5)
    rotated[~picture.is_rotated[taught]] = np.nan
    upright = boxes[taught].astype(np.float32)
    keys = [key for key, kept in zip(picture.keys, taught, strict=True) if kept]
    return Crop(image / picture.level, picture.ratio, keys, rotated, upright, ignore, source)


def rotated_box(corners: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Centre, length, width and axis (-pi/2..pi/2) of four corners in order."""
    first, second = corners[1] - corners[0], corners[2] - corners[1]
    a, b = float(np.hypot(*first)), float(np.hypot(*second))
    along = first if a >= b else second
    angle = math.atan2(float(along[1]), float(along[0]))
    angle = (angle + math.pi / 2) % math.pi - math.pi / 2
    middle = corners.mean(0)
    return float(middle[0]), float(middle[1]), max(a, b), min(a, b), angle


def _upright(picture: Picture, view: View, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Upright boxes in the crop; NaN where the crop is turned by no quarter."""
    if not view.is_right:
        return np.full((len(picture.keys), 4), np.nan)
    low = picture.upright[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    high = picture.upright[:, 2:] @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate((np.minimum(low, high), np.maximum(low, high)), axis=1)


def _shown(extent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each extent that lies in the crop."""
    inside = np.clip(extent, 0, CROP_PX)
    shown = np.prod(inside[:, 2:] - inside[:, :2], axis=1)
    return np.asarray(shown / np.maximum(np.prod(extent[:, 2:] - extent[:, :2], axis=1), 1e-9))


def _mark(ignore: NDArray[np.bool_], outline: NDArray[np.float64]) -> None:
    canvas = Image.new("L", ignore.shape[::-1])
    ImageDraw.Draw(canvas).polygon([tuple(p) for p in (outline / IGNORE_CELL_PX - 0.5).tolist()], fill=1, outline=1)
    ignore |= np.asarray(canvas) > 0


def _sampled(picture: Picture, view: View, matrix: NDArray[np.float64]) -> tuple[FloatImage, NDArray[np.bool_]]:
    """Pixels of the crop (bilinear; averaged first where it shrinks), and what of it is unknown."""
    image = picture.amplitude
    known = np.ones(image.shape, np.uint8) if picture.ignore is None else (~picture.ignore).astype(np.uint8)
    back = np.linalg.inv(np.vstack((matrix, [0, 0, 1])))
    box = np.array([(0, 0, 1), (CROP_PX, 0, 1), (0, CROP_PX, 1), (CROP_PX, CROP_PX, 1)]) @ back[:2].T
    reach = 4
    low, high = np.floor(box.min(0)).astype(int) - reach, np.ceil(box.max(0)).astype(int) + reach
    part, sure = _padded(image, low, high, "symmetric"), _padded(known, low, high, "constant")
    back[:2, 2] -= low
    shrink = max(1, round(1 / view.scale)) if view.scale < 0.7 else 1
    if shrink > 1:
        part = np.asarray(Image.fromarray(part).reduce(shrink))
        sure = np.asarray(Image.fromarray(sure).reduce(shrink))
        back[:2] /= shrink
    # PIL maps pixel centres: (x + 0.5, y + 0.5) of the output to the input
    values = back[:2].ravel().tolist()
    size = (CROP_PX, CROP_PX)
    seen = Image.fromarray(part).transform(size, Image.Transform.AFFINE, values, Image.Resampling.BILINEAR)
    where = Image.fromarray(sure).transform(size, Image.Transform.AFFINE, values, Image.Resampling.NEAREST)
    cells = CROP_PX // IGNORE_CELL_PX
    share = np.asarray(where, np.float32).reshape(cells, IGNORE_CELL_PX, cells, IGNORE_CELL_PX).mean((1, 3))
    return np.asarray(seen, np.float32), share < 0.5


def _padded(
    image: NDArray[np.generic], low: NDArray[np.int_], high: NDArray[np.int_], mode: str
) -> NDArray[np.generic]:
    """Pixels low..high (col, row) of an image, which may lie beyond it."""
    rows, cols = (np.arange(low[1], high[1]), np.arange(low[0], high[0]))
    if mode == "constant":
        inside = ((rows >= 0) & (rows < image.shape[0]))[:, None] & ((cols >= 0) & (cols < image.shape[1]))[None]
        picked = image[np.clip(rows, 0, image.shape[0] - 1)][:, np.clip(cols, 0, image.shape[1] - 1)]
        return np.where(inside, picked, 0).astype(image.dtype)
    return np.ascontiguousarray(image[_mirrored(rows, image.shape[0])][:, _mirrored(cols, image.shape[1])])


def _mirrored(places: NDArray[np.int_], length: int) -> NDArray[np.int_]:
    turned = np.mod(places, 2 * length)
    return np.where(turned < length, turned, 2 * length - 1 - turned)
