"""Which context files lie over which scene: a small JSON file a scene, in the user's data folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from sarvlm_app.core.context.layers import Style, from_json, to_json
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import StorageError
from sarvlm_app.paths import data_dir

log = logging.getLogger(__name__)

FOLDER = "context"
_LARGEST = 2**20


class ContextStore:
    """Reads and writes the list of a scene; may be called from any thread. What cannot be used is logged and left.

    Parameters
    ----------
    folder : Path, optional
        Default: `context` in the user's data folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def load(self, fingerprint: str) -> tuple[tuple[Path, Style], ...]:
        """The files of a scene and how they are drawn."""
        try:
            path = self._path(fingerprint)
            if not path.exists() or path.stat().st_size > _LARGEST:
                return ()
            return tuple(from_json(values) for values in json.loads(path.read_text(encoding="utf-8"))["layers"])
        except (StorageError, OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.info("context layers of %s are not used: %s", fingerprint, error)
            return ()

    def save(self, fingerprint: str, layers: Sequence[tuple[Path, Style]]) -> None:
        """Keep the list of a scene; an empty one leaves no file."""
        try:
            path = self._path(fingerprint)
            if not layers:
                path.unlink(missing_ok=True)
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_when_done(path) as part:
                listed = [to_json(file, style) for file, style in layers]
                part.write_text(json.dumps({"version": 1, "layers": listed}, indent=1), encoding="utf-8")
        except (StorageError, OSError) as error:
            log.warning("context layers are not kept: %s", error)

    def _path(self, fingerprint: str) -> Path:
        return (self._folder or data_dir() / FOLDER) / f"{fingerprint}.json"
