"""`sarvlm filter`."""

import subprocess
import sys

import numpy as np
import pytest
import rasterio

from sarvlm_app.cli.scene_work_parser import FILTER_NAMES
from sarvlm_app.core.filters import FILTERS, Boxcar, Multilook, RefinedLee
from sarvlm_app.core.georef import Gcp
from sarvlm_app.core.scene import open_scene, read_chip
from sarvlm_models.types import Window
from tests.cli.conftest import finished
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif


def chip(path, band=1):
    scene = open_scene(path)
    return read_chip(scene, Window(0, 0, scene.width, scene.height), band)


@pytest.fixture
def place(tmp_path):
    pixels = np.stack([speckle((260, 300)), 2 * speckle((260, 300), seed=1)])
    pixels[:, :40, :30] = 0
    options = {"nodata": 0.0, "descriptions": ("VV", "VH"), "tags": {"ACQUIRED": "2020-05-06T07:08:09Z"}}
    return write_tif(tmp_path / "a.tif", pixels, crs=UTM33, transform=TRANSFORM, **options)


def test_the_names_of_the_help_are_those_of_the_filters():
    assert tuple(FILTERS) == FILTER_NAMES


@pytest.mark.parametrize("name", FILTER_NAMES)
def test_each_filter_writes_what_it_computes_in_its_place(sarvlm, place, tmp_path, name):
    out = tmp_path / "out.tif"
    told = sarvlm("filter", place, out, "--filter", name, "--json").json
    assert told["filter"] == name and told["bands"] == ["VV", "VH"] and set(told["parameters"])
    scene, before = open_scene(out), open_scene(place)
    assert [scene.width, scene.height] == told["size"]
    assert (scene.value_type, [band.polarisation for band in scene.bands]) == ("intensity", ["VV", "VH"])
    assert scene.acquired == before.acquired and scene.facts["compression"] == "DEFLATE"
    np.testing.assert_allclose(scene.georef.to_lonlat(0, 0), before.georef.to_lonlat(0, 0))
    data = chip(out)
    assert data.valid.mean() == pytest.approx(1 - 1200 / 78000, abs=0.01) and not data.valid[0, 0]
    assert data.intensity[data.valid].mean() == pytest.approx(20000 / 2, rel=0.08)


def test_the_pixels_are_those_of_the_filter(sarvlm, place, tmp_path):
    out = tmp_path / "out.tif"
    sarvlm("filter", place, out, "--filter", "refined-lee", "--looks", 1, "--size", 9, "--band", "VH")
    source = chip(place, 2)
    wanted, valid = RefinedLee(9, 1.0).apply(source.intensity, source.valid)
    np.testing.assert_array_equal(chip(out).intensity, wanted)
    np.testing.assert_array_equal(chip(out).valid, valid)


def test_the_looks_are_estimated_where_they_are_not_given(sarvlm, place, tmp_path):
    told = sarvlm("filter", place, tmp_path / "a1.tif", "--filter", "lee", "--json").json
    assert told["looks_estimated"] == pytest.approx(1, rel=0.05)
    assert told["parameters"]["looks"] == pytest.approx(told["looks_estimated"], abs=1e-3)
    given = sarvlm("filter", place, tmp_path / "a2.tif", "--filter", "lee", "--looks", 4, "--json").json
    assert given["looks_estimated"] is None and given["parameters"] == {"size": 7, "looks": 4.0}
    assert "estimated from the scene: 1.0" in sarvlm("filter", place, tmp_path / "a3.tif", "--filter", "lee").out


def test_looks_that_cannot_be_told_are_asked_for(sarvlm, tmp_path):
    small = write_tif(tmp_path / "small.tif", speckle((20, 20)))
    fault = sarvlm("filter", small, tmp_path / "o.tif", "--filter", "lee").fault
    assert "small.tif cannot be told from its pixels; give it with --looks" in fault


def test_decibels_and_what_was_done_are_in_the_file(sarvlm, place, tmp_path):
    out = tmp_path / "out.tif"
    sarvlm("filter", place, out, "--filter", "boxcar", "--size", 5, "--unit", "db", "--band", "VV")
    with rasterio.open(out) as data:
        tags, values = data.tags(), data.read(1)
        assert data.descriptions == ("VV",) and np.isnan(data.nodata) and data.block_shapes == [(512, 512)]
    assert tags["SARVLM_VALUE_TYPE"] == "db" and tags["SARVLM_DERIVED"] == "Boxcar, window (px) 5"
    assert tags["SARVLM_SOURCE"] == "a" and tags["SARVLM_SIMULATED"] == "no"
    source = chip(place)
    wanted, valid = Boxcar(5).apply(source.intensity, source.valid)
    np.testing.assert_allclose(values[valid], 10 * np.log10(wanted[valid]), rtol=1e-5)
    assert np.isnan(values[~valid]).all() and open_scene(out).value_type == "db"


def test_multilooking_scales_the_georeference(sarvlm, place, tmp_path):
    out = tmp_path / "out.tif"
    told = sarvlm("filter", place, out, "--filter", "multilook", "--azimuth", 2, "--range", 5, "--json").json
    assert told["size"] == [60, 130] and told["pixel_spacing_m"] == pytest.approx([50, 20], rel=1e-3)
    made, before = open_scene(out), open_scene(place)
    np.testing.assert_allclose(made.georef.to_lonlat(7, 11), before.georef.to_lonlat(35, 22))
    source = chip(place)
    np.testing.assert_array_equal(chip(out).intensity, Multilook(2, 5).apply(source.intensity, source.valid)[0])


@pytest.mark.parametrize("arguments", [("boxcar",), ("multilook", "--azimuth", 2, "--range", 5)])
def test_control_points_stay_control_points(sarvlm, tmp_path, arguments):
    gcps = [
        Gcp(c, r, 10 + c / 1e3 + r * r / 1e8, 50 - r / 1e3 + c * r / 1e8) for c in (0, 60, 120) for r in (0, 50, 100)
    ]
    scene = open_scene(write_tif(tmp_path / "a.tif", speckle((100, 120)), gcps=gcps, crs="EPSG:4326"))
    out = tmp_path / "out.tif"
    sarvlm("filter", scene.path, out, "--filter", *arguments)
    factor = (5, 2) if "multilook" in arguments else (1, 1)
    made = open_scene(out)
    with rasterio.open(out) as data:
        assert len(data.gcps[0]) >= 9
    here, there = made.georef.to_lonlat(7.3, 11.1), scene.georef.to_lonlat(7.3 * factor[0], 11.1 * factor[1])
    np.testing.assert_allclose(here, there, atol=2e-7)


def test_a_scene_without_georeference_stays_without(sarvlm, tmp_path):
    path = write_tif(tmp_path / "a.tif", speckle((60, 60)))
    sarvlm("filter", path, tmp_path / "out.tif", "--filter", "frost")
    assert open_scene(tmp_path / "out.tif").georef is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--filter", "lee", "--size", "4"], "choose an odd number from 3 to 33"),
        (["--filter", "boxcar", "--looks", "3"], "The filter boxcar has no parameter “looks”; it has size"),
        (["--filter", "multilook", "--range", "256"], "cannot be multilooked by 256 x 2; choose fewer"),
        (["--filter", "lee", "--band", "HH"], "has no band HH"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(sarvlm, tmp_path, words, told):
    small = write_tif(tmp_path / "small.tif", speckle((50, 50)))
    assert told in sarvlm("filter", small, tmp_path / "out.tif", *words).fault
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.tif"]


def test_the_scene_itself_is_not_written_over(sarvlm, place):
    assert "is the scene itself" in sarvlm("filter", place, place, "--filter", "boxcar").fault


@pytest.mark.parametrize("words", [[], ["--filter", "median"], ["--filter", "lee", "--looks", "x"]])
def test_wrong_usage(sarvlm, place, tmp_path, words):
    assert sarvlm("filter", place, tmp_path / "o.tif", *words).code == 2


def test_an_interrupt_leaves_nothing_behind(sarvlm, place, tmp_path, monkeypatch):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("sarvlm_app.core.export.scene_raster.from_intensity", interrupt)
    assert sarvlm("filter", place, tmp_path / "out.tif", "--filter", "boxcar").code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on file sizes")
def test_a_disk_that_fills_is_told_and_leaves_nothing_behind(start, place, tmp_path):
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from sarvlm_app.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))\n"
        f"sys.exit(main(['filter', {str(place)!r}, {str(tmp_path / 'out.tif')!r}, '--filter', 'boxcar']))"
    )
    ran = finished(start("-c", code, stdin=subprocess.DEVNULL))
    assert ran.code == 1, ran.err
    assert "out.tif cannot be written" in ran.err.splitlines()[-1] and "Traceback" not in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
