"""A speckle filter with its parameters explained and tried on the view; its result opens as another scene."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from sarvlm_app.core.derived.filtered import filtered
from sarvlm_app.core.derived.looks import scene_looks
from sarvlm_app.core.derived.preview import Preview, preview, preview_window
from sarvlm_app.core.filters import FILTERS, Parameter, SpeckleFilter, describe, make_filter, parameters
from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.thumbnails import grey
from sarvlm_app.errors import QueryError, SarvlmError
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.pictures import to_image
from sarvlm_models.types import Chip, Window

PREVIEW_PX = 320
_PAUSE_MS = 200
_LOOKS = "looks"


class FilterDialog(QDialog):
    """Chooses a filter for one scene.

    Signals
    -------
    made(object, object)
        The title of the work, and a callable that gives the filtered `Scene`.
    """

    made = Signal(object, object)

    def __init__(
        self, background: Background, scene: Scene, band: int, visible: Window | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Filter {scene.name}")
        self._background = background
        self._scene, self._band = scene, band
        self._window = preview_window(scene, visible, PREVIEW_PX)
        self._stretch = Stretch(-25.0, 0.0)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Filter")
        for name, one in FILTERS.items():
            self.choice.addItem(one.title, name)
        self._about = QLabel(wordWrap=True, objectName="muted")
        self._about.setMinimumHeight(34)
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(14)
        self.fields: dict[str, tuple[Parameter, QDoubleSpinBox]] = {}
        self.estimate = QPushButton("Estimate the looks")
        self.estimate.setToolTip("From the scene's homogeneous surfaces; the field of looks takes it")
        self.estimate.clicked.connect(self._ask_looks)
        self.looks = QLabel(objectName="muted")
        self._own_looks = False
        """Whether the number of looks is the user's, which an estimate made unasked leaves alone."""
        self.said = QLabel(wordWrap=True, objectName="muted")
        self._fault = QLabel(wordWrap=True, objectName="warning")
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._ask_preview)
        self._build()
        self.choice.currentIndexChanged.connect(self._show_filter)
        self.choice.setCurrentIndex(self.choice.findData("lee"))
        self._show_filter()
        self._ask_looks(unasked=True)

    def _build(self) -> None:
        self.pictures = (_picture("Before"), _picture("After"))
        shown = QHBoxLayout()
        for title, picture in zip(("As it is", "Filtered"), self.pictures, strict=True):
            column = QVBoxLayout()
            column.addWidget(QLabel(title, objectName="muted"))
            column.addWidget(picture)
            shown.addLayout(column)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Cancel).setIcon(QIcon())
        self.make = buttons.addButton("Make filtered scene", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._on_make)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(9)
        layout.addWidget(self.choice)
        layout.addWidget(self._about)
        layout.addLayout(self._form)
        looks = QHBoxLayout()
        looks.addWidget(self.estimate)
        looks.addWidget(self.looks, 1)
        layout.addLayout(looks)
        layout.addLayout(shown)
        for label in (self.said, self._fault):
            layout.addWidget(label)
        layout.addWidget(buttons)

    # ---- filter ----------------------------------------------------------
    def chosen(self) -> SpeckleFilter | None:
        """The filter as the fields say; None, and a sentence in the dialog, where they contradict each other."""
        values: dict[str, float | None] = {}
        for name, (one, field) in self.fields.items():
            untold = one.default is None and field.value() == field.minimum()
            values[name] = None if untold else field.value()
        try:
            found = make_filter(self.choice.currentData(), **values)
        except QueryError as error:
            self._fault.setText(str(error))
            self._fault.show()
            return None
        self._fault.hide()
        return found

    def _show_filter(self) -> None:
        """Renders the fields of the chosen filter; values that both filters know are taken over."""
        before = {name: field.value() for name, (_, field) in self.fields.items()}
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields = {}
        kind = FILTERS[self.choice.currentData()]
        self._about.setText(kind.about)
        for one in parameters(kind):
            field = _field(one)
            if one.name in before and one.low <= before[one.name] <= one.high:
                field.setValue(before[one.name])
            field.valueChanged.connect(self._pause.start)
            if one.name == _LOOKS:
                field.valueChanged.connect(self._keep_looks)
            about = QLabel(one.about, wordWrap=True, objectName="muted")
            about.setMinimumWidth(420)
            row = QHBoxLayout()
            row.setSpacing(14)
            row.addWidget(field, 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(about, 1)
            self._form.addRow(one.title.capitalize(), row)
            self.fields[one.name] = (one, field)
        self.estimate.setVisible(_LOOKS in self.fields)
        self.looks.setVisible(_LOOKS in self.fields)
        self._pause.start()

    # ---- looks -----------------------------------------------------------
    def _ask_looks(self, _checked: bool = False, *, unasked: bool = False) -> None:
        self.looks.setText("Estimating the scene's looks …")
        work = partial(scene_looks, self._scene, self._band)
        self._background.read("looks", work, partial(self._on_looks, unasked), self._on_fault)

    def _on_looks(self, unasked: bool, looks: float | None) -> None:
        if looks is None:
            self.looks.setText("It cannot be told here: too few homogeneous surfaces.")
            return
        self.looks.setText(f"The scene has about {looks:.2f} looks.")
        if _LOOKS in self.fields and not (unasked and self._own_looks):
            field = self.fields[_LOOKS][1]
            field.setValue(round(looks, 2))
            self._own_looks = False

    def _keep_looks(self) -> None:
        self._own_looks = True

    # ---- preview ---------------------------------------------------------
    def show_stretch(self, stretch: Stretch) -> None:
        """Black and white of the preview."""
        self._stretch = stretch
        self._pause.start()

    def _ask_preview(self) -> None:
        chosen = self.chosen()
        self.make.setEnabled(chosen is not None)
        if chosen is not None:
            work = partial(preview, self._scene, self._band, chosen, self._window)
            self._background.read("filter preview", work, self._on_preview, self._on_fault)

    def _on_preview(self, shown: Preview) -> None:
        self._fault.hide()
        for picture, chip in zip(self.pictures, (shown.before, shown.after), strict=True):
            picture.setPixmap(_pixmap(chip, self._stretch))
        looks = [
            f"{value:.1f}" if value is not None else "unknown" for value in (shown.looks_before, shown.looks_after)
        ]
        self.said.setText(f"Equivalent number of looks in this part: {looks[0]} before, {looks[1]} after.")

    def _on_fault(self, error: SarvlmError) -> None:
        self._fault.setText(str(error))
        self._fault.show()

    def _on_make(self) -> None:
        chosen = self.chosen()
        if chosen is not None:
            work: Callable[[], Scene] = partial(_filtered, self._scene, chosen)
            self.made.emit(f"Filtering by {describe(chosen)}", work)
            self.accept()


def _filtered(scene: Scene, chosen: SpeckleFilter) -> Scene:
    return replace(filtered(scene, chosen), name=f"{scene.name} {chosen.title}")


def _field(one: Parameter) -> QDoubleSpinBox:
    field = QDoubleSpinBox(decimals=0 if one.whole else 3)
    field.setAccessibleName(one.title)
    field.setFixedWidth(96)
    field.setKeyboardTracking(False)
    field.lineEdit().setTextMargins(4, 0, 4, 0)  # a style sheet's padding does not reach the text
    field.setSingleStep(2 if one.odd else 1 if one.whole else 0.1)
    with QSignalBlocker(field):
        field.setRange(one.low, one.high)
        if one.default is None:
            field.setSpecialValueText("by the scene")
            field.setValue(one.low)
        else:
            field.setValue(one.default)
    return field


def _picture(name: str) -> QLabel:
    label = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
    label.setFixedSize(PREVIEW_PX, PREVIEW_PX)
    label.setStyleSheet("background: black;")
    label.setAccessibleName(name)
    return label


def _pixmap(chip: Chip, stretch: Stretch) -> QPixmap:
    pixels = QPixmap.fromImage(to_image(grey(chip, stretch)))
    size = PREVIEW_PX, PREVIEW_PX
    return pixels.scaled(*size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.FastTransformation)
