"""Keeps the canvas true to the measures: lines and numbers on the map, live lengths, the mouse that draws them."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QObject, Qt

from sarvlm_app.core.measure_list import Measured, Tool
from sarvlm_app.core.session import Session
from sarvlm_app.ui.measure_mouse import MeasureMouse
from sarvlm_app.ui.measure_words import HINTS, label, live_text
from sarvlm_app.ui.panels.measure import MeasurePanel
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.canvas import MouseTool, SceneCanvas
from sarvlm_app.ui.viewer.measure_marks import DraftMark, MeasureMark, MeasureMarks
from sarvlm_models.types import Window

_NEAR_PX = 14.0
"""From so far away on the screen the pointer is on a profile."""
_ROOM_PX = 32
"""About a measure that is brought into view, at least."""


class MeasurePresenter(QObject):
    """Between `session.measures`, canvas and panel."""

    def __init__(self, session: Session, canvas: SceneCanvas, view: ViewState, panel: MeasurePanel) -> None:
        super().__init__(canvas)
        self._measures = session.measures
        self._canvas, self._view, self._panel = canvas, view, panel
        self._pointer: tuple[float, float] | None = None
        self._other_tool: MouseTool | None = None
        self._box: Window | None = None
        self.marks = MeasureMarks()
        canvas.overlay.over.append(self.marks.draw)
        self.mouse = MeasureMouse(self._measures, canvas)
        self.mouse.show_box = self._show_box
        canvas.double_click = self._on_double_click
        canvas.pointer_moved.connect(self._on_pointer)
        self._measures.changed.connect(self.show_marks)
        self._measures.draft_changed.connect(self._on_draft)
        view.measures.changed.connect(self._on_mode)
        view.measured.changed.connect(self.show_marks)
        panel.tool_clicked.connect(self.choose)
        panel.chosen.connect(self.fly)
        panel.card.plot.hovered.connect(self._on_hover)

    # ---- verbs -----------------------------------------------------------
    def choose(self, tool: Tool | None) -> None:
        """Takes a tool, or lays it down; clicks on the map draw with it."""
        self._view.measures.set_visible(True)
        if tool is not None:
            self._view.measured.set_visible(True)
            self._canvas.set_drawing(False)
        self._measures.choose(tool)
        self._panel.render_state()  # a button may stand otherwise
        self._canvas.setFocus()

    def toggle(self, tool: Tool) -> None:
        """The same by a key: once more lays it down."""
        self.choose(None if self._measures.tool is tool else tool)

    def leave(self) -> bool:
        """What Esc does: ends the draft, else what is read, else lays the tool down; whether there was any of these."""
        if self.mouse.abandon():
            return True
        if not self._measures.draft and self._measures.running and self._view.measures.visible:
            self._measures.cancel()
            return True
        return self._measures.abandon()

    def fly(self) -> None:
        """Brings the selected measure into view."""
        measured = self._measures.selected
        if measured is None:
            return
        (left, top), (right, bottom) = measured.points_px.min(axis=0), measured.points_px.max(axis=0)
        col, row = math.floor(left) - _ROOM_PX // 2, math.floor(top) - _ROOM_PX // 2
        width, height = math.ceil(right - left) + _ROOM_PX, math.ceil(bottom - top) + _ROOM_PX
        self._canvas.fly_to_window(Window(col, row, width, height))

    # ---- state -> canvas -------------------------------------------------
    def show_marks(self) -> None:
        """Draws the measures of the scene on view."""
        selected = self._measures.selected
        shown = self._measures.entries if self._view.measured.visible else ()
        self.marks.marks = tuple(_mark(measured, measured is selected) for measured in shown)
        self._show_spot(None)
        self._canvas.overlay.update()

    def _on_draft(self) -> None:
        tool = self._measures.tool
        if tool is None:
            if self._canvas.tool is self.mouse:
                self.mouse.abandon()
                self._canvas.tool = self._other_tool
                self._canvas.set_cursor(Qt.CursorShape.ArrowCursor)
                self._canvas.overlay.change(hint="")
        else:
            if self._canvas.tool is not self.mouse:
                self._other_tool, self._canvas.tool = self._canvas.tool, self.mouse
                self._canvas.overlay.change(hovered=None)
            self._canvas.set_cursor(Qt.CursorShape.CrossCursor)
            self._canvas.overlay.change(hint=HINTS[tool])
        self._show_draft()

    def _show_draft(self) -> None:
        tool, scene, draft = self._measures.tool, self._measures.scene, self._measures.draft
        if tool is None or scene is None:
            self.marks.draft = DraftMark()
        elif self._box is not None:
            self.marks.draft = self._box_mark(self._box)
        else:
            points = [*draft, *([] if self._pointer is None else [self._pointer])]
            words = live_text(scene, tool, points) if draft and self._pointer is not None else ""
            self.marks.draft = DraftMark(draft, self._pointer, tool is Tool.AREA, words)
        self._canvas.overlay.update()

    def _box_mark(self, box: Window) -> DraftMark:
        corners = tuple(
            (float(col), float(row))
            for col, row in (
                (box.col, box.row),
                (box.col_end, box.row),
                (box.col_end, box.row_end),
                (box.col, box.row_end),
            )
        )
        scene = self._measures.scene
        words = "" if scene is None else live_text(scene, Tool.BOX, corners)
        return DraftMark((corners[3], corners[0], corners[1], corners[2], corners[3]), corners[2], False, words)

    def _show_box(self, box: Window | None) -> None:
        self._box = box
        self._show_draft()

    # ---- the mouse -------------------------------------------------------
    def _on_pointer(self, place: tuple[float, float] | None) -> None:
        self._pointer = place
        if self._measures.tool is not None:
            if self._measures.draft:
                self._show_draft()
        elif self._view.measures.visible:
            sample = None if place is None else self._sample_at(place)
            self._panel.card.plot.show_spot(sample)
            self._show_spot(sample)

    def _on_double_click(self) -> bool:
        if self._measures.tool is None:
            return False
        self._measures.finish()
        return True

    def _on_mode(self) -> None:
        if not self._view.measures.visible:
            self._measures.choose(None)
            self._show_spot(None)

    # ---- profile and map -------------------------------------------------
    def _on_hover(self, sample: int | None) -> None:
        self._show_spot(sample)

    def _sample_at(self, place: tuple[float, float]) -> int | None:
        """Number of the sample of the profile that is looked at under the pointer."""
        selected = self._measures.selected
        if selected is None or selected.profile is None or not self._view.measured.visible:
            return None
        away = np.hypot(*(selected.profile.points_px - np.asarray(place)).T) * self._canvas.camera().zoom
        nearest = int(np.argmin(away))
        return nearest if away[nearest] <= _NEAR_PX else None

    def _show_spot(self, sample: int | None) -> None:
        selected = self._measures.selected
        spot = None
        if sample is not None and selected is not None and selected.profile is not None:
            col, row = selected.profile.points_px[sample].tolist()
            spot = (col, row)
        if spot != self.marks.spot:
            self.marks.spot = spot
            self._canvas.overlay.update()


def _mark(measured: Measured, strong: bool) -> MeasureMark:
    found = measured.point
    points = measured.points_px.tolist() if found is None else [(found.col, found.row)]
    return MeasureMark(tuple((col, row) for col, row in points), measured.closed, label(measured), strong)
