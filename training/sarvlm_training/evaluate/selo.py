"""The measures of semantic localization (SeLo): how well a probability map shows the regions that a sentence means.

Rsu says how much of the map's weight lies in the regions, Ras how far the
map's centres of attention lie from those of the regions, Rda whether each
region has one centre and not several, Rmi is their weighted mean. Rounding and
truncation follow the authors' implementation, so that numbers compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label, maximum_filter

Grey = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Polygon = NDArray[np.float64]
Point = tuple[int, int]

MEDIAN_PX: Final = 251
SMOOTHING_PX: Final = 50
SMOOTHING_PASSES: Final = 5
SEARCH_PX: Final = 1000
"""Edge of the square in which a centre of attention has no better one."""
LEAST_ATTENTION: Final = 0.5
AREA_SHARPNESS: Final = 0.707
OFFSET_SHARPNESS: Final = 3.0
REACH: Final = 1.5
"""Radius of a region in mean distances of its vertices from its centre."""
WEIGHTS: Final = (0.4, 0.35, 0.25)


@dataclass(frozen=True, slots=True)
class Region:
    """Centre and radius of a polygon, whole pixels (truncated)."""

    col: int
    row: int
    radius: int


@dataclass(frozen=True, slots=True)
class Selo:
    """The measures of one map; all finite and in 0..1.

    Attributes
    ----------
    rsu, rda, rmi : float
        The more the better.
    ras : float
        The less the better.
    mask_area : int
        Pixels of all regions together.
    centers : tuple of (col, row)
        Centres of attention, strongest first.
    """

    rsu: float
    ras: float
    rda: float
    rmi: float
    mask_area: int
    centers: tuple[Point, ...]


def measure(probability: NDArray[np.uint8] | NDArray[np.float64], regions: Sequence[Polygon]) -> Selo:
    """All measures of a map.

    Parameters
    ----------
    probability : uint8 (h, w), or float (h, w) in 0..1
        uint8 stands for 0..1 in steps of 1/255.
    regions : sequence of float64 (k, 2)
        Corners (x, y) in pixels of the map; corners may repeat.

    Returns
    -------
    Selo
        Where a formula has no value, its limit: a map of zeros reads Rsu 0,
        Ras 1, Rda 0, Rmi 0; regions over the whole map read Rsu 0; a region of
        radius 0 is met by a centre on that very pixel only.

    Raises
    ------
    ValueError
        There is no region, or none covers a pixel of the map.
    """
    mask = region_mask(probability.shape, regions)
    area = int(np.count_nonzero(mask))
    if not area:
        raise ValueError("no region covers a pixel of the map")
    centers = attention_centers(probability)
    circles = [region_of(polygon) for polygon in regions]
    rsu = significant_area(probability, mask)
    ras = attention_shift(centers, circles)
    rda = discrete_attention(centers, circles)
    rmi = WEIGHTS[0] * rsu + WEIGHTS[1] * (1.0 - ras) + WEIGHTS[2] * rda
    return Selo(rsu, ras, rda, rmi, area, tuple(centers))


def region_mask(shape: tuple[int, ...], regions: Sequence[Polygon]) -> Mask:
    """Regions as a mask uint8 (h, w) of 0 and 1; corners are truncated to whole pixels.

    Overlapping regions cancel (even-odd rule), their outlines excepted, as
    in one call of `cv2.fillPoly`.
    """
    mask = np.zeros(shape[:2], np.uint8)
    if regions:
        cv2.fillPoly(mask, [np.asarray(polygon, np.float64).astype(np.int32) for polygon in regions], 1)
    return mask


def region_of(polygon: Polygon) -> Region:
    """Mean of the vertices, and one and a half times their mean distance from it."""
    col, row = (int(value) for value in polygon.mean(axis=0))
    return Region(col, row, int(REACH * np.hypot(polygon[:, 0] - col, polygon[:, 1] - row).mean()))


def attention_centers(probability: NDArray[np.uint8] | NDArray[np.float64]) -> list[Point]:
    """Centres of attention (col, row), strongest first.

    The best places within `SEARCH_PX` of the map smoothed five times, where
    the map itself has at least `LEAST_ATTENTION`.
    """
    grey = to_grey(probability)
    for _ in range(SMOOTHING_PASSES):
        grey = np.asarray(cv2.boxFilter(grey, -1, (SMOOTHING_PX, SMOOTHING_PX)), np.uint8)
    best = (maximum_filter(grey, size=SEARCH_PX) == grey) & (grey > 0)
    components, count = label(best, structure=np.ones((3, 3), int))
    rows, cols = np.nonzero(best)
    of_pixel = components[rows, cols]
    sizes = np.bincount(of_pixel, minlength=count + 1)[1:]
    middle_rows, middle_cols = (np.bincount(of_pixel, axis, count + 1)[1:] / sizes for axis in (rows, cols))
    scale = 255.0 if probability.dtype == np.uint8 else 1.0
    found = [(int(col), int(row)) for row, col in zip(middle_rows, middle_cols, strict=True)]
    strength = {point: float(probability[point[1], point[0]]) / scale for point in found}
    return sorted((p for p in found if strength[p] >= LEAST_ATTENTION), key=lambda p: -strength[p])


def to_grey(probability: NDArray[np.uint8] | NDArray[np.float64]) -> Grey:
    """A map in 0..1 as uint8, truncated; uint8 stays as it is."""
    if probability.dtype == np.uint8:
        return np.asarray(probability, np.uint8)
    return (probability * 255.0).astype(np.uint8)


def significant_area(probability: NDArray[np.uint8] | NDArray[np.float64], mask: Mask) -> float:
    """Rsu: the map's weight inside the regions over that outside, by their share of the ground."""
    scale = 255.0 if probability.dtype == np.uint8 else 1.0
    inside = float(probability[mask > 0].sum(dtype=np.float64)) / scale
    total = float(probability.sum(dtype=np.float64)) / scale
    area = int(np.count_nonzero(mask))
    ratio = inside / (total - inside + 1e-7) * (mask.size - area) / area
    return 1.0 - math.exp(-AREA_SHARPNESS * max(ratio, 0.0))


def attention_shift(centers: Sequence[Point], regions: Sequence[Region]) -> float:
    """Ras: mean distance of the centres within a region's radius, in radii; a region without one counts as 1."""
    shares = []
    for region in regions:
        near = [d for d in _distances(centers, region) if d <= region.radius]
        shares.append((sum(near) / len(near) / region.radius if region.radius else 0.0) if near else 1.0)
    return math.expm1(OFFSET_SHARPNESS * sum(shares) / len(shares)) / math.expm1(OFFSET_SHARPNESS)


def discrete_attention(centers: Sequence[Point], regions: Sequence[Region]) -> float:
    """Rda: 1 for a region with one centre, 0 without, about a half and less with several."""
    return sum(_discreteness(centers, region) for region in regions) / len(regions)


def _discreteness(centers: Sequence[Point], region: Region) -> float:
    near = [c for c, d in zip(centers, _distances(centers, region), strict=True) if d <= region.radius]
    if len(near) < 2:
        return float(len(near))
    places = np.array(near, np.float64)
    spread = float(np.hypot(*(places - places.mean(axis=0)).T).mean())
    share = spread / region.radius if region.radius else 0.0
    return 0.5 * (1.0 - share) + math.exp(-0.5 * (len(near) + 2))


def _distances(centers: Sequence[Point], region: Region) -> list[float]:
    return [math.hypot(col - region.col, row - region.row) for col, row in centers]
