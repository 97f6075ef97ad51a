"""A small product of each family, and what a user does with one: for tests of bad input."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from sarvlm_app.core.derived.calibrated import calibrated, calibrations, can_remove_noise
from sarvlm_app.core.metadata import metadata_tree
from sarvlm_app.core.scene import close_handles, open_scene, read_chip
from sarvlm_app.errors import SarvlmError
from sarvlm_models.types import Window
from tests.core.products.hdf5_files import write_cosmo, write_rslc
from tests.core.products.nitf_files import simple_sicd
from tests.core.products.palsar_files import write_palsar
from tests.core.products.radarsat_files import write_rcm, write_rs2
from tests.core.products.safe_files import Safe, write_safe
from tests.core.products.terrasar_files import write_product
from tests.core.products.vendor_files import write_capella, write_iceye_grd, write_umbra

SIDES = (".xml", ".json", ".safe")


def small(folder: Path) -> Safe:
    safe = Safe(folder, width=90, height=60)
    write_safe(safe)
    return safe


def zipped(safe: Safe) -> Path:
    """The product in an archive beside it."""
    path = safe.root / f"{safe.name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(safe.folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{safe.folder.name}/{file.relative_to(safe.folder).as_posix()}")
    return path


PRODUCTS: dict[str, Callable[[Path], Path]] = {
    "Sentinel-1": lambda folder: small(folder).folder,
    "Sentinel-1, zipped": lambda folder: zipped(small(folder)),
    "TerraSAR-X": lambda folder: write_product(folder, pols=("HH", "VV")).parent,
    "RADARSAT-2": write_rs2,
    "RCM": write_rcm,
    "PALSAR": lambda folder: write_palsar(folder, True),
    "NISAR": write_rslc,
    "COSMO-SkyMed": write_cosmo,
    "Capella": write_capella,
    "ICEYE": write_iceye_grd,
    "Umbra": write_umbra,
    "SICD": lambda folder: simple_sicd(folder / "a.ntf"),
}
"""Writers: a folder -> what to open."""


def side_files(folder: Path) -> list[Path]:
    """Annotation, metadata, leader files."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [file for file in files if file.suffix in SIDES or file.name.startswith("LED-")]


def measurements(folder: Path) -> list[Path]:
    """All other files: the images."""
    sides = set(side_files(folder))
    return sorted(file for file in folder.rglob("*") if file.is_file() and file not in sides)


def one_sentence(text: str) -> None:
    assert text.endswith(".") and "\n" not in text and ";" in text, text


def use(path: Path) -> str:
    """Opens, reads, calibrates and places what is there; what is missing, or the sentence where nothing opens."""
    try:
        scene = open_scene(path)
    except SarvlmError as error:
        one_sentence(str(error))
        return str(error)
    window = Window(0, 0, min(scene.width, 64), min(scene.height, 64))
    try:
        for band in scene.bands:
            read_chip(scene, window, band.index)
        for kind in calibrations(scene):
            read_chip(calibrated(scene, kind, remove_noise=can_remove_noise(scene)), window, 1)
    except SarvlmError as error:
        one_sentence(str(error))
    if scene.georef is not None:
        scene.georef.from_lonlat(*scene.georef.to_lonlat(scene.width / 2, scene.height / 2))
        scene.georef.footprint_lonlat()
    metadata_tree(scene)
    close_handles(scene)
    assert all("\n" not in name for name in scene.missing)
    return ", ".join(scene.missing)
