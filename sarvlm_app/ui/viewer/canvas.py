"""The scene canvas: napari behind one door, in scene pixels.

Only the modules of this package touch napari, through its public API, so a
change there ends here. Map coordinates never enter the canvas: its float32
geometry cannot hold them. napari puts the origin in the centre of the top left
pixel; everything outside this module counts from its outer corner.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pint
from napari.components import ViewerModel
from napari.qt import get_stylesheet
from napari.utils import Colormap
from PySide6.QtCore import QEasingCurve, QEvent, QObject, QPoint, Qt, QTimer, QVariantAnimation, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sarvlm_models.types import Heatmap, Window

from .box_layer import BoxLayer
from .geometry import Camera, scale_bar, sensible_zoom, window_between, window_zoom
from .heat_cells import drawn_cells
from .heat_colours import BACKGROUND, colour_stops
from .napari_viewer import Viewer
from .overlay import Frame, Marker, Overlay
from .plain_image import PlainImage
from .second_image import SecondImage

_POINTER_MS = 33
_CLICK_PX = 4
_LEFT = 1
"""napari's number of the left mouse button."""
_LATEST_MS = 2000
"""A picture that another one takes the place of goes after this time at the latest."""
_DRAW_HINT = "Drag over the region to describe · Esc leaves"


class MouseTool(Protocol):
    """What takes the mouse before the view is moved by it. Positions are (x, y) on the screen."""

    def press(self, x: float, y: float) -> bool:
        """Whether a drag from here is its own."""
        ...

    def drag(self, x: float, y: float, *, snaps: bool) -> None: ...

    def release(self) -> None: ...

    def click(self, x: float, y: float) -> None:
        """Nothing else was clicked there."""
        ...

    def click_right(self, x: float, y: float) -> None:
        """Another button than the left one was clicked there."""
        ...


@dataclass(frozen=True, slots=True)
class SceneImage:
    """A scene as the canvas shows it.

    Attributes
    ----------
    levels : sequence of array-likes (rows, cols)
        Finest first; `level_arrays()` of the pyramid.
    width, height : int
        Full-resolution size in pixels.
    limits : (float, float)
        Values shown as the ends of the colour map.
    gamma : float
        Exponent between them.
    colours : str
        napari's name of the colour map.
    smooth : bool
        Whether pixels are interpolated.
    rgb : bool
        The levels are uint8 (rows, cols, 3) and shown as they are.
    """

    levels: Sequence[Any]
    width: int
    height: int
    limits: tuple[float, float]
    gamma: float = 1.0
    colours: str = "gray"
    smooth: bool = True
    rgb: bool = False


class SceneCanvas(QWidget):
    """Shows a scene, the heat map over it and the numbered places.

    Signals
    -------
    pointer_moved(object)
        (col, row) in scene pixels at 30 Hz at most, None when the pointer left the scene.
    marker_clicked(int)
        Rank of the place clicked.
    files_dropped(list)
        Paths dropped on the canvas.
    view_changed()
        The camera moved.
    region_drawn(object)
        `Window` that was dragged while drawing was on.
    drawing_changed(bool)
        Whether a drag draws a region instead of moving the view.
    """

    pointer_moved = Signal(object)
    marker_clicked = Signal(int)
    files_dropped = Signal(list)
    view_changed = Signal()
    region_drawn = Signal(object)
    drawing_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None, fly_ms: int = 280) -> None:
        super().__init__(parent)
        self._model = ViewerModel()
        # read now, and not when the camera first moves
        pint.get_application_registry().Unit("pixel")  # type: ignore[no-untyped-call]
        self._viewer = Viewer(self._model)
        self._viewer.setStyleSheet(get_stylesheet("dark") + "\nQWidget { background: black; }")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._viewer)
        self._native: QWidget = self._viewer.canvas.native
        self._native.installEventFilter(self)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._scene: SceneImage | None = None
        self._image: PlainImage | None = None
        self._heat: PlainImage | None = None
        self._threshold = 0.6
        self._leaving: list[PlainImage] = []
        self._drop_timer = QTimer(self, singleShot=True, interval=0)
        self._latest_timer = QTimer(self, singleShot=True, interval=_LATEST_MS)
        for timer in (self._drop_timer, self._latest_timer):
            timer.timeout.connect(self._drop_old)
        self._metres_per_px: float | None = None
        self._fitted = True
        self._moving = False
        self._closed = False
        self._drawing = False
        self._pointer: tuple[float, float] | None = None
        self.overlay = Overlay(self, self.camera, self._scale)
        self.boxes = BoxLayer(self._model)
        self.second = SecondImage(self._model, self._insert, lambda: self._viewer.canvas)
        self.tool: MouseTool | None = None
        self.double_click: Callable[[], bool] = lambda: False
        """Asked at a double click; True where it means something else than to zoom in."""
        self._pointer_timer = QTimer(self, singleShot=True, interval=_POINTER_MS)
        self._pointer_timer.timeout.connect(lambda: self.pointer_moved.emit(self._pointer))
        self._flight = QVariantAnimation(self, duration=fly_ms, startValue=0.0, endValue=1.0)
        self._flight.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._flight_path = (self.camera(), self.camera())
        self._flight.valueChanged.connect(self._fly_step)
        self._model.scene.camera.events.center.connect(self._on_camera)
        self._model.scene.camera.events.zoom.connect(self._on_camera)
        self._model.mouse_move_callbacks.append(self._on_pointer)
        self._model.mouse_drag_callbacks.append(self._on_press)

    # ---- the scene -------------------------------------------------------
    def show_scene(self, scene: SceneImage | None) -> None:
        """Shows another scene (None: none) and fits it into the view."""
        self._flight.stop()
        self.show_heatmap(None)
        self._drop_old()
        if self._image is not None:
            self._model.layers.remove(self._image)
            self._image = None
        self._scene = scene
        self.set_drawing(False)
        self.overlay.change(scene_shown=scene is not None, opening=False, markers=(), selected=None)
        self.overlay.change(hovered=None, picked=None)
        if scene is None:
            return
        self._image = _image_layer(scene)
        self._insert(0, self._image)
        self.fit()

    def change_image(self, scene: SceneImage) -> None:
        """Shows the same scene by other levels; all else stays, the old picture until the new one is read."""
        old = self._image
        if old is None:
            self.show_scene(scene)
            return
        self._scene = scene
        old.name = "Leaving"
        self._image = new = _image_layer(scene)
        new.opacity = old.opacity
        visible = bool(old.visible)
        self._insert(0, new)
        new.visible = visible
        self._leaving.append(old)
        new.events.set_data.connect(lambda _event: self._drop_timer.start())
        if not visible:
            self._drop_timer.start()
        self._latest_timer.start()

    def _drop_old(self) -> None:
        """Takes pictures away that another one stands for now."""
        self._latest_timer.stop()
        leaving, self._leaving = self._leaving, []
        for layer in leaving:
            if layer in self._model.layers:
                self._model.layers.remove(layer)

    def set_look(self, limits: tuple[float, float], gamma: float = 1.0, colours: str = "gray") -> None:
        """Changes the values at the ends of the colour map, the exponent between them, and the colours."""
        if self._image is None or self._image.rgb:
            return
        low, high = limits
        reach = max(high - low, 1e-9)
        if (low, high) != tuple(self._image.contrast_limits):
            self._image.contrast_limits_range = (low - reach, high + reach)
            self._image.contrast_limits = (low, low + reach)
        if self._image.gamma != gamma:
            self._image.gamma = gamma
        if self._image.colormap.name != colours:
            self._image.colormap = colours

    def refresh_scene(self) -> None:
        """Reads what is in view again: better data have arrived."""
        if self._image is not None:
            self._image.refresh()

    def set_image_visible(self, visible: bool) -> None:
        if self._image is not None:
            self._image.visible = visible

    def set_image_opacity(self, opacity: float) -> None:
        if self._image is not None:
            self._image.opacity = opacity

    def set_ground_spacing(self, metres_per_px: float | None) -> None:
        """Ground metres of one pixel near the middle of the view, for the scale bar."""
        self._metres_per_px = metres_per_px
        self.overlay.update()

    def _insert(self, place: int, layer: PlainImage) -> None:
        """Adds a layer that is seen only once it is there.

        napari slices a layer that is seen on another thread at once, whose answer can meet the signals of the widgets
        that follow the layer's coming: both then wait for each other, for ever.
        """
        layer.visible = False
        self._model.layers.insert(place, layer)
        layer.visible = True

    # ---- the answer ------------------------------------------------------
    def show_heatmap(self, heatmap: Heatmap | None, threshold: float = 0.6) -> None:
        """Lays `heatmap` over the scene; what scores below `threshold` stays clear."""
        if heatmap is None:
            if self._heat is not None:
                self._model.layers.remove(self._heat)
                self._heat = None
            self._show_legend()
            return
        cells, cell = drawn_cells(heatmap.scores, float(heatmap.cell_px))
        if self._heat is None:
            self._heat = PlainImage(
                cells,
                name="Heat map",
                scale=(cell, cell),
                translate=((cell - 1) / 2, (cell - 1) / 2),
                contrast_limits=(BACKGROUND, 1.0),
                colormap=_colormap(threshold),
                interpolation2d="linear",
                blending="translucent",
            )
            self._insert(1 + self.second.shown, self._heat)  # below the boxes
        else:
            self._heat.data = cells
            self._heat.scale = (cell, cell)
            self._heat.translate = ((cell - 1) / 2, (cell - 1) / 2)
            self._heat.contrast_limits = (BACKGROUND, 1.0)
        self.set_threshold(threshold)

    def set_threshold(self, threshold: float) -> None:
        """Moves the score below which the heat map is clear."""
        if self._heat is not None and threshold != self._threshold:
            self._heat.colormap = _colormap(threshold)
        self._threshold = threshold
        self._show_legend()

    def set_heatmap_visible(self, visible: bool) -> None:
        if self._heat is not None:
            self._heat.visible = visible
            self._show_legend()

    def _show_legend(self) -> None:
        """The legend of the heat map, while that is to be seen."""
        seen = self._heat is not None and self._heat.visible
        if self.overlay.state.legend_threshold != (self._threshold if seen else None):
            self.overlay.change(legend_threshold=self._threshold if seen else None)

    def set_heatmap_opacity(self, opacity: float) -> None:
        if self._heat is not None:
            self._heat.opacity = opacity

    def show_markers(self, markers: Sequence[Marker], selected: int | None) -> None:
        """Draws the numbered places; `selected` is the rank to bring out."""
        self.overlay.change(markers=tuple(markers), selected=selected)

    def show_frame(self, frame: Frame | None) -> None:
        """Marks a window of the scene by a rectangle."""
        self.overlay.change(frame=frame)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers, the lowest first."""
        return tuple(layer.name for layer in self._model.layers)

    @property
    def has_heatmap(self) -> bool:
        return self._heat is not None

    @property
    def heatmap_visible(self) -> bool:
        return self._heat is not None and bool(self._heat.visible)

    # ---- the camera ------------------------------------------------------
    def camera(self) -> Camera:
        """What is in view."""
        _, row, col = self._model.scene.camera.center
        size = self._native.size()
        return Camera(col + 0.5, row + 0.5, float(self._model.scene.camera.zoom), size.width(), size.height())

    def visible_window(self) -> Window | None:
        """The part of the scene in view."""
        if self._scene is None:
            return None
        return self.camera().visible(self._scene.width, self._scene.height)

    def fit(self) -> None:
        """Brings the whole scene into view."""
        if self._scene is None:
            return
        self._flight.stop()
        now = self.camera()
        zoom = 0.97 * min(now.width / self._scene.width, now.height / self._scene.height)
        self.look_at(self._scene.width / 2, self._scene.height / 2, max(zoom, 1e-4))
        self._fitted = True

    def fly_to(self, col: float, row: float, extent_px: float) -> None:
        """Moves the view to (col, row) so that `extent_px` scene pixels are seen with their surroundings."""
        now = self.camera()
        wanted = sensible_zoom(extent_px, min(now.width, now.height))
        self._fly(col, row, now.zoom if wanted <= now.zoom <= 2.5 * wanted else wanted)

    def fly_to_window(self, window: Window) -> None:
        """Moves the view so that a window is seen whole."""
        now = self.camera()
        zoom = window_zoom(window, now.width, now.height)
        self._fly(window.col + window.width / 2, window.row + window.height / 2, zoom)

    def _fly(self, col: float, row: float, zoom: float) -> None:
        self._flight.stop()
        start = self.camera()
        end = Camera(col, row, zoom, start.width, start.height)
        self._fitted = False
        if self._flight.duration() <= 0 or not self.isVisible():
            self.look_at(col, row, zoom)
            return
        self._flight_path = (start, end)
        self._flight.start()

    def _fly_step(self, share: float) -> None:
        start, end = self._flight_path
        zoom = math.exp(math.log(start.zoom) + share * (math.log(end.zoom) - math.log(start.zoom)))
        change = end.zoom - start.zoom
        # the centre follows the growth of the zoom, so that the goal stays in sight
        along = share if abs(change) < 1e-9 * start.zoom else (1 - start.zoom / zoom) / (1 - start.zoom / end.zoom)
        self.look_at(start.col + along * (end.col - start.col), start.row + along * (end.row - start.row), zoom)

    def look_at(self, col: float, row: float, zoom: float) -> None:
        """Centres the view on (col, row) scene pixels at `zoom` screen pixels per scene pixel, at once."""
        self._fitted = False
        self._moving = True
        self._model.scene.camera.center = (0.0, row - 0.5, col - 0.5)
        self._model.scene.camera.zoom = zoom
        self._moving = False

    def _on_camera(self, _event: object = None) -> None:
        if not self._moving:
            self._fitted = False
        self.overlay.update()
        self.view_changed.emit()

    def _scale(self) -> Any:
        return None if self._scene is None else scale_bar(self.camera().zoom, self._metres_per_px)

    # ---- the mouse -------------------------------------------------------
    @property
    def drawing(self) -> bool:
        """Whether a drag draws a region."""
        return self._drawing

    def set_drawing(self, on: bool, hint: str = _DRAW_HINT) -> None:
        """Lets the next drag draw a region instead of moving the view; no region can be drawn without a scene."""
        on = on and self._scene is not None
        if on == self._drawing:
            return
        self._drawing = on
        self._model.scene.camera.mouse_pan = not on
        self._native.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)
        self.overlay.change(rubber=None, hint=hint if on else "")
        self.drawing_changed.emit(on)

    def _rubber_window(self, pressed: QPoint, now: QPoint) -> Window | None:
        """The window between two screen positions; None for a mere click."""
        scene = self._scene
        if scene is None or (now - pressed).manhattanLength() <= _CLICK_PX:
            return None
        camera = self.camera()
        start, end = camera.to_scene(pressed.x(), pressed.y()), camera.to_scene(now.x(), now.y())
        return window_between(start, end, scene.width, scene.height)

    def _draw_region(self, event: Any) -> Any:
        """A drag while drawing is on: a rectangle follows it; its release gives the region."""
        self._model.scene.camera.mouse_pan = False  # napari sets it by the active layer
        pressed, window = _screen_position(event), None
        yield
        while event.type == "mouse_move" and self._drawing:
            window = self._rubber_window(pressed, _screen_position(event))
            label = "" if window is None else f"{window.width} × {window.height} px"
            self.overlay.change(rubber=None if window is None else Frame(window, label))
            yield
        if self._drawing and window is not None:
            self.set_drawing(False)
            self.region_drawn.emit(window)

    def _on_pointer(self, _model: object, event: Any) -> None:
        row, col = (float(value) + 0.5 for value in event.position[-2:])
        scene = self._scene
        inside = scene is not None and 0 <= col < scene.width and 0 <= row < scene.height
        self._point((col, row) if inside else None)

    def _point(self, place: tuple[float, float] | None) -> None:
        self._pointer = place
        if not self._pointer_timer.isActive():
            self._pointer_timer.start()

    def _on_press(self, _model: object, event: Any) -> Any:
        """napari runs this as a generator from press to release."""
        self._flight.stop()
        if self._drawing:
            yield from self._draw_region(event)
            return
        pressed = _screen_position(event)
        left = event.button == _LEFT
        if self.tool is not None and left and self.tool.press(pressed.x(), pressed.y()):
            yield from self._drag_tool(self.tool, event)
            return
        yield
        while event.type == "mouse_move":
            yield
        released = _screen_position(event)
        if (released - pressed).manhattanLength() <= _CLICK_PX:
            rank = self.overlay.marker_at(released.x(), released.y())
            if self.tool is not None and not left:
                self.tool.click_right(released.x(), released.y())
            elif rank is not None:
                self.marker_clicked.emit(rank)
            elif self.tool is not None:
                self.tool.click(released.x(), released.y())

    def _drag_tool(self, tool: MouseTool, event: Any) -> Any:
        self._model.scene.camera.mouse_pan = False
        yield
        while event.type == "mouse_move":
            place = _screen_position(event)
            tool.drag(place.x(), place.y(), snaps="Shift" in event.modifiers)
            yield
        tool.release()
        self._model.scene.camera.mouse_pan = True

    def set_cursor(self, shape: Qt.CursorShape) -> None:
        """The mouse pointer over the canvas, but for the time that a region is drawn."""
        if not self._drawing and self._native.cursor().shape() != shape:
            self._native.setCursor(shape)

    # ---- Qt --------------------------------------------------------------
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self._native:
            if event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                event.ignore()
                return True  # the action table owns the keys
            if event.type() == QEvent.Type.MouseButtonDblClick and self.double_click():
                return True
            if event.type() == QEvent.Type.Leave:
                self._point(None)
            if event.type() in (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show):
                QTimer.singleShot(0, self, self._place_overlay)
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._place_overlay()

    def _place_overlay(self) -> None:
        corner = self._native.mapTo(self, QPoint(0, 0))
        self.overlay.setGeometry(corner.x(), corner.y(), self._native.width(), self._native.height())
        self.overlay.raise_()
        if self._fitted:
            self.fit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)

    def shut_down(self) -> None:
        """Ends napari's part and its reading thread; must be called before the window goes."""
        if self._closed:
            return
        self._closed = True
        self._flight.stop()
        for timer in (self._pointer_timer, self._drop_timer, self._latest_timer):
            timer.stop()
        self._leaving.clear()
        self.overlay.hide()
        self._native.removeEventFilter(self)
        self.second.shut_down()
        self._model.layers.clear()
        self._viewer.end_reading()
        self._viewer.close()
        self._scene = self._image = self._heat = None
        self._native = self
        self._model = ViewerModel()
        self.boxes = BoxLayer(self._model)
        self.tool = None
        del self._viewer
        gc.collect()


def _image_layer(scene: SceneImage) -> PlainImage:
    how: dict[str, Any] = {} if scene.rgb else {"contrast_limits": scene.limits, "colormap": scene.colours}
    return PlainImage(
        list(scene.levels) if len(scene.levels) > 1 else scene.levels[0],
        name="SAR",
        rgb=scene.rgb,
        multiscale=len(scene.levels) > 1,
        gamma=scene.gamma,
        interpolation2d="linear" if scene.smooth else "nearest",
        **how,
    )


def _screen_position(event: Any) -> QPoint:
    return QPoint(*(int(value) for value in event.pos))


def _colormap(threshold: float) -> Colormap:
    controls, colours = colour_stops(threshold)
    return Colormap(colours, controls=controls, name=f"sarvlm {threshold:.3f}")
