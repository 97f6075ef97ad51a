"""An image layer without a thumbnail."""

from __future__ import annotations

from napari.layers import Image


class PlainImage(Image):
    """napari zooms a thumbnail out of every slice, on the main thread; no list of layers here shows it."""

    def _update_thumbnail(self) -> None: ...
