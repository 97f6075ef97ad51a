"""The three colours of a composite: what each shows, and which one the histogram's lines belong to."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QGridLayout, QPushButton, QWidget

from sarvlm_app.core.display.composites import FREE, channel_text, choices
from sarvlm_app.core.display.settings import Channel, Composite
from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.panels.histogram import CHANNEL_COLOURS

_NAMES = ("Red", "Green", "Blue")


class ChannelRows(QWidget):
    """A row for each colour.

    Signals
    -------
    composite_chosen(object)
        A `Composite` of other channels.
    channel_chosen(int)
        The colour (0 red, 1 green, 2 blue) that the lines belong to.
    """

    composite_chosen = Signal(object)
    channel_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._composite: Composite | None = None
        self._key: object = None
        self._offered: list[list[Channel]] = [[], [], []]
        self.combos: list[QComboBox] = []
        self.buttons = QButtonGroup(self)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for number, name in enumerate(_NAMES):
            button = QPushButton(name[0], objectName="segment", checkable=True)
            button.setStyleSheet(
                f"QPushButton {{ color: {CHANNEL_COLOURS[number]}; font-weight: 700; padding: 3px 8px; }}"
            )
            button.setToolTip(f"The lines in the histogram are those of {name.lower()}")
            button.setAccessibleName(f"Limits of {name.lower()}")
            combo = QComboBox()
            combo.setAccessibleName(f"{name} shows")
            combo.setToolTip(f"What {name.lower()} shows")
            combo.activated.connect(lambda row, number=number: self._on_choice(number, row))
            self.buttons.addButton(button, number)
            self.combos.append(combo)
            grid.addWidget(button, number, 0)
            grid.addWidget(combo, number, 1)
        self.buttons.button(0).setChecked(True)
        self.buttons.idClicked.connect(self.channel_chosen)

    @property
    def channel(self) -> int:
        """The colour that the lines belong to."""
        return self.buttons.checkedId()

    def show_composite(self, scene: Scene, composite: Composite) -> None:
        """Renders what each colour shows."""
        self._composite = composite
        key = (scene, composite.name, tuple(channel.of_scene for channel in composite.channels))
        if key == self._key:
            return
        self._key = key
        for number, (combo, channel) in enumerate(zip(self.combos, composite.channels, strict=True)):
            now = channel.of_scene
            offered = list(choices(scene))
            if now not in offered:
                offered.insert(0, now)
            self._offered[number] = offered
            combo.clear()
            combo.addItems([channel_text(scene, choice) for choice in offered])
            combo.setCurrentIndex(offered.index(now))

    def _on_choice(self, number: int, row: int) -> None:
        composite, chosen = self._composite, self._offered[number][row]
        if composite is None or composite.channels[number].of_scene == chosen:
            return
        red, green, blue = (chosen if k == number else c for k, c in enumerate(composite.channels))
        self.composite_chosen.emit(replace(composite, name=FREE, channels=(red, green, blue)))
