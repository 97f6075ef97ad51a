"""Dark and light: one palette each, one style sheet for both."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from sarvlm_app.paths import resource


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme as #rrggbb; the style sheet names them as @field."""

    name: str
    window: str
    field: str
    raised: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    warm: str
    danger: str


DARK = Palette(
    name="dark",
    window="#21252e",
    field="#161a22",
    raised="#2c3340",
    border="#3a4250",
    text="#e8eaee",
    muted="#a0a7b4",
    accent="#4da3ff",
    on_accent="#0b1420",
    selection="#29394f",
    warm="#ffb454",
    danger="#ff7b72",
)
LIGHT = Palette(
    name="light",
    window="#f3f5f8",
    field="#ffffff",
    raised="#e3e8ef",
    border="#c3cad5",
    text="#1c222b",
    muted="#586374",
    accent="#1668c5",
    on_accent="#ffffff",
    selection="#d5e6fa",
    warm="#934b00",
    danger="#b42318",
)
THEMES = {palette.name: palette for palette in (DARK, LIGHT)}


def style_sheet(palette: Palette, template: str) -> str:
    """`template` with every @name replaced by that colour of `palette`.

    Raises
    ------
    KeyError
        Where the template names a colour that no palette has.
    """
    colours = asdict(palette)
    return re.sub(r"@([a-z_]+)", lambda found: str(colours[found[1]]), template)


def qt_palette(palette: Palette) -> QPalette:
    """The same colours for the parts of Qt that no style sheet reaches."""
    roles = {
        QPalette.ColorRole.Window: palette.window,
        QPalette.ColorRole.Base: palette.field,
        QPalette.ColorRole.AlternateBase: palette.raised,
        QPalette.ColorRole.Button: palette.raised,
        QPalette.ColorRole.Text: palette.text,
        QPalette.ColorRole.WindowText: palette.text,
        QPalette.ColorRole.ButtonText: palette.text,
        QPalette.ColorRole.PlaceholderText: palette.muted,
        QPalette.ColorRole.Highlight: palette.accent,
        QPalette.ColorRole.HighlightedText: palette.on_accent,
        QPalette.ColorRole.ToolTipBase: palette.raised,
        QPalette.ColorRole.ToolTipText: palette.text,
        QPalette.ColorRole.Link: palette.accent,
    }
    result = QPalette()
    for role, colour in roles.items():
        result.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.muted))
    return result


class Theme(QObject):
    """The theme in force; `changed` tells widgets that paint themselves."""

    changed = Signal()

    def __init__(self, app: QApplication, name: str = "dark") -> None:
        super().__init__()
        self._app = app
        self._palette = THEMES.get(name, DARK)
        self._template = resource("styles/app.qss").read_text(encoding="utf-8")

    @property
    def palette(self) -> Palette:
        return self._palette

    def apply(self, name: str | None = None) -> None:
        """Puts the theme called `name` (default: the present one) on the whole application."""
        self._palette = THEMES.get(name or self._palette.name, DARK)
        self._app.setStyle("Fusion")
        self._app.setPalette(qt_palette(self._palette))
        font = QFont(self._app.font())
        font.setPixelSize(13)
        self._app.setFont(font)
        self._app.setStyleSheet(style_sheet(self._palette, self._template))
        self.changed.emit()

    def toggle(self) -> str:
        """Changes to the other theme and gives its name."""
        self.apply("light" if self._palette.name == "dark" else "dark")
        return self._palette.name

    def icon(self, name: str, colour: str | None = None, size: int = 16) -> QIcon:
        """The icon `resources/icons/<name>.svg`, its `currentColor` filled in."""
        text = resource(f"icons/{name}.svg").read_text(encoding="utf-8")
        renderer = QSvgRenderer(QByteArray(text.replace("currentColor", colour or self._palette.text).encode()))
        pixmap = QPixmap(size * 2, size * 2)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, size * 2, size * 2))
        painter.end()
        pixmap.setDevicePixelRatio(2.0)
        return QIcon(pixmap)
