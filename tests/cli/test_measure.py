"""`sarvlm measure`."""

import numpy as np
import pytest

from sarvlm_app.core.instruments import measure_line, measure_polygon, region_statistics
from sarvlm_app.core.scene import open_scene
from sarvlm_models.types import Window
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif


@pytest.fixture
def place(tmp_path):
    pixels = speckle((200, 240))
    pixels[100, 120] = 9000.0
    return write_tif(tmp_path / "a.tif", pixels, crs=UTM33, transform=TRANSFORM, descriptions=("VV",))


def test_a_line_has_length_and_azimuth(sarvlm, place):
    told = sarvlm("measure", place, "--line", "10,20 110,20 110,120", "--json").json
    wanted = measure_line(open_scene(place), [(10, 20), (110, 20), (110, 120)])
    assert told["line"]["length_m"] == pytest.approx(wanted.total_m) and told["line"]["basis"] == "geodesic"
    assert told["line"]["azimuth_deg"] == pytest.approx([90, 180], abs=1) and "profile" not in told
    assert told["line"]["segments_px"] == [100.0, 100.0]


def test_a_profile_is_given_along_it(sarvlm, place):
    told = sarvlm("measure", place, "--line", "10.5,20.5 60.5,20.5", "--profile", "--width", 5, "--json").json
    table = told["profile"]
    assert len(table["db"]) == len(table["distance_m"]) == len(table["points_lonlat"]) == 51
    assert table["distance_m"][-1] == pytest.approx(told["line"]["length_m"], rel=1e-6)
    out = sarvlm("measure", place, "--line", "10.5,20.5 60.5,20.5", "--profile").out
    assert "geodesic on WGS 84" in out and len(out.splitlines()) > 55 and "{" not in out


def test_a_region_has_area_and_statistics(sarvlm, place):
    ring = [(10.5, 10.5), (90.2, 15), (60, 150)]
    told = sarvlm("measure", place, "--region", " ".join(f"{c},{r}" for c, r in ring), "--json").json["region"]
    scene = open_scene(place)
    assert told["area_m2"] == pytest.approx(measure_polygon(scene, ring).area_m2)
    found = region_statistics(scene, 1, ring)
    assert (told["count"], told["mean_db"], told["enl"]) == pytest.approx((found.count, found.mean_db, found.enl))
    assert told["percentiles"]["50"] == told["median"] and told["enl"] == pytest.approx(1, rel=0.1)


def test_a_window_is_a_region_too(sarvlm, place):
    told = sarvlm("measure", place, "--window", "10,20,50,40", "--json").json["region"]
    assert told["pixels"] == told["area_px"] == 2000 and told["area_m2"] == pytest.approx(200_000, rel=2e-3)
    assert told["mean"] == pytest.approx(region_statistics(open_scene(place), 1, Window(10, 20, 50, 40)).mean)


def test_where_there_is_no_data_the_numbers_say_so_in_words(sarvlm, tmp_path):
    empty = write_tif(tmp_path / "empty.tif", np.zeros((60, 60), np.uint16), crs=UTM33, transform=TRANSFORM, nodata=0)
    out = sarvlm("measure", empty, "--window", "10,10,20,20").out
    assert "mean db  no value" in out and " nan" not in out
    assert sarvlm("measure", empty, "--window", "10,10,20,20", "--json").json["region"]["mean_db"] is None


def test_a_point_target_is_measured(sarvlm, place):
    told = sarvlm("measure", place, "--point", "118,103", "--json").json["point"]
    assert (told["col"], told["row"]) == pytest.approx((120.5, 100.5), abs=0.1)
    assert 0.5 < told["range"]["width_px"] < 1.5 and told["range"]["width_m"] == pytest.approx(
        10 * told["range"]["width_px"], rel=1e-2
    )
    assert told["notes"] and "pslr db" in sarvlm("measure", place, "--point", "118,103").out


def test_places_may_be_given_in_degrees(sarvlm, place):
    scene = open_scene(place)
    ends = np.transpose(scene.georef.to_lonlat([10, 110], [20, 20]))
    words = " ".join(f"{lon:.9f},{lat:.9f}" for lon, lat in ends)
    told = sarvlm("measure", place, "--line", words, "--lonlat", "--json").json["line"]
    assert np.ravel(told["points_px"]) == pytest.approx([10, 20, 110, 20], abs=1e-3)


def test_a_western_longitude_is_no_option(sarvlm, tmp_path):
    from affine import Affine

    path = write_tif(
        tmp_path / "w.tif", speckle((80, 80)), crs="EPSG:4326", transform=Affine(1e-4, 0, -118, 0, -1e-4, 33)
    )
    told = sarvlm("measure", path, "--point", "-117.996,32.996", "--lonlat", "--json")
    assert told.code == 0 or "no point target" in told.err
    words = "-117.999,32.999 -117.998,32.999"
    assert sarvlm("measure", path, "--line", words, "--lonlat", "--json").json["line"]["length_px"] == pytest.approx(10)


def test_what_rests_on_pixels_only_says_so(sarvlm, tmp_path):
    path = write_tif(tmp_path / "p.tif", speckle((60, 60)))
    told = sarvlm("measure", path, "--line", "0,0 3,4", "--json").json["line"]
    assert (told["length_px"], told["length_m"], told["basis"]) == (5.0, None, "pixels")
    assert "in pixels only" in sarvlm("measure", path, "--line", "0,0 3,4").out
    assert "no georeference" in sarvlm("measure", path, "--line", "0,0 3,4", "--lonlat").fault


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--line", "5,5"], "A line needs at least 2 points"),
        (["--region", "0,0 10,10 20,20"], "lie on one line"),
        (["--window", "500,500,10,10"], "does not touch"),
        (["--point", "500,5"], "lies outside"),
        (["--line", "0,0 9,9", "--profile", "--step", "0"], "step of the profile cannot be 0"),
        (["--line", "0,0 170,85", "--lonlat"], ""),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_sentence(sarvlm, place, words, told):
    ran = sarvlm("measure", place, *words)
    if told:
        assert told in ran.fault
    else:
        assert ran.code in (0, 1)


@pytest.mark.parametrize(
    "words", [[], ["--line", "a,b"], ["--line", "1,2,3"], ["--point", "1,2", "--line", "0,0 1,1"], ["--point", "nan,1"]]
)
def test_wrong_usage(sarvlm, place, words):
    assert sarvlm("measure", place, *words).code == 2
