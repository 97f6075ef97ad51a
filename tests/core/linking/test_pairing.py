"""Pixels of two scenes find each other by geography."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.linking.caveats import caveats
from sarvlm_app.core.linking.pairing import Basis, pair
from sarvlm_app.core.linking.positions import grid_positions
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.errors import SceneError
from tests.core.geometries import KINDS, SIZE
from tests.core.linking.pairs import ground


def placed(name, georef, size=SIZE) -> Scene:
    return Scene(
        path=name, name=str(name), product="", width=size[0], height=size[1], bands=(), dtype="float32",
        value_type=ValueType.INTENSITY, value_type_assumed=False, calibration=Calibration.SIGMA0, nodata=None,
        georef=georef, spacing_m=(10.0, 10.0), acquired=None, facts={}, missing=(), simulated=True,
        fingerprint=str(name),
    )  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(KINDS)), st.sampled_from(sorted(KINDS)), st.floats(0, 1), st.floats(0, 1),
    st.sampled_from([(11.5, 48.0), (179.99, -20.0), (-70.0, 60.0)]),
)  # fmt: skip
def test_there_and_back_is_the_same_pixel_whatever_the_geometries(one, other, x, y, at):
    two = pair(placed("a", KINDS[one](*at, "R")), placed("b", KINDS[other](*at, "L")))
    col, row = 50 + x * (SIZE[0] - 100), 50 + y * (SIZE[1] - 100)
    there = two.to_other(col, row)
    if not np.isfinite(there).all():
        return
    back = two.to_one(*there)
    assert np.hypot(back[0] - col, back[1] - row) < 0.05


def test_errors_of_both_geometries_add_up_and_are_told(tmp_path):
    at = (11.5, 48.0, "R")
    rpc, sicd, affine = (placed(kind, KINDS[kind](*at)) for kind in ("rpc", "sicd", "affine"))
    two = pair(rpc, sicd)
    assert two.error_m == pytest.approx(np.hypot(rpc.georef.error_m.metres, sicd.georef.error_m.metres))
    assert pair(rpc, affine).error_m is None
    band = Band(1, "a", None, ValueType.INTENSITY)
    one, other = (replace(scene, bands=(band,), spacing_m=(2.0, 2.0)) for scene in (rpc, sicd))
    told = " ".join(caveats(one, other, (1, 1), two.error_m))
    assert "off by about 5.9 m (2.9 px)" in told
    assert "off by" not in " ".join(caveats(one, other, (1, 1), 1.0))


def test_a_shift_on_the_map_is_a_shift_in_pixels(tmp_path):
    two = pair(ground(tmp_path / "a.tif"), ground(tmp_path / "b.tif", shift=(150.0, 40.0)))
    assert two.basis is Basis.GEOGRAPHY
    np.testing.assert_allclose(two.to_other(20.0, 10.0), (5.0, 6.0), atol=1e-4)
    assert two.share == pytest.approx((285 / 300) * (236 / 240), abs=0.02)
    np.testing.assert_allclose(two.slope, ((1, 0), (0, 1)), atol=1e-6)


def test_a_small_scene_within_a_large_one_is_found(tmp_path):
    tiny = ground(tmp_path / "b.tif", (12, 9), shift=(1234.0, 777.0), spacing=1.0)
    two = pair(ground(tmp_path / "a.tif", (900, 900)), tiny)
    assert two.overlap.col <= 123 and two.overlap.col_end >= 124
    assert two.overlap.width < 60


def test_scenes_apart_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(SceneError, match=r"b does not lie on the ground of a; choose"):
        pair(ground(tmp_path / "a.tif"), ground(tmp_path / "b.tif", shift=(9000.0, 0.0)))


def test_one_scene_without_georeference_is_refused_and_named(tmp_path):
    with pytest.raises(SceneError, match=r"b has no georeference"):
        pair(ground(tmp_path / "a.tif"), ground(tmp_path / "b.tif", placed=False))


def test_two_without_georeference_are_matched_by_pixel_where_sizes_agree(tmp_path):
    one, other = (ground(tmp_path / name, placed=False) for name in ("a.tif", "b.tif"))
    two = pair(one, other)
    assert (two.basis, two.share) == (Basis.PIXELS, 1.0)
    np.testing.assert_array_equal(two.to_other([3.5, 7.0], [1.0, 2.0]), ([3.5, 7.0], [1.0, 2.0]))
    with pytest.raises(SceneError, match="differ in size"):
        pair(one, ground(tmp_path / "c.tif", (300, 200), placed=False))


@pytest.mark.parametrize("kind", ["grid", "gcps", "sicd", "rpc"])
def test_positions_by_the_lattice_are_the_exact_ones(kind):
    two = pair(placed("a", KINDS["affine"](11.5, 48.0, "R")), placed("b", KINDS[kind](11.5, 48.0, "R")))
    cols, rows = np.arange(200, 320) + 0.5, np.arange(100, 190) + 0.5
    found = grid_positions(two, cols, rows)
    exact = two.to_other(*np.meshgrid(cols, rows))
    for mine, truth in zip(found, exact, strict=True):
        assert np.nanmax(np.abs(mine - truth)) < 0.05
