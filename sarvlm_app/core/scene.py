"""The only door to pixels: open a scene, read windows of it, know its statistics.

Everything is read by windows; nothing here holds a whole scene. All functions
may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sarvlm_app.core.products import FAMILIES
from sarvlm_app.core.products.dataset import close_path
from sarvlm_app.core.products.pixels import forget_layouts
from sarvlm_app.core.products.sources import PixelSource, read_intensity
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import (
    Bool,
    Float32,
    IntensityMean,
    Stretch,
    ValueType,
    from_intensity,
    mean_intensity,
    to_db,
    widened,
)
from sarvlm_app.core.sampling import sample_windows
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Chip, SceneStats, Window

__all__ = [
    "Band",
    "Scene",
    "ValueType",
    "close_handles",
    "default_band",
    "default_stretch",
    "open_scene",
    "read_chip",
    "read_values",
    "resolve_band",
    "scene_stats",
    "source_of",
]

STRIP_PIXELS = 4 * 2**20
"""Pixels read at a time while a window is averaged down."""

STRETCH_PERCENTILES = (2.0, 98.0)
LEAST_STRETCH_DB = 1.0
EMPTY_STRETCH = Stretch(-25.0, 0.0)
_SAMPLE_LIMIT = 2**20
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_CO_POLARISED = ("VV", "HH")


def open_scene(path: str | Path, part: str | None = None) -> Scene:
    """Recognise a file or product and describe it; of its pixels only a few blocks are looked at.

    Parameters
    ----------
    path : str or Path
        A file, a product's folder, or a product's archive.
    part : str, optional
        Which image of a product that holds several of different sizes ("IW2"); by default its first.

    Raises
    ------
    SceneError
        One sentence: missing, a folder, empty, no image, damaged, not readable, an address.
    """
    text = str(path)
    if text.startswith("/vsi") or "://" in text:
        raise SceneError(f"{text} is not a local file; copy the scene to this computer and open it there.")
    try:
        place = Path(path).expanduser().absolute()
        _require_readable(place)
        family = next((family for family in FAMILIES if family.recognises(place)), None)
        if family is not None:
            with np.errstate(all="ignore"):  # numbers of files may be anything: what comes of them is looked at
                return family.describe(place, part)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SceneError(f"{text} cannot be read ({reason}); check its permissions and the disk.") from error
    if place.is_dir():
        raise SceneError(f"{place} is a folder and not a known product; open an image file inside it.")
    if place.suffix.lower() in _ARCHIVES:
        raise SceneError(f"{place} is an archive that is not read as it is; unpack it and open the folder inside.")
    raise SceneError(f"{place} is not an image that can be read here; open a GeoTIFF, NITF, PNG or JPEG file.")


def _require_readable(path: Path) -> None:
    if not path.exists():
        raise SceneError(f"{path} does not exist; check the name and that its disk is mounted.")
    if path.is_dir():
        return
    if not path.is_file():
        raise SceneError(f"{path} is neither a file nor a folder; open an image file.")
    if path.stat().st_size == 0:
        raise SceneError(f"{path} is empty; copy or download it again.")


def default_band(scene: Scene) -> int:
    """Index (from 1) of the first co-polarised band, else 1."""
    return next((band.index for band in scene.bands if band.polarisation in _CO_POLARISED), 1)


def resolve_band(scene: Scene, name_or_index: str | int | None) -> int:
    """Index (from 1) of the band meant by a number, a polarisation or a name; the default one for None.

    Raises
    ------
    SceneError
        When the scene has no such band; the sentence lists those it has.
    """
    if name_or_index is None:
        return default_band(scene)
    wanted = str(name_or_index).strip().casefold()
    for band in scene.bands:
        if wanted in (str(band.index), band.name.casefold(), (band.polarisation or "").casefold()):
            return band.index
    names = ", ".join(f"{band.index} ({band.name})" for band in scene.bands)
    raise SceneError(f"{scene.path} has no band {name_or_index}; choose one of {names}.")


def read_chip(scene: Scene, window: Window, band: int, shape: tuple[int, int] | None = None) -> Chip:
    """Linear intensity of a window.

    Parameters
    ----------
    window : Window
        May reach beyond the scene; what lies outside is not valid.
    band : int
        From 1.
    shape : (int, int), optional
        Rows and columns wanted; the *intensity* is averaged over valid pixels.
        The window is read in strips, so its size costs no memory.

    Returns
    -------
    Chip
        intensity float32 and valid bool of `shape`, else of the window's size.

    Raises
    ------
    SceneError
        When the band does not exist or the file is damaged.
    """
    the_band = _band(scene, band)
    rows, cols = shape or (window.height, window.width)
    if rows < 1 or cols < 1:
        raise ValueError(f"read_chip: expected a shape of at least (1, 1), got {shape}")
    if (rows, cols) == (window.height, window.width):
        intensity, valid = _read_padded(scene, the_band, window)
        return Chip(window, intensity, valid)
    intensity, valid = _read_averaged(scene, the_band, window, (rows, cols))
    return Chip(window, intensity, valid)


def read_values(scene: Scene, window: Window, band: int, shape: tuple[int, int] | None = None) -> Float32:
    """Values float32 in the band's own unit (complex as amplitude), NaN where there is no data.

    Averaging to `shape` is done on intensity, as in `read_chip`.
    """
    chip = read_chip(scene, window, band, shape)
    values = from_intensity(chip.intensity, _band(scene, band).value_type)
    values[~chip.valid] = np.nan
    return values


def close_handles(scene: Scene) -> None:
    """Close the idle file handles of a scene; a later read opens them anew."""
    forget_layouts()
    for path in {path for band in scene.bands if band.source is not None for path in band.source.files}:
        close_path(path)


def scene_stats(scene: Scene, band: int) -> SceneStats:
    """Amplitude percentiles from a sparse seeded sample of the scene; computed once."""
    return _summary(scene, band).stats


def default_stretch(scene: Scene, band: int) -> Stretch:
    """The display stretch of the scene: 2nd to 98th percentile in dB of the same sample."""
    return _summary(scene, band).stretch


@dataclass(frozen=True, slots=True)
class _Summary:
    stats: SceneStats
    stretch: Stretch


@lru_cache(maxsize=128)
def _summary(scene: Scene, band: int) -> _Summary:
    source = source_of(scene, band)
    layout = source.layout()
    kept: list[Float32] = []
    seen = valid_count = 0
    windows = sample_windows((scene.width, scene.height), layout.block[::-1])
    stride = max(1, sum(w.width * w.height for w in windows) // _SAMPLE_LIMIT)
    for window in windows:
        intensity, valid = read_intensity(source, window)
        seen += valid.size
        valid_count += int(np.count_nonzero(valid))
        kept.append(intensity[valid & (intensity > 0)][::stride])
    values = np.concatenate(kept)
    share = valid_count / seen
    if values.size == 0:
        return _Summary(SceneStats(0.0, 0.0, share), EMPTY_STRETCH)
    median, p98 = np.sqrt(np.percentile(values.astype(np.float64), [50.0, 98.0]))
    low, high = np.percentile(to_db(values), STRETCH_PERCENTILES)
    stretch = Stretch(*widened(float(low), float(high), LEAST_STRETCH_DB))
    return _Summary(SceneStats(float(median), float(p98), share), stretch)


def source_of(scene: Scene, band: int) -> PixelSource:
    """Where the pixels of a band (from 1) come from.

    Raises
    ------
    SceneError
        When the band does not exist.
    """
    source = _band(scene, band).source
    if source is None:
        raise SceneError(f"{scene.path} was described without its pixels; open it again.")
    return source


def _band(scene: Scene, index: int) -> Band:
    if not 1 <= index <= len(scene.bands):
        raise SceneError(f"{scene.path} has no band {index}; it has bands 1 to {len(scene.bands)}.")
    return scene.bands[index - 1]


def _read_padded(scene: Scene, band: Band, window: Window) -> tuple[Float32, Bool]:
    """Intensity and validity of a window that may reach outside the scene."""
    inside = window.intersection(Window(0, 0, scene.width, scene.height))
    if inside == window:
        return read_intensity(source_of(scene, band.index), window)
    intensity = np.zeros((window.height, window.width), dtype=np.float32)
    valid = np.zeros(intensity.shape, dtype=np.bool_)
    if inside is not None:
        row, col = inside.row - window.row, inside.col - window.col
        place = np.s_[row : row + inside.height, col : col + inside.width]
        intensity[place], valid[place] = _read_padded(scene, band, inside)
    return intensity, valid


def _read_averaged(scene: Scene, band: Band, window: Window, shape: tuple[int, int]) -> tuple[Float32, Bool]:
    """Mean intensity over a window on a grid of `shape`, read strip by strip."""
    box, rest = divmod(window.height, shape[0])
    if rest == 0 and box * window.width <= STRIP_PIXELS:
        parts = []
        step = box * (STRIP_PIXELS // (box * window.width))
        for strip in _strips(window, step):
            values, valid = _read_padded(scene, band, strip)
            parts.append(mean_intensity(values, valid, (strip.height // box, shape[1])))
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    mean = IntensityMean((window.height, window.width), shape)
    for strip in _strips(window, max(1, STRIP_PIXELS // window.width)):
        mean.add(strip.row - window.row, *_read_padded(scene, band, strip))
    return mean.result()


def _strips(window: Window, rows: int) -> Iterator[Window]:
    for row in range(window.row, window.row_end, rows):
        yield Window(window.col, row, window.width, min(rows, window.row_end - row))
