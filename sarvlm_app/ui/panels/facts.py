"""What is known of the active scene."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

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
    polarisations = [band.polarisation for band in scene.bands if band.polarisation]
    facts.append(("Bands", " ".join(polarisations) if polarisations else str(len(scene.bands))))
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
    """A table of facts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Scene facts", parent)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self.body.addWidget(self._table)
        self.show_scene(None)

    def show_scene(self, scene: Scene | None) -> None:
        """Renders the facts of `scene`; hides the panel without one."""
        while (item := self._grid.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.deleteLater()
        self.setVisible(scene is not None)
        for row, (name, value) in enumerate(scene_facts(scene) if scene is not None else []):
            said = QLabel(value, objectName="value", wordWrap=True)
            said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(QLabel(name, objectName="muted"), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(said, row, 1)
