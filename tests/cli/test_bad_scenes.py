"""Scenes at fault: one sentence with the file, the fault and the remedy, exit 1, nothing left behind."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.cli.spots import spotted
from tests.core.scene_files import TRANSFORM, UTM33, speckle, write_tif

GEO = {"crs": UTM33, "transform": TRANSFORM}


def picture(kind):
    buffer = io.BytesIO()
    Image.fromarray(spotted().astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


BYTES = {
    "empty": b"",
    "text": b"not a picture\n" * 50,
    "PDF": b"%PDF-1.7 " + bytes(500),
    "cut PNG": picture("PNG")[:2000],
    "cut TIFF": picture("TIFF")[:2000],
    "only the head of a TIFF": b"II*\x00",
}


@pytest.mark.parametrize("command", ["info", "query"])
@pytest.mark.parametrize("kind", [*BYTES, "missing", "folder", "address"])
def test_what_is_no_scene(sarvlm, tmp_path, command, kind):
    path = tmp_path / "bad.tif"
    if kind == "folder":
        path.mkdir()
    elif kind in BYTES:
        path.write_bytes(BYTES[kind])
    name = "https://example.org/bad.tif" if kind == "address" else path
    fault = sarvlm(command, name, *(["ships"] if command == "query" else []), "--json").fault
    assert "bad.tif" in fault


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((90, 80), np.uint16), np.full((90, 80), np.nan, np.float32), np.full((90, 80), np.inf, np.float32)],
    ids=["no data", "NaN", "infinite"],
)
@pytest.mark.parametrize("method", [[], ["--reference"]])
def test_a_scene_that_holds_no_data(sarvlm, encoder, tmp_path, pixels, method):
    size = 4 if method else 1
    path = write_tif(tmp_path / "void.tif", np.tile(pixels, (size, size)), nodata=0, **GEO)
    out = tmp_path / "h.tif"
    fault = sarvlm("query", path, "ships", *method, "--heatmap", out, "--json").fault
    assert "void.tif holds no data in band 1" in fault and not out.exists() and encoder.windows == 0


@pytest.mark.parametrize("pixels", [speckle((1, 1)), speckle((3, 4)), speckle((1, 300))])
def test_a_scene_without_half_a_cell_of_data(sarvlm, encoder, tmp_path, pixels):
    path = write_tif(tmp_path / "tiny.tif", pixels, **GEO)
    assert "tiny.tif has too little data" in sarvlm("query", path, "ships", "--json").fault


@pytest.mark.parametrize("size", [(7, 5), (8, 8), (80, 100), (64, 2000)])
def test_a_scene_smaller_than_a_window_is_asked_like_any_other(sarvlm, encoder, tmp_path, size):
    path = write_tif(tmp_path / "small.tif", speckle(size), **GEO)
    files = tmp_path / "h.tif", tmp_path / "c.geojson", tmp_path / "p.png"
    ran = sarvlm("query", path, "ships", "--heatmap", files[0], "--candidates", files[1], "--png", files[2], "--json")
    assert ran.json["cells"] == [-(-size[0] // 8), -(-size[1] // 8)] and ran.json["candidates"] == []
    assert all(path.exists() for path in files)


def test_a_scene_too_small_for_the_reference_method(sarvlm, encoder, scene):
    assert "smaller than the smallest crop" in sarvlm("query", scene, "ships", "--reference").fault


@pytest.mark.parametrize("pixels", [np.full((90, 80), 7, np.uint8), np.full((90, 80), -12.5, np.float32)])
def test_in_a_constant_scene_nothing_stands_out(sarvlm, encoder, tmp_path, pixels):
    path = write_tif(tmp_path / "flat.tif", pixels, **GEO)
    answer = sarvlm("query", path, "ships", "--png", tmp_path / "p.png", "--json").json
    assert answer["stands_out"] is False and answer["candidates"] == []


def test_a_part_without_data_is_no_fault(sarvlm, encoder, tmp_path):
    pixels = spotted()
    pixels[:, :120] = np.nan
    path = write_tif(tmp_path / "half.tif", pixels, **GEO)
    answer = sarvlm("query", path, "ships", "--window", "0,0,80,80", "--json").json
    assert answer["candidates"] == [] and answer["stands_out"] is False


def test_a_band_that_is_not_there(sarvlm, encoder, tmp_path):
    path = write_tif(tmp_path / "dual.tif", np.stack((spotted(), spotted())), descriptions=("VV", "VH"))
    fault = sarvlm("query", path, "ships", "--band", "HV").fault
    assert "dual.tif has no band HV" in fault and "VV" in fault and "VH" in fault


def test_a_file_that_breaks_while_it_is_read(sarvlm, encoder, scene, monkeypatch):
    import rasterio

    def fail(*_args, **_options):
        raise rasterio.errors.RasterioIOError("Read failed")

    assert sarvlm("info", scene).code == 0
    monkeypatch.setattr("sarvlm_app.core.products.pixels.read_native", fail)
    assert "harbour.tif" in sarvlm("query", scene, "ships").fault
