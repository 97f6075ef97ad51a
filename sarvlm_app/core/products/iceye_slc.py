"""ICEYE's SLC in HDF5: I and Q as two datasets, placed by the orbit that lies with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sarvlm_app.core.georef import Georeference, GridGeoref, GridPoint
from sarvlm_app.core.products.combined import IqSource
from sarvlm_app.core.products.hdf5 import (
    Hdf5Source,
    image_at,
    is_real,
    number_of,
    numbers_of,
    opened,
    text_of,
    time_of,
    value_at,
)
from sarvlm_app.core.products.iceye_metadata import Metadata
from sarvlm_app.core.products.range_doppler import SPEED_OF_LIGHT, Orbit, ZeroDoppler, geolocated, seconds_since
from sarvlm_app.core.products.stated import Imagery, utc
from sarvlm_app.core.products.types import Band
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

Placed = tuple[Imagery, tuple[GridPoint, ...], Georeference | None, str]


def slc_imagery(path: Path, metadata: Metadata) -> Placed:
    """The image, its places, the geometry of them and what to tell of it.

    Raises
    ------
    SceneError
        There is no image in the file.
    """
    with opened(path) as root:
        real, imaginary = image_at(root, "s_i"), image_at(root, "s_q")
        if real is None or imaginary is None or real.shape != imaginary.shape or not (
            is_real(real) and is_real(imaginary)
        ):  # fmt: skip
            raise SceneError(f"{path} lacks its image (s_i, s_q); copy or download the product again.")
        size, dtype = (int(real.shape[1]), int(real.shape[0])), str(real.dtype)
        points, geometry = _grid(root, size, metadata)
    source = IqSource(
        Hdf5Source(path, "s_i", ValueType.DN, 0.0), Hdf5Source(path, "s_q", ValueType.DN, 0.0)
    )  # fmt: skip
    name = metadata.polarisation or "complex"
    band = Band(1, name, metadata.polarisation, ValueType.COMPLEX, source)
    imagery = Imagery((band,), size, f"complex of {dtype}", (path,), 0.0)
    return imagery, points, GridGeoref(points, size) if points else None, geometry


def _grid(root: Any, size: tuple[int, int], metadata: Metadata) -> tuple[tuple[GridPoint, ...], str]:
    """Places by zero-Doppler geometry, or why there are none."""
    start, step = time_of(value_at(root, "zerodoppler_start_utc")), number_of(value_at(root, "azimuth_time_interval"))
    first, rate = number_of(value_at(root, "first_pixel_time")), number_of(value_at(root, "range_sampling_rate"))
    if start is None or step is None or first is None or not rate:
        return (), "none: the times of lines and columns are not stated"
    height = number_of(value_at(root, "avg_scene_height")) or 0.0
    half = SPEED_OF_LIGHT / 2.0
    right = (metadata.look or "right").lower() != "left"
    try:
        moments = [utc(text_of(entry)) for entry in np.ravel(value_at(root, "state_vector_time_utc"))]
        known = [moment for moment in moments if moment is not None]
        if len(known) < len(moments):
            return (), "none: a time of the orbit is not readable"
        axes = [
            [numbers_of(value_at(root, f"{name}{axis}")) for axis in "XYZ"] for name in ("pos", "vel")
        ]  # fmt: skip
        if any(column is None for columns in axes for column in columns):
            return (), "none: the orbit is not whole"
        position, velocity = (np.column_stack([np.ravel(column) for column in columns]) for columns in axes)  # type: ignore[arg-type]
        orbit = Orbit(seconds_since(start, known), position, velocity)
        points = geolocated(orbit, ZeroDoppler(0.0, step, first * half, half / rate, size, right, height))
        GridGeoref(points, size)
    except (ValueError, np.linalg.LinAlgError) as error:
        return (), f"none: {error}"
    return points, f"zero-Doppler geometry at {height:.0f} m above the ellipsoid"
