"""`sarvlm info`."""

import numpy as np
import pytest

from tests.cli.spots import spotted
from tests.core.scene_files import write_tif

KEYS = {"product", "size", "bands", "polarisations", "crs", "footprint", "pixel_spacing_m", "acquired", "orbit", "look",
        "incidence", "value_type", "calibration", "missing"}  # fmt: skip


def test_the_facts_of_the_contract(sarvlm, scene):
    facts = sarvlm("info", scene, "--json").json
    assert set(facts) >= KEYS
    assert facts["size"] == [240, 200] and facts["crs"] == "EPSG:32633" and facts["missing"] == []
    assert facts["pixel_spacing_m"] == pytest.approx([10, 10], rel=1e-3)
    assert all(14 < lon < 16 and 47 < lat < 49 for lon, lat in facts["footprint"])


def test_what_is_not_known_is_null(sarvlm, tmp_path):
    facts = sarvlm("info", write_tif(tmp_path / "a.tif", spotted()), "--json").json
    assert facts["crs"] is None and facts["footprint"] is None and facts["pixel_spacing_m"] is None


@pytest.mark.parametrize(
    ("nodata", "told"), [(None, None), (0, 0.0), (-9999, -9999.0), (np.nan, "nan"), (-np.inf, "-inf"), (np.inf, "inf")]
)
def test_the_value_of_no_data_is_json_whatever_it_is(sarvlm, tmp_path, nodata, told):
    path = write_tif(tmp_path / "a.tif", spotted(), **({} if nodata is None else {"nodata": nodata}))
    assert sarvlm("info", path, "--json").json["nodata"] == told


def test_a_geometry_off_the_map_is_no_reason_to_fall(sarvlm, tmp_path):
    from affine import Affine

    path = write_tif(tmp_path / "a.tif", spotted(), crs="EPSG:3857", transform=Affine(1e9, 0, 1e12, 0, -1e9, 1e12))
    assert sarvlm("info", path, "--json").json["size"] == [240, 200]


def test_people_get_one_fact_a_line(sarvlm, scene):
    out = sarvlm("info", scene).out
    assert "240 x 200 px" in out and "{" not in out and "None" not in out
