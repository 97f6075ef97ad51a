"""Recognises RADARSAT products by their files and turns them into scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sarvlm_app.core.georef import ShiftedGeoref
from sarvlm_app.core.products.combined import IqSource
from sarvlm_app.core.products.companions import exists
from sarvlm_app.core.products.image_files import ImageFile, look_at
from sarvlm_app.core.products.pixels import RasterSource
from sarvlm_app.core.products.place import head
from sarvlm_app.core.products.radarsat.annotation import RCM_SCHEMA, RS2_SCHEMA, Annotation, Piece
from sarvlm_app.core.products.radarsat.geometry import geometry_of
from sarvlm_app.core.products.radarsat.radiometry import Radiometry
from sarvlm_app.core.products.sources import PixelSource
from sarvlm_app.core.products.stated import Around, Imagery, chosen_part, no_parts, scene_of
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError

_HEAD_BYTES = 4096


class RadarsatFamily:
    """RADARSAT-2 and RCM products of one folder."""

    def recognises(self, path: Path) -> bool:
        return _annotation_of(path) is not None

    def describe(self, path: Path, part: str | None = None) -> Scene:
        main = _annotation_of(path)
        if main is None:
            raise SceneError(f"{path} is no product of RADARSAT; open the folder with its product.xml.")
        said = Annotation(main)
        pieces = said.pieces()
        if not pieces:
            raise SceneError(f"{main} names no image; copy or download the whole product again.")
        if len(pieces) == 1:
            no_parts(main, part)
            return _scene(said, pieces[0], None, ())
        parts = tuple(piece.name for piece in pieces)
        chosen = chosen_part(main, parts, part)
        return _scene(said, pieces[parts.index(chosen)], chosen, parts)


def _annotation_of(path: Path) -> Path | None:
    """The product.xml that a folder, itself, or an image beside it leads to."""
    if path.is_dir():
        candidates = [path / "product.xml", path / "metadata" / "product.xml"]
    elif path.name.lower() == "product.xml":
        candidates = [path]
    elif path.suffix.lower() in (".tif", ".tiff") and path.parent.name == "imagery":
        candidates = [path.parent.parent / "metadata" / "product.xml"]
    elif path.suffix.lower() in (".tif", ".tiff") and path.stem.lower().startswith("imagery_"):
        candidates = [path.parent / "product.xml"]
    else:
        return None
    return next((candidate for candidate in candidates if _is_annotation(candidate)), None)


def _is_annotation(path: Path) -> bool:
    try:
        start = head(path, _HEAD_BYTES) if path.is_file() else b""
    except OSError:
        return False
    return RS2_SCHEMA in start or RCM_SCHEMA in start


def _images(said: Annotation, piece: Piece) -> tuple[list[tuple[str, ImageFile]], tuple[str, ...]]:
    """The images that are there with their polarisations, and those that are not."""
    found: list[tuple[str, ImageFile]] = []
    missing = []
    for polarisation, path in piece.files:
        if path is None or not exists(path):
            missing.append(path.name if path is not None else f"image {polarisation}".strip())
            continue
        try:
            image = look_at(path)
        except SceneError:
            if len(piece.files) == 1:
                raise
            missing.append(f"{path.name} (damaged or cut short)")
            continue
        size = piece.size or (found[0][1].size if found else image.size)
        if image.size != size:
            missing.append(f"{path.name} ({image.size[0]} x {image.size[1]} pixels instead of {size[0]} x {size[1]})")
        elif said.is_complex and not image.is_complex and image.count < 2:
            missing.append(f"{path.name} (one band of {image.dtype}, which is not complex)")
        else:
            found.append((polarisation, image))
    return found, tuple(missing)


def _source(said: Annotation, image: ImageFile) -> PixelSource:
    nodata = 0.0 if image.nodata is None else image.nodata
    if said.is_complex and not image.is_complex:
        real, imaginary = (RasterSource(image.path, (band,), ValueType.DN, nodata) for band in (1, 2))
        return IqSource(real, imaginary)
    return RasterSource(image.path, (1,), image.value_type, nodata)


def _scene(said: Annotation, piece: Piece, part: str | None, parts: Sequence[str]) -> Scene:
    images, missing = _images(said, piece)
    if not images:
        gone = ", ".join(missing) or "it names none"
        raise SceneError(f"{said.path} lacks its image ({gone}); copy or download the whole product again.")
    size = images[0][1].size
    whole = piece.offset[0] + size[0], piece.offset[1] + size[1]
    tables = [Radiometry(said, polarisation, whole[0], part is None) for polarisation, _ in images]
    georef, words = geometry_of(said, whole, tables[0].angle, images[0][1].georef)
    if georef is not None and piece.offset != (0, 0):
        georef = ShiftedGeoref(georef, piece.offset[0], piece.offset[1], size)
    bands = []
    for index, ((polarisation, image), table) in enumerate(zip(images, tables, strict=True), start=1):
        source = _source(said, image)
        calibrator = table.calibrator(piece.offset[0], size[0])
        name = polarisation or f"band {index}"
        bands.append(Band(index, name, polarisation or None, source.value_type, source, calibrator))
    missing += tuple(dict.fromkeys(note for table in tables for note in table.missing))
    documents = (said.path, *dict.fromkeys(path for table in tables for path in table.documents))
    dtype = f"complex of {images[0][1].dtype}" if isinstance(bands[0].source, IqSource) else images[0][1].dtype
    imagery = Imagery(tuple(bands), size, dtype, tuple(image.path for _, image in images), 0.0)
    around = Around(georef, documents, missing, part, tuple(parts))
    return scene_of(said.path, said.folder.name or "product", said.stated(words), imagery, around)
