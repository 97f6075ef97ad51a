"""Loads the model once, on the lane that computes, when it is first needed."""

from __future__ import annotations

import threading

from sarvlm_models.api import DenseEncoder


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
