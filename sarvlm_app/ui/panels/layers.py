"""What is shown over the scene: numbers, boxes, measures, heat map, the image itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSlider, QToolButton, QWidget

from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.view_state import Shown, ViewState
from sarvlm_app.ui.widgets import flat_button


class LayersPanel(Section):
    """An eye for each layer, and a slider for its opacity where it has one."""

    def __init__(self, view: ViewState, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent)
        self._theme = theme
        self._eyes: list[tuple[QToolButton, Shown]] = []
        self._sliders: list[tuple[QSlider, Shown]] = []
        grid = QGridLayout()
        grid.setHorizontalSpacing(7)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(2, 1)
        rows = (
            ("Numbers", view.numbers, "M", False),
            ("Boxes", view.boxes, "B", False),
            ("Measures", view.measured, "Shift+U", False),
            ("Heat map", view.heatmap, "H", True),
            ("SAR image", view.image, "", True),
        )
        for row, (name, shown, key, has_opacity) in enumerate(rows):
            eye = flat_button(f"Show {name}", f"Show or hide: {name}" + (f"  ({key})" if key else ""), 16)
            eye.setCheckable(True)
            eye.clicked.connect(shown.set_visible)
            grid.addWidget(eye, row, 0)
            grid.addWidget(QLabel(name), row, 1)
            self._eyes.append((eye, shown))
            if has_opacity:
                slider = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=100)
                slider.setAccessibleName(f"{name} opacity")
                slider.setToolTip(f"Opacity of the {name}")
                slider.valueChanged.connect(lambda value, shown=shown: shown.set_opacity(value / 100))
                grid.addWidget(slider, row, 2)
                self._sliders.append((slider, shown))
            shown.changed.connect(self._render)
        self.body.addLayout(grid)
        theme.changed.connect(self._render)
        self._render()

    def _render(self) -> None:
        for eye, shown in self._eyes:
            eye.setChecked(shown.visible)
            colour = self._theme.palette.text if shown.visible else self._theme.palette.muted
            eye.setIcon(self._theme.icon("eye" if shown.visible else "eye-off", colour))
        for slider, shown in self._sliders:
            slider.blockSignals(True)
            slider.setValue(round(shown.opacity * 100))
            slider.setEnabled(shown.visible)
            slider.blockSignals(False)
