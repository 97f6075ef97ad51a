"""Real annotation and calibration of Sentinel-1, held against the product itself and against xarray-sentinel."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pyproj
import pytest

from sarvlm_app.core.products.sentinel1.annotation import SPEED_OF_LIGHT, read_annotation
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.core.scene import open_scene
from sarvlm_models.types import Window

pytestmark = pytest.mark.shared
KINDS = {Calibration.SIGMA0: "sigmaNought", Calibration.BETA0: "betaNought", Calibration.GAMMA0: "gamma"}


@pytest.fixture(params=["S1A_IW_SLC", "S1B_IW_GRDH"])
def sample(request: pytest.FixtureRequest, shared_data: Path) -> Path:
    return next((shared_data / "format_samples").glob(f"{request.param}*.SAFE"))


def opened_by_xarray(sample: Path, group: str):
    if sys.modules.get("xarray", sys) is None:  # the window keeps it out, in a test before this one
        del sys.modules["xarray"]
    import xarray_sentinel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xarray_sentinel.open_sentinel1_dataset(str(sample), group=group)


def group_of(sample: Path) -> str:
    return "IW1/VV" if "SLC" in sample.name else "IW/VV"


def test_the_samples_say_what_they_are(sample):
    scene = open_scene(sample)
    size = {"S1A": (22694, 13509), "S1B": (26102, 16705)}[sample.name[:3]]
    assert (scene.width, scene.height) == size
    assert [band.polarisation for band in scene.bands] == ["VV"]
    assert scene.missing and all("vv" not in name or "iw2" in name or "iw3" in name or "noise" in name
                                 for name in scene.missing)  # fmt: skip
    assert scene.spacing_m == pytest.approx((4.18, 13.95) if "SLC" in sample.name else (10.0, 10.1), abs=0.06)
    lons, lats = zip(*scene.georef.footprint_lonlat(), strict=True)
    assert -180 < min(lons) < max(lons) < 180 and 38 < min(lats) < max(lats) < 43


def test_the_cursor_agrees_with_the_grid_of_the_product(sample):
    scene = open_scene(sample)
    about = read_annotation(next((sample / "annotation").glob("*.xml")))
    pixels = np.array([(p.pixel + 0.5, p.line + 0.5) for p in about.grid])
    if about.bursts:  # the last line of the grid is within the last burst; those between begin bursts
        pixels = pixels[pixels[:, 1] < about.height - 1]
    lon, lat = scene.georef.to_lonlat(pixels[:, 0], pixels[:, 1])
    points = about.grid[: len(pixels)]
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(lon, lat, [p.lon for p in points], [p.lat for p in points])
    assert max(metres) < 0.1 * min(scene.spacing_m)


def seen_by_the_radar(sample: Path, lon: np.ndarray, lat: np.ndarray, guess: np.ndarray):
    """Azimuth seconds and slant range (m) of places at sea level, from the orbit as xarray-sentinel reads it.

    Zero Doppler: the sensor's velocity stands at right angles to the line of sight.
    """
    about = read_annotation(next((sample / "annotation").glob("*.xml")))
    orbit = opened_by_xarray(sample, f"{group_of(sample)}/orbit")
    first = np.datetime64(about.first_line.replace(tzinfo=None))
    times = (orbit.azimuth_time.values - first) / np.timedelta64(1, "s")
    near = np.sort(np.argsort(np.abs(times - 12.0))[:10])
    states = orbit.position.transpose("azimuth_time", "axis").values
    path = [np.polynomial.Chebyshev.fit(times[near], states[near, axis], 7) for axis in range(3)]
    speed = [axis.deriv() for axis in path]
    ground = pyproj.Transformer.from_crs(4979, 4978, always_xy=True).transform(lon, lat, np.zeros_like(lon))
    at = guess.copy()
    for _ in range(20):
        sight = np.column_stack(ground) - np.column_stack([axis(at) for axis in path])
        velocity = np.column_stack([axis(at) for axis in speed])
        at += (sight * velocity).sum(1) / (velocity * velocity).sum(1)
    sight = np.column_stack(ground) - np.column_stack([axis(at) for axis in path])
    return at, np.linalg.norm(sight, axis=1), first


def test_the_cursor_agrees_with_another_librarys_orbit_and_ranges(sample):
    import xarray as xr
    import xarray_sentinel

    scene = open_scene(sample)
    about = read_annotation(next((sample / "annotation").glob("*.xml")))
    rng = np.random.default_rng(3)
    col, row = rng.uniform(100, scene.width - 100, 200), rng.uniform(100, scene.height - 100, 200)
    lon, lat = scene.georef.to_lonlat(col, row, 0.0)
    line = row - 0.5
    seconds = line * about.line_seconds
    if about.bursts:
        burst = np.minimum(row // about.lines_per_burst, len(about.bursts) - 1).astype(int)
        starts = np.array([(b.start - about.first_line).total_seconds() for b in about.bursts])
        seconds = starts[burst] + (line - burst * about.lines_per_burst) * about.line_seconds
    seen, slant_range, first = seen_by_the_radar(sample, lon, lat, seconds)
    assert np.abs(seen - seconds).max() < 0.4 * about.line_seconds
    if about.bursts:
        nearest = min(point.slant_range for point in about.grid)
        pixel = (slant_range - nearest) / about.range_spacing_m
        assert np.abs(pixel - (col - 0.5)).max() < 0.25
        return
    conversion = opened_by_xarray(sample, f"{group_of(sample)}/coordinate_conversion")
    times = xr.DataArray(first + (seen * 1e9).astype("timedelta64[ns]"), dims="place")
    ranges = xr.DataArray(2 * slant_range / SPEED_OF_LIGHT, dims="place")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ground = xarray_sentinel.slant_range_time_to_ground_range(times, ranges, conversion).values
    off = ground / about.range_spacing_m - (col - 0.5)
    # the library takes the nearest of 28 polynomials, and ours lie between two of them
    assert abs(np.median(off)) < 0.05 and np.abs(off).max() < 0.6


def test_calibration_equals_the_reference_library_to_a_ten_thousandth(sample):
    import xarray as xr
    import xarray_sentinel

    scene = open_scene(sample)
    table = opened_by_xarray(sample, f"{group_of(sample)}/calibration")
    rng = np.random.default_rng(1)
    for _ in range(4):
        window = Window(int(rng.integers(0, scene.width - 300)), int(rng.integers(0, scene.height - 400)), 300, 400)
        dn = rng.integers(1, 2000, (window.height, window.width)).astype(np.float32)
        pixels = xr.DataArray(dn, dims=("line", "pixel"), coords={
            "line": np.arange(window.row, window.row_end), "pixel": np.arange(window.col, window.col_end)})  # fmt: skip
        for kind, name in KINDS.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = xarray_sentinel.calibrate_intensity(pixels, table[name], rtol=0, atol=0).values
            gain = scene.bands[0].calibrator.gain(window, kind)
            assert np.abs(dn**2 * gain / theirs - 1).max() < 1e-4


def test_noise_vectors_of_the_detected_sample_are_applied_as_esa_says(shared_data):
    from lxml import etree

    sample = next((shared_data / "format_samples").glob("S1B_IW_GRDH*.SAFE"))
    scene = open_scene(sample)
    root = etree.parse(str(next((sample / "annotation/calibration").glob("noise-*.xml"))))
    vector = root.findall(".//noiseRangeVector")[3]
    line, pixels, values = (np.array(vector.findtext(n).split(), float) for n in ("line", "pixel", "noiseRangeLut"))
    block = root.findall(".//noiseAzimuthVector")[1]
    lines, factors = (np.array(block.findtext(name).split(), float) for name in ("line", "noiseAzimuthLut"))
    first, last = int(block.findtext("firstRangeSample")), int(block.findtext("lastRangeSample"))
    inside = (pixels >= first) & (pixels <= last)
    row = int(line[0])
    noise = scene.bands[0].calibrator.noise(Window(0, row, scene.width, 1))[0]
    expected = values[inside] * np.interp(row, lines, factors)
    assert np.allclose(noise[pixels[inside].astype(int)], expected, rtol=1e-5)
