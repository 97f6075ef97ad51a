"""What is known of the active scene."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QWidget

from sarvlm_app.core.scene import Scene
from sarvlm_app.ui.formats import lonlat_text
from sarvlm_app.ui.panels.section import Section

_VALUE_NAMES = {"dn": "DN", "db": "dB"}
_TOLD = ("value_type", "value type")
"""Facts that the rows of their own already tell."""


def scene_facts(scene: Scene) -> list[tuple[str, str]]:
    """Label and value of each fact, the important ones first."""
    facts = [("Product", scene.product), ("Size", f"{scene.width} × {scene.height} px, {scene.dtype}")]
    if scene.spacing_m is not None:
        across, along = scene.spacing_m
        facts.append(("Spacing", f"{across:.2f} × {along:.2f} m"))
    facts.append(("CRS", scene.georef.crs_name if scene.georef is not None else "no georeference"))
    kind = scene.value_type.value
    values = _VALUE_NAMES.get(kind, kind) + (" (assumed)" if scene.value_type_assumed else "")
    facts.append(("Values", f"{values}, {scene.calibration}"))
    if len(scene.bands) == 1:
        facts.append(("Band", scene.bands[0].name))
    if scene.acquired is not None:
        known_time = scene.acquired.hour or scene.acquired.minute or scene.acquired.second
        facts.append(("Acquired", scene.acquired.strftime("%Y-%m-%d %H:%M UTC" if known_time else "%Y-%m-%d")))
    if scene.georef is not None:
        corners = scene.georef.footprint_lonlat()
        lons, lats = [corner[0] for corner in corners], [corner[1] for corner in corners]
        facts.append(("From", lonlat_text(min(lons), min(lats), 3)))
        facts.append(("To", lonlat_text(max(lons), max(lats), 3)))
    facts += [(name.replace("_", " ").capitalize(), value) for name, value in scene.facts.items() if name not in _TOLD]
    if scene.missing:
        facts.append(("Missing", ", ".join(scene.missing)))
    return [(name, value) for name, value in facts if value]


class FactsPanel(Section):
    """A table of facts, and the choice of the band where there are several.

    Signals
    -------
    band_chosen(int)
        Index (from 1) of the band to show and ask.
    """

    band_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Scene facts", parent)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self.bands = QComboBox()
        self.bands.setToolTip("The band that is shown and asked")
        self.bands.setAccessibleName("Band")
        self.bands.activated.connect(lambda row: self.band_chosen.emit(self.bands.itemData(row)))
        self._band_row = QWidget()
        row = QHBoxLayout(self._band_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Band", objectName="muted"))
        row.addWidget(self.bands, 1)
        self.body.addWidget(self._band_row)
        self.body.addWidget(self._table)
        self.show_scene(None)

    def show_scene(self, scene: Scene | None, band: int = 1) -> None:
        """Renders the facts of `scene` and the band on view; hides the panel without a scene."""
        self.bands.clear()
        bands = scene.bands if scene is not None else ()
        for choice in bands:
            self.bands.addItem(f"{choice.name}  ({choice.index} of {len(bands)})", choice.index)
        self.show_band(band)
        self._band_row.setVisible(self.bands.count() > 1)
        while (item := self._grid.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.deleteLater()
        self.setVisible(scene is not None)
        for row, (name, value) in enumerate(scene_facts(scene) if scene is not None else []):
            said = QLabel(value, objectName="value", wordWrap=True)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(QLabel(name, objectName="muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(said, row, 1)

    def show_band(self, band: int) -> None:
        """Renders the band on view."""
        self.bands.setCurrentIndex(self.bands.findData(band))
