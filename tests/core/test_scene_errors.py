import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sarvlm_app.core import scene as scene_module
from sarvlm_app.core.scene import open_scene, read_chip
from sarvlm_app.errors import SceneError, StorageError
from sarvlm_models.types import Window
from tests.core.scene_files import speckle, write_tif


def refusal(path: Path | str) -> str:
    with pytest.raises(SceneError) as caught:
        open_scene(path)
    text = str(caught.value)
    assert Path(path).name in text, "the sentence names the file"
    assert text.endswith(".") and "\n" not in text and ". " not in text, "one sentence"
    assert ";" in text, "the sentence says what to do"
    return text


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(speckle((300, 300)).astype(np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def test_a_missing_file(tmp_path):
    assert "does not exist" in refusal(tmp_path / "a.tif")


def test_a_folder(tmp_path):
    assert "is a folder" in refusal(tmp_path)


def test_an_empty_file(tmp_path):
    (tmp_path / "a.tif").touch()
    assert "is empty" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("content", [b"hello", b"%PDF-1.4", b"PK\x03\x04" + bytes(100), b"\x00" * 5000])
def test_a_file_that_is_no_image(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    assert "not an image" in refusal(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["TSX.zip", "product.tar.gz", "a.TGZ"])
def test_an_archive_of_something_else_is_to_be_unpacked(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(100))
    assert "unpack it" in refusal(tmp_path / name)


@pytest.mark.parametrize(
    "head", [b"II*\x00", b"MM\x00*", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"NITF02.10", b"BM"]
)
def test_the_first_bytes_of_an_image_and_then_rubbish(tmp_path, head):
    (tmp_path / "a.bin").write_bytes(head + b"garbage" * 300)
    assert "damaged" in refusal(tmp_path / "a.bin")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_picture_cut_short(tmp_path, kind, keep):
    whole = picture(kind)
    (tmp_path / "cut.img").write_bytes(whole[: int(len(whole) * keep)])
    assert "damaged" in refusal(tmp_path / "cut.img")


@pytest.mark.parametrize("keep", [0.3, 0.9])
@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}])
def test_a_tiff_cut_short(tmp_path, options, keep):
    path = write_tif(tmp_path / "cut.tif", speckle((500, 500)), **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert "damaged" in refusal(path)


def test_a_file_that_breaks_while_it_is_open(tmp_path):
    path = write_tif(tmp_path / "a.tif", speckle((500, 500)), tiled=True, blockxsize=64, blockysize=64)
    scene = open_scene(path)
    scene_module.close_handles(scene)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(SceneError, match="damaged or cut short"):
        read_chip(scene, Window(0, 0, 500, 500), 1)


def test_a_file_that_is_gone_when_it_is_read(tmp_path):
    path = write_tif(tmp_path / "a.tif", speckle((50, 50)))
    scene = open_scene(path)
    scene_module.close_handles(scene)
    path.unlink()
    with pytest.raises(SceneError, match=r"a\.tif"):
        read_chip(scene, Window(0, 0, 5, 5), 1)


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = write_tif(tmp_path / "a.tif", speckle((50, 50)))
    really_open = Path.open

    def refuse(self: Path, *args: object, **kwargs: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return really_open(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert "Permission denied" in refusal(path)


@pytest.mark.parametrize(
    "address",
    ["https://example.org/a.tif", "s3://bucket/a.tif", "/vsicurl/http://example.org/a.tif", "/vsizip/x.zip/a.tif"],
)
def test_an_address_that_is_no_local_file(address):
    assert "not a local file" in refusal(address)


def test_a_virtual_raster_is_not_followed_wherever_it_points(tmp_path):
    xml = (
        '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        "<SourceFilename>/vsicurl/http://example.org/a.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    (tmp_path / "a.vrt").write_text(xml, encoding="utf-8")
    assert "not an image" in refusal(tmp_path / "a.vrt")


def test_a_container_without_bands(tmp_path, monkeypatch):
    path = write_tif(tmp_path / "a.tif", speckle((50, 50)))

    class Hollow:
        count = width = height = 0

        def close(self) -> None: ...

    monkeypatch.setattr("sarvlm_app.core.products.dataset.open_dataset", lambda path, overview: Hollow())
    assert "no image bands" in refusal(path)


def test_a_storage_error_is_not_taken_for_a_broken_scene(tmp_path):
    from sarvlm_app.core.products.dataset import borrowed

    path = write_tif(tmp_path / "a.tif", speckle((50, 50)))
    with pytest.raises(StorageError, match="disk is full"), borrowed(path):
        raise StorageError("the disk is full")


def test_a_band_that_is_not_there(tmp_path):
    scene = open_scene(write_tif(tmp_path / "a.tif", speckle((50, 50))))
    with pytest.raises(SceneError, match=r"has no band 2"):
        read_chip(scene, Window(0, 0, 5, 5), 2)
