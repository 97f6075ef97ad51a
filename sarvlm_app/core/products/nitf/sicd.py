"""SICD: complex images in a NITF, with their own projection and radiometry (NGA.STND.0024)."""

from __future__ import annotations

from pathlib import Path

from lxml import etree
from shapely import Polygon

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.nitf.document import at, documents, require_low_orders, size_at
from sarvlm_app.core.products.nitf.header import ImageSegment, NitfHeader, looks_like, read_header
from sarvlm_app.core.products.nitf.radiometry import calibrator_of
from sarvlm_app.core.products.nitf.samples import ComplexSource, interleaved
from sarvlm_app.core.products.nitf.sicd_facts import incidence_of, polarisation_of, stated_of
from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.stated import Around, Imagery, no_parts, number, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.products.xml import children, parse_xml, text_at
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

_PIXELS = {"RE32F_IM32F": ("R", 32), "RE16I_IM16I": ("SI", 16), "AMP8I_PHS8I": ("INT", 8)}
_DTYPES = {"RE32F_IM32F": "complex64", "RE16I_IM16I": "complex_int16", "AMP8I_PHS8I": "uint8"}


class SicdFamily:
    """Files whose images are named SICD."""

    def recognises(self, path: Path) -> bool:
        return path.is_file() and looks_like(path, "SICD")

    def describe(self, path: Path, part: str | None = None) -> Scene:
        no_parts(path, part)
        header = read_header(path)
        place = next((place for kind, place in documents(path, header) if kind == "SICD"), None)
        if place is None:
            raise SceneError(
                f"{path} holds no SICD XML, so its pixels cannot be told; ask its producer for the whole file."
            )
        sicd = parse_xml(place)
        return _describe(path, header, place, sicd)


def _describe(path: Path, header: NitfHeader, place: Place, sicd: etree._Element) -> Scene:
    missing: list[str] = []
    rows, cols = size_at(sicd, path, "ImageData/NumRows", "ImageData/NumCols")
    source, pixel_type = _source(path, header, sicd, (rows, cols))
    polarisation = polarisation_of(sicd)
    band = Band(1, polarisation or "complex", polarisation, ValueType.COMPLEX, source, calibrator_of(sicd, missing))
    georef, geometry = _georef(sicd)
    extra = {"geometry": geometry, "pixels": pixel_type + (", amplitudes by its table" if source.amplitudes else "")}
    if source.outline:
        extra["no data"] = "outside the polygon ValidData of the file"
    kinds = () if band.calibrator is None else band.calibrator.kinds
    extra["calibration tables"] = ", ".join(kinds) or "none"
    has_noise = band.calibrator is not None and band.calibrator.has_noise
    extra["thermal noise"] = "not removed; its level is in the file" if has_noise else "not stated"
    stated = stated_of(path, header, sicd, incidence_of(sicd, georef, (cols, rows)), extra)
    imagery = Imagery((band,), (cols, rows), _DTYPES[pixel_type], (path,))
    return scene_of(path, path.stem, stated, imagery, Around(georef, (place,), tuple(missing)))


def _source(path: Path, header: NitfHeader, sicd: etree._Element, size: tuple[int, int]) -> tuple[ComplexSource, str]:
    """Where the pixels are, and how they are stored."""
    pixel_type = text_at(sicd, "ImageData/PixelType") or "none"
    if pixel_type not in _PIXELS:
        raise SceneError(
            f"{path} states the pixel type {pixel_type[:40]}, which is none of {', '.join(_PIXELS)}; "
            "ask its producer for a standard SICD."
        )
    segments = sorted((s for s in header.images if s.name.startswith("SICD")), key=lambda segment: segment.name)
    _require_agreement(path, segments, size, pixel_type)
    polar = pixel_type == "AMP8I_PHS8I"
    return ComplexSource(
        path,
        interleaved(path, tuple(segments), 2),
        polar,
        _amplitudes(path, sicd) if polar else (),
        _outline(sicd, size),
    ), pixel_type


def _require_agreement(path: Path, segments: list[ImageSegment], size: tuple[int, int], pixel_type: str) -> None:
    stored = sum(segment.rows for segment in segments), {segment.cols for segment in segments}
    if stored != (size[0], {size[1]}):
        widths = " and ".join(map(str, sorted(stored[1])))
        raise SceneError(
            f"{path} contradicts itself: its XML states {size[0]} x {size[1]} pixels and its images have "
            f"{stored[0]} x {widths}; ask its producer for a valid file."
        )
    if any((segment.kind, segment.bits) != _PIXELS[pixel_type] for segment in segments):
        raise SceneError(
            f"{path} contradicts itself: its XML states {pixel_type} and its images hold {segments[0].kind} numbers of "
            f"{segments[0].bits} bits; ask its producer for a valid file."
        )


def _amplitudes(path: Path, sicd: etree._Element) -> tuple[float, ...]:
    table = at(sicd, "ImageData/AmpTable")
    if table is None:
        return ()
    values: dict[int, float] = {}
    for entry in children(table, "Amplitude"):
        index, value = entry.get("index", ""), number(entry.text)
        if index.isdigit() and value is not None:
            values[int(index)] = value
    if set(values) != set(range(256)):
        raise SceneError(
            f"{path} is damaged: its table of amplitudes does not hold 256 numbers; ask its producer for a valid file."
        )
    return tuple(values[index] for index in range(256))


def _outline(sicd: etree._Element, size: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    """The polygon of pixels with data in the image's own rows and columns; empty where it is the whole image."""
    valid = at(sicd, "ImageData/ValidData")
    if valid is None:
        return ()
    first = [number(text_at(sicd, f"ImageData/{name}")) or 0.0 for name in ("FirstRow", "FirstCol")]
    corners = []
    for vertex in children(valid, "Vertex"):
        row, col = number(text_at(vertex, "Row")), number(text_at(vertex, "Col"))
        if row is None or col is None:
            return ()
        corners.append((row - first[0], col - first[1]))
    if len(corners) < 3:
        return ()
    # vertices are pixels that count in, so the line runs half a pixel outside them
    grown = Polygon(corners).buffer(0.5, join_style="mitre")
    whole = Polygon([(0, 0), (0, size[1] - 1), (size[0] - 1, size[1] - 1), (size[0] - 1, 0)])
    if grown.geom_type != "Polygon" or grown.is_empty or grown.covers(whole):
        return ()
    return tuple((float(row), float(col)) for row, col in grown.exterior.coords)


def _georef(sicd: etree._Element) -> tuple[Georeference | None, str]:
    from sarvlm_app.core.georef.sicd import SicdGeoref

    try:
        require_low_orders(sicd)
        return SicdGeoref(etree.tostring(sicd)), "SICD projection, at the height of the scene centre point"
    except ValueError as error:
        return None, f"none: {error}"
