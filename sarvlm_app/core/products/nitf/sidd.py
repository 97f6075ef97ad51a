"""SIDD: detected SAR images in a NITF, ready for display, several in one file (NGA.STND.0025)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sarvlm_app.core.products.nitf.detected import DetectedSource
from sarvlm_app.core.products.nitf.document import documents, size_at
from sarvlm_app.core.products.nitf.header import ImageSegment, NitfHeader, looks_like, read_header
from sarvlm_app.core.products.nitf.samples import interleaved
from sarvlm_app.core.products.nitf.sidd_facts import polarisation_of, stated_of
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.place import NitfImage, Place
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import Around, Imagery, chosen_part, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.products.xml import parse_xml, text_at
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

_IMAGE = re.compile(r"SIDD(\d{3})\d{3}")
_SAMPLES = {"MONO8I": (1, 8), "MONO8LU": (1, 8), "MONO16I": (1, 16), "RGB8LU": (1, 8), "RGB24I": (3, 8)}
_TABLES = {"MONO8LU": (1, 2), "RGB8LU": (3,)}
TABLE_ENTRIES = 256


class SiddFamily:
    """Files whose images are named SIDD; each image is a part."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and looks_like(path, "SIDD")

    def describe(self, path: Path, part: str | None = None) -> Scene:
        header = read_header(path)
        products = _products(path, header)
        names = tuple(products)
        name = chosen_part(path, names, part)
        return _describe(path, header, products[name], name, names)


@dataclass(frozen=True, slots=True)
class _Product:
    """One image: its segments from top to bottom, and its XML."""

    segments: tuple[ImageSegment, ...]
    xml: Place


def _products(path: Path, header: NitfHeader) -> dict[str, _Product]:
    """The images "SIDD001", "SIDD002" ... that have pixels and XML; legends are no images."""
    segments: dict[int, list[ImageSegment]] = {}
    for segment in sorted(header.images, key=lambda segment: segment.name):
        match = _IMAGE.fullmatch(segment.name)
        if match is not None and segment.category == "SAR":
            segments.setdefault(int(match[1]), []).append(segment)
    places = [place for kind, place in documents(path, header) if kind == "SIDD"]
    found = {
        f"SIDD{number:03d}": _Product(tuple(segments[number]), place)
        for number, place in enumerate(places, start=1)
        if number in segments
    }
    if not found:
        raise SceneError(f"{path} holds no SIDD image with its XML; ask its producer for the whole file.")
    return found


def _describe(path: Path, header: NitfHeader, product: _Product, name: str, names: tuple[str, ...]) -> Scene:
    sidd = parse_xml(product.xml)
    rows, cols = size_at(sidd, path, "Measurement/PixelFootprint/Row", "Measurement/PixelFootprint/Col")
    segments = product.segments
    if sum(s.rows for s in segments) != rows or {s.cols for s in segments} != {cols}:
        raise SceneError(
            f"{path} contradicts itself: the XML of {name} states {rows} x {cols} pixels and its images have others; "
            "ask its producer for a valid file."
        )
    pixel_type = text_at(sidd, "Display/PixelType") or "none"
    source = _source(path, segments, pixel_type)
    polarisation = polarisation_of(sidd)
    band = Band(
        1, polarisation or ("luminance" if "RGB" in pixel_type else "image"), polarisation, ValueType.DN, source
    )
    # sarkit is imported when it is needed
    from sarvlm_app.core.products.nitf.sidd_grids import sidd_georef

    georef, geometry = sidd_georef(sidd, (cols, rows))
    extra = {"geometry": geometry, "pixels": pixel_type, "value type": "brightness made for display, not backscatter"}
    dropped = sum(1 for segment in header.images if segment.category in ("LEG", "DED"))
    if dropped:
        extra["not shown"] = f"{dropped} legends or elevation grids of the file"
    stated = stated_of(path, header, sidd, extra)
    dtype = "uint16" if pixel_type == "MONO16I" else "uint8"
    part, parts = (name, names) if len(names) > 1 else (None, ())
    title = path.stem if part is None else f"{path.stem} {name}"
    around = Around(georef, (product.xml,), (), part, parts)
    return scene_of(path, title, stated, Imagery((band,), (cols, rows), dtype, (path,)), around)


def _source(path: Path, segments: tuple[ImageSegment, ...], pixel_type: str) -> PixelSource:
    if pixel_type not in _SAMPLES:
        raise SceneError(
            f"{path} states the pixel type {pixel_type[:40]}, which is none of {', '.join(_SAMPLES)}; "
            "ask its producer for a standard SIDD."
        )
    items, bits = _SAMPLES[pixel_type]
    tables = segments[0].tables if pixel_type in _TABLES else ()
    if pixel_type in _TABLES and not (
        len(tables) in _TABLES[pixel_type] and all(len(table) == TABLE_ENTRIES for table in tables)
    ):
        raise SceneError(f"{path} is damaged: its look-up table is not whole; copy or download it again.")
    if any((segment.kind, segment.bits, segment.bands) != ("INT", bits, items) for segment in segments):
        raise SceneError(
            f"{path} contradicts itself: its XML states {pixel_type} and its images hold {segments[0].bands} numbers "
            f"of {segments[0].bits} bits a pixel; ask its producer for a valid file."
        )
    if not segments[0].plain and len(segments) == 1 and not tables:
        channels = (1, 2, 3) if items == 3 else (1,)
        return RasterSource(NitfImage(path, segments[0].number), channels, ValueType.DN)
    return DetectedSource(path, interleaved(path, segments, items), tables)
