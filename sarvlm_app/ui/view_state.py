"""What is shown over the scene, and how strongly: the one place that layers panel, keys and canvas share."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal


class Shown(QObject):
    """Whether a layer is visible, and its opacity from 0 to 1."""

    changed = Signal()

    def __init__(self, visible: bool = True, opacity: float = 1.0) -> None:
        super().__init__()
        self._visible = visible
        self._opacity = opacity

    @property
    def visible(self) -> bool:
        return self._visible

    @property
    def opacity(self) -> float:
        return self._opacity

    def set_visible(self, visible: bool) -> None:
        if visible != self._visible:
            self._visible = visible
            self.changed.emit()

    def set_opacity(self, opacity: float) -> None:
        opacity = min(1.0, max(0.0, opacity))
        if opacity != self._opacity:
            self._opacity = opacity
            self.changed.emit()

    def toggle(self) -> None:
        self.set_visible(not self._visible)


class ViewState(QObject):
    """The layers of the canvas; in the right column: captions, boxes, archive, measures, or else the places."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = Shown()
        self.heatmap = Shown(opacity=0.85)
        self.boxes = Shown()
        self.image = Shown()
        self.captions = Shown(visible=False)
        self.detections = Shown(visible=False)
        self.archive = Shown(visible=False)
        self.measures = Shown(visible=False)
        self.measured = Shown()
        """Measures on the map, whatever stands in the right column."""
        self._columns = (self.captions, self.detections, self.archive, self.measures)
        for shown in self._columns:
            shown.changed.connect(partial(self._only, shown))

    def show_places(self) -> None:
        """Gives the right column to the places of the answer."""
        for shown in self._columns:
            shown.set_visible(False)

    def _only(self, shown: Shown) -> None:
        """One of them at most."""
        if shown.visible:
            for other in self._columns:
                if other is not shown:
                    other.set_visible(False)
