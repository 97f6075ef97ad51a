"""napari's canvas as the scene canvas wants it: no readers, no keys, and slices that reach the main thread safely."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from napari.components import ViewerModel
from napari.qt import QtViewer
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from sarvlm_app.ui.bridge import MainThreadPost


class Viewer(QtViewer):
    """napari's canvas with its own file readers and keys switched off.

    napari hands slices that it read on its thread to the window by making Qt
    objects on that thread. Now and then that thread and the main one waited
    for each other, for ever (a suite stood still in it for an hour). Here the
    slices come by `MainThreadPost`, which calls nothing of Qt from a thread.
    """

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model, show_welcome_screen=False)
        self._slicer = model._layer_slicer
        self._slicer.events.ready.disconnect(self._on_slice_ready)
        self._slicer.events.ready.connect(_Relay(MainThreadPost(), weakref.ref(self)))

    def end_reading(self) -> None:
        """Ends napari's reading thread; waits for what it reads just now."""
        self._slicer.shutdown()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        if event is not None:
            event.ignore()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        if event is not None:
            event.ignore()


class _Relay:
    """Carries napari's slices to the main thread."""

    def __init__(self, post: MainThreadPost, viewer: weakref.ref[Viewer]) -> None:
        self._post = post
        self._viewer = viewer

    def __call__(self, event: Any) -> None:
        self._post(partial(self._deliver, event))

    def _deliver(self, event: Any) -> None:
        viewer = self._viewer()
        if viewer is not None:
            viewer._on_slice_ready(event)
