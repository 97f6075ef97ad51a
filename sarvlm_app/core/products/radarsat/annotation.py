"""product.xml of RADARSAT-2 and of RCM, which say the same things in different places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from sarvlm_app.core.products.companions import inside
from sarvlm_app.core.products.stated import Stated, incidence
from sarvlm_app.core.products.xml import children, parse_xml, text_at
from sarvlm_app.core.products.xml_values import element_at, elements_at, number_at, own_text, time_at, whole_at
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.errors import SceneError

RS2_SCHEMA, RCM_SCHEMA = b"rs2/prod/xml/schemas", b"rcmGsProductSchema"
_KINDS = {"Beta Nought": Calibration.BETA0, "Sigma Nought": Calibration.SIGMA0, "Gamma": Calibration.GAMMA0}


@dataclass(frozen=True, slots=True)
class Piece:
    """One image size of the product: all of it, or a burst of a beam (RCM ScanSAR SLC).

    Attributes
    ----------
    name : str
    files : tuple of (str, Path or None)
        Polarisation and image, None where the annotation names no file of the product.
    offset : (int, int)
        Column and line of its first pixel in the whole image.
    size : (int, int) or None
        Columns and lines, as stated.
    """

    name: str
    files: tuple[tuple[str, Path | None], ...]
    offset: tuple[int, int]
    size: tuple[int, int] | None


class Annotation:
    """product.xml, read when it is asked.

    Raises
    ------
    SceneError
        It is no annotation of such a product.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = parse_xml(path)
        schema = (etree.QName(self.root).namespace or "").encode()
        self.is_rcm = RCM_SCHEMA in schema
        if not self.is_rcm and RS2_SCHEMA not in schema:
            raise SceneError(f"{path} is no annotation of RADARSAT; open the product's folder.")

    @property
    def folder(self) -> Path:
        """The product's: RCM keeps its annotation one folder down."""
        return self.path.parent.parent if self.is_rcm else self.path.parent

    @property
    def image(self) -> str:
        return "imageReferenceAttributes" if self.is_rcm else "imageAttributes"

    @property
    def is_complex(self) -> bool:
        raster = f"{self.image}/rasterAttributes"
        words = (text_at(self.root, f"{raster}/sampleType"), text_at(self.root, f"{raster}/dataType"))
        return any("complex" in (word or "").lower() for word in words)

    @property
    def far_is_right(self) -> bool:
        order = text_at(self.root, f"{self.image}/rasterAttributes/pixelTimeOrdering") or "Increasing"
        return order.lower() != "decreasing"

    def pieces(self) -> tuple[Piece, ...]:
        """The images that the product consists of."""
        if not self.is_rcm:
            return (
                Piece("image", self._files("imageAttributes", "fullResolutionImageData"), (0, 0), self._rs2_size()),
            )
        found = []
        for number, entry in enumerate(elements_at(self.root, "sceneAttributes/imageAttributes"), start=1):
            files = tuple(self._named(file) for file in children(entry, "ipdf"))
            columns, lines = whole_at(entry, "samplesPerLine"), whole_at(entry, "numLines")
            offset = whole_at(entry, "pixelOffset") or 0, whole_at(entry, "lineOffset") or 0
            beam, burst = entry.get("beam", ""), entry.get("burst")
            name = f"{beam} burst {burst}".strip() if burst is not None else beam or f"image {number}"
            found.append(Piece(name, files, offset, (columns, lines) if columns and lines else None))
        return tuple(found)

    def _rs2_size(self) -> tuple[int, int] | None:
        raster = "imageAttributes/rasterAttributes"
        columns = whole_at(self.root, f"{raster}/numberOfSamplesPerLine")
        lines = whole_at(self.root, f"{raster}/numberOfLines")
        return (columns, lines) if columns and lines else None

    def _files(self, above: str, name: str) -> tuple[tuple[str, Path | None], ...]:
        return tuple(self._named(file) for file in elements_at(self.root, f"{above}/{name}"))

    def _named(self, file: etree._Element) -> tuple[str, Path | None]:
        return file.get("pole", "").upper(), inside(self.path.parent, own_text(file))

    def tables(self, polarisation: str) -> tuple[tuple[Calibration, Path], ...]:
        """The calibration tables of a polarisation, whether they are there or not."""
        name, key = ("lookupTableFileName", "sarCalibrationType") if self.is_rcm else (
            "lookupTable", "incidenceAngleCorrection",
        )  # fmt: skip
        folder = self.path.parent / "calibration" if self.is_rcm else self.path.parent
        found = []
        for entry in elements_at(self.root, f"{self.image}/{name}"):
            kind, file = _KINDS.get(entry.get(key, "")), inside(folder, own_text(entry))
            if kind is not None and file is not None and entry.get("pole", polarisation).upper() == polarisation:
                found.append((kind, file))
        return tuple(found)

    def noise(self, polarisation: str) -> tuple[etree._Element, ...]:
        """Elements with reference noise levels; those of RCM lie in a file of their own, which may be missing."""
        if not self.is_rcm:
            return tuple(elements_at(self.root, "sourceAttributes/radarParameters/referenceNoiseLevel"))
        for entry in elements_at(self.root, f"{self.image}/noiseLevelFileName"):
            file = inside(self.path.parent / "calibration", own_text(entry))
            if file is not None and entry.get("pole", polarisation).upper() == polarisation:
                try:
                    return tuple(children(parse_xml(file), "referenceNoiseLevel"))
                except SceneError:
                    return ()
        return ()

    def tie_points(self) -> Iterator[tuple[float | None, ...]]:
        """Line, pixel, longitude, latitude, height of each."""
        for entry in elements_at(self.root, f"{self.image}/geographicInformation/geolocationGrid/imageTiePoint"):
            yield (
                number_at(entry, "imageCoordinate/line"),
                number_at(entry, "imageCoordinate/pixel"),
                number_at(entry, "geodeticCoordinate/longitude"),
                number_at(entry, "geodeticCoordinate/latitude"),
                number_at(entry, "geodeticCoordinate/height"),
            )

    @property
    def rational(self) -> etree._Element | None:
        return element_at(self.root, f"{self.image}/geographicInformation/rationalFunctions")

    @property
    def angles(self) -> tuple[float, float, float] | None:
        if self.is_rcm:
            pairs = [
                (number_at(entry, "incAngNearRng"), number_at(entry, "incAngFarRng"))
                for entry in elements_at(self.root, "sceneAttributes/imageAttributes")
            ]
            ends = [angle for pair in pairs for angle in pair if angle is not None]
            return incidence(min(ends), max(ends)) if ends else None
        processing = "imageGenerationParameters/sarProcessingInformation"
        near, far = (number_at(self.root, f"{processing}/incidenceAngle{end}Range") for end in ("Near", "Far"))
        return incidence(near, far)

    def stated(self, geometry: str) -> Stated:
        source, made = "sourceAttributes", "imageGenerationParameters"
        kind = text_at(self.root, f"{made}/generalProcessingInformation/productType") or ""
        first = time_at(self.root, f"{made}/sarProcessingInformation/zeroDopplerTimeFirstLine")
        family = "RCM" if self.is_rcm else "RADARSAT-2"
        return Stated(
            product=f"{family} {kind}".strip(),
            acquired=time_at(self.root, f"{source}/rawDataStartTime") or first,
            platform=text_at(self.root, f"{source}/satellite"),
            mode=text_at(self.root, f"{source}/beamModeMnemonic") or text_at(self.root, f"{source}/beamMode"),
            direction=text_at(self.root, f"{source}/orbitAndAttitude/orbitInformation/passDirection"),
            look=text_at(self.root, f"{source}/radarParameters/antennaPointing"),
            angles=self.angles,
            more={"geometry": geometry},
        )
