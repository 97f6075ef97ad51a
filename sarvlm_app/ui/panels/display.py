"""How the active scene is shown: band or composite, stretch, colours, histogram with lines to drag."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from sarvlm_app.core.display.composites import FREE, bands_as_colours
from sarvlm_app.core.display.levels import Histogram
from sarvlm_app.core.display.picture import Picture, PictureKind
from sarvlm_app.core.display.settings import COLOURS, GAMMAS, Composite, DisplaySettings, Mode
from sarvlm_app.core.session import Session
from sarvlm_app.ui.panels.channels import ChannelRows
from sarvlm_app.ui.panels.histogram import HistogramView
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.viewer.colour_maps import swatch

MODES: tuple[tuple[Mode, str, str], ...] = (
    (Mode.PERCENTILE, "dB, 2–98 %", "Decibels; black and white at the 2nd and 98th percentile of the scene"),
    (Mode.MANUAL, "dB, by hand", "Decibels; drag the lines, or type the limits"),
    (Mode.LOG, "Logarithmic", "Decibels; nearly all values of the scene (0.1 to 99.9 %)"),
    (Mode.LINEAR, "Linear", "Amplitude, from 0 to the 98th percentile"),
    (Mode.GAMMA, "Gamma", "The square root of the amplitude; the slider below sets another power"),
    (Mode.NRL, "SICD NRL", "Linear up to the 99th percentile of amplitude, logarithmic above (sarpy)"),
    (Mode.DENSITY, "SICD density", "Logarithmic about the mean amplitude, after Mangis 1994 (sarpy)"),
    (Mode.BRIGHTER, "SICD brighter", "Density for dark scenes (sarpy)"),
    (Mode.DARKER, "SICD darker", "Density for bright scenes (sarpy)"),
    (Mode.HIGH_CONTRAST, "SICD high contrast", "Density with a small range (sarpy)"),
    (Mode.PEDF, "SICD PEDF", "Density whose upper half is compressed (sarpy)"),
    (Mode.SICD_LOG, "SICD log", "Logarithm between the least and the largest amplitude (sarpy)"),
)
_GAMMA_STEPS = 100
_SWATCH = QSize(44, 10)
_LARGEST = 1e9


class DisplayPanel(Section):
    """Renders `session.display`; never touches the data or what the model sees.

    Signals
    -------
    of_view_changed()
        The histogram shall be of the view, or of the scene again.
    """

    of_view_changed = Signal()

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Display", parent)
        self._session = session
        self._picture: Picture | None = None
        self._sources: list[int | Composite] = []
        self._build_choices()
        self.histogram = HistogramView(theme)
        self.histogram.limits_dragged.connect(self._on_drag)
        self._build_numbers()
        self._build_buttons()
        self.note = QLabel(objectName="muted", wordWrap=True)
        for part in (self._grid_box, self._parts, self.channels, self.histogram, self._numbers, self._gamma_row):
            self.body.addWidget(part)
        self.body.addLayout(self._buttons)
        self.body.addWidget(self.note)
        self.show_settings()

    # ---- building --------------------------------------------------------
    def _build_choices(self) -> None:
        self.source = _combo("What is shown", "A band, which is then asked too, or three in colour")
        self.source.activated.connect(self._on_source)
        self.mode = _combo("Stretch", "How values become grey levels")
        for mode, text, tip in MODES:
            self.mode.addItem(text, mode)
            self.mode.setItemData(self.mode.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.mode.activated.connect(lambda row: self._session.display.set_mode(Mode(self.mode.itemData(row))))
        self.colours = _combo("Colours", "Colour map of a single band")
        self.colours.setIconSize(_SWATCH)
        for name in COLOURS:
            self.colours.addItem(_icon(name), name, name)
        self.colours.activated.connect(lambda row: self._session.display.set_colours(self.colours.itemData(row)))
        self._grid_box = QWidget()
        grid = QGridLayout(self._grid_box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self._rows: dict[str, tuple[QWidget, QWidget]] = {}
        named = (("Show", self.source), ("Stretch", self.mode), ("Colours", self.colours))
        for row, (text, combo) in enumerate(named):
            label = QLabel(text, objectName="muted")
            grid.addWidget(label, row, 0)
            grid.addWidget(combo, row, 1)
            self._rows[text] = (label, combo)
        self.amplitude = QPushButton("Amplitude", objectName="segment", checkable=True)
        self.phase = QPushButton("Phase", objectName="segment", checkable=True)
        self.phase.setToolTip("Phase of the complex values, −180° to 180°, single samples (Shift+P)")
        self.amplitude.clicked.connect(lambda: self._choose_phase(False))
        self.phase.clicked.connect(lambda: self._choose_phase(True))
        self._parts = _row(self.amplitude, self.phase)
        self.channels = ChannelRows()
        self.channels.composite_chosen.connect(self._session.display.show_composite)
        self.channels.channel_chosen.connect(lambda _channel: self._show_limits())

    def _build_numbers(self) -> None:
        self.low, self.high = _number("Black"), _number("White")
        for spin in (self.low, self.high):
            spin.valueChanged.connect(self._on_typed)
        self._numbers = _row(self.low, self.high)
        self.gamma = QSlider(Qt.Orientation.Horizontal)
        self.gamma.setRange(round(GAMMAS[0] * _GAMMA_STEPS), round(GAMMAS[1] * _GAMMA_STEPS))
        self.gamma.setAccessibleName("Gamma")
        self.gamma.setToolTip("Power of the grey level: below 1 lifts the dark")
        self.gamma.valueChanged.connect(lambda value: self._session.display.set_gamma(value / _GAMMA_STEPS))
        self._gamma_text = QLabel(objectName="value")
        self._gamma_text.setMinimumWidth(30)
        self._gamma_row = QWidget()
        row = QHBoxLayout(self._gamma_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Gamma", objectName="muted"))
        row.addWidget(self.gamma, 1)
        row.addWidget(self._gamma_text)

    def _build_buttons(self) -> None:
        self.view = QPushButton("View", objectName="segment", checkable=True)
        self.view.setToolTip("Histogram of what is in view instead of the whole scene")
        self.view.clicked.connect(self.of_view_changed)
        self.reset = QPushButton("Reset", objectName="segment", toolTip="Back to what the scene suggests (Shift+S)")
        self.reset.clicked.connect(self._session.display.reset)
        self.everywhere = QPushButton("All scenes", objectName="segment")
        self.everywhere.setToolTip("Show all open scenes in this way")
        self.everywhere.clicked.connect(lambda: self._session.display.apply_to(self._session.scenes))
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(5)
        for button in (self.view, self.reset, self.everywhere):
            self._buttons.addWidget(button, 1)

    # ---- rendering -------------------------------------------------------
    @property
    def of_view(self) -> bool:
        """Whether the histogram shall be of what is in view."""
        return bool(self.view.isChecked())

    def show_settings(self) -> None:
        """Renders the display settings of the session."""
        scene, settings = self._session.display.scene, self._session.display.settings
        self.setVisible(scene is not None)
        if scene is None or settings is None:
            self._picture = None
            return
        composite, single = settings.composite, settings.composite is None and not settings.phase
        self._show_sources(settings)
        self._parts.setVisible(self._session.display.has_phase and composite is None)
        self.amplitude.setChecked(not settings.phase)
        self.phase.setChecked(settings.phase)
        for text in ("Stretch", "Colours"):
            for widget in self._rows[text]:
                widget.setVisible(single)
        self.mode.setCurrentIndex(self.mode.findData(settings.mode))
        self.colours.setCurrentIndex(self.colours.findData(settings.colours))
        self.channels.setVisible(composite is not None)
        if composite is not None:
            self.channels.show_composite(scene, composite)
        self.histogram.setVisible(not settings.phase)
        self.view.setEnabled(not settings.phase)
        self._gamma_row.setVisible(not settings.phase)
        with QSignalBlocker(self.gamma):
            self.gamma.setValue(round(settings.gamma * _GAMMA_STEPS))
        self._gamma_text.setText(f"{settings.gamma:.2f}")
        band = scene.bands[self._session.band - 1].name if self._session.band <= len(scene.bands) else ""
        shown = f"{composite.name} is shown. " if composite is not None else ""
        self.note.setText(f"Display only: answers do not change. {shown}Asked: {band}.")
        self._show_limits()

    def show_picture(self, picture: Picture) -> None:
        """Renders the limits of what is on the canvas."""
        self._picture = picture
        self._show_limits()

    def show_histograms(self, histograms: Sequence[Histogram | None]) -> None:
        """Draws how often values occur: of the band, or of three channels."""
        self.histogram.show_histograms(histograms)

    def _show_sources(self, settings: DisplaySettings) -> None:
        scene = self._session.display.scene
        assert scene is not None
        composite, offered = settings.composite, self._session.display.composites
        names = [band.name for band in scene.bands]
        sources: list[int | Composite] = [band.index for band in scene.bands]
        sources += offered
        if len(scene.bands) > 1:
            free = composite if composite is not None and composite.name == FREE else self._free(len(scene.bands))
            sources.append(free)
        if sources != self._sources or self.source.count() != len(sources):
            self._sources = sources
            self.source.clear()
            self.source.addItems(
                [*names, *(c.name if c.name != FREE else "Three bands…" for c in _composites(sources))]
            )
        at = [s.name if isinstance(s, Composite) else s for s in sources]
        here: object = composite.name if composite is not None else self._session.band
        self.source.setCurrentIndex(at.index(here) if here in at else -1)
        for widget in self._rows["Show"]:
            widget.setVisible(len(sources) > 1)

    @staticmethod
    def _free(count: int) -> Composite:
        return bands_as_colours(FREE, 1, min(2, count), min(3, count))

    def _show_limits(self) -> None:
        """Puts lines and numbers where the limits of the picture, or of the chosen colour, are."""
        settings, picture = self._session.display.settings, self._picture
        limits = self._limits(settings, picture)
        self.histogram.show_limits(limits, self.channels.channel if settings and settings.composite else None)
        self._numbers.setVisible(limits is not None)
        if limits is None or settings is None:
            return
        amplitude = settings.composite is None and settings.mode.unit == "amplitude"
        for spin, value in zip((self.low, self.high), limits, strict=True):
            with QSignalBlocker(spin):
                spin.setSuffix("" if amplitude else " dB")
                spin.setDecimals(_decimals(limits[1] - limits[0]) if amplitude else 1)
                spin.setSingleStep((limits[1] - limits[0]) / 50 if amplitude else 0.5)
                if not spin.hasFocus() or abs(spin.value() - value) > 10.0 ** -spin.decimals():
                    spin.setValue(value)

    def _limits(self, settings: DisplaySettings | None, picture: Picture | None) -> tuple[float, float] | None:
        if settings is None or picture is None or picture.kind in (PictureKind.PHASE, PictureKind.REMAP):
            return None
        if settings.composite is not None and picture.kind is PictureKind.COLOUR:
            channel = self.channels.channel
            return settings.composite.channels[channel].limits or picture.channel_limits[channel]
        return picture.limits if settings.composite is None and picture.kind is not PictureKind.COLOUR else None

    # ---- wishes ----------------------------------------------------------
    def _on_source(self, row: int) -> None:
        chosen, display = self._sources[row], self._session.display
        if isinstance(chosen, Composite):
            display.show_composite(chosen)
        else:
            display.show_composite(None)
            self._session.set_band(chosen)

    def _choose_phase(self, on: bool) -> None:
        self._session.display.show_phase(on)
        self.show_settings()

    def _on_drag(self, low: float, high: float) -> None:
        settings = self._session.display.settings
        if settings is not None:
            self._session.display.set_limits((low, high), self.channels.channel if settings.composite else None)

    def _on_typed(self, _value: float) -> None:
        if self.low.value() < self.high.value():
            self._on_drag(self.low.value(), self.high.value())
        else:
            self._show_limits()


def _composites(sources: list[int | Composite]) -> list[Composite]:
    return [source for source in sources if isinstance(source, Composite)]


def _combo(name: str, tip: str) -> QComboBox:
    combo = QComboBox()
    combo.setToolTip(tip)
    combo.setAccessibleName(name)
    combo.setMinimumContentsLength(8)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return combo


def _number(name: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox(decimals=1, minimum=-_LARGEST, maximum=_LARGEST)
    spin.setAccessibleName(name)
    spin.setToolTip(name)
    spin.setKeyboardTracking(False)
    spin.lineEdit().setTextMargins(4, 0, 4, 0)  # a style sheet's padding does not reach the text
    spin.setMinimumWidth(40)
    spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return spin


def _row(*widgets: QWidget) -> QWidget:
    box = QWidget()
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(5)
    for widget in widgets:
        row.addWidget(widget, 1)
    return box


def _decimals(reach: float) -> int:
    """Decimals with which a hundredth of `reach` can be told."""
    return next((n for n in range(9) if reach * 10**n >= 100), 9)


def _icon(name: str) -> QIcon:
    pixels = swatch(name, _SWATCH.width(), _SWATCH.height())
    height, width, _ = pixels.shape
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
    return QIcon(QPixmap.fromImage(image))
