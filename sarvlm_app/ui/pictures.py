"""Small pictures of a scene for lists, made off the main thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.thumbnails import thumbnail
from sarvlm_app.ui.bridge import Background
from sarvlm_models.types import Window

_KEPT = 600


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A square-ish picture of `window` of a scene, `edge` pixels along its longer side at most."""

    scene: Scene
    band: int
    window: Window
    stretch: Stretch
    edge: int = 80

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for requests that give the same picture."""
        stretch = (self.stretch.low, self.stretch.high, self.stretch.unit)
        return (self.scene.fingerprint, self.band, self.window, stretch, self.edge)


def around(scene: Scene, col: float, row: float, edge_px: int) -> Window:
    """A square of `edge_px` pixels about a place, shifted to lie inside the scene where it fits."""
    edge = max(8, edge_px)

    def start(middle: float, size: int) -> int:
        return int(min(max(round(middle - edge / 2), 0), max(0, size - edge)))

    return Window(start(col, scene.width), start(row, scene.height), edge, edge)


def to_image(pixels: NDArray[np.uint8]) -> QImage:
    """A QImage with its own copy of grey `pixels` (h, w)."""
    height, width = pixels.shape
    return QImage(np.ascontiguousarray(pixels).tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()


def make_picture(request: PictureRequest) -> QImage:
    """Reads and renders; runs on the I/O lane."""
    return to_image(thumbnail(request.scene, request.band, request.window, request.stretch, request.edge))


class Pictures(QObject):
    """Gives pictures at once where they are known, later where they must be read."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._known: dict[tuple[object, ...], QImage] = {}
        self._waiting: dict[tuple[object, ...], list[Callable[[QImage], None]]] = {}

    def get(self, request: PictureRequest, deliver: Callable[[QImage], None]) -> QImage | None:
        """The picture if it is there; else None, and `deliver` is called on the main thread when it is."""
        key = request.key
        if key in self._known:
            return self._known[key]
        if key in self._waiting:
            self._waiting[key].append(deliver)
            return None
        self._waiting[key] = [deliver]
        self._background.read(f"picture {hash(key)}", partial(make_picture, request), partial(self._arrived, key))
        return None

    def _arrived(self, key: tuple[object, ...], image: QImage) -> None:
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = image
        for deliver in self._waiting.pop(key, []):
            deliver(image)
