"""napari's canvas as the scene canvas wants it: no readers, no keys, and slices that reach the main thread safely."""

from __future__ import annotations

import weakref
from functools import partial
from types import SimpleNamespace

from napari.components import ViewerModel
from napari.qt import QtViewer
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from .slice_relay import SliceRelay, Slices


class Viewer(QtViewer):
    """napari's canvas with its own file readers and keys switched off.

    napari hands slices that it read on its thread to the window by making Qt
    objects on that thread. Now and then that thread and the main one waited
    for each other, for ever (a suite stood still in it for an hour). Here the
    slices come by `SliceRelay`, which calls nothing of Qt from a thread.
    """

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model, show_welcome_screen=False)
        self._slicer = model._layer_slicer
        self._slicer.events.ready.disconnect(self._on_slice_ready)
        self._relay = SliceRelay(partial(_deliver, weakref.ref(self)))
        self._slicer.events.ready.connect(self._relay)
        camera = model.scene.camera.events
        for moved in (camera.center, camera.zoom):
            moved.connect(self._on_view_moved)

    def _on_view_moved(self, _event: object = None) -> None:
        self._relay.view_moved()

    def end_reading(self) -> None:
        """Ends napari's reading thread; waits for what it reads just now."""
        self._slicer.shutdown()
        self._relay.stop()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        if event is not None:
            event.ignore()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        if event is not None:
            event.ignore()


def _deliver(viewer: weakref.ref[Viewer], slices: Slices) -> None:
    known = viewer()
    if known is not None:
        known._on_slice_ready(SimpleNamespace(value=slices))
