"""Keeps the canvas true to the boxes, and turns wishes for runs and drawings into verbs of the session."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from sarvlm_app.core.box_edits import drawn
from sarvlm_app.core.box_facts import box_facts
from sarvlm_app.core.box_table import Boxes, Touch
from sarvlm_app.core.boxes import sides_px
from sarvlm_app.core.detection_request import Area, Wish
from sarvlm_app.core.session import Session
from sarvlm_app.ui.box_mouse import BoxMouse
from sarvlm_app.ui.class_colours import ClassColours
from sarvlm_app.ui.detection_words import size_text
from sarvlm_app.ui.panels.detections import DetectionsPanel
from sarvlm_app.ui.view_state import ViewState
from sarvlm_app.ui.viewer.box_marks import BoxMark
from sarvlm_app.ui.viewer.canvas import SceneCanvas
from sarvlm_app.ui.viewer.overlay import Frame
from sarvlm_models.types import Float32, Window

_REGION_HINT = "Drag over the region to look at · Esc leaves"
_BOX_HINT = "Drag a box over the object; turn it afterwards by its arm · Esc leaves"
_PAUSE_MS = 350
"""The estimate follows the view after this pause."""
_TURN_DEGREES = 1.0


class DetectionPresenter(QObject):
    """Between `session.detections`, canvas and panel."""

    def __init__(
        self, session: Session, canvas: SceneCanvas, view: ViewState, panel: DetectionsPanel, colours: ClassColours
    ) -> None:
        super().__init__(canvas)
        self._session = session
        self._detections = session.detections
        self._canvas = canvas
        self._view = view
        self._panel = panel
        self._colours = colours
        self._region: Window | None = None
        self._region_of: object = None
        self._drawing_box = False
        self._dragged: Float32 | None = None
        self.mouse = BoxMouse(self._detections, canvas, self._editable, lambda: self._view.boxes.visible)
        self.mouse.show_drag = self._show_drag
        self.mouse.picked = lambda: view.detections.set_visible(True)
        canvas.tool = self.mouse
        self._late = QTimer(self, singleShot=True, interval=0)
        self._late.timeout.connect(self.show_boxes)
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self.ask_estimate)
        self._wire()

    def _wire(self) -> None:
        detections, canvas, view, panel = self._detections, self._canvas, self._view, self._panel
        for event in (detections.changed, detections.filter_changed):
            event.connect(self._show_soon)
        detections.selection_changed.connect(self.show_marks)
        for event in (detections.spec_changed, detections.running_changed, detections.filter_changed):
            event.connect(self._ask_soon)
        view.boxes.changed.connect(self._show_soon)
        view.detections.changed.connect(self._on_mode)
        canvas.view_changed.connect(self._on_view)
        canvas.pointer_moved.connect(self._on_pointer)
        canvas.region_drawn.connect(self._on_drawn)
        canvas.drawing_changed.connect(self._on_drawing)
        panel.run.wish_changed.connect(self._on_wish)
        panel.run.region_wanted.connect(self.draw_region)
        panel.run.run_clicked.connect(self.run)
        panel.draw_clicked.connect(self.draw_box)
        panel.chosen.connect(self.fly)

    def stop(self) -> None:
        """Lets nothing happen any more: the window closes."""
        self._late.stop()
        self._pause.stop()

    # ---- runs ------------------------------------------------------------
    def wish(self) -> Wish:
        """What the panel's controls say, with the view or the region as it is."""
        run = self._panel.run
        window = {
            Area.VIEW: self._canvas.visible_window(),
            Area.REGION: self._own_region(),
            Area.SCENE: None,
        }[run.area]
        return Wish(run.area, window, self._panel.ticked_classes(), run.typed, run.rotated)

    def run(self) -> None:
        """Detects objects where the panel says; a region that is not drawn yet is drawn first."""
        self._view.detections.set_visible(True)
        if self._panel.run.area is Area.REGION and self._own_region() is None and self._session.active is not None:
            self.draw_region()
            return
        self._detections.run(self.wish(), self._canvas.visible_window())

    def ask_estimate(self) -> None:
        """Finds out what a run would cost, where that is on view."""
        if self._view.detections.visible and not self._detections.running:
            self._detections.ask_estimate(self.wish())

    def _ask_soon(self) -> None:
        self._pause.start()

    def draw_region(self) -> None:
        """Lets the user draw the region to look at, or no longer."""
        self._view.detections.set_visible(True)
        self._panel.run.set_area(Area.REGION)
        self._draw(box=False)

    def draw_box(self) -> None:
        """Lets the user draw a box that is missing, or no longer."""
        self._view.detections.set_visible(True)
        self._view.boxes.set_visible(True)
        self._draw(box=True)

    def _draw(self, *, box: bool) -> None:
        on = not (self._canvas.drawing and self._drawing_box == box)
        self._canvas.set_drawing(False)
        self._drawing_box = box
        self._canvas.set_drawing(on, _BOX_HINT if box else _REGION_HINT)
        self._on_drawing(self._canvas.drawing)

    def _own_region(self) -> Window | None:
        return self._region if self._region_of == self._session.active else None

    def _on_drawing(self, on: bool) -> None:
        self._panel.draw.setChecked(on and self._drawing_box)
        if not on and self._panel.run.area is Area.REGION and self._own_region() is None:
            self._panel.run.set_area(Area.VIEW)
        self.show_frame()

    def _on_drawn(self, window: Window) -> None:
        if not self._view.detections.visible:
            return
        if self._drawing_box:
            corners = drawn((window.col, window.row), (window.col_end, window.row_end))
            self._detections.add(corners, self._panel.new_label())
            return
        self._region, self._region_of = window, self._session.active
        self._panel.run.set_area(Area.REGION)
        self._on_wish()

    def _on_wish(self) -> None:
        self.show_frame()
        self._pause.start()

    # ---- by keys ---------------------------------------------------------
    def move(self, across: int, down: int) -> None:
        """Moves the selected box by whole pixels; presses in a row are one step."""
        if self._detections.selected is not None and self._editable():
            self._detections.move(self._detections.selected, across, down, joins=True)

    def turn(self, steps: int) -> None:
        """Turns the selected box by degrees."""
        if self._detections.selected is not None and self._editable():
            self._detections.turn(self._detections.selected, steps * _TURN_DEGREES, joins=True)

    def next_box(self, step: int) -> None:
        """Selects the next box and flies there."""
        self._view.detections.set_visible(True)
        self._detections.select_next(step)
        self.fly()

    def strike_out(self) -> None:
        """Strikes the selected boxes out; from the table, the next row is selected then."""
        row = self._panel.table.currentIndex().row() if self._panel.table.hasFocus() else -1
        self._detections.strike_out(self._panel.selected_ids())
        self._panel.show_boxes()
        rows = self._panel.model.rowCount()
        if row >= 0 and rows:
            self._detections.select(self._panel.model.id_of(min(row, rows - 1)))

    def confirm(self) -> None:
        """Confirms the selected boxes, or no longer."""
        self._detections.confirm(self._panel.selected_ids())

    def leave(self) -> bool:
        """What Esc does first: ends a drag, or selects nothing; whether there was anything to leave."""
        if self.mouse.abandon():
            return True
        if not self._view.detections.visible or self._detections.running or self._detections.selected is None:
            return False
        self._detections.select(None)
        return True

    # ---- canvas ----------------------------------------------------------
    def fly(self) -> None:
        """Moves the view to the selected box."""
        row = self._row(self._detections.selected)
        if row is not None:
            col, line = (float(value) for value in row.centres[0])
            self._canvas.fly_to(col, line, float(row.bbox_px[0, 2:].max()))

    def show_boxes(self) -> None:
        """Draws the boxes that are shown."""
        boxes = self._detections.boxes
        colours = self._colours.table(self._detections.names)[boxes.classes]
        colours[:, 3] = self._detections.shown
        self._canvas.boxes.set_zoom(self._canvas.camera().zoom)
        self._canvas.boxes.set_visible(self._view.boxes.visible)
        self._canvas.boxes.show(boxes.corners_px, colours)
        self.mouse.forget()
        self._canvas.overlay.change(hovered=None)
        self.show_marks()

    def show_marks(self) -> None:
        """Brings the selected box out."""
        row = self._row(self._detections.selected)
        if row is None or not self._view.boxes.visible:
            self._canvas.overlay.change(picked=None)
            return
        corners = row.corners_px[0] if self._dragged is None else self._dragged
        mark = BoxMark.of(corners, self._colour(row), self._words(row, corners), handles=self._editable())
        self._canvas.overlay.change(picked=mark)

    def show_frame(self) -> None:
        """Draws the rectangle of the region while it is the area to look at."""
        region = self._own_region() if self._panel.run.area is Area.REGION else None
        if self._view.detections.visible:
            self._canvas.show_frame(None if region is None else Frame(region, "Region"))

    def _show_soon(self) -> None:
        if not self._late.isActive():
            self._late.start()

    def _show_drag(self, corners: Float32 | None) -> None:
        self._dragged = corners
        self.show_marks()

    def _on_view(self) -> None:
        self._canvas.boxes.set_zoom(self._canvas.camera().zoom)
        if self._panel.run.area is Area.VIEW:
            self._pause.start()

    def _on_mode(self) -> None:
        if self._view.detections.visible:
            self._detections.prepare()
            self._pause.start()
            self.show_frame()
        else:
            self._canvas.set_drawing(False)
            self._canvas.show_frame(None)
        self.show_marks()

    def _on_pointer(self, place: tuple[float, float] | None) -> None:
        busy = self._canvas.drawing or self._canvas.tool is not self.mouse
        if place is None or busy or not self._detections.boxes.ids.size:
            self._canvas.overlay.change(hovered=None)
            return
        x, y = self._canvas.camera().to_screen(*place)
        box = self.mouse.box_at(x, y)
        self.mouse.show_cursor(x, y)
        row = None if box is None or box == self._detections.selected else self._row(box)
        if row is None:
            self._canvas.overlay.change(hovered=None)
            return
        corners = row.corners_px[0]
        self._canvas.overlay.change(hovered=BoxMark.of(corners, self._colour(row), self._words(row, corners)))

    # ---- boxes -----------------------------------------------------------
    def _editable(self) -> bool:
        return self._view.detections.visible and self._view.boxes.visible

    def _row(self, box: int | None) -> Boxes | None:
        place = None if box is None else self._detections.boxes.place_of(box)
        return None if place is None else self._detections.boxes.take(slice(place, place + 1))

    def _colour(self, row: Boxes) -> str:
        return self._colours.of(self._detections.names[row.classes[0]])

    def _words(self, row: Boxes, corners: Float32) -> str:
        """Label, score and size of a box, beside it."""
        scene = self._detections.scene
        name = self._detections.names[int(row.classes[0])]
        if scene is None:
            return name
        length, width, _ = sides_px(corners[None])
        size = size_text(box_facts(corners[None], scene), (float(length[0]), float(width[0])))
        drawn_by_hand = row.touches[0] & Touch.ADDED
        return f"{name} · {size}" if drawn_by_hand else f"{name} {float(row.scores[0]):.2f} · {size}"
