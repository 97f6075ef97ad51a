"""Small pictures of hits, whose scenes are not open: read off the main thread, in the scene's own stretch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from sarvlm_app.core.archive.embed import guarded
from sarvlm_app.core.archive.search import ArchiveHit
from sarvlm_app.core.scene import close_handles, open_scene
from sarvlm_app.core.thumbnails import hit_thumbnail
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.pictures import to_image
from sarvlm_models.types import Window

EDGE_PX = 112
"""Twice what the list shows, for fine displays."""
_KEPT = 600
_AT_ONCE = 2
_Key = tuple[Path, Window]


def make_hit_picture(path: Path, window: Window) -> QImage | str:
    """Opens the scene, reads and renders, or says why it cannot; runs on the I/O lane."""
    return guarded(str(path), lambda: _picture(path, window))


def _picture(path: Path, window: Window) -> QImage:
    scene = open_scene(path)
    try:
        return to_image(hit_thumbnail(scene, window, EDGE_PX))
    finally:
        close_handles(scene)


class HitPictures(QObject):
    """Gives pictures at once where they are known, later where they must be read.

    Few are read at a time, so that a scene that is to be opened does not wait
    behind the pictures of a whole list.
    """

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._known: dict[_Key, QImage] = {}
        self._waiting: dict[_Key, Callable[[QImage], None]] = {}
        self._reading: set[_Key] = set()
        self._bad: set[_Key] = set()

    def get(self, hit: ArchiveHit, deliver: Callable[[QImage], None]) -> QImage | None:
        """The picture of a hit if it is there; else None, and `deliver` is called when it is."""
        key = (hit.scene, hit.window)
        if key not in self._known and key not in self._bad and not hit.missing:
            self._waiting[key] = deliver
            self._read_next()
        return self._known.get(key)

    def keep_only(self, hits: tuple[ArchiveHit, ...]) -> None:
        """Reads no more for hits that are not listed any longer; those whose file was bad may be tried again."""
        wanted = {(hit.scene, hit.window) for hit in hits}
        self._waiting = {key: deliver for key, deliver in self._waiting.items() if key in wanted}
        self._bad.clear()

    def _read_next(self) -> None:
        for key in [key for key in self._waiting if key not in self._reading][: _AT_ONCE - len(self._reading)]:
            self._reading.add(key)
            self._background.read(f"hit {hash(key)}", partial(make_hit_picture, *key), partial(self._arrived, key))

    def _arrived(self, key: _Key, image: QImage | str) -> None:
        """A place whose picture cannot be read stays grey; opening the hit tells why."""
        self._reading.discard(key)
        deliver = self._waiting.pop(key, None)
        if isinstance(image, str):
            self._bad.add(key)
        else:
            if len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[key] = image
            if deliver is not None:
                deliver(image)
        self._read_next()
