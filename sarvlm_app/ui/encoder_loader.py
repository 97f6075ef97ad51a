"""Gives the window its models, from a process of their own, when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sarvlm_app.core.archive.embed import ArchiveEncoder
from sarvlm_app.core.archive.shard import Header
from sarvlm_app.core.archive_reading import for_archives
from sarvlm_models.api import DenseEncoder
from sarvlm_models.engine import Engine


class EncoderLoader:
    """Gives the encoder; the first call starts the models' process and waits for it, so it belongs on a lane.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self) -> DenseEncoder:
        return self._engine.encoder()

    def load_now(self) -> tuple[str, str]:
        """Loads the model; gives its name and the device in words, for the badges."""
        return self().spec.model_id.partition("@")[0], self._engine.device_words()


class ArchiveModelLoader:
    """Gives the model that an archive is made with: the window's own, else the registered one of the same weights.

    Parameters
    ----------
    encoder : callable
        Gives the window's model.
    named : callable
        Gives a registered model by its name.
    """

    def __init__(self, encoder: Callable[[], DenseEncoder], named: Callable[[str], DenseEncoder]) -> None:
        self._encoder, self._named = encoder, named
        self._others: dict[str, DenseEncoder] = {}
        self._lock = threading.Lock()

    def __call__(self, header: Header | None) -> ArchiveEncoder:
        own = self._encoder()
        if header is None or own.spec.weights_sha256 == header.weights_sha256:
            return for_archives(own)
        with self._lock:
            if header.weights_sha256 not in self._others:
                from sarvlm_app.paths import data_dir
                from sarvlm_models.registry import list_models

                known = (info.entry for info in list_models(data_dir()))
                name = next((entry.name for entry in known if entry.sha256 == header.weights_sha256), None)
                if name is None:
                    return for_archives(own)
                self._others[header.weights_sha256] = self._named(name)
            return for_archives(self._others[header.weights_sha256])
