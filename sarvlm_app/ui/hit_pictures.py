"""Small pictures of hits, whose scenes are not open: read off the main thread, in the scene's own stretch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from sarvlm_app.core.archive.search import ArchiveHit
from sarvlm_app.core.scene import close_handles, default_band, default_stretch, open_scene
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.pictures import PictureRequest, make_picture
from sarvlm_models.types import Window

EDGE_PX = 112
"""Twice what the list shows, for fine displays."""
_KEPT = 600
_Key = tuple[Path, Window]


def square(window: Window) -> Window:
    """The square about a window that holds all of it; what lies outside the scene stays black."""
    edge = max(window.width, window.height)
    return Window(window.col - (edge - window.width) // 2, window.row - (edge - window.height) // 2, edge, edge)


def make_hit_picture(path: Path, window: Window) -> QImage:
    """Opens the scene, reads and renders; runs on the I/O lane."""
    scene = open_scene(path)
    try:
        band = default_band(scene)
        return make_picture(PictureRequest(scene, band, square(window), default_stretch(scene, band), EDGE_PX))
    finally:
        close_handles(scene)


class HitPictures(QObject):
    """Gives pictures at once where they are known, later where they must be read; the newest list is read alone."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._known: dict[_Key, QImage] = {}
        self._waiting: dict[_Key, Callable[[QImage], None]] = {}

    def get(self, hit: ArchiveHit, deliver: Callable[[QImage], None]) -> QImage | None:
        """The picture of a hit if it is there; else None, and `deliver` is called when it is."""
        key = (hit.scene, hit.window)
        if key in self._known or hit.missing:
            return self._known.get(key)
        new = key not in self._waiting
        self._waiting[key] = deliver
        if new:
            self._background.read(
                _name(key), partial(make_hit_picture, *key), partial(self._arrived, key),
                lambda _fault: self._failed(key),
            )  # fmt: skip
        return None

    def keep_only(self, hits: tuple[ArchiveHit, ...]) -> None:
        """Reads no more for hits that are not listed any longer."""
        wanted = {(hit.scene, hit.window) for hit in hits}
        for key in [key for key in self._waiting if key not in wanted]:
            del self._waiting[key]
            self._background.drop(_name(key))

    def _arrived(self, key: _Key, image: QImage) -> None:
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = image
        deliver = self._waiting.pop(key, None)
        if deliver is not None:
            deliver(image)

    def _failed(self, key: _Key) -> None:
        """The place of the picture stays grey; opening the hit tells why."""
        self._waiting.pop(key, None)


def _name(key: _Key) -> str:
    return f"hit {hash(key)}"
