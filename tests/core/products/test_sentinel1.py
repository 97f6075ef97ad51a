"""Sentinel-1 products: found, described, placed and calibrated."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.derived.calibrated import calibrated, calibrations, can_remove_noise
from sarvlm_app.core.products.sentinel1.annotation import read_annotation
from sarvlm_app.core.products.sentinel1.files import root_of
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import close_handles, open_scene, read_chip, scene_stats
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

from .safe_files import CALIBRATION, LINE_SECONDS, Safe, burst_starts, manifest, place, vector_value, write_safe


@pytest.fixture
def grd(tmp_path: Path) -> Safe:
    safe = Safe(tmp_path)
    write_safe(safe)
    return safe


@pytest.fixture
def slc(tmp_path: Path) -> Safe:
    for number in (1, 2, 3):
        safe = Safe(tmp_path, level="SLC", swath=f"IW{number}", bursts=3, width=240 + 60 * number, seed=number)
        write_safe(safe)
    return safe


def zipped(safe: Safe, **extra: str) -> Path:
    path = safe.root / f"{safe.name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(safe.folder.rglob("*")):
            if file.is_file():
                archive.write(file, f"{safe.folder.name}/{file.relative_to(safe.folder).as_posix()}")
        for name, content in extra.items():
            archive.writestr(name, content)
    return path


def test_a_detected_product_tells_what_it_is(grd):
    scene = open_scene(grd.folder)
    assert (scene.width, scene.height) == (420, 300)
    assert scene.product == "Sentinel-1 IW GRD" and scene.name == grd.name
    assert [band.polarisation for band in scene.bands] == ["VV", "VH"]
    assert scene.value_type is ValueType.DN and not scene.value_type_assumed
    assert scene.calibration is Calibration.UNCALIBRATED and scene.missing == ()
    assert scene.acquired.isoformat() == "2023-05-17T05:11:22.594441+00:00"
    assert scene.incidence_deg == pytest.approx((30.0, 38.9, 44.96), abs=0.01)
    assert scene.facts["orbit"] == "48578 descending, relative 81" and scene.facts["look"] == "right"
    assert scene.parts == ("IW",)


@pytest.mark.parametrize("way", ["folder", "manifest", "measurement", "zip"])
def test_every_way_into_a_product_gives_the_same_pixels(grd, way):
    measurement = next((grd.folder / "measurement").glob("*-vv-*"))
    paths = {"folder": grd.folder, "manifest": grd.folder / "manifest.safe", "measurement": measurement}
    path = zipped(grd) if way == "zip" else paths[way]
    scene = open_scene(path)
    chip = read_chip(scene, Window(0, 100, 420, 50), 2)
    expected = grd.pixels["VH"][100:150].astype(np.float32) ** 2
    assert np.array_equal(chip.intensity, expected)
    assert not chip.valid[:, :9].any() and chip.valid[:, 9:].all()
    assert scene.georef is not None and len(scene.bands) == 2


def test_swaths_of_an_slc_are_its_parts(slc):
    first = open_scene(slc.folder)
    assert first.part == "IW1" and first.parts == ("IW1", "IW2", "IW3")
    third = open_scene(slc.folder, part="iw3")
    assert third.part == "IW3" and third.width == 420 and third.value_type is ValueType.COMPLEX
    assert third.fingerprint != first.fingerprint and third.facts["bursts"].startswith("3 of 100 lines")
    chip = read_chip(third, Window(10, 20, 30, 40), 1)
    assert np.allclose(chip.intensity, np.abs(slc.pixels["VV"][20:60, 10:40]) ** 2)
    second = open_scene(next((slc.folder / "measurement").glob("s1a-iw2-*-vh-*")))
    assert second.part == "IW2"
    with pytest.raises(SceneError, match="has no part IW7; choose one of IW1, IW2, IW3"):
        open_scene(slc.folder, part="IW7")


def test_a_pixel_lies_where_the_grid_says(grd):
    scene = open_scene(grd.folder)
    about = read_annotation(next((grd.folder / "annotation").glob("*-vv-*")))
    for point in about.grid:
        col, row = scene.georef.from_lonlat(point.lon, point.lat)
        assert float(col) == pytest.approx(point.pixel + 0.5, abs=0.01)
        assert float(row) == pytest.approx(point.line + 0.5, abs=0.01)
    lon, lat = scene.georef.to_lonlat(123.5, 77.5)  # between the points
    assert (float(lon), float(lat)) == pytest.approx(place(grd, 77, 123), abs=2e-6)


def test_lines_of_bursts_are_placed_by_their_own_time(slc):
    scene = open_scene(slc.folder, part="IW3")
    for burst, start in enumerate(burst_starts(slc)):
        for line in (0, 50, 99):
            lon, lat = scene.georef.to_lonlat(200.5, burst * 100 + line + 0.5)
            expected = place(slc, 0, 200, start + line * LINE_SECONDS)
            assert (float(lon), float(lat)) == pytest.approx(expected, abs=2e-5)


@settings(max_examples=40, deadline=None)
@given(col=st.integers(0, 380), row=st.integers(0, 280), width=st.integers(1, 40), height=st.integers(1, 20))
def test_backscatter_is_what_the_tables_say(tmp_path_factory, col, row, width, height):
    safe, scene = _shared_grd(tmp_path_factory)
    window = Window(col, row, width, height)
    lines, pixels = np.mgrid[row : row + height, col : col + width].astype(float)
    dn = safe.pixels["VV"][row : row + height, col : col + width].astype(float)
    for kind, tag in (
        (Calibration.SIGMA0, "sigmaNought"),
        (Calibration.BETA0, "betaNought"),
        (Calibration.GAMMA0, "gamma"),
    ):
        table = vector_value(CALIBRATION[tag], lines, pixels)
        chip = read_chip(calibrated(scene, kind), window, 1)
        assert np.allclose(chip.intensity[chip.valid], ((dn / table) ** 2)[chip.valid], rtol=1e-5)
    noise = vector_value(2000.0, lines, pixels)
    noise *= np.where(pixels < 210, 1.0, 1.2) + 0.5 * lines / 299
    chip = read_chip(calibrated(scene, Calibration.SIGMA0, remove_noise=True), window, 1)
    expected = (dn**2 - noise) / vector_value(CALIBRATION["sigmaNought"], lines, pixels) ** 2
    assert np.allclose(chip.intensity[chip.valid], expected[chip.valid], rtol=2e-5, atol=1e-6)


_MADE: dict[str, tuple[Safe, object]] = {}


def _shared_grd(factory: pytest.TempPathFactory) -> tuple[Safe, object]:
    if "grd" not in _MADE:
        safe = Safe(factory.mktemp("safe"))
        write_safe(safe)
        _MADE["grd"] = safe, open_scene(safe.folder)
    return _MADE["grd"]


def test_a_calibrated_scene_is_a_scene_of_its_own(grd):
    scene = open_scene(grd.folder)
    made = calibrated(scene, Calibration.SIGMA0, remove_noise=True)
    assert made.calibration is Calibration.SIGMA0 and made.value_type is ValueType.INTENSITY
    assert made.fingerprint not in {scene.fingerprint, calibrated(scene, Calibration.SIGMA0).fingerprint}
    assert made.facts["derived"] == "sigma0, thermal noise removed"
    assert scene_stats(made, 1).median_amplitude < 2 < scene_stats(scene, 1).median_amplitude
    with pytest.raises(SceneError, match="holds sigma0 already"):
        calibrated(made, Calibration.BETA0)


def test_what_is_missing_is_listed_and_the_rest_opens(grd):
    calibration = grd.folder / "annotation/calibration"
    next(calibration.glob("noise-*-vv-*")).unlink()
    next(calibration.glob("calibration-*-vh-*")).unlink()
    scene = open_scene(grd.folder)
    assert any("noise-" in name and "-vv-" in name for name in scene.missing)
    assert any("calibration-" in name and "-vh-" in name for name in scene.missing)
    assert calibrations(scene) == () and not can_remove_noise(scene)
    with pytest.raises(SceneError, match="comes without calibration tables"):
        calibrated(scene, Calibration.SIGMA0)
    next((grd.folder / "measurement").glob("*-vh-*")).unlink()
    close_handles(scene)
    scene = open_scene(grd.folder)
    assert [band.name for band in scene.bands] == ["VV"] and calibrations(scene)
    assert any(name.startswith("measurement/") for name in scene.missing)
    with pytest.raises(SceneError, match="states no thermal noise; calibrate it without"):
        calibrated(scene, Calibration.SIGMA0, remove_noise=True)


@pytest.mark.parametrize("way", ["folder", "measurement", "zip"])
def test_a_product_with_cloud_optimised_images_opens(grd, way):
    files = [file for folder in ("measurement", "annotation") for file in (grd.folder / folder).rglob("*.*")]
    for file in files:
        file.rename(file.with_name(f"{file.stem}-cog{file.suffix}"))
    (grd.folder / "manifest.safe").write_text(manifest(grd))
    measurement = next((grd.folder / "measurement").glob("*-vh-*"))
    paths = {"folder": grd.folder, "measurement": measurement, "zip": zipped(grd)}
    scene = open_scene(paths[way])
    assert [band.name for band in scene.bands] == ["VV", "VH"] and scene.missing == ()
    assert can_remove_noise(scene) and scene.georef is not None and len(scene.documents) == 7
    next((grd.folder / "annotation/calibration").glob("noise-*-vv-*")).unlink()
    assert any("noise-" in name for name in open_scene(grd.folder).missing)


def test_a_swath_that_is_missing_is_listed_and_the_others_open(slc):
    for file in slc.folder.rglob("s1a-iw2-*"):
        file.unlink()
    scene = open_scene(slc.folder)
    assert scene.parts == ("IW1", "IW3") and len(scene.bands) == 2
    assert sum("iw2" in name for name in scene.missing) == 4


def test_without_manifest_the_product_opens(grd):
    (grd.folder / "manifest.safe").unlink()
    assert open_scene(grd.folder).missing == ("manifest.safe",)


def test_without_annotation_an_image_is_a_plain_raster(grd):
    for file in (grd.folder / "annotation").glob("*.xml"):
        file.unlink()
    scene = open_scene(grd.folder)
    assert (scene.width, scene.height) == (420, 300) and scene.georef is None
    assert sum(name.startswith("annotation/s1a") for name in scene.missing) == 2


def test_a_broken_annotation_is_told_and_the_other_image_opens(grd):
    broken = next((grd.folder / "annotation").glob("*-vv-*"))
    broken.write_text(broken.read_text()[:400])
    scene = open_scene(grd.folder)
    assert [band.name for band in scene.bands] == ["VH"]
    assert any("-vv-" in name and "XML" in name for name in scene.missing)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<numberOfLines>300", "<numberOfLines>-5"),
        ("<numberOfSamples>420", "<numberOfSamples>abc"),
        ("<pass>Descending</pass>", ""),
        ("<latitude>", "<latitude>nan<!-- "),
        ("2023-05-17T05:11:22.594441", "yesterday"),
    ],
)
def test_nonsense_in_an_annotation_is_one_sentence(grd, old, new):
    for file in (grd.folder / "annotation").glob("*.xml"):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1) if "<!--" not in new else text.replace(old, "<latitude>nan", 1))
    scene = open_scene(grd.folder)
    assert scene.georef is None and all("\n" not in name for name in scene.missing)


def test_a_bomb_in_xml_is_refused(grd):
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><product>&b;</product>'
    for file in (grd.folder / "annotation").glob("*.xml"):
        file.write_text(bomb)
    assert any("declares entities" in name for name in open_scene(grd.folder).missing)


def test_an_image_of_another_size_than_its_annotation_is_refused(grd):
    for file in (grd.folder / "annotation").glob("*.xml"):
        file.write_text(file.read_text().replace("<numberOfLines>300", "<numberOfLines>301"))
    with pytest.raises(SceneError, match="420 x 300 pixels and its annotation says 420 x 301"):
        open_scene(grd.folder)


def test_a_truncated_image_is_refused_in_a_sentence(grd):
    for image in (grd.folder / "measurement").glob("*"):
        image.write_bytes(image.read_bytes()[:-5000])
    with pytest.raises(SceneError, match="damaged or cut short"):
        open_scene(grd.folder)


def test_a_truncated_archive_is_refused_in_a_sentence(grd):
    path = zipped(grd)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SceneError, match="damaged or cut short"):
        open_scene(path)


def test_entries_that_point_outside_are_never_touched(grd, tmp_path):
    inside = f"{grd.folder.name}/annotation/../../../../etc/s1a.xml"
    path = zipped(grd, **{"../outside.xml": "<a/>", "/etc/absolute.xml": "<a/>", inside: "<a/>"})
    assert open_scene(path).missing == ()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([grd.folder.name, path.name])


def test_a_folder_without_images_says_so(grd):
    shutil.rmtree(grd.folder / "measurement")
    with pytest.raises(SceneError, match="holds no measurement; download the product again"):
        open_scene(grd.folder)


def test_other_folders_and_archives_are_not_taken_for_products(tmp_path):
    (tmp_path / "photos").mkdir()
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        archive.writestr("letter.txt", "dear")
    (tmp_path / "noise.zip").write_bytes(b"PK\x03\x04 nothing")
    assert root_of(tmp_path / "photos") is None
    assert root_of(tmp_path / "letters.zip") is None
    assert root_of(tmp_path / "noise.zip") is None


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_annotation_never_ends_in_anything_but_a_sentence(tmp_path_factory, data):
    safe, _scene = _shared_grd(tmp_path_factory)
    original = next((safe.folder / "annotation").glob("*-vv-*")).read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    count = data.draw(st.integers(1, 40))
    other = data.draw(st.binary(max_size=40))
    file = tmp_path_factory.mktemp("fuzz") / "annotation.xml"
    file.write_bytes(original[:at] + other + original[at + count :])
    try:
        read_annotation(file)
    except SceneError as error:
        assert str(file) in str(error) and "\n" not in str(error)
