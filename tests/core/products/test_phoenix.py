"""MSTAR Phoenix files: chips, full scenes, and headers that lie."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sarvlm_app.core.metadata import found, metadata_tree
from sarvlm_app.core.products.phoenix import PhoenixFamily
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import open_scene, read_chip, read_values
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window

SHAPE = (12, 9)
MAGNITUDE = np.random.default_rng(0).exponential(1.0, SHAPE).astype(np.float32)
PHASE = np.random.default_rng(1).uniform(0, 2 * np.pi, SHAPE).astype(np.float32)
FIELDS = {
    "NumberOfColumns": "9", "NumberOfRows": "12", "native_header_length": "0", "TargetType": "t62_tank",
    "MeasuredDepression": "17.5", "RangePixelSpacing": "0.2", "CrossRangePixelSpacing": "0.25", "Polarization": "HH",
    "SensorName": "Twin Otter", "RadarMode": "mode 5 - spot light",
}  # fmt: skip


def phoenix(body: bytes, native: bytes = b"", *, signal: bool = True, end: bytes = b"[EndofPhoenixHeader]\n", **fields):
    """A file as AFRL writes it; the lengths are filled in unless given."""
    stated = {"PhoenixHeaderLength": "00000", "PhoenixSigSize": "00000000"} | FIELDS | fields
    if not signal:
        del stated["PhoenixSigSize"]
    lines = "".join(f"{name}= {value}\n" for name, value in stated.items() if value is not None)
    header = f"\n[PhoenixHeaderVer01.04]\n{lines}".encode() + end
    size = len(header) + len(native) + len(body)
    header = header.replace(b"Length= 00000", b"Length= %05d" % len(header))
    return header.replace(b"SigSize= 00000000", b"SigSize= %08d" % size) + native + body


BODY = MAGNITUDE.astype(">f4").tobytes() + PHASE.astype(">f4").tobytes()


def written(tmp_path, content: bytes, name: str = "HB0001.016") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def native(scene, window=None):
    window = window or Window(0, 0, scene.width, scene.height)
    return scene.bands[0].source.native(window)[0]


@pytest.mark.parametrize("signal", [True, False])
def test_a_chip_is_magnitude_and_phase(tmp_path, signal):
    scene = open_scene(written(tmp_path, phoenix(BODY, signal=signal)))
    assert (scene.width, scene.height, scene.value_type) == (9, 12, ValueType.COMPLEX)
    np.testing.assert_allclose(native(scene), MAGNITUDE * np.exp(1j * PHASE), rtol=1e-5, atol=1e-6)
    window = Window(2, 3, 4, 5)
    np.testing.assert_allclose(np.abs(native(scene, window)), MAGNITUDE[3:8, 2:6], rtol=1e-5)
    np.testing.assert_allclose(read_values(scene, window, 1), MAGNITUDE[3:8, 2:6], rtol=1e-5)


def test_what_its_header_says(tmp_path):
    scene = open_scene(written(tmp_path, phoenix(BODY)))
    assert (scene.name, scene.product, scene.bands[0].polarisation) == ("HB0001.016", "MSTAR chip", "HH")
    assert scene.incidence_deg == (72.5, 72.5, 72.5)
    # columns lie across the range; a slant range is longer on the ground
    assert scene.spacing_m == pytest.approx((0.25, 0.2 / np.cos(np.deg2rad(17.5))))
    assert {key: scene.facts[key] for key in ("target", "depression", "platform", "mode")} == {
        "target": "t62_tank", "depression": "17.50 deg", "platform": "Twin Otter", "mode": "mode 5 - spot light",
    }  # fmt: skip
    tree = metadata_tree(scene)
    assert found(tree, "CrossRangePixelSpacing 0.25") is not None


def test_a_full_scene_holds_whole_numbers_after_a_binary_header(tmp_path):
    rng = np.random.default_rng(2)
    magnitude, phase = rng.integers(0, 65536, SHAPE), rng.integers(0, 4096, SHAPE)
    body = magnitude.astype(">u2").tobytes() + phase.astype(">u2").tobytes()
    for signal in (True, False):
        content = phoenix(body, bytes(range(256)) * 2, signal=signal, native_header_length="512", TargetType=None)
        scene = open_scene(written(tmp_path, content))
        assert (scene.product, scene.dtype) == ("MSTAR full scene", "uint16")
        np.testing.assert_allclose(native(scene), magnitude * np.exp(2j * np.pi * phase / 4096), rtol=1e-5, atol=0.2)


def test_pixels_that_are_no_numbers_are_no_data(tmp_path):
    magnitude = MAGNITUDE.copy()
    magnitude[2, 3], phase = np.nan, PHASE.copy()
    phase[4, 5] = np.inf
    scene = open_scene(written(tmp_path, phoenix(magnitude.astype(">f4").tobytes() + phase.astype(">f4").tobytes())))
    valid = read_chip(scene, Window(0, 0, 9, 12), 1).valid
    assert not valid[2, 3] and not valid[4, 5] and valid.sum() == 12 * 9 - 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (phoenix(BODY)[:-1], "cut short: its header announces"),
        (phoenix(BODY, signal=False)[:-1], "do not fit"),
        (phoenix(BODY, end=b"\n"), "has no end"),
        (phoenix(BODY, NumberOfRows="twelve"), "NumberOfRows is 'twelve'"),
        (phoenix(BODY, NumberOfRows="-3"), "NumberOfRows is '-3'"),
        (phoenix(BODY, NumberOfRows="0"), "NumberOfRows is '0'"),
        (phoenix(BODY, NumberOfColumns=None), "NumberOfColumns is missing"),
        (phoenix(BODY, NumberOfColumns="9e9"), "NumberOfColumns is '9e9'"),
        (phoenix(BODY, NumberOfColumns="99999999999"), "do not fit"),
        (phoenix(BODY, NumberOfColumns="9" * 400), "NumberOfColumns is '99999"),
        (phoenix(BODY, NumberOfColumns="10"), "do not fit"),
        (phoenix(BODY, PhoenixHeaderLength="00100"), "states a length of 100"),
        (phoenix(BODY, PhoenixHeaderLength="99999"), "states a length of 99999"),
        (phoenix(BODY, PhoenixSigSize="99999999999999"), "announces 99999999999999"),
        (phoenix(BODY, native_header_length="9999999"), "do not fit"),
        (phoenix(BODY)[:100], "has no end"),
    ],
)  # fmt: skip
def test_a_header_that_lies_gets_a_sentence(tmp_path, content, words):
    path = written(tmp_path, content)
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    text = str(caught.value)
    assert words in text and path.name in text and text.endswith(".") and ";" in text and "\n" not in text


def test_a_chip_that_is_cut_while_it_is_open(tmp_path):
    path = written(tmp_path, phoenix(BODY))
    scene = open_scene(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(SceneError, match="damaged or cut short"):
        native(scene)
    path.unlink()
    with pytest.raises(SceneError, match="cannot be read"):
        native(scene)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 340), new=st.binary(min_size=1, max_size=12), cut=st.integers(0, 400))
@example(at=44, new=b"=", cut=0)
@example(at=47, new=b"\xb2", cut=0)  # a superscript two is a digit to Python and no number
@example(at=68, new=b"00000000", cut=0)
def test_any_damage_to_a_header_is_opened_or_refused_with_a_sentence(tmp_path, at, new, cut):
    whole = phoenix(BODY)
    broken = whole[:at] + new + whole[at + len(new) :]
    path = written(tmp_path, broken[: len(broken) - cut])
    if not PhoenixFamily().recognises(path):
        return
    try:
        scene = PhoenixFamily().describe(path)
    except SceneError as error:
        assert str(error).startswith(str(path)) and str(error).endswith(".")
    else:
        assert scene.width * scene.height <= len(broken)
        native(scene)


@pytest.mark.shared
def test_the_chips_of_the_public_release(shared_data):
    paths = sorted((shared_data / "format_samples" / "mstar_phoenix").iterdir())
    assert len(paths) == 16
    for path in paths:
        scene = open_scene(path)
        assert scene.value_type is ValueType.COMPLEX and scene.bands[0].polarisation == "HH"
        assert scene.spacing_m == pytest.approx((0.203, 0.209), abs=0.001)
        assert scene.incidence_deg[1] == pytest.approx(75, abs=0.3)
        assert scene.facts["target"] in path.name
        values = read_values(scene, Window(0, 0, scene.width, scene.height), 1)
        assert np.isfinite(values).all() and 0.1 < np.percentile(values, 99) < 5
