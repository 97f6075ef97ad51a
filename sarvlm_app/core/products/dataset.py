"""The door to GDAL: local image files only, opened quietly, one thread a handle.

A file is opened by the one driver that its first bytes name. So nothing that
GDAL can do beyond reading an image of ours (virtual rasters, web services,
archives) is ever reached through the name or the content of a file.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.env import set_gdal_config
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.session import DummySession

from sarvlm_app.core.products.place import Place, gdal_name, head
from sarvlm_app.errors import SarvlmError, SceneError

GDAL_CACHE_BYTES = 128 * 2**20
IDLE_HANDLES = 12

_OPTIONS = {
    "GDAL_PAM_ENABLED": False,  # no .aux.xml beside the data
    "GDAL_DISABLE_READDIR_ON_OPEN": True,  # a folder of a million files is not listed
    "VSI_CACHE": False,
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": False,  # its short cut gives noise for a file that is cut short, and no error
}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"II*\x00", "GTiff"),
    (b"MM\x00*", "GTiff"),
    (b"II+\x00", "GTiff"),
    (b"MM\x00+", "GTiff"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x00\x00\x00\x0cjP  ", "JP2OpenJPEG"),
    (b"\xff\x4f\xff\x51", "JP2OpenJPEG"),
    (b"NITF", "NITF"),
    (b"NSIF", "NITF"),
    (b"BM", "BMP"),
)

set_gdal_config("GDAL_CACHEMAX", GDAL_CACHE_BYTES)
# `warnings.catch_warnings` changes the whole process, so only one thread may be inside it.
_OPENING = threading.Lock()


def driver_of(path: Place) -> str | None:
    """GDAL's driver for the first bytes of the file, None for anything that is not an image we read."""
    start = head(path, 16)
    return next((driver for magic, driver in _MAGIC if start.startswith(magic)), None)


def open_dataset(path: Place, overview: int | None = None) -> DatasetReader:
    """A GDAL dataset for reading (an overview of it by number), opened without a word or a file written.

    Raises
    ------
    SceneError
        When it is no image, or a broken one.
    """
    try:
        driver = driver_of(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SceneError(
            f"{path} cannot be read ({reason}); check that it is still there and its permissions."
        ) from error
    if driver is None:
        raise SceneError(f"{path} is not an image that can be read here; open a GeoTIFF, NITF, PNG or JPEG file.")
    extra = {} if overview is None else {"overview_level": overview}
    try:
        with _OPENING, warnings.catch_warnings(), rasterio.Env(session=DummySession(), **_OPTIONS):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(gdal_name(path), driver=driver, sharing=False, **extra)
    except (RasterioError, OSError, UnicodeDecodeError) as error:  # GDAL repeats a broken file's bytes as text
        raise broken(path) from error


def broken(path: Place) -> SceneError:
    """The sentence for a file whose pixels cannot be had."""
    if not _is_there(_on_disk(path)):
        return SceneError(f"{path} is not there any more; check that its disk or network is still connected.")
    return SceneError(f"{path} is damaged or cut short and cannot be read; copy or download it again.")


class _Handles:
    """Open datasets that nobody uses just now.

    A dataset may move between threads but must not be used by two at once, so
    a reader borrows one and gives it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[int, tuple[Place, int | None, DatasetReader]] = OrderedDict()
        self._closed: dict[Path, int] = {}

    def take(self, path: Place, overview: int | None) -> tuple[DatasetReader, int]:
        with self._lock:
            generation = self._closed.get(_on_disk(path), 0)
            # The one used last: GDAL keeps decoded blocks with the handle.
            for key, (its_path, its_overview, dataset) in reversed(self._idle.items()):
                if its_path == path and its_overview == overview:
                    del self._idle[key]
                    return dataset, generation
        return open_dataset(path, overview), generation

    def give(self, path: Place, overview: int | None, dataset: DatasetReader, generation: int) -> None:
        surplus = []
        with self._lock:
            if self._closed.get(_on_disk(path), 0) == generation:
                self._idle[id(dataset)] = (path, overview, dataset)
                while len(self._idle) > IDLE_HANDLES:
                    surplus.append(self._idle.popitem(last=False)[1][2])
            else:
                surplus.append(dataset)
        for old in surplus:
            old.close()

    def close(self, path: Path) -> None:
        with self._lock:
            self._closed[path] = self._closed.get(path, 0) + 1
            keys = [key for key, entry in self._idle.items() if _on_disk(entry[0]) == path]
            datasets = [self._idle.pop(key)[2] for key in keys]
        for dataset in datasets:
            dataset.close()


_HANDLES = _Handles()


def _is_there(path: Path) -> bool:
    """Whether a file can be looked up; False where its disk does not answer."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _on_disk(place: Place) -> Path:
    return place if isinstance(place, Path) else place.archive


@contextmanager
def borrowed(path: Place, overview: int | None = None) -> Iterator[DatasetReader]:
    """An open dataset of `path` for this thread alone; read errors leave as a `SceneError`."""
    dataset, generation = _HANDLES.take(path, overview)
    try:
        with rasterio.Env(session=DummySession(), **_OPTIONS):  # GDAL's remarks go to the log, not to stderr
            yield dataset
    except SarvlmError:
        dataset.close()
        raise
    except (RasterioError, OSError, UnicodeDecodeError) as error:
        dataset.close()
        raise broken(path) from error
    except BaseException:
        dataset.close()
        raise
    _HANDLES.give(path, overview, dataset, generation)


def close_path(path: Path) -> None:
    """Close every idle handle on `path`; those in use close when they are given back."""
    _HANDLES.close(path)
