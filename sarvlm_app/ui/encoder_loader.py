"""Loads the models once, on the lane that computes, when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sarvlm_app.core.archive.embed import ArchiveEncoder
from sarvlm_app.core.archive.shard import Header
from sarvlm_app.core.archive_reading import for_archives
from sarvlm_models.api import Captioner, DenseEncoder, Detector


class EncoderLoader:
    """Gives the encoder; the first call loads it (and imports torch), so it belongs on the compute lane.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    model : str or None
        Registry name or checkpoint file; None for the shipped model.
    """

    def __init__(self, device: str = "auto", model: str | None = None) -> None:
        self._device = device
        self._model = model
        self._encoder: DenseEncoder | None = None
        self._lock = threading.Lock()

    def __call__(self) -> DenseEncoder:
        with self._lock:
            if self._encoder is None:
                from sarvlm_models.registry import load_encoder

                self._encoder = load_encoder(self._model, self._device)
            return self._encoder

    def load_now(self) -> tuple[str, str]:
        """Loads the model; gives its name and the device in words, for the badges."""
        from sarvlm_models.device import choose_device

        device = choose_device(self._device).reason
        return self().spec.model_id.partition("@")[0], device


class ArchiveModelLoader:
    """Gives the model that an archive is made with: the window's own, else the registered one of the same weights.

    Parameters
    ----------
    encoder : callable
        Gives the window's model.
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    """

    def __init__(self, encoder: Callable[[], DenseEncoder], device: str = "auto") -> None:
        self._encoder, self._device = encoder, device
        self._others: dict[str, DenseEncoder] = {}
        self._lock = threading.Lock()

    def __call__(self, header: Header | None) -> ArchiveEncoder:
        own = self._encoder()
        if header is None or own.spec.weights_sha256 == header.weights_sha256:
            return for_archives(own)
        with self._lock:
            if header.weights_sha256 not in self._others:
                from sarvlm_app.paths import data_dir
                from sarvlm_models.registry import list_models, load_encoder

                known = (info.entry for info in list_models(data_dir()))
                name = next((entry.name for entry in known if entry.sha256 == header.weights_sha256), None)
                if name is None:
                    return for_archives(own)
                self._others[header.weights_sha256] = load_encoder(name, self._device, data_dir())
            return for_archives(self._others[header.weights_sha256])


class CaptionerLoader:
    """Gives the captioner that shares the encoder's image tower; the first call loads both.

    Parameters
    ----------
    encoder : callable
        Gives the encoder.
    """

    def __init__(self, encoder: Callable[[], DenseEncoder]) -> None:
        self._encoder = encoder
        self._captioner: Captioner | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Captioner:
        with self._lock:
            if self._captioner is None:
                from sarvlm_models.captioner import captioner_of

                self._captioner = captioner_of(self._encoder())
            return self._captioner


class DetectorLoader:
    """Gives the shipped detector; the first call loads it.

    Parameters
    ----------
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    """

    def __init__(self, device: str = "auto") -> None:
        self._device = device
        self._detector: Detector | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Detector:
        with self._lock:
            if self._detector is None:
                from sarvlm_models.registry import load_detector

                self._detector = load_detector(None, self._device)
            return self._detector
