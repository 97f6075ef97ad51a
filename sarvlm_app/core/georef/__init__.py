"""Where a pixel lies on the ground: pixel <-> longitude/latitude (WGS 84), size in metres.

One interface, `Georeference`, for every kind of geometry (docs/adr/0010). Its
convention for pixels is that of `interface`: the origin is the outer corner of
the top left pixel, so the centre of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .bursts import BurstGeoref
from .control_points import MAX_GCPS, Gcp, GcpGeoref
from .derived import ScaledGeoref, ShiftedGeoref
from .grid import GridGeoref, GridPoint
from .ground_range import GroundRange
from .interface import Float64, Georeference, LonLat, PositionError, from_centre, to_centre
from .mapped import AffineGeoref
from .outline import EDGE_POINTS, local_spacing_m
from .rpc import RpcGeoref, RpcModel
from .systems import crs_name, wrap_longitude

if TYPE_CHECKING:
    from .sicd import SicdGeoref
    from .sidd import SiddGeoref

__all__ = [
    "EDGE_POINTS",
    "MAX_GCPS",
    "AffineGeoref",
    "BurstGeoref",
    "Float64",
    "Gcp",
    "GcpGeoref",
    "Georeference",
    "GridGeoref",
    "GridPoint",
    "GroundRange",
    "LonLat",
    "PositionError",
    "RpcGeoref",
    "RpcModel",
    "ScaledGeoref",
    "ShiftedGeoref",
    "SicdGeoref",
    "SiddGeoref",
    "crs_name",
    "from_centre",
    "local_spacing_m",
    "to_centre",
    "wrap_longitude",
]


def __getattr__(name: str) -> Any:
    """SicdGeoref and SiddGeoref, whose library is imported when it is needed."""
    if name == "SicdGeoref":
        from .sicd import SicdGeoref

        return SicdGeoref
    if name == "SiddGeoref":
        from .sidd import SiddGeoref

        return SiddGeoref
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
