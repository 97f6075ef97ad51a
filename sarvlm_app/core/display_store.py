"""Display settings on disk: a small JSON file a scene, in the cache, so that it comes back as it was seen."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from sarvlm_app.core.display.settings import DisplaySettings
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import StorageError
from sarvlm_app.paths import cache_dir

log = logging.getLogger(__name__)

FOLDER = "display"
_LARGEST = 2**16


class DisplayStore:
    """Reads and writes the settings of scenes; may be called from any thread.

    They are a convenience: what cannot be read or written is logged and left.

    Parameters
    ----------
    folder : Path, optional
        Default: `display` in the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def load(self, fingerprint: str) -> DisplaySettings:
        """The settings kept of a scene; the defaults where there are none that can be used."""
        try:
            path = self._path(fingerprint)
            if not path.exists() or path.stat().st_size > _LARGEST:
                return DisplaySettings()
            return DisplaySettings.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (StorageError, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.info("display settings of %s are not used: %s", fingerprint, error)
            return DisplaySettings()

    def save(self, fingerprint: str, settings: DisplaySettings) -> None:
        """Keep the settings of a scene; the defaults leave no file."""
        try:
            path = self._path(fingerprint)
            if settings == DisplaySettings():
                path.unlink(missing_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_when_done(path) as part:
                part.write_text(json.dumps(settings.to_json()), encoding="utf-8")
        except (StorageError, OSError) as error:
            log.warning("display settings are not kept: %s", error)

    def _path(self, fingerprint: str) -> Path:
        return (self._folder or cache_dir() / FOLDER) / f"{fingerprint}.json"
