"""Every kind of picture is asked alike; places have coordinates where the scene has."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.cli.spots import SHAPE, spotted
from tests.cli.test_query import near_spots
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

GEO = {"crs": UTM33, "transform": TRANSFORM}


def picture(path: Path, pixels: NDArray[np.generic]) -> Path:
    Image.fromarray(pixels).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def with_gcps(path: Path) -> Path:
    from rasterio.control import GroundControlPoint

    rows, cols = np.meshgrid([0, 100, 200], [0, 120, 240], indexing="ij")
    points = [
        GroundControlPoint(row=row, col=col, x=15 + col * 1e-4 + row * 1e-5, y=48 - row * 1e-4)
        for row, col in zip(rows.ravel().tolist(), cols.ravel().tolist(), strict=True)
    ]
    return write_tif(path, spotted().astype(np.uint16), gcps=points, crs="EPSG:4326")


def complex_pixels() -> NDArray[np.complex64]:
    phase = np.random.default_rng(1).uniform(0, 2 * np.pi, SHAPE)
    return (spotted() * np.exp(1j * phase)).astype(np.complex64)


KINDS: dict[str, Callable[[Path], Path]] = {
    "colours": lambda folder: picture(folder / "a.png", np.dstack([spotted().astype(np.uint8)] * 3)),
    "colours with alpha": lambda folder: picture(folder / "a.png", np.dstack([spotted().astype(np.uint8)] * 4)),
    "16-bit PNG": lambda folder: picture(folder / "a.png", (spotted() * 200).astype(np.uint16)),
    "JPEG": lambda folder: picture(folder / "a.jpg", spotted().astype(np.uint8)),
    "colour GeoTIFF": lambda folder: write_tif(
        folder / "a.tif", np.stack([spotted().astype(np.uint8)] * 3), photometric="RGB", **GEO
    ),
    "complex GeoTIFF": lambda folder: write_tif(folder / "a.tif", complex_pixels(), **GEO),
    "dB": lambda folder: write_tif(folder / "a.tif", (20 * np.log10(spotted()) - 60).astype(np.float32), **GEO),
    "dB in double precision": lambda folder: write_tif(folder / "a.tif", 20 * np.log10(spotted()) - 60.0, **GEO),
    "intensity": lambda folder: write_tif(folder / "a.tif", (spotted() ** 2 * 1e-5).astype(np.float32), **GEO),
    "no data of minus infinity": lambda folder: write_tif(folder / "a.tif", spotted(), nodata=-np.inf, **GEO),
    "ground control points": lambda folder: with_gcps(folder / "a.tif"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_spots_are_found_and_placed(sarvlm, encoder, tmp_path, kind):
    path = KINDS[kind](tmp_path)
    georeferenced = sarvlm("info", path, "--json").json["crs"] is not None
    assert georeferenced == (path.suffix == ".tif")
    answer = sarvlm("query", path, "ships", "--json", "--heatmap", tmp_path / "h.tif").json
    assert near_spots(answer)
    for place in answer["candidates"]:
        if not georeferenced:
            assert place["lon"] is None and place["lat"] is None
        elif kind == "ground control points":
            expected = 15 + place["col"] * 1e-4 + place["row"] * 1e-5, 48 - place["row"] * 1e-4
            assert (place["lon"], place["lat"]) == pytest.approx(expected, abs=1e-6)
        else:
            assert 14.9 < place["lon"] < 15.1 and 47 < place["lat"] < 49


@pytest.mark.parametrize("part", [0.3, 0.05])
def test_infinite_and_missing_pixels_hide_nothing_else(sarvlm, encoder, tmp_path, part):
    pixels, random = spotted(), np.random.default_rng(3)
    pixels[random.random(SHAPE) < part] = np.nan
    pixels[random.random(SHAPE) < part / 10] = np.inf
    assert near_spots(sarvlm("query", write_tif(tmp_path / "a.tif", pixels), "ships", "--json").json)


@pytest.mark.parametrize("name", ["Häfen und Küste.tif", "港.tif", "a;b'c&d.tif", "-h.tif"])
def test_any_file_name_goes(sarvlm, encoder, tmp_path, name):
    path = write_tif(tmp_path / name, spotted(), **GEO)
    ran = sarvlm("query", path, "ships", "--json", "--candidates", tmp_path / "c.geojson", "--png", tmp_path / "p.png")
    assert ran.json["scene"] == str(path) and near_spots(ran.json)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="file names are text elsewhere")
def test_a_file_name_that_is_no_text(sarvlm, encoder, tmp_path):
    plain = write_tif(tmp_path / "a.tif", spotted(), **GEO)
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.tif")
    os.rename(plain, odd)
    for words in (["info", odd], ["query", odd, "ships"], ["cache", "info", odd]):
        assert "rename the file" in sarvlm(*words, "--json").fault


def test_text_that_the_output_cannot_show_is_escaped(start, tmp_path):
    from tests.cli.conftest import finished

    path = write_tif(tmp_path / "港.tif", spotted())
    for extra in ((), ("--json",)):
        ran = finished(start("-m", "sarvlm_app", "info", path, *extra, environment={"PYTHONIOENCODING": "ascii"}))
        assert ran.code == 0 and "\\u6e2f.tif" in ran.out
