"""The selected place: a larger picture, its coordinates to copy, and the exports."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QWidget

from sarvlm_app.core.query import Candidate
from sarvlm_app.core.session import Session
from sarvlm_app.ui.formats import dms_text, lonlat_text, pixel_text
from sarvlm_app.ui.panels.results import thumbnail_edge
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.pictures import PictureRequest, Pictures, around
from sarvlm_app.ui.theme import Theme

_PICTURE_PX = 104


class SelectedPanel(Section):
    """Renders `session.selected`; its Export button stays while there is an answer."""

    def __init__(self, session: Session, theme: Theme, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__("Selected", parent)
        self._session = session
        self._theme = theme
        self._pictures = pictures
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._picture.setFixedSize(_PICTURE_PX, _PICTURE_PX)
        self.words = QLabel(objectName="value", wordWrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = QToolButton()
        self.copy.setText(" Copy")
        self.copy.setToolTip("Copies latitude and longitude in decimal degrees")
        self.copy.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.copy.clicked.connect(self.copy_coordinates)
        self.describe = QPushButton("Describe", toolTip="What does this place show? Writes a caption of it (D)")
        self._detail = QWidget()
        row = QHBoxLayout(self._detail)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(11)
        row.addWidget(self._picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1, Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self._detail)
        self.export = QPushButton(" Export…", toolTip="Heat map as GeoTIFF, places as GeoJSON, picture as PNG (Ctrl+E)")
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 4, 0, 0)
        foot.addWidget(self.copy)
        foot.addWidget(self.describe)
        foot.addStretch(1)
        foot.addWidget(self.export)
        self.body.addLayout(foot)
        theme.changed.connect(self._theme_icons)
        self._theme_icons()
        self.show_selection()

    def set_exports(self, actions: list[QAction]) -> None:
        """Puts the export commands into the button's menu."""
        menu = QMenu(self.export)
        menu.addActions(actions)
        self.export.setMenu(menu)

    def show_selection(self) -> None:
        """Renders the session's selected place."""
        candidate = self._session.selected
        self.setVisible(self._session.answer is not None)
        self._detail.setVisible(candidate is not None)
        self.copy.setVisible(candidate is not None)
        self.describe.setVisible(candidate is not None)
        self.set_title("Answer" if candidate is None else f"Selected · {candidate.rank}")
        if candidate is not None:
            self.words.setText(_describe(candidate))
            self._show_picture(candidate)

    def copy_coordinates(self) -> None:
        """Puts the place on the clipboard: `lat, lon`, or `col, row` without georeference."""
        candidate = self._session.selected
        if candidate is None:
            return
        if candidate.lon is None or candidate.lat is None:
            QGuiApplication.clipboard().setText(f"{candidate.col:.1f}, {candidate.row:.1f}")
        else:
            QGuiApplication.clipboard().setText(f"{candidate.lat:.6f}, {candidate.lon:.6f}")

    def _show_picture(self, candidate: Candidate) -> None:
        answer, stretch = self._session.answer, self._session.stretch
        if answer is None or stretch is None:
            return
        window = around(answer.scene, candidate.col, candidate.row, thumbnail_edge(candidate))
        request = PictureRequest(answer.scene, answer.band, window, stretch, 2 * _PICTURE_PX)
        image = self._pictures.get(request, lambda late: self._draw(late) if self._is_current(candidate) else None)
        if image is not None:
            self._draw(image)
        else:
            self._picture.setText("…")

    def _is_current(self, candidate: Candidate) -> bool:
        return self._session.selected == candidate

    def _draw(self, image: QImage) -> None:
        smooth = Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(image)
        self._picture.setPixmap(
            pixmap.scaled(_PICTURE_PX, _PICTURE_PX, Qt.AspectRatioMode.KeepAspectRatioByExpanding, smooth)
        )

    def _theme_icons(self) -> None:
        self.copy.setIcon(self._theme.icon("copy"))
        self.export.setIcon(self._theme.icon("export"))


def _describe(candidate: Candidate) -> str:
    col, row, width, height = candidate.bbox_px
    lines = [f"score {candidate.score:.2f}", pixel_text(candidate.col, candidate.row), f"box {width} × {height} px"]
    if candidate.lon is not None and candidate.lat is not None:
        dms = dms_text(candidate.lon, candidate.lat).replace("  ", "\n")
        lines[1:1] = [lonlat_text(candidate.lon, candidate.lat, 6).replace("  ", "\n"), dms]
    return "\n".join(lines)
