"""Pictures as amplitude: every depth and kind whole, and a sentence for what cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import SceneError
from tests.core.scene_files import speckle, write_tif


def grey(shape: tuple[int, int] = (40, 50), top: int = 255, dtype: str = "uint8") -> NDArray[np.generic]:
    return np.random.default_rng(3).integers(1, top, shape, endpoint=True).astype(dtype)


def saved(path: Path, pixels: NDArray[np.generic], **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_eight_bits_come_as_they_are(tmp_path: Path, suffix: str) -> None:
    pixels = grey()
    found = read_picture(saved(tmp_path / f"a.{suffix}", pixels))
    assert found.dtype == np.float32
    assert np.allclose(found, pixels, rtol=1e-6)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_not_cut(tmp_path: Path, suffix: str) -> None:
    pixels = grey(top=65535, dtype="uint16")
    found = read_picture(saved(tmp_path / f"a.{suffix}", pixels))
    assert np.array_equal(found, pixels) and found.max() > 60000


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.integers(1, 65535), min_size=12, max_size=12))
def test_every_sixteen_bit_value_survives(tmp_path_factory: pytest.TempPathFactory, values: list[int]) -> None:
    pixels = np.array(values, np.uint16).reshape(3, 4)
    path = write_tif(tmp_path_factory.mktemp("a") / "a.tif", pixels)
    assert np.array_equal(read_picture(path), pixels)


def test_a_jpeg_is_what_pillow_reads(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", grey((64, 64)), quality=95)
    assert np.abs(read_picture(path) - np.asarray(Image.open(path), np.float32)).max() <= 1


def test_colours_are_luminance(tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:10], pixels[10:] = (200, 100, 50), (0, 0, 255)
    found = read_picture(saved(tmp_path / "a.png", pixels))
    assert found[0, 0] == pytest.approx(0.299 * 200 + 0.587 * 100 + 0.114 * 50, rel=1e-5)
    assert found[-1, -1] == pytest.approx(0.114 * 255, rel=1e-5)


def test_float_amplitude_and_small_intensity(tmp_path: Path) -> None:
    amplitude = speckle((60, 60), mean=90.0)
    assert np.allclose(read_picture(write_tif(tmp_path / "a.tif", amplitude)), amplitude, rtol=1e-5)
    sigma0 = (amplitude / 900) ** 2
    assert np.allclose(read_picture(write_tif(tmp_path / "s.tif", sigma0)), np.sqrt(sigma0), rtol=1e-5)


def test_complex_samples_give_their_modulus(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    samples = (rng.normal(size=(30, 40)) + 1j * rng.normal(size=(30, 40))).astype(np.complex64)
    assert np.allclose(read_picture(write_tif(tmp_path / "c.tif", samples)), np.abs(samples), rtol=1e-5)


def test_decibels_become_amplitude(tmp_path: Path) -> None:
    decibels = np.linspace(-30, 5, 400, dtype=np.float32).reshape(20, 20)
    found = read_picture(write_tif(tmp_path / "d.tif", decibels))
    assert np.allclose(found, 10 ** (decibels / 20), rtol=1e-4)


def test_what_is_no_data_is_zero(tmp_path: Path) -> None:
    amplitude = speckle((40, 40), mean=90.0)
    amplitude[3, 4] = np.nan
    found = read_picture(write_tif(tmp_path / "a.tif", amplitude))
    assert found[3, 4] == 0 and np.isfinite(found).all()


def test_the_co_polarised_band_is_taken(tmp_path: Path) -> None:
    planes = np.stack((np.full((30, 30), 7, np.uint8), np.full((30, 30), 9, np.uint8)))
    assert read_picture(write_tif(tmp_path / "a.tif", planes, descriptions=("VH", "VV"))).max() == 9


def test_a_picture_of_one_pixel(tmp_path: Path) -> None:
    assert read_picture(saved(tmp_path / "a.png", np.full((1, 1), 7, np.uint8))).tolist() == [[7.0]]


def test_what_cannot_be_read_gets_a_sentence(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.png", grey((128, 128))).read_bytes()
    bad = {
        "none.png": (None, "does not exist"),
        "empty.png": (b"", "is empty"),
        "words.png": (b"not a picture", "is not an image"),
        "cut.png": (whole[: len(whole) // 2], "damaged or cut short"),
    }
    for name, (content, words) in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(SceneError, match=words) as fault:
            read_picture(tmp_path / name)
        assert name in str(fault.value) and str(fault.value).endswith(".")


def test_a_picture_without_any_data_is_refused(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", np.full((40, 40), np.nan, np.float32))
    with pytest.raises(SceneError, match="holds no data"):
        read_picture(path)


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.full((8, 8), 7, np.uint8))
    assert read_picture(path).max() == 7
    saved(path, np.full((8, 8), 9, np.uint8))
    assert read_picture(path).max() == 9
