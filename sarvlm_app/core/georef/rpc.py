"""Rational polynomial coefficients (RPC00B): pixels as ratios of cubics of latitude, longitude and height."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .interface import Float64, LonLat, PositionError, flat, from_centre, shape_of, to_centre
from .newton import Forward, invert
from .outline import footprint, local_spacing_m
from .systems import nearest_turn, wrap_longitude

_REACH = 2.0
"""Normalised latitude or longitude beyond which the polynomials mean nothing; the scene is -1..1."""
_LARGEST = 1e10
_NUMBERS = ("line_off", "samp_off", "lat_off", "long_off", "height_off")
_SCALES = ("line_scale", "samp_scale", "lat_scale", "long_scale", "height_scale")
_COEFFICIENTS = ("line_num_coeff", "line_den_coeff", "samp_num_coeff", "samp_den_coeff")


@dataclass(frozen=True, slots=True)
class RpcModel:
    """The numbers of the RPC00B tag, under its names; lines and samples count from the centre of the first pixel.

    Attributes
    ----------
    line_off, samp_off, line_scale, samp_scale : float
        Pixels.
    lat_off, long_off, lat_scale, long_scale : float
        Degrees.
    height_off, height_scale : float
        Metres above the ellipsoid.
    line_num_coeff, line_den_coeff, samp_num_coeff, samp_den_coeff : tuple of 20 float
    err_bias, err_rand : float, optional
        Metres; None where the file does not say.

    Raises
    ------
    ValueError
        When a number is missing or out of range, or a denominator is zero within the scene.
    """

    line_off: float
    samp_off: float
    lat_off: float
    long_off: float
    height_off: float
    line_scale: float
    samp_scale: float
    lat_scale: float
    long_scale: float
    height_scale: float
    line_num_coeff: tuple[float, ...]
    line_den_coeff: tuple[float, ...]
    samp_num_coeff: tuple[float, ...]
    samp_den_coeff: tuple[float, ...]
    err_bias: float | None = None
    err_rand: float | None = None

    def __post_init__(self) -> None:
        for name in _COEFFICIENTS:
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        self._require_numbers()
        self._require_denominators()

    @classmethod
    def from_rasterio(cls, rpcs: Any) -> Self:
        """Of a `rasterio.rpc.RPC`, what `dataset.rpcs` gives.

        Raises
        ------
        ValueError
            When a number is missing or out of range.
        """
        values = {entry.name: getattr(rpcs, entry.name) for entry in fields(cls)}
        missing = [name for name in (*_NUMBERS, *_SCALES, *_COEFFICIENTS) if values[name] is None]
        if missing:
            raise ValueError(f"RPC: {missing[0].upper()} is missing")
        return cls(**values)

    def _require_numbers(self) -> None:
        for name in _COEFFICIENTS:
            values = getattr(self, name)
            if len(values) != 20:
                raise ValueError(f"RPC: {name.upper()} has {len(values)} numbers instead of 20")
            if not all(abs(value) <= _LARGEST for value in values):
                raise ValueError(f"RPC: {name.upper()} has a number out of range")
            if not any(values):
                raise ValueError(f"RPC: all numbers of {name.upper()} are zero")
        for name in (*_NUMBERS, *_SCALES):
            if not abs(getattr(self, name)) <= _LARGEST:
                raise ValueError(f"RPC: {name.upper()} is out of range")
        for name in _SCALES:
            if getattr(self, name) <= 0.0:
                raise ValueError(f"RPC: {name.upper()} is not above zero")
        if abs(self.lat_off) > 90.0 or abs(self.long_off) > 360.0:
            raise ValueError("RPC: the centre LAT_OFF, LONG_OFF is no place on the Earth")
        if self.lat_scale > 90.0 or self.long_scale > 180.0:
            raise ValueError("RPC: LAT_SCALE or LONG_SCALE is larger than the Earth")

    def _require_denominators(self) -> None:
        steps = np.linspace(-1.0, 1.0, 9)
        terms = _terms(*np.array(list(product(steps, steps, steps))).T)
        for name in ("line_den_coeff", "samp_den_coeff"):
            below = terms @ np.array(getattr(self, name))
            if not (below > 0.0).all() and not (below < 0.0).all():
                raise ValueError(f"RPC: the denominator {name.upper()} is zero within the scene")


@dataclass(frozen=True, slots=True)
class RpcGeoref:
    """The geometry that rational polynomials describe.

    From the ground to pixels they are direct; from pixels to the ground, at a
    height, Newton's method is used. The own height is HEIGHT_OFF.

    Attributes
    ----------
    model : RpcModel
    size : (int, int), optional
        Width and height of the scene in pixels; needed for the footprint.

    Raises
    ------
    ValueError
        When the polynomials do not change from pixel to pixel.
    """

    model: RpcModel
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _, slopes = self._pixels(np.zeros((1, 2)), np.array([self.model.height_off]))
        if not abs(np.linalg.det(slopes[0])) > 1e-9:
            raise ValueError("RPC: the coefficients put the whole ground on one line of pixels")

    @property
    def crs_name(self) -> str:
        return "EPSG:4326"

    @property
    def uses_height(self) -> bool:
        return True

    @property
    def error_m(self) -> PositionError | None:
        stated = [value for value in (self.model.err_bias, self.model.err_rand) if value is not None and value > 0.0]
        return PositionError(float(np.hypot.reduce(stated)), "ERR_BIAS and ERR_RAND of the file") if stated else None

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return np.full(shape_of(col, row, None), self.model.height_off)

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        model = self.model
        pixels, heights = flat(col, row, height, model.height_off)
        start = np.zeros_like(pixels)
        ground = invert(_short_steps(self._pixels), start, to_centre(pixels), heights, 1e-10)
        with np.errstate(invalid="ignore"):
            ground[np.abs(ground).max(axis=1) > _REACH] = np.nan
        shape = shape_of(col, row, height)
        lon = wrap_longitude(ground[:, 0] * model.long_scale + model.long_off)
        return lon.reshape(shape), (ground[:, 1] * model.lat_scale + model.lat_off).reshape(shape)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        model = self.model
        places, heights = flat(lon, lat, height, model.height_off)
        across = (nearest_turn(places[:, 0], model.long_off) - model.long_off) / model.long_scale
        ground = np.column_stack([across, (places[:, 1] - model.lat_off) / model.lat_scale])
        pixels = from_centre(self._pixels(ground, heights)[0])
        with np.errstate(invalid="ignore"):
            pixels[~(np.abs(ground).max(axis=1) <= _REACH)] = np.nan
        shape = shape_of(lon, lat, height)
        return pixels[:, 0].reshape(shape), pixels[:, 1].reshape(shape)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)

    def _pixels(self, ground: Float64, heights: Float64) -> tuple[Float64, Float64]:
        """(sample, line) (n, 2) of normalised (longitude, latitude) (n, 2), and the slopes (n, 2, 2)."""
        model = self.model
        tall = (heights - model.height_off) / model.height_scale
        x, y = ground.T
        terms, by_x, by_y = _terms(y, x, tall), _by_longitude(y, x, tall), _by_latitude(y, x, tall)
        images, slopes = np.empty_like(ground), np.empty((len(ground), 2, 2))
        sides = (
            (model.samp_num_coeff, model.samp_den_coeff, model.samp_scale, model.samp_off),
            (model.line_num_coeff, model.line_den_coeff, model.line_scale, model.line_off),
        )
        for axis, (above, below, scale, offset) in enumerate(sides):
            top, bottom = np.array(above), np.array(below)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                denominator = terms @ bottom
                ratio = (terms @ top) / denominator
                images[:, axis] = ratio * scale + offset
                slopes[:, axis, 0] = (by_x @ top - ratio * (by_x @ bottom)) / denominator * scale
                slopes[:, axis, 1] = (by_y @ top - ratio * (by_y @ bottom)) / denominator * scale
        return images, slopes


def _short_steps(forward: Forward) -> Forward:
    """The map with positions held within twice the reach: a search that strays comes back or ends as NaN."""

    def bounded(points: Float64, heights: Float64) -> tuple[Float64, Float64]:
        np.clip(points, -2.0 * _REACH, 2.0 * _REACH, out=points)
        return forward(points, heights)

    return bounded


def _terms(p: Float64, l: Float64, h: Float64) -> Float64:  # noqa: E741 - P, L, H are the standard's letters
    """The 20 terms (n, 20) of RPC00B for normalised latitude, longitude and height."""
    one = np.ones_like(p)
    columns = (one, l, p, h, l * p, l * h, p * h, l * l, p * p, h * h, p * l * h, l**3, l * p * p, l * h * h)
    return np.column_stack([*columns, l * l * p, p**3, p * h * h, l * l * h, p * p * h, h**3])


def _by_longitude(p: Float64, l: Float64, h: Float64) -> Float64:  # noqa: E741
    """Derivatives of the 20 terms by longitude."""
    nil, one = np.zeros_like(p), np.ones_like(p)
    columns = (nil, one, nil, nil, p, h, nil, 2 * l, nil, nil, p * h, 3 * l * l, p * p, h * h)
    return np.column_stack([*columns, 2 * l * p, nil, nil, 2 * l * h, nil, nil])


def _by_latitude(p: Float64, l: Float64, h: Float64) -> Float64:  # noqa: E741
    """Derivatives of the 20 terms by latitude."""
    nil, one = np.zeros_like(p), np.ones_like(p)
    columns = (nil, nil, one, nil, l, nil, h, nil, 2 * p, nil, l * h, nil, 2 * l * p, nil)
    return np.column_stack([*columns, l * l, 3 * p * p, h * h, nil, 2 * p * h, nil])
