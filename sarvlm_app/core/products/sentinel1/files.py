"""Which files a Sentinel-1 product holds, in its folder or its zip archive."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from sarvlm_app.core.products.place import Member, Place
from sarvlm_app.errors import SceneError

MANIFEST = "manifest.safe"
_IMAGE = re.compile(
    r"^s1[a-d]-(?P<swath>[a-z]{2}\d?|s[1-6])-(?P<level>grd|slc)-(?P<pol>vv|vh|hh|hv)"
    r"-\d{8}t\d{6}-\d{8}t\d{6}-\d+-[0-9a-f]+-(?P<number>\d{3})(?:-cog)?$"
)
_CLOUD = "-cog"
"""Ends the names of all files of a product whose images were made cloud optimised (COG_SAFE)."""
_FOLDERS = {
    ("measurement", ".tiff"): "measurement",
    ("annotation", ".xml"): "annotation",
    ("annotation/calibration", ".xml"): "calibration",
}


@dataclass(frozen=True, slots=True)
class ImageName:
    """What the name of an image of the product says.

    Attributes
    ----------
    stem : str
        The name without its suffix, which measurement and annotation share.
    swath : str
        "IW", "IW2", "EW1", "S3", "WV1".
    level : str
        "GRD" or "SLC".
    polarisation : str
    number : str
        Of the image within the product.
    """

    stem: str
    swath: str
    level: str
    polarisation: str
    number: str

    @property
    def part(self) -> str:
        """The part of the product it belongs to; each vignette of wave mode is one."""
        return f"{self.swath}-{self.number}" if self.swath.startswith("WV") else self.swath


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a product.

    Attributes
    ----------
    root : Path
        Its folder or its archive.
    name : str
        "S1A_IW_GRDH_1SDV_...", without suffix.
    manifest : Path or Member or None
    places : dict of str to Place
        By "measurement/STEM", "annotation/STEM", "calibration/STEM", "noise/STEM".
    """

    root: Path
    name: str
    manifest: Place | None
    places: dict[str, Place]

    def images(self) -> list[ImageName]:
        """The images that a measurement or an annotation stands for, by name."""
        stems = {key.partition("/")[2] for key in self.places if key.startswith(("measurement/", "annotation/"))}
        return [name for name in map(image_name, sorted(stems)) if name is not None]

    def get(self, kind: str, image: ImageName) -> Place | None:
        """The file of that kind of an image."""
        return self.places.get(f"{kind}/{image.stem}")


def image_name(stem: str) -> ImageName | None:
    """The parts of an image's name, None where it is no name of an image."""
    match = _IMAGE.match(stem.lower())
    if match is None:
        return None
    return ImageName(stem, match["swath"].upper(), match["level"].upper(), match["pol"].upper(), match["number"])


def plain_stem(stem: str) -> str:
    """The name that the files of one image share, whether or not the image was made cloud optimised."""
    return stem[: -len(_CLOUD)] if stem.lower().endswith(_CLOUD) else stem


def root_of(path: Path) -> Path | None:
    """The product's folder or archive that a path means: itself, its manifest, or an image within it; else None."""
    if path.is_dir():
        return path if _is_product_folder(path) else None
    if path.name.lower() == MANIFEST:
        return path.parent if any((path.parent / name).is_dir() for name in ("measurement", "annotation")) else None
    if path.suffix.lower() in (".tiff", ".tif") and image_name(path.stem) is not None:
        folder = path.parent.parent
        has_annotation = path.parent.name == "measurement" and (folder / "annotation").is_dir()
        return folder if has_annotation else None
    return path if path.suffix.lower() == ".zip" and _is_product_archive(path) else None


def _is_product_folder(path: Path) -> bool:
    if path.suffix.upper() == ".SAFE" and path.name.upper().startswith("S1"):
        return True
    whole = (path / "measurement").is_dir() and (path / "annotation").is_dir()
    return whole and any(image_name(file.stem) for file in (path / "annotation").glob("s1*.xml"))


def _is_product_archive(path: Path) -> bool:
    try:
        return any(name.lower().endswith(f"/{MANIFEST}") or "/measurement/s1" in name.lower() for name in _names(path))
    except SceneError:
        # a cut-off download is told by its name
        return path.name.upper().startswith("S1") and "_1S" in path.name.upper()


def list_files(root: Path) -> Files:
    """The files of the product at `root`.

    Raises
    ------
    SceneError
        The archive is damaged, or the folder cannot be read.
    """
    if root.is_dir():
        return _listed(root, root.name.removesuffix(".SAFE"), _on_disk(root))
    names = _names(root)
    folders = {PurePosixPath(name).parts[0] for name in names}
    within = sorted(folder for folder in folders if folder.upper().endswith(".SAFE")) or sorted(folders)
    for folder in within:
        found = {name.removeprefix(f"{folder}/"): Member(root, name) for name in names if name.startswith(f"{folder}/")}
        if any(name.startswith(("measurement/", "annotation/")) for name in found):
            return _listed(root, folder.removesuffix(".SAFE"), dict(found))
    raise SceneError(f"{root} holds no Sentinel-1 product; open the archive as it was downloaded.")


def _on_disk(root: Path) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for folder, _suffix in _FOLDERS:
        for file in sorted((root / folder).glob("*")):
            found[f"{folder}/{file.name}"] = file
    if (root / MANIFEST).is_file():
        found[MANIFEST] = root / MANIFEST
    return found


def _listed(root: Path, name: str, entries: dict[str, Place]) -> Files:
    places: dict[str, Place] = {}
    for entry, place in entries.items():
        path = PurePosixPath(entry)
        kind = _FOLDERS.get((str(path.parent), path.suffix.lower()))
        if kind == "calibration":
            kind, _, stem = path.stem.partition("-")
            if kind in ("calibration", "noise"):
                places[f"{kind}/{plain_stem(stem)}"] = place
        elif kind is not None:
            places[f"{kind}/{plain_stem(path.stem)}"] = place
    return Files(root, name, entries.get(MANIFEST), places)


def _names(archive: Path) -> tuple[str, ...]:
    stat = archive.stat()
    return _names_at(archive, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=32)
def _names_at(archive: Path, _changed: int, _size: int) -> tuple[str, ...]:
    """Entries of an archive that lie within it; those that point outside are never touched."""
    try:
        with zipfile.ZipFile(archive) as file:
            names = file.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise SceneError(f"{archive} is damaged or cut short and cannot be read; download it again.") from error
    return tuple(name for name in names if not _points_outside(name))


def _points_outside(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts
