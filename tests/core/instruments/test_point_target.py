"""The point-target response against targets whose response is known."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.georef import AffineGeoref
from sarvlm_app.core.instruments import point_response
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import QueryError
from tests.core.instruments.made import scene_of

SIDE = 192
SINC_WIDTH = 0.8859  # of the -3 dB width of a sinc, in resolution cells


def axis(place, band, shift=0.0, taper=None):
    """The line of a point at `place` (from the outer corner) seen with a share `band` of the sampled bandwidth."""
    offset = (np.fft.fftfreq(SIDE) - shift + 0.5) % 1.0 - 0.5
    frequency = shift + offset
    gain = (np.abs(offset) < band / 2).astype(float)
    if taper is not None:
        gain *= taper(offset / band)
    line = np.fft.ifft(gain * np.exp(-2j * np.pi * frequency * (place - 0.5)))
    return line / gain.mean()


def point(col=96.8, row=90.3, bands=(0.8, 0.7), shift=0.0, taper=None, clutter=1e-3):
    image = 50 * np.outer(axis(row, bands[1], shift, taper), axis(col, bands[0], 0.0, taper))
    noise = np.random.default_rng(0).normal(size=(2, SIDE, SIDE))
    return (image + clutter * (noise[0] + 1j * noise[1])).astype(np.complex64)


@settings(max_examples=20, deadline=None)
@given(col=st.floats(80, 110), row=st.floats(80, 110), shift=st.floats(-0.5, 0.5))
def test_a_sinc_has_the_width_and_the_side_lobes_of_the_books(col, row, shift):
    found = point_response(scene_of(point(col, row, shift=shift), ValueType.COMPLEX), 1, col, row)
    assert (found.col, found.row) == pytest.approx((col, row), abs=0.04)
    assert found.range.width_px == pytest.approx(SINC_WIDTH / 0.8, rel=0.02)
    assert found.azimuth.width_px == pytest.approx(SINC_WIDTH / 0.7, rel=0.02)
    for cut in (found.range, found.azimuth):
        assert cut.pslr_db == pytest.approx(-13.26, abs=0.3)
        assert cut.islr_db == pytest.approx(-9.8, abs=0.5)
    assert found.peak_db == pytest.approx(10 * np.log10(2500), abs=0.1) and found.is_complex and not found.notes


def test_a_taper_lowers_the_side_lobes_and_widens_the_peak():
    def hamming(x):
        return 0.54 + 0.46 * np.cos(2 * np.pi * x)

    found = point_response(scene_of(point(bands=(0.6, 0.6), taper=hamming), ValueType.COMPLEX), 1, 96, 90)
    assert found.range.width_px == pytest.approx(1.30 / 0.6, rel=0.03)
    assert found.range.pslr_db < -36


def test_detected_data_that_were_sampled_finely_give_the_same():
    image = point(bands=(0.4, 0.45))
    complex_one = point_response(scene_of(image, ValueType.COMPLEX), 1, 97, 90)
    detected = point_response(scene_of((np.abs(image) ** 2).astype(np.float32)), 1, 97, 90)
    assert detected.range.width_px == pytest.approx(complex_one.range.width_px, rel=5e-3)
    assert detected.azimuth.pslr_db == pytest.approx(complex_one.azimuth.pslr_db, abs=0.2)
    assert not detected.is_complex and "detected data" in detected.notes[0]


def test_widths_are_told_in_metres_too():
    georef = AffineGeoref(Affine(2.5, 0, 500000, 0, -5, 5300000), "EPSG:32633", (SIDE, SIDE))
    found = point_response(scene_of(point(), ValueType.COMPLEX, georef), 1, 97, 90)
    assert found.range.width_m == pytest.approx(2.5 * found.range.width_px, rel=1e-3)
    assert found.azimuth.width_m == pytest.approx(5 * found.azimuth.width_px, rel=1e-3)
    assert (found.lon, found.lat) == pytest.approx([float(v) for v in georef.to_lonlat(found.col, found.row)])
    flat = point_response(scene_of(point(), ValueType.COMPLEX, spacing_m=(2.0, 3.0)), 1, 97, 90)
    assert flat.range.width_m == pytest.approx(2 * flat.range.width_px) and flat.lon is None
    assert point_response(scene_of(point(), ValueType.COMPLEX), 1, 97, 90).range.width_m is None


def test_the_brightest_pixel_nearby_is_taken():
    found = point_response(scene_of(point(), ValueType.COMPLEX), 1, 90, 96)
    assert (found.col, found.row) == pytest.approx((96.8, 90.3), abs=0.04)


def test_near_the_rim_less_is_seen_and_that_is_said():
    found = point_response(scene_of(point(20.2, 100.0), ValueType.COMPLEX), 1, 20, 100)
    assert found.col == pytest.approx(20.2, abs=0.04) and "near the rim" in found.notes[-1]


def test_a_second_target_close_by_is_pointed_out():
    image = point() + 0.8 * point(106.8, 90.3)
    assert "another bright target" in point_response(scene_of(image, ValueType.COMPLEX), 1, 97, 90).notes[-1]


def test_clutter_without_a_target_is_called_so():
    image = np.random.default_rng(1).gamma(1, 1, (SIDE, SIDE)).astype(np.float32)
    assert "stands only" in " ".join(point_response(scene_of(image), 1, 96, 96).notes)


@pytest.mark.parametrize(
    ("image", "place", "told"),
    [
        (np.ones((64, 64), np.float32), (70, 3), "70, 3 lies outside made.tif of 64 x 64 px"),
        (np.zeros((64, 64), np.float32), (30, 30), "There is no data at 30, 30"),
        (np.eye(64, dtype=np.float32) * 5 + 1, (3, 3), "within 16 px of the rim"),
        (np.ones((128, 128), np.float32), (64, 64), "There is no point target"),
    ],
)
def test_a_place_without_a_response_is_refused_with_a_sentence(image, place, told):
    with pytest.raises(QueryError, match=told):
        point_response(scene_of(image), 1, *place)


def test_the_cuts_show_what_the_figures_say():
    found = point_response(scene_of(point(), ValueType.COMPLEX), 1, 96, 90)
    for cut in (found.range, found.azimuth):
        assert cut.level_db.max() == 0.0 == cut.level_db[cut.offset_px == 0.0][0]
        above = cut.offset_px[cut.level_db >= 10 * np.log10(0.5)]
        assert np.ptp(above) == pytest.approx(cut.width_px, abs=2 / 16)
        beside = cut.level_db[(np.abs(cut.offset_px) > 1.4 * cut.width_px) & (np.abs(cut.offset_px) < 8)]
        assert beside.max() == pytest.approx(cut.pslr_db, abs=0.3)
