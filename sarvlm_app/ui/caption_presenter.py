"""Keeps the canvas true to the captions: the rectangle of the selected one, flights to it, regions drawn by hand."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sarvlm_app.core.caption_list import Where
from sarvlm_app.core.session import Session
from sarvlm_app.ui.caption_words import WHERE_NAMES
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.viewer.overlay import Frame
from sarvlm_models.types import Window


class CaptionPresenter(QObject):
    """Turns wishes for a description into verbs of the session, and its captions into marks on the canvas."""

    def __init__(self, session: Session, canvas: SceneCanvas, view: ViewState) -> None:
        super().__init__(canvas)
        self._session = session
        self._captions = session.captions
        self._canvas = canvas
        self._view = view
        canvas.region_drawn.connect(self._on_region)
        view.captions.changed.connect(self._on_mode)
        self._captions.changed.connect(self.show_frame)
        self._captions.selection_changed.connect(self.show_frame)

    def describe(self, where: Where) -> None:
        """Describes the view, the selected place or the scene; for a region, lets the user draw it, or no longer."""
        self._view.captions.set_visible(True)
        if where is Where.REGION and self._session.active is not None:
            self._canvas.set_drawing(not self._canvas.drawing)
            if not self._canvas.drawing:
                self._canvas.drawing_changed.emit(False)  # the button may stand otherwise
            return
        self._canvas.set_drawing(False)
        if where is Where.PLACE:
            self._captions.describe_place(self._session.selected)
        else:
            self._captions.describe(where, self._canvas.visible_window() if where is Where.VIEW else None)

    def show_frame(self) -> None:
        """Draws the rectangle of the selected caption while the captions are on view."""
        if self._view.detections.visible or self._view.archive.visible:
            return  # the rectangle is the region's, or a hit's
        selected = self._captions.selected
        shown = self._view.captions.visible and selected is not None
        self._canvas.show_frame(Frame(selected.window, WHERE_NAMES[selected.where]) if shown and selected else None)

    def fly(self) -> None:
        """Moves the view to the selected caption's window."""
        selected = self._captions.selected
        if selected is None:
            return
        if selected.where is Where.SCENE:
            self._canvas.fit()
        else:
            self._canvas.fly_to_window(selected.window)

    def _on_region(self, window: Window) -> None:
        if not self._view.captions.visible:
            return  # it was drawn for something else
        self._captions.describe(Where.REGION, window)

    def _on_mode(self) -> None:
        if self._view.captions.visible:
            self._captions.prepare()
        else:
            self._canvas.set_drawing(False)
        self.show_frame()
