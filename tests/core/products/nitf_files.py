"""Small SICD and SIDD files written by sarkit, after the public standards; their geometry is that of `sicd_files`."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import lxml.etree
import numpy as np
import sarkit.sicd as sksicd
import sarkit.sidd as sksidd

from tests.core.sicd_files import SICD, SIDD, sicd_xml, sidd_xml

_SECURITY = {"security": {"clas": "U"}}
CORNERS = ((47.001, 10.999), (47.001, 11.001), (46.999, 11.001), (46.999, 10.999))


def _add(parent, name: str, text: object | None = None, **attributes: str):
    namespace = lxml.etree.QName(parent).namespace
    child = lxml.etree.SubElement(parent, f"{{{namespace}}}{name}", **attributes)
    if text is not None:
        child.text = str(text)
    return child


def _set(root, path: str, text: object) -> None:
    root.find("/".join(f"{{*}}{name}" for name in path.split("/"))).text = str(text)


def _poly(parent, name: str, table) -> None:
    values = np.atleast_2d(table)
    poly = _add(parent, name, order1=str(values.shape[0] - 1), order2=str(values.shape[1] - 1))
    for (i, j), value in np.ndenumerate(values):
        _add(poly, "Coef", repr(float(value)), exponent1=str(i), exponent2=str(j))


def sicd_tree(shape: tuple[int, int], pixel_type: str, *, first: tuple[int, int] = (0, 0)):
    """The root of a SICD's XML for an image of `shape`, that may be amended."""
    root = lxml.etree.fromstring(sicd_xml(first=first))
    _set(root, "ImageData/NumRows", shape[0])
    _set(root, "ImageData/NumCols", shape[1])
    data = root.find("{*}ImageData")
    kind = lxml.etree.Element(f"{{{SICD}}}PixelType")
    kind.text = pixel_type
    data.insert(0, kind)
    about = root.find("{*}CollectionInfo")
    _add(about, "CollectorName", "Testbird-1")
    _add(about, "CoreName", "core")
    mode = _add(about, "RadarMode")
    _add(mode, "ModeType", "SPOTLIGHT")
    _add(about, "Classification", "UNCLASSIFIED")
    corners = _add(root.find("{*}GeoData"), "ImageCorners")
    for number, (lat, lon) in enumerate(CORNERS, start=1):
        corner = _add(corners, "ICP", index=f"{number}:{('FRFC', 'FRLC', 'LRLC', 'LRFC')[number - 1]}")
        _add(corner, "Lat", lat)
        _add(corner, "Lon", lon)
    timeline = _add(root, "Timeline")
    _add(timeline, "CollectStart", "2023-05-06T07:08:09.123456Z")
    _add(timeline, "CollectDuration", 8.0)
    formation = root.find("{*}ImageFormation")
    _add(formation, "TxRcvPolarizationProc", "V:V")
    _add(root.find("{*}SCPCOA"), "IncidenceAng", 90.0 - float(root.findtext("{*}SCPCOA/{*}GrazeAng")))
    return root


def add_radiometry(root, *, noise: str | None = "ABSOLUTE") -> None:
    """Scale factors and noise that change over the image."""
    radiometric = _add(root, "Radiometric")
    if noise is not None:
        level = _add(radiometric, "NoiseLevel")
        _add(level, "NoiseLevelType", noise)
        _poly(level, "NoisePoly", [[-20.0, 0.01], [0.02, 0.0]])
    _poly(radiometric, "SigmaZeroSFPoly", [[0.5, 1e-3], [2e-3, 1e-5]])
    _poly(radiometric, "BetaZeroSFPoly", [[2.0]])


def add_valid_data(root, corners) -> None:
    """A polygon of (row, col) of pixels with data."""
    valid = _add(root.find("{*}ImageData"), "ValidData", size=str(len(corners)))
    for number, (row, col) in enumerate(corners, start=1):
        vertex = _add(valid, "Vertex", index=str(number))
        _add(vertex, "Row", row)
        _add(vertex, "Col", col)


def add_amplitudes(root, values) -> None:
    """The amplitude table of AMP8I_PHS8I."""
    table = _add(root.find("{*}ImageData"), "AmpTable", size="256")
    for index, value in enumerate(values):
        _add(table, "Amplitude", repr(float(value)), index=str(index))


def write_sicd(path: Path, root, pixels: np.ndarray) -> Path:
    """A SICD of complex64, or of structured (real, imag) int16 or (amp, phase) uint8 pixels."""
    meta = sksicd.NitfMetadata(
        xmltree=root.getroottree(),
        file_header_part={"ostaid": "nowhere", "ftitle": "a test"} | _SECURITY,
        im_subheader_part={"isorce": "Testbird-1"} | _SECURITY,
        de_subheader_part=_SECURITY,
    )
    with warnings.catch_warnings(), path.open("wb") as file:
        warnings.simplefilter("ignore")  # the XML holds what is needed here and not all that the schema wants
        with sksicd.NitfWriter(file, meta) as writer:
            writer.write_image(pixels)
    return path


def speckle(shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    """Complex speckle, complex64."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def simple_sicd(path: Path, shape: tuple[int, int] = (40, 60)) -> Path:
    return write_sicd(path, sicd_tree(shape, "RE32F_IM32F"), speckle(shape))


def sidd_tree(shape: tuple[int, int], pixel_type: str):
    """The root of a SIDD's XML for an image of `shape`."""
    root = lxml.etree.fromstring(sidd_xml())
    footprint = root.find("{*}Measurement/{*}PixelFootprint")
    footprint[0].text, footprint[1].text = str(shape[0]), str(shape[1])
    display = _add(root, "Display")
    _add(display, "PixelType", pixel_type)
    creation = _add(root, "ProductCreation")
    _add(creation, "ProductName", "a product")
    geo = _add(root, "GeoData")
    corners = _add(geo, "ImageCorners")
    for number, (lat, lon) in enumerate(CORNERS, start=1):
        corner = _add(corners, "ICP", index=f"{number}:{('FRFC', 'FRLC', 'LRLC', 'LRFC')[number - 1]}")
        common = "urn:SICommon:1.0"
        lxml.etree.SubElement(corner, f"{{{common}}}Lat").text = str(lat)
        lxml.etree.SubElement(corner, f"{{{common}}}Lon").text = str(lon)
    features = _add(root, "ExploitationFeatures")
    collection = _add(features, "Collection")
    information = _add(collection, "Information")
    _add(information, "SensorName", "Testbird-2")
    mode = _add(information, "RadarMode")
    lxml.etree.SubElement(mode, "{urn:SICommon:1.0}ModeType").text = "STRIPMAP"
    _add(information, "CollectionDateTime", "2022-01-02T03:04:05Z")
    _add(information, "CollectionDuration", 3.5)
    polarisation = _add(information, "Polarization")
    _add(polarisation, "TxPolarization", "H")
    _add(polarisation, "RcvPolarization", "V")
    _add(_add(collection, "Geometry"), "Graze", 55.0)
    assert lxml.etree.QName(root).namespace == SIDD
    return root


def write_sidd(path: Path, images: list[tuple[object, np.ndarray, np.ndarray | None]]) -> Path:
    """A SIDD of several images: XML, pixels and look-up table of each."""
    with warnings.catch_warnings(), path.open("wb") as file:
        warnings.simplefilter("ignore")
        meta = sksidd.NitfMetadata(
            file_header_part={"ostaid": "nowhere", "ftitle": "a test"} | _SECURITY,
            images=[
                sksidd.NitfProductImageMetadata(
                    xmltree=root.getroottree(), im_subheader_part=_SECURITY, de_subheader_part=_SECURITY,
                    lookup_table=table,
                )
                for root, _, table in images
            ],
        )  # fmt: skip
        with sksidd.NitfWriter(file, meta) as writer:
            for number, (_, pixels, _) in enumerate(images):
                writer.write_image(number, pixels)
    return path


def replaced(path: Path, old: bytes, new: bytes, name: str = "changed.nitf") -> Path:
    """The file with the first occurrence of some bytes replaced by as many others."""
    content = path.read_bytes()
    assert old in content and len(old) == len(new)
    other = path.with_name(name)
    other.write_bytes(content.replace(old, new, 1))
    return other


def header_field(content: bytes, offset: int, text: bytes) -> bytes:
    buffer = io.BytesIO(content)
    buffer.seek(offset)
    buffer.write(text)
    return buffer.getvalue()
