"""`sarvlm info --json` on every file of `../shared/data/format_samples`, held against what the files say themselves."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.errors import NotGeoreferencedWarning

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "format_samples"
pytestmark = pytest.mark.shared

PICTURES = {
    "Spain_7370579_S1Hand.tif": (["VV", "VH"], "db"),
    "Spain_7370579_LabelHand.tif": ([], "dn"),
    "s1_port_la_vv_db_float64_utm.tif": (["VV"], "db"),
    "quadpol_harbour_slc_complex.tif": (["HH", "HV", "VV"], "complex"),
}


def samples(pattern: str) -> list[str]:
    return sorted(path.relative_to(DATA).as_posix() for path in DATA.glob(pattern))


def test_every_sample_opens(sarvlm, shared_data):
    folder = shared_data / "format_samples"
    for path in [path for path in folder.iterdir() if path.is_file() or path.suffix == ".SAFE"]:
        ran = sarvlm("info", path, "--json")
        assert ran.code == 0 and min(ran.json["size"]) > 0 and ran.json["bands"] and ran.json["fingerprint"], path.name


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(sarvlm, shared_data, name):
    path = shared_data / "format_samples" / name
    facts = sarvlm("info", path, "--json").json
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as dataset:
            size, crs, bounds = [dataset.width, dataset.height], dataset.crs, dataset.bounds
    polarisations, value_type = PICTURES[name]
    assert facts["size"] == size and facts["missing"] == [] and facts["acquired"] is None
    assert facts["polarisations"] == polarisations and facts["value_type"] == value_type
    if crs is None:
        assert facts["footprint"] is None and facts["crs"] is None
        return
    ring = np.array(facts["footprint"])
    theirs = rasterio.warp.transform_bounds(crs, "EPSG:4326", *bounds, densify_pts=50)
    np.testing.assert_allclose([*ring.min(axis=0), *ring.max(axis=0)], theirs, atol=1e-4)
    assert 5 < min(facts["pixel_spacing_m"]) < max(facts["pixel_spacing_m"]) + 1e-9 < 31


@pytest.mark.parametrize("name", samples("*.SAFE"))
def test_sentinel_1(sarvlm, shared_data, name):
    path = shared_data / "format_samples" / name
    facts = sarvlm("info", path, "--json").json
    annotation = next((path / "annotation").glob("*.xml")).read_text()

    def said(tag: str) -> str:
        return re.search(rf"<{tag}>([^<]*)</{tag}>", annotation)[1]

    assert facts["size"] == [int(said("numberOfSamples")), int(said("numberOfLines"))]
    assert facts["bands"] == facts["polarisations"] == [said("polarisation")]
    assert facts["acquired"].startswith(said("startTime"))
    assert facts["orbit"].startswith(f"{said('absoluteOrbitNumber')} {said('pass').lower()}")
    complex_ = "SLC" in name
    assert facts["product"] == f"Sentinel-1 IW {'SLC' if complex_ else 'GRD'}" and facts["look"] == "right"
    assert facts["value_type"] == ("complex" if complex_ else "dn") and facts["calibration"] == "uncalibrated"
    assert set(facts["calibrations"]) == {"sigma0", "beta0", "gamma0"} and facts["noise_removable"] is not complex_
    assert facts["incidence"] == pytest.approx(float(said("incidenceAngleMidSwath")), abs=1e-3)
    low, high = facts["incidence_range"]
    assert low < facts["incidence"] < high
    manifest = (path / "manifest.safe").read_text()
    corners = re.search(r"coordinates>([^<]*)<", manifest)[1].split()
    lat, lon = np.array([pair.split(",") for pair in corners], float).T
    ring = np.array(facts["footprint"])
    reach = 0.1  # the manifest rounds, and tells of all swaths of an SLC
    assert lon.min() - reach < ring[:, 0].min() and ring[:, 0].max() < lon.max() + reach
    assert lat.min() - reach < ring[:, 1].min() and ring[:, 1].max() < lat.max() + reach
    there = {file.relative_to(path).as_posix() for file in path.rglob("*.*")}
    assert facts["missing"] and there.isdisjoint(facts["missing"])


@pytest.mark.parametrize("name", samples("mstar_phoenix/*"))
def test_mstar_chips(sarvlm, shared_data, name):
    path = shared_data / "format_samples" / name
    facts = sarvlm("info", path, "--json").json
    header = path.read_bytes()[:2000].decode("ascii", "replace")

    def said(key: str) -> str:
        return re.search(rf"^{key}= *(.*?)\s*$", header, re.MULTILINE)[1]

    assert facts["size"] == [int(said("NumberOfColumns")), int(said("NumberOfRows"))]
    assert facts["polarisations"] == [said("Polarization")] == ["HH"] and facts["value_type"] == "complex"
    assert facts["incidence"] == pytest.approx(90.0 - float(said("MeasuredDepression")), abs=1e-3)
    assert facts["pixel_spacing_m"][0] == pytest.approx(float(said("CrossRangePixelSpacing")), abs=1e-4)
    assert facts["facts"]["target"] == said("TargetType") and facts["product"] == "MSTAR chip"
    assert facts["footprint"] is None and facts["acquired"] is None and facts["missing"] == []
