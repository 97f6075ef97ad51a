"""From contours of constant range and range rate to the ground, as SICD and SIDD define it, by sarkit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lxml.etree
import numpy as np
import sarkit.sicd as sksicd
import sarkit.sidd as sksidd
from sarkit import wgs84
from sarkit.sicd import projection

from .interface import Float64, LonLat

MAX_XML_BYTES = 64 * 2**20
LARGEST_HEIGHT_M = 100_000.0
_VERSIONS = {"SICD": frozenset(sksicd.VERSION_INFO), "SIDD": frozenset(sksidd.VERSION_INFO)}


def parse(xml: bytes, kind: str) -> Any:
    """The XML tree; entities, networks and documents beyond all measure are not followed.

    Raises
    ------
    ValueError
        When it is no XML of that kind ("SICD" or "SIDD").
    """
    if len(xml) > MAX_XML_BYTES:
        raise ValueError(f"{kind}: the XML of {len(xml) / 1e6:.0f} MB is too large to be one")
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = lxml.etree.fromstring(xml, parser)
    except lxml.etree.XMLSyntaxError as error:
        raise ValueError(f"{kind}: the XML is damaged ({error.msg})") from error
    if lxml.etree.QName(root).localname != kind:
        raise ValueError(f"{kind}: the XML is one of {lxml.etree.QName(root).localname} and not of {kind}")
    if lxml.etree.QName(root).namespace not in _VERSIONS[kind]:
        raise ValueError(f"{kind}: its version {lxml.etree.QName(root).namespace} is not one that can be read")
    return root.getroottree()


@contextmanager
def plain_faults(kind: str) -> Iterator[None]:
    """What the library stumbles over becomes one `ValueError` that an analyst can read."""
    try:
        yield
    except (AttributeError, TypeError, LookupError) as error:
        raise ValueError(f"{kind}: the XML lacks what places its pixels on the ground") from error
    except ValueError as error:
        if str(error).startswith(kind):
            raise
        raise ValueError(f"{kind}: the XML has a value that cannot be read ({error})") from error


def to_ground(look: int, reference: Float64, sets: Any, heights: Float64) -> LonLat:
    """Longitude and latitude where the contours `sets` meet the ground at `heights` (n,).

    Parameters
    ----------
    look : int
        1 where the sensor looks to the left, -1 to the right.
    reference : float64 (3,)
        A place of the scene, earth-centred, metres.
    """
    tall = np.where(np.abs(heights) <= LARGEST_HEIGHT_M, heights, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        points, _, _ = projection.r_rdot_to_constant_hae_surface(
            look, reference, sets, tall, delta_hae_max=1e-3, nlim=8
        )
        places = wgs84.cartesian_to_geodetic(points)
    return np.asarray(places[..., 1]), np.asarray(places[..., 0])


def earth_centred(lon: Float64, lat: Float64, heights: Float64) -> Float64:
    """Earth-centred metres (n, 3)."""
    return np.asarray(wgs84.geodetic_to_cartesian(np.column_stack([lat, lon, heights])))
