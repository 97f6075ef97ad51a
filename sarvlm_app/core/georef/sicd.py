"""Complex images in NGA's SICD form: the projection that the standard defines, by sarkit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import lxml.etree
import numpy as np
from numpy.typing import ArrayLike
from sarkit.sicd import projection

from .interface import Float64, LonLat, PositionError, flat, from_centre, shape_of, to_centre
from .outline import footprint, local_spacing_m
from .range_rate import earth_centred, parse, plain_faults, to_ground

_FAR_OFF_M = 100.0
"""The scene centre point must come out so near where the XML says it lies."""

_NEEDED = (
    "SCP", "SCP_HAE", "SCP_Row", "SCP_Col", "ARP_SCP_COA", "VARP_SCP_COA", "SideOfTrack", "GRAZ_SCP_COA",
    "NumRows", "NumCols", "FirstRow", "FirstCol", "Grid_Type", "uRow", "uCol", "Row_SS", "Col_SS", "cT_COA", "ARP_Poly",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SicdGeoref:
    """The geometry of a SICD: image grid <-> range and range rate <-> ground at a height.

    Columns of the scene are the SICD's columns and rows its rows, whichever way
    they run. The own height is that of the scene centre point.

    Attributes
    ----------
    xml : bytes
        The SICD's XML.

    Raises
    ------
    ValueError
        When the XML lacks what the projection needs, or contradicts itself.
    """

    xml: bytes
    _meta: tuple[Any, Any, PositionError | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tree = parse(self.xml, "SICD")
        with plain_faults("SICD"):
            object.__setattr__(self, "_meta", _metadata(tree))
            self._require_centre()

    @classmethod
    def from_tree(cls, tree: Any) -> Self:
        """Of sarkit's XML tree (`NitfReader(...).metadata.xmltree`)."""
        return cls(lxml.etree.tostring(tree))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self._meta[0].NumCols), int(self._meta[0].NumRows)

    @property
    def crs_name(self) -> str:
        return "EPSG:4326"

    @property
    def uses_height(self) -> bool:
        return True

    @property
    def error_m(self) -> PositionError | None:
        return self._meta[2]

    def height_m(self, col: ArrayLike, row: ArrayLike) -> Float64:
        return np.full(shape_of(col, row, None), float(self._meta[0].SCP_HAE))

    def to_lonlat(self, col: ArrayLike, row: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        meta, offsets, _ = self._meta
        pixels, heights = flat(col, row, height, meta.SCP_HAE)
        with np.errstate(invalid="ignore", divide="ignore"):
            sets = projection.compute_projection_sets(meta, self._grid(pixels))
            if offsets is not None:
                sets = projection.apply_apos(meta, sets, offsets)
            lon, lat = to_ground(meta.LOOK, meta.SCP, sets, heights)
        shape = shape_of(col, row, height)
        return lon.reshape(shape), lat.reshape(shape)

    def from_lonlat(self, lon: ArrayLike, lat: ArrayLike, height: ArrayLike | None = None) -> LonLat:
        meta, offsets, _ = self._meta
        places, heights = flat(lon, lat, height, meta.SCP_HAE)
        points = earth_centred(places[:, 0], places[:, 1], heights)
        # beyond the horizon of the scene the search runs wild, and sarkit's answers mean nothing
        points[~((points @ meta.SCP) > 0.9 * (meta.SCP @ meta.SCP))] = np.nan
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            grid, miss, _ = projection.scene_to_image(meta, points, adjust_param_offsets=offsets, delta_gp_s2i=1e-4)
            grid[~(miss <= 1e-2)] = np.nan
        first = np.array([meta.FirstCol, meta.FirstRow]) - np.array([meta.SCP_Col, meta.SCP_Row])
        pixels = from_centre(grid[:, ::-1] / np.array([meta.Col_SS, meta.Row_SS]) - first)
        shape = shape_of(lon, lat, height)
        return pixels[:, 0].reshape(shape), pixels[:, 1].reshape(shape)

    def footprint_lonlat(self) -> tuple[tuple[float, float], ...]:
        return footprint(self, self.size)

    def spacing_m(self, col: float, row: float) -> tuple[float, float]:
        return local_spacing_m(self, col, row)

    def _grid(self, pixels: Float64) -> Float64:
        """Metres (n, 2) from the scene centre point along rows' and columns' directions, of pixels (col, row)."""
        meta = self._meta[0]
        index = to_centre(pixels[:, ::-1]) + np.array([meta.FirstRow, meta.FirstCol])
        return np.asarray((index - np.array([meta.SCP_Row, meta.SCP_Col])) * np.array([meta.Row_SS, meta.Col_SS]))

    def _require_centre(self) -> None:
        meta = self._meta[0]
        if not (meta.Row_SS > 0 and meta.Col_SS > 0 and meta.NumRows > 0 and meta.NumCols > 0):
            raise ValueError("SICD: the sample spacings and the size are not above zero")
        centre = from_centre(np.array([[meta.SCP_Col - meta.FirstCol, meta.SCP_Row - meta.FirstRow]], dtype=np.float64))
        lon, lat = self.to_lonlat(centre[:, 0], centre[:, 1])
        off = float(np.linalg.norm(earth_centred(lon, lat, np.array([meta.SCP_HAE]))[0] - meta.SCP))
        if not off < _FAR_OFF_M:
            where = "nowhere on the ground" if np.isnan(off) else f"{off:.0f} m from its scene centre point"
            raise ValueError(f"SICD: the XML contradicts itself, the centre pixel lies {where}")


def _metadata(tree: Any) -> tuple[Any, Any, PositionError | None]:
    meta = projection.MetadataParams.from_xml(tree)
    if any(getattr(meta, name) is None for name in _NEEDED):
        raise ValueError("SICD: the XML lacks what places its pixels on the ground")
    offsets = None
    if projection.AdjustableParameterOffsets.exists(tree):
        offsets = projection.AdjustableParameterOffsets.from_xml(tree)
    return meta, offsets, _stated_error(tree, meta)


def _stated_error(tree: Any, meta: Any) -> PositionError | None:
    """Range and azimuth errors of the XML, the range on the ground."""
    composite = projection.ErrorStatParams.from_xml(tree).C_SCP_RGAZ
    if composite is None:
        return None
    variance = composite[0, 0] / np.cos(np.deg2rad(meta.GRAZ_SCP_COA)) ** 2 + composite[1, 1]
    return PositionError(float(np.sqrt(variance)), "ErrorStatistics of the file") if variance > 0.0 else None
