"""The other scene on this one's grid, and the change between them."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from sarvlm_app.core.linking.caveats import caveats
from sarvlm_app.core.linking.cells import Cell, other_means, own_means
from sarvlm_app.core.linking.change import change_scene, spread_db
from sarvlm_app.core.linking.levels import TiledLevels, change_levels, resampled_levels
from sarvlm_app.core.linking.pairing import pair
from sarvlm_app.core.linking.readers import ExactReader, PyramidReader
from sarvlm_app.core.pyramid import ScenePyramid
from sarvlm_app.core.scene import open_scene, read_chip, read_values
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.linking.pairs import ground

CELLS = Window(0, 0, 60, 48)


def both(tmp_path, **other):
    return ground(tmp_path / "a.tif", seed=1), ground(tmp_path / "b.tif", **({"seed": 2} | other))


def levels(one, other, cell):
    two = pair(one, other)
    return change_levels(two, ExactReader(one, 1), ExactReader(other, 1), cell)


def test_a_scene_against_itself_has_not_changed(tmp_path):
    one = ground(tmp_path / "a.tif", seed=1)
    for cell in (Cell(1, 1), Cell(5, 5), Cell(8, 8), Cell(3, 7)):
        made = levels(one, one, cell)
        for number, shape in enumerate(made.shapes):
            found = made.read(number, 0, shape[0], 0, shape[1])
            assert np.nanmax(np.abs(found)) < 2e-3, (cell, number)


def test_ten_times_as_bright_is_ten_decibels_whatever_the_grid(tmp_path):
    one = ground(tmp_path / "a.tif")
    for how in ({"spacing": 4.0, "turn": 17.0}, {"spacing": 31.0}, {"turn": -90.0}, {"turn": 180.0}):
        size = (900, 900)
        other = ground(tmp_path / "b.tif", size, factor=10.0, shift=(-200.0, -900.0 if "turn" in how else 0.0), **how)
        found = levels(one, other, Cell(5, 5)).read(0, 0, 48, 0, 60)
        inside = found[np.isfinite(found)]
        assert inside.size > 100, how
        assert np.abs(np.median(inside) - 10.0) < 0.02, how
        assert np.percentile(np.abs(inside - 10.0), 95) < 0.25, how


def test_speckle_leaves_no_bias_and_spreads_as_theory_says(tmp_path):
    one, other = both(tmp_path)
    found = levels(one, other, Cell(5, 5)).read(0, 0, 48, 0, 60)
    assert abs(found.mean()) < 0.1
    assert found.std() == pytest.approx(spread_db(25.0), rel=0.1)


def test_what_changed_is_where_it_changed(tmp_path):
    one, other = both(tmp_path, changed=(1000.0, 500.0, 500.0, 400.0), shift=(-55.0, -35.0), size=(330, 260))
    found = levels(one, other, Cell(5, 5)).read(0, 0, 48, 0, 60)
    strong = np.zeros(found.shape, bool)
    strong[10:18, 20:30] = True
    assert found[11:17, 21:29].min() > 6.0
    assert np.percentile(found[~np.pad(strong, 1)[1:-1, 1:-1]], 97) < 6.0


def test_there_is_no_data_outside_the_overlap(tmp_path):
    one, other = both(tmp_path, shift=(1000.0, 0.0))
    found = levels(one, other, Cell(5, 5)).read(0, 0, 48, 0, 60)
    assert np.isnan(found[:, :20]).all()
    assert np.isfinite(found[:, 20:]).all()


def test_tiles_meet_without_a_seam(tmp_path):
    one, other = both(tmp_path, turn=10.0, size=(600, 600), shift=(-1500.0, -1500.0), spacing=9.0)
    two, reader = pair(one, other), ExactReader(other, 1)
    whole, valid = other_means(two, reader, Window(0, 0, 120, 90), Cell(2, 2))
    parts = [
        other_means(two, reader, Window(col, 0, 37 if col < 111 else 9, 90), Cell(2, 2)) for col in range(0, 120, 37)
    ]
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts], axis=1), valid)
    np.testing.assert_allclose(np.concatenate([part[0] for part in parts], axis=1), whole, rtol=0.02, atol=1e-4)


def test_tiles_are_made_anew_once_better_data_have_arrived():
    made = []

    def make(window, cell):
        made.append(window)
        if len(made) == 2:
            tiles.forget()  # while the tile is being made
        return np.full((window.height, window.width), float(len(made)), np.float32)

    tiles = TiledLevels((300, 200), Cell(1, 1), make)
    assert tiles.read(0, 0, 10, 0, 10).max() == 1.0 == tiles.read(0, 5, 9, 0, 10).max()
    tiles.forget()
    assert tiles.peek(3.0, 3.0) is None
    assert tiles.read(0, 0, 10, 0, 10).max() == 2.0
    assert tiles.read(0, 0, 10, 0, 10).max() == 3.0 == tiles.peek(3.0, 3.0)


def test_own_means_are_those_of_the_only_door_to_pixels(tmp_path):
    one = ground(tmp_path / "a.tif", seed=4)
    chip = read_chip(one, Window(0, 0, 300, 240), 1, (40, 50))
    mean, valid = own_means(ExactReader(one, 1), Window(0, 0, 50, 40), Cell(6, 6))
    assert valid.all()
    np.testing.assert_allclose(mean, chip.intensity, rtol=1e-5)


def test_the_pyramid_gives_the_same_as_the_file(tmp_path):
    one, other = both(tmp_path, shift=(-33.0, -41.0), size=(330, 260))
    two = pair(one, other)
    quick = change_levels(two, *(PyramidReader(ScenePyramid(s, 1, tmp_path)) for s in (one, other)), Cell(4, 4))
    exact = levels(one, other, Cell(4, 4))
    for number, shape in enumerate(exact.shapes):
        np.testing.assert_allclose(
            quick.read(number, 0, *shape[:1], 0, shape[1]), exact.read(number, 0, shape[0], 0, shape[1]), atol=0.02
        )
    assert quick.peek(100.0, 100.0) is not None
    assert quick.peek(-3.0, 10.0) is None


def test_the_other_scene_on_this_grid_is_the_other_scene(tmp_path):
    one, other = ground(tmp_path / "a.tif"), ground(tmp_path / "b.tif", shift=(100.0, 50.0), seed=3)
    made = resampled_levels(pair(one, other), ExactReader(other, 1)).read(0, 5, 240, 10, 300)
    truth = read_values(other, Window(0, 0, 290, 235), 1)
    np.testing.assert_allclose(made, 10 * np.log10(truth), atol=1e-2)


def test_the_change_is_a_scene_that_says_what_it_is(tmp_path):
    one = ground(tmp_path / "a.tif", seed=1, tags={"SARVLM_ACQUIRED": "2024-06-01T00:00:00Z"})
    other = ground(tmp_path / "b.tif", seed=2, factor=4.0, tags={"SARVLM_ACQUIRED": "2024-05-01T00:00:00Z"})
    made = change_scene(pair(one, other), (1, 1), Cell(5, 4))
    assert (made.width, made.height) == (60, 60)
    assert made.facts["ratio"] == "10 log10(a / b)"  # the later one is above the line
    db = read_values(made, Window(0, 0, 60, 60), 1)
    assert np.median(db) == pytest.approx(-6.02, abs=0.2)
    col, row = made.georef.from_lonlat(*one.georef.to_lonlat(50.0, 40.0))
    assert (float(col), float(row)) == pytest.approx((10.0, 10.0), abs=1e-3)


def test_more_than_the_scene_cannot_be_averaged(tmp_path):
    one, other = both(tmp_path)
    with pytest.raises(SceneError, match="average fewer pixels"):
        change_scene(pair(one, other), (1, 1), Cell(256, 256))


def test_what_misleads_is_told(tmp_path):
    one = ground(tmp_path / "a.tif", tags={"ORBIT_DIRECTION": "ascending"})
    other = ground(tmp_path / "b.tif", (100, 100), spacing=30.0, tags={"CALIBRATION": "gamma0"})
    told = " ".join(caveats(one, other, (1, 1)))
    assert "Calibration differs (sigma0, gamma0)" in told
    assert "factor of 3.0" in told


def test_a_scene_that_vanished_is_told(tmp_path):
    one, other = both(tmp_path)
    made = levels(one, other, Cell(2, 2))
    (tmp_path / "b.tif").unlink()
    from sarvlm_app.core.scene import close_handles

    close_handles(other)
    with pytest.raises(SceneError):
        made.read(0, 0, 10, 0, 10)


def test_a_written_change_opens_again(tmp_path):
    from sarvlm_app.core.export.scene_raster import write_scene
    from sarvlm_app.core.jobs import JobContext
    from sarvlm_app.core.radiometry import ValueType

    one, other = both(tmp_path, shift=(500.0, 0.0), tags={"CALIBRATION": "gamma0"})
    made = change_scene(pair(one, other), (1, 1), Cell(5, 5))
    write_scene(made, tmp_path / "change.tif", [1], ValueType.DB, JobContext())
    again = open_scene(tmp_path / "change.tif")
    found, truth = (read_values(scene, Window(0, 0, 60, 48), 1) for scene in (again, made))
    np.testing.assert_allclose(found, truth, atol=1e-3)
    assert np.isnan(found[:, :9]).all()
    with rasterio.open(tmp_path / "change.tif") as file:
        assert "Calibration differs (sigma0, gamma0)" in file.tags()["SARVLM_NOTES"]
