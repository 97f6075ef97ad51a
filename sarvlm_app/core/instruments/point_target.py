"""The response of a point target: how sharp the sensor sees."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from sarvlm_app.core.instruments.ground import Float64, places
from sarvlm_app.core.instruments.region import decibels
from sarvlm_app.core.products.sources import read_intensity
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import Scene, source_of
from sarvlm_app.errors import QueryError
from sarvlm_models.types import Window

EDGES = (64, 32)
"""Pixels around the target that are looked at; the smaller one near the scene's rim."""

SEARCH_PX = 8
"""How far from the given place the brightest pixel is looked for."""

FACTOR = 16
"""Oversampling of the image."""

SIDE_LOBES = 10
"""Side lobes are looked for up to this many -3 dB widths from the peak."""

FLOOR_DB = -80.0
"""What is darker than this beside a peak is told as this."""

LEAST_CONTRAST_DB = 15.0
HIGHEST_SIDE_LOBE_DB = -6.0
"""What is brighter beside the main lobe is no side lobe but a target of its own."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The response along one axis, through the peak.

    Attributes
    ----------
    width_px : float
        Between the places of half power (-3 dB).
    width_m : float or None
        The same on the ground.
    pslr_db : float
        Peak side lobe ratio: highest side lobe over peak; NaN where none is seen.
    islr_db : float
        Integrated side lobe ratio: energy of the side lobes over that of the main lobe.
    offset_px : float64 (n,)
        From the peak, sample by sample of the oversampled line.
    level_db : float64 (n,)
        Of the intensity there over the peak; no lower than `FLOOR_DB`.
    """

    width_px: float
    width_m: float | None
    pslr_db: float
    islr_db: float
    offset_px: Float64 = field(compare=False, repr=False)
    level_db: Float64 = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PointResponse:
    """What a point target shows.

    Attributes
    ----------
    col, row : float
        Of the peak, from the outer corner of the top left pixel.
    lon, lat : float or None
    peak_db : float
        Of the oversampled peak's intensity.
    contrast_db : float
        Of the peak over the median of its surroundings.
    range, azimuth : Cut
        Along the columns' axis and the rows' axis.
    is_complex : bool
        Whether complex values were interpolated, or detected intensity.
    notes : tuple of str
        What to beware of.
    """

    col: float
    row: float
    lon: float | None
    lat: float | None
    peak_db: float
    contrast_db: float
    range: Cut
    azimuth: Cut
    is_complex: bool
    notes: tuple[str, ...]


def point_response(scene: Scene, band: int, col: float, row: float) -> PointResponse:
    """Position, width and side lobes of the brightest point near a place.

    The image around the brightest pixel within 8 px is oversampled 16 times
    by zero padding of its spectrum about the spectrum's own centre, so that
    squinted and complex data are interpolated exactly. A main lobe ends at
    the first minimum on each side; side lobes count up to ten widths from the
    peak (Cumming & Wong 2005, "Digital Processing of Synthetic Aperture Radar
    Data", ch. 2: point target analysis).

    Parameters
    ----------
    band : int
        From 1.
    col, row : float
        Pixels, near the target.

    Raises
    ------
    QueryError
        The place lies outside the scene or too near its rim, or there is no data or no peak.
    SceneError
        The scene cannot be read.
    """
    if not (0 <= col < scene.width and 0 <= row < scene.height):
        raise QueryError(
            f"The point {col:g}, {row:g} lies outside {scene.path} of {scene.width} x {scene.height} px; "
            "choose another."
        )
    window, peak = _around_peak(scene, band, int(col), int(row))
    values, is_complex = _values(scene, band, window)
    at, along_row, along_col = _oversampled(values, is_complex, peak)
    here = (window.col + at[1] / FACTOR + 0.5, window.row + at[0] / FACTOR + 0.5)
    known = places(scene, [here])
    along, across = _spacing(scene, *here) or (None, None)
    cuts = _cut(along_row, at[1], along), _cut(along_col, at[0], across)
    summit = float(along_row[at[1]])
    contrast = decibels(summit) - decibels(float(np.median(np.abs(values) ** 2 if is_complex else values)))
    return PointResponse(
        col=here[0],
        row=here[1],
        lon=None if known.lonlat is None else float(known.lonlat[0, 0]),
        lat=None if known.lonlat is None else float(known.lonlat[0, 1]),
        peak_db=decibels(summit),
        contrast_db=contrast,
        range=cuts[0],
        azimuth=cuts[1],
        is_complex=is_complex,
        notes=_notes(is_complex, contrast, window, cuts),
    )


def _notes(is_complex: bool, contrast: float, window: Window, cuts: tuple[Cut, Cut]) -> tuple[str, ...]:
    notes = []
    if not is_complex:
        notes.append("detected data: side lobes and width are exact only where the intensity was sampled finely enough")
    if contrast < LEAST_CONTRAST_DB:
        notes.append(f"the peak stands only {contrast:.1f} dB above its surroundings: clutter disturbs every figure")
    if any(cut.pslr_db > HIGHEST_SIDE_LOBE_DB for cut in cuts):
        notes.append("another bright target lies close by: side lobes cannot be told from it")
    if window.width == EDGES[-1]:
        notes.append("near the rim of the scene: side lobes are seen up to 16 px from the peak only")
    return tuple(notes)


def _around_peak(scene: Scene, band: int, col: int, row: int) -> tuple[Window, tuple[int, int]]:
    """A square about the brightest pixel near a place, and that pixel's (row, col) in it."""
    search = Window(col - SEARCH_PX, row - SEARCH_PX, 2 * SEARCH_PX + 1, 2 * SEARCH_PX + 1)
    search = search.intersection(Window(0, 0, scene.width, scene.height)) or search
    intensity, valid = read_intensity(source_of(scene, band), search)
    if not (valid & (intensity > 0)).any():
        raise QueryError(f"There is no data at {col}, {row} of {scene.path}; choose a point inside the image.")
    best = int(np.argmax(np.where(valid, intensity, -np.inf)))
    bright = search.row + best // search.width, search.col + best % search.width
    for edge in EDGES:
        window = Window(bright[1] - edge // 2, bright[0] - edge // 2, edge, edge)
        if window.intersection(Window(0, 0, scene.width, scene.height)) == window:
            return window, (edge // 2, edge // 2)
    raise QueryError(
        f"The peak at {bright[1]}, {bright[0]} of {scene.path} lies within {EDGES[-1] // 2} px of the rim; "
        "choose a target farther inside."
    )


def _values(scene: Scene, band: int, window: Window) -> tuple[NDArray[Any], bool]:
    """Complex values complex128, or detected intensity float64, (h, w); 0 where there is no data."""
    source = source_of(scene, band)
    if source.value_type is ValueType.COMPLEX:
        values, valid = source.native(window)
        known = valid & np.isfinite(values)
        return np.where(known, values, 0).astype(np.complex128), True
    return read_intensity(source, window)[0].astype(np.float64), False


def _oversampled(
    values: NDArray[Any], is_complex: bool, peak: tuple[int, int]
) -> tuple[tuple[int, int], Float64, Float64]:
    """The image sampled `FACTOR` times as finely, where it is needed: sample (i, j) stays at (16 i, 16 j).

    Returns
    -------
    (int, int), float64, float64
        Row and column of the highest fine sample within a pixel and a half of
        `peak`; the intensity along its row and along its column.
    """
    spectrum = fft.fft2(values) * FACTOR**2
    if is_complex:
        for axis in (0, 1):
            spectrum = np.roll(spectrum, -_centre_bin(values, axis), axis=axis)
    rows = fft.ifft(_padded(spectrum.T).T, axis=0)  # (fine rows, frequencies of the columns)
    reach = 3 * FACTOR // 2
    top, left = (place * FACTOR - reach for place in peak)
    near = _power(fft.ifft(_padded(rows[top : top + 2 * reach + 1]), axis=1), is_complex)
    row, col = divmod(int(np.argmax(near[:, left : left + 2 * reach + 1])), 2 * reach + 1)
    col += left
    n = rows.shape[1]
    to_column = np.exp(2j * math.pi * fft.fftfreq(n) * col / FACTOR) / (n * FACTOR)
    return (top + row, col), near[row], _power(rows @ to_column, is_complex)


def _power(fine: NDArray[Any], is_complex: bool) -> Float64:
    return np.asarray(np.abs(fine) ** 2 if is_complex else np.maximum(fine.real, 0.0))


def _centre_bin(values: NDArray[Any], axis: int) -> int:
    """Bin at which the spectrum's energy is centred, from the phase between neighbours."""
    lines = np.moveaxis(values, axis, 0)
    phase = float(np.angle(np.vdot(lines[:-1], lines[1:])))
    return round(phase / (2 * math.pi) * len(lines))


def _padded(spectrum: NDArray[Any]) -> NDArray[Any]:
    """Spectra (m, n) with zeros between the positive and the negative frequencies, (m, 16 n)."""
    n = spectrum.shape[1]
    wide = np.zeros((spectrum.shape[0], n * FACTOR), np.complex128)
    wide[:, : n // 2] = spectrum[:, : n // 2]
    wide[:, -(n // 2) :] = spectrum[:, n // 2 :]
    return wide


def _cut(line: Float64, peak: int, spacing_m: float | None) -> Cut:
    """Width and side lobes of an intensity line sampled `FACTOR` times a pixel."""
    left, left_null = _half(line[peak::-1])
    right, right_null = _half(line[peak:])
    width = (left + right) / FACTOR
    reach = math.ceil(SIDE_LOBES * width * FACTOR)
    side = np.concatenate(
        [line[max(0, peak - reach) : max(0, peak - left_null)], line[peak + right_null + 1 : peak + reach + 1]]
    )
    main = float(line[max(0, peak - left_null) : peak + right_null + 1].sum())
    highest = float(side.max()) / float(line[peak]) if side.size else 0.0
    return Cut(
        width_px=width,
        width_m=None if spacing_m is None else width * spacing_m,
        pslr_db=decibels(highest),
        islr_db=decibels(float(side.sum()) / main),
        offset_px=(np.arange(len(line)) - peak) / FACTOR,
        level_db=10.0 * np.log10(np.maximum(line / line[peak], 10.0 ** (FLOOR_DB / 10.0))),
    )


def _half(line: Float64) -> tuple[float, int]:
    """From the peak (first of `line`) to half power, and to the first minimum beyond; both in fine samples."""
    under = np.flatnonzero(line < line[0] / 2)
    if under.size == 0:
        raise QueryError(
            "There is no point target: the brightness does not fall to half around it; choose another place."
        )
    first = int(under[0])
    before, after = float(line[first - 1]), float(line[first])
    half = first - 1 + (before - float(line[0]) / 2) / (before - after)
    rising = np.flatnonzero(np.diff(line[first:]) > 0)
    return half, first + int(rising[0]) if rising.size else len(line) - 1


def _spacing(scene: Scene, col: float, row: float) -> tuple[float, float] | None:
    spacing = scene.georef.spacing_m(col, row) if scene.georef is not None else scene.spacing_m
    return spacing if spacing is not None and all(math.isfinite(one) and one > 0 for one in spacing) else None
