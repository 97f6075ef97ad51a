"""Slices that napari read on its thread, brought to the layers in step with the view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QObject, QTimer

from sarvlm_app.ui.bridge import MainThreadPost

STILL_MS: Final = 60
"""The view moves no more when it has not for this long."""
Slices = Mapping[Any, Any]
"""What was read of each layer."""


class SliceRelay(QObject):
    """Called on napari's reading thread with an event of slices; gives them to `deliver` on the main thread.

    A slice that comes while the view moves waits for the next move, so that one drawing shows both: drawing is what
    panning costs, and every slice asked for a drawing of its own. Of several that wait, a layer gets the newest.
    """

    def __init__(self, deliver: Callable[[Slices], None]) -> None:
        super().__init__()
        self._deliver = deliver
        self._post = MainThreadPost()
        self._waiting: dict[Any, Any] = {}
        self._stopped = False
        self._moving = QTimer(self, singleShot=True, interval=STILL_MS)
        self._moving.timeout.connect(self._hand_over)

    def __call__(self, event: Any) -> None:
        self._post(partial(self._arrived, event.value))

    def view_moved(self) -> None:
        """To be called at every move of the view, before it is drawn."""
        self._moving.start()
        self._hand_over()

    def stop(self) -> None:
        """Gives nothing more, neither what waits nor what is still on its way from the reading thread."""
        self._stopped = True
        self._moving.stop()
        self._waiting.clear()

    def _arrived(self, slices: Slices) -> None:
        if self._stopped:
            return
        self._waiting.update(slices)
        if not self._moving.isActive():
            self._hand_over()

    def _hand_over(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if waiting:
            self._deliver(waiting)
