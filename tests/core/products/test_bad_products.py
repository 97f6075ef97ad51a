"""Bad input that every family of products may meet: one sentence, or what is there with what is missing."""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

from sarvlm_app.core.derived.calibrated import calibrated, calibrations
from sarvlm_app.core.scene import close_handles, open_scene, read_chip
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.families import PRODUCTS, measurements, one_sentence, side_files, use, zipped
from tests.core.products.safe_files import Safe, write_safe
from tests.core.products.vendor_files import SLANT, capella_json, iceye_xml, write_capella, write_iceye_grd

BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


def refusal(path: Path) -> str:
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    one_sentence(str(caught.value))
    return str(caught.value)


def read_all(scene) -> None:
    read_chip(scene, Window(0, 0, scene.width, scene.height), 1)


# --- what holds for every family -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_product_that_is_moved_away_while_it_is_open(tmp_path, kind):
    (tmp_path / "there").mkdir()
    scene = open_scene(PRODUCTS[kind](tmp_path / "there"))
    close_handles(scene)
    shutil.move(tmp_path / "there", tmp_path / "elsewhere")
    with pytest.raises(SceneError, match="No such file|not there any more") as caught:
        read_all(scene)
    one_sentence(str(caught.value))
    assert any(str(path) in str(caught.value) for path in scene.bands[0].source.files)


@pytest.mark.parametrize("kind", PRODUCTS)
def test_a_product_that_is_cut_while_it_is_open(tmp_path, kind):
    scene = open_scene(PRODUCTS[kind](tmp_path))
    close_handles(scene)
    for path in {path for band in scene.bands for path in band.source.files}:
        os.truncate(path, path.stat().st_size // 3)
    with pytest.raises(SceneError) as caught:
        read_all(scene)
    one_sentence(str(caught.value))


@pytest.mark.parametrize("way", ["folder", "loop", "empty", "bomb", "outside"])
@pytest.mark.parametrize("kind", [kind for kind in PRODUCTS if kind not in ("NISAR", "COSMO-SkyMed", "SICD")])
def test_side_files_that_are_none(tmp_path, kind, way):
    path = PRODUCTS[kind](tmp_path)
    for file in side_files(tmp_path):
        file.unlink()
        if way == "folder":
            file.mkdir()
        elif way == "loop":
            file.symlink_to(file.name)
        else:
            file.write_text({"empty": "", "bomb": BOMB, "outside": OUTSIDE}[way])
    told = use(path)
    assert "root:" not in told


@pytest.mark.parametrize("kind", [kind for kind in PRODUCTS if kind != "Sentinel-1, zipped"])
def test_images_that_are_folders_or_go_round_in_circles(tmp_path, kind):
    path = PRODUCTS[kind](tmp_path)
    for number, file in enumerate(measurements(tmp_path)):
        file.unlink()
        if number % 2:
            file.mkdir()
        else:
            file.symlink_to(file.name)
    refusal(path)


def test_side_files_of_gigabytes_are_left_alone(tmp_path):
    safe = Safe(tmp_path, width=60, height=40)
    write_safe(safe)
    for file in (safe.folder / "annotation").rglob("*.xml"):
        os.truncate(file, 3 * 2**30)  # a hole: it takes no room
    scene = open_scene(safe.folder)
    assert len(scene.missing) == 2 and all("larger than 64 MB" in name for name in scene.missing)
    (tmp_path / "capella").mkdir()
    path = write_capella(tmp_path / "capella")
    os.truncate(path.with_name(f"{path.stem}_extended.json"), 3 * 2**30)
    assert any("not readable" in name for name in open_scene(path).missing)


# --- Sentinel-1 ----------------------------------------------------------------------------------------------------


@pytest.fixture
def grd(tmp_path: Path) -> Safe:
    safe = Safe(tmp_path, width=90, height=60)
    write_safe(safe)
    return safe


def test_one_damaged_image_is_listed_and_the_other_opens(grd):
    image = next((grd.folder / "measurement").glob("*-vv-*"))
    image.write_bytes(image.read_bytes()[:-500])
    scene = open_scene(grd.folder)
    assert [band.name for band in scene.bands] == ["VH"] and scene.georef is not None
    assert scene.missing == (f"measurement/{image.name} (is damaged or cut short and cannot be read)",)
    image.write_bytes(b"no image")
    assert [band.name for band in open_scene(grd.folder).bands] == ["VH"]


def test_complex_pixels_that_are_called_detected_are_not_taken_for_such(tmp_path):
    safe = Safe(tmp_path, level="SLC", swath="IW1", bursts=3, width=90, height=60)
    write_safe(safe)
    file = next((safe.folder / "annotation").glob("*-vv-*"))
    file.write_text(file.read_text().replace("<pixelValue>Complex", "<pixelValue>Detected"))
    scene = open_scene(safe.folder)
    assert [band.name for band in scene.bands] == ["VH"]
    assert any("complex pixels and its annotation says detected" in name for name in scene.missing)
    file = next((safe.folder / "annotation").glob("*-vh-*"))
    file.write_text(file.read_text().replace("<pixelValue>Complex", "<pixelValue>Detected"))
    assert "annotation says detected" in refusal(safe.folder)


def test_a_zipped_product_without_annotation_opens_as_a_plain_raster(grd):
    for file in (grd.folder / "annotation").glob("*.xml"):
        file.unlink()
    first = open_scene(zipped(grd))
    assert (first.width, first.height) == (90, 60) and first.georef is None and first.calibration == "uncalibrated"
    assert sum(name.startswith("annotation/s1a") for name in first.missing) == 2
    assert np.array_equal(read_chip(first, Window(0, 0, 90, 60), 1).intensity, grd.pixels["VV"].astype(np.float32) ** 2)


def test_a_manifest_with_entities_is_listed_and_the_rest_opens(grd):
    (grd.folder / "manifest.safe").write_text(BOMB)
    scene = open_scene(grd.folder)
    assert len(scene.missing) == 1 and "declares entities" in scene.missing[0] and len(scene.bands) == 2


def test_an_entry_of_an_archive_that_unpacks_to_gigabytes_is_left_alone(grd):
    annotation = next((grd.folder / "annotation").glob("*-vv-*"))
    annotation.write_bytes(bytes(65 * 2**20))
    scene = open_scene(zipped(grd))
    assert [band.name for band in scene.bands] == ["VH"] and any("larger than 64 MB" in n for n in scene.missing)


@pytest.mark.parametrize("part", ["manifest", "annotation/s1", "calibration-", "noise-", "measurement/"])
def test_a_damaged_entry_of_an_archive(grd, part):
    path = zipped(grd)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if part in entry.filename:
                at = entry.header_offset + 30 + len(entry.filename)
                content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    told = use(path)
    assert "measurement" in told if part == "measurement/" else part.strip("/-") in told


def test_an_encrypted_archive(grd):
    path = zipped(grd)
    content = bytearray(path.read_bytes())
    for mark, flag in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = content.find(mark)
        while at >= 0:
            content[at + flag : at + flag + 2] = struct.pack("<H", 1)
            at = content.find(mark, at + 4)
    path.write_bytes(content)
    refusal(path)


# --- cases that fuzzing found --------------------------------------------------------------------------------------


def test_bytes_of_a_broken_file_that_gdal_repeats_as_text(tmp_path, monkeypatch):
    from tests.core.scene_files import speckle, write_tif

    path = write_tif(tmp_path / "a.tif", speckle((50, 50)))

    def refuse(*args, **options):
        raise UnicodeDecodeError("utf-8", b"\xa5", 0, 1, "invalid start byte")

    monkeypatch.setattr(rasterio, "open", refuse)
    assert "damaged" in refusal(path)


def test_an_orbit_number_of_thousands_of_digits(grd):
    file = grd.folder / "manifest.safe"
    file.write_text(file.read_text().replace(">81<", f">{'9' * 5000}<"))
    assert open_scene(grd.folder).facts["orbit"] == "48578 descending, relative 31"  # of the absolute one


def test_an_annotation_of_iceye_with_a_size_below_zero(tmp_path):
    path = write_iceye_grd(tmp_path, iceye_xml(number_of_range_samples="-1"))
    assert open_scene(path).missing == ()


def test_an_orbit_of_capella_that_folds_the_image_leaves_it_without_a_place(tmp_path):
    said = capella_json("SLC", (70, 50), image_geometry=SLANT | {"delta_line_time": 1e-300})
    scene = open_scene(write_capella(tmp_path, "SLC", said=said))
    assert scene.georef is None and "coincide or are out of order" in scene.facts["geometry"]


def test_gains_whose_square_is_no_number_are_listed(tmp_path):
    from tests.core.products.radarsat_files import rs2_lut, write_rs2

    product = write_rs2(tmp_path)
    (product / "lutSigma.xml").write_text(rs2_lut(np.full(70, 1e-200)))
    scene = open_scene(product)
    assert scene.missing == ("lutSigma.xml (its gains are not all above 0)",)
    for kind in calibrations(scene):
        read_all(calibrated(scene, kind))


def test_angles_and_exponents_of_terrasar_that_are_none(tmp_path):
    from tests.core.products.terrasar_files import write_product
    from tests.core.products.test_terrasar import grid

    main = write_product(
        tmp_path, "GEC", grid=grid().replace("<inc>3", "<inc>1E+308<!--").replace("</inc>", "--></inc>")
    )
    assert open_scene(main).georef is not None
    (tmp_path / "ssc").mkdir()
    main = write_product(tmp_path / "ssc", grid=grid())
    main.write_text(main.read_text().replace('exponent="1"', 'exponent="²"'))
    assert open_scene(main).bands[0].calibrator.thermal is None
