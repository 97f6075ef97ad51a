"""Where things lie: shipped resources and the user's own folders.

The only module that knows whether the program runs from a checkout, from an
installed wheel or from a frozen bundle.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from .errors import StorageError

APP_NAME = "sarvlm"
_PACKAGE = Path(__file__).resolve().parent
_GEO_VARIABLES = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH")


def resource(name: str) -> Path:
    """Path of a shipped resource.

    Parameters
    ----------
    name : str
        Relative to the `resources` folder, with forward slashes, such as
        ``"weights/model_card.md"``.

    Returns
    -------
    Path of an existing file or folder.

    Raises
    ------
    StorageError
        When the installation lacks it, or the name leads out of the folder.
    """
    root = resource_root()
    found = (root / name).resolve()
    if not found.is_relative_to(root):
        raise StorageError(f"{name}: a resource name must stay inside {root}; give a plain relative name.")
    if not found.exists():
        raise StorageError(f"{found}: this part of the installation is missing; install the program again.")
    return found


def resource_root() -> Path:
    """Folder of the shipped resources: in the wheel and the bundle inside the package, else in the checkout."""
    packed = _PACKAGE / "_resources"
    return packed if packed.is_dir() else _PACKAGE.parent / "resources"


def cache_dir() -> Path:
    """Folder for what can be made again (scene indices, overviews); SARVLM_CACHE_DIR moves it.

    Raises
    ------
    StorageError
        When it can be neither made nor written to.
    """
    return _own_dir("SARVLM_CACHE_DIR", platformdirs.user_cache_path(APP_NAME, appauthor=False))


def data_dir() -> Path:
    """Folder for what must not be lost (registry of checkpoints, logs); SARVLM_DATA_DIR moves it.

    Raises
    ------
    StorageError
        When it can be neither made nor written to.
    """
    return _own_dir("SARVLM_DATA_DIR", platformdirs.user_data_path(APP_NAME, appauthor=False))


def config_dir() -> Path:
    """Folder for settings; SARVLM_CONFIG_DIR moves it.

    Raises
    ------
    StorageError
        When it can be neither made nor written to.
    """
    return _own_dir("SARVLM_CONFIG_DIR", platformdirs.user_config_path(APP_NAME, appauthor=False))


def _own_dir(variable: str, default: Path) -> Path:
    given = os.environ.get(variable)
    folder = Path(given).expanduser().absolute() if given else default
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or "it cannot be made"
        raise StorageError(f"{folder}: {reason}; set {variable} to a folder that can be written to.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(f"{folder}: no permission to write; set {variable} to a folder that can be written to.")
    return folder


def scrub_geo_environment() -> tuple[str, ...]:
    """Forget the PROJ and GDAL data folders of other installations (PostGIS, QGIS, a system GDAL).

    The libraries in our wheels carry their own data and fail with a foreign
    one. Variables that point into our own Python installation stay. Entry
    points call this before rasterio or pyproj is imported.

    Returns
    -------
    Names of the variables that were removed.
    """
    own = Path(sys.prefix).resolve()
    removed = []
    for name in _GEO_VARIABLES:
        value = os.environ.get(name)
        if value is not None and not _all_inside(value, own):
            del os.environ[name]
            removed.append(name)
    return tuple(removed)


def _all_inside(search_path: str, folder: Path) -> bool:
    parts = [part for part in search_path.split(os.pathsep) if part]
    return bool(parts) and all(Path(part).resolve().is_relative_to(folder) for part in parts)
