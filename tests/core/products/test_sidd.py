"""SIDD files, written by sarkit: several images as parts, look-up tables, colours."""

import numpy as np
import pytest
import sarkit.sidd._constants as limits

from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import open_scene, read_values
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.nitf_files import sidd_tree, write_sidd

SHAPE = (30, 44)
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, SHAPE, dtype=np.uint8)


def one(tmp_path, kind, pixels, table=None):
    return write_sidd(tmp_path / "a.ntf", [(sidd_tree(pixels.shape, kind), pixels, table)])


def native(scene):
    return scene.bands[0].source.native(Window(0, 0, scene.width, scene.height))[0]


def test_grey_levels_and_what_is_known_of_them(tmp_path):
    scene = open_scene(one(tmp_path, "MONO8I", BYTES))
    assert (scene.width, scene.height, scene.value_type, scene.dtype) == (44, 30, ValueType.DN, "uint8")
    assert (scene.product, scene.bands[0].polarisation) == ("Testbird-2 SIDD", "HV")
    assert scene.acquired.isoformat() == "2022-01-02T03:04:05+00:00"
    assert scene.incidence_deg == (35.0, 35.0, 35.0)
    assert (scene.facts["mode"], scene.facts["look"]) == ("STRIPMAP", "right")
    assert (scene.part, scene.parts) == (None, ())
    np.testing.assert_array_equal(native(scene), BYTES)
    lon, lat = scene.georef.to_lonlat(310.5, 190.5)
    assert (float(lon), float(lat)) == pytest.approx((11.0, 47.0), abs=1e-7)
    np.testing.assert_array_equal(read_values(scene, Window(40, 25, 10, 10), 1)[:5, :4], BYTES[25:, 40:])


def test_sixteen_bits(tmp_path):
    pixels = RNG.integers(0, 65536, SHAPE, dtype=np.uint16)
    scene = open_scene(one(tmp_path, "MONO16I", pixels))
    np.testing.assert_array_equal(native(scene), pixels)
    assert scene.dtype == "uint16"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_look_up_table_of_grey_levels(tmp_path, dtype):
    table = RNG.integers(0, np.iinfo(dtype).max, 256).astype(dtype)
    scene = open_scene(one(tmp_path, "MONO8LU", BYTES, table))
    np.testing.assert_array_equal(native(scene), table[BYTES])


def test_colours_are_read_as_luminance(tmp_path):
    kind = [("R", np.uint8), ("G", np.uint8), ("B", np.uint8)]
    pixels = np.zeros(SHAPE, dtype=kind)
    for name in "RGB":
        pixels[name] = RNG.integers(0, 256, SHAPE)
    wanted = 0.299 * pixels["R"] + 0.587 * pixels["G"] + 0.114 * pixels["B"]
    np.testing.assert_allclose(native(open_scene(one(tmp_path, "RGB24I", pixels))), wanted, atol=1e-3)
    table = pixels.reshape(-1)[:256]
    scene = open_scene(write_sidd(tmp_path / "b.ntf", [(sidd_tree(SHAPE, "RGB8LU"), BYTES, table)]))
    np.testing.assert_allclose(native(scene), wanted.reshape(-1)[:256][BYTES], atol=1e-3)
    assert scene.bands[0].name == "HV" and "RGB8LU" in scene.facts["pixels"]


def test_images_of_one_file_are_its_parts(tmp_path):
    other = RNG.integers(0, 65536, (17, 9), dtype=np.uint16)
    path = write_sidd(
        tmp_path / "a.ntf",
        [(sidd_tree(SHAPE, "MONO8I"), BYTES, None), (sidd_tree((17, 9), "MONO16I"), other, None)],
    )
    first, second = open_scene(path), open_scene(path, "sidd002")
    assert first.parts == second.parts == ("SIDD001", "SIDD002") and (first.part, second.part) == first.parts
    np.testing.assert_array_equal(native(first), BYTES)
    np.testing.assert_array_equal(native(second), other)
    assert first.fingerprint != second.fingerprint and first.documents != second.documents
    with pytest.raises(SceneError, match="no part SIDD003; choose one of SIDD001, SIDD002"):
        open_scene(path, "SIDD003")


def test_an_image_in_several_segments(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LI_MAX", 11 * SHAPE[1])
    path = one(tmp_path, "MONO8I", BYTES)
    assert b"SIDD001003" in path.read_bytes()
    np.testing.assert_array_equal(native(open_scene(path)), BYTES)
