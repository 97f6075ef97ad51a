"""The open scenes; a click makes one active."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QItemSelectionModel, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from sarvlm_app.core.scene import Scene, default_band, default_stretch
from sarvlm_app.core.session import Session
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.panels.cards import THUMB_PX, Card, CardModel, card_list
from sarvlm_app.ui.panels.section import Section
from sarvlm_app.ui.pictures import PictureRequest, make_picture
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.widgets import flat_button
from sarvlm_models.types import Window

_ROW = THUMB_PX + 16
_MOST_ROWS = 4
_THUMB_WINDOW = 1024


class ScenesPanel(Section):
    """Renders `session.scenes`."""

    open_clicked = Signal()
    demo_clicked = Signal()

    def __init__(self, session: Session, theme: Theme, background: Background, parent: QWidget | None = None) -> None:
        super().__init__("Scenes", parent)
        self._session = session
        self._theme = theme
        self._background = background
        self._images: dict[str, QImage] = {}
        self._model = CardModel(self)
        self.list = card_list(theme, self._model)
        self.list.setAccessibleName("Open scenes")
        self.list.clicked.connect(lambda index: session.activate(self._scene(index.row())))
        self._close = flat_button("Close scene", "Close the active scene (Ctrl+W)")
        self._close.clicked.connect(lambda: session.close(session.active) if session.active else None)
        self.head.addWidget(self._close)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        self._open = QPushButton(" Open…", toolTip="Open a scene (Ctrl+O), or drop a file on the window")
        self._open.clicked.connect(self.open_clicked)
        demo = QPushButton("Demo scene", toolTip="Open the simulated demo scene")
        demo.clicked.connect(self.demo_clicked)
        buttons.addWidget(self._open, 1)
        buttons.addWidget(demo, 1)
        self.body.addWidget(self.list)
        self.body.addLayout(buttons)
        theme.changed.connect(self._theme_icons)
        self._theme_icons()
        self.show_scenes()

    def show_scenes(self) -> None:
        """Renders the open scenes and the active one."""
        scenes = self._session.scenes
        self._model.set_cards([self._card(scene) for scene in scenes])
        self.list.setVisible(bool(scenes))
        self.list.setFixedHeight(max(1, min(len(scenes), _MOST_ROWS)) * _ROW + 2)
        self._close.setVisible(self._session.active is not None)
        active = self._session.active
        if active is not None and active in scenes:
            index = self._model.index(scenes.index(active))
            self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _scene(self, row: int) -> Scene:
        return self._session.scenes[row]

    def _card(self, scene: Scene) -> Card:
        key = f"{scene.path}:{scene.fingerprint}"
        made = scene.name.removeprefix(scene.path.stem).strip() if scene.name.startswith(scene.path.stem) else ""
        parts = [made] if made else []  # a part or what was made of it: the end of a long name is cut off
        parts += [scene.product or "picture"]
        parts += [scene.acquired.strftime("%Y-%m-%d")] if scene.acquired else []
        parts += ["simulated"] if scene.simulated and "simulated" not in scene.product.lower() else []
        if key not in self._images:
            self._images[key] = QImage()
            self._background.read(f"thumbnail {key}", partial(_thumbnail, scene), partial(self._arrived, key))
        image = self._images[key]
        return Card(
            key, scene.name, " · ".join(parts), None, None if image.isNull() else image, f"{scene.name}\n{scene.path}"
        )

    def _arrived(self, key: str, image: QImage) -> None:
        self._images[key] = image
        self._model.set_image(key, image)

    def _theme_icons(self) -> None:
        self._close.setIcon(self._theme.icon("close", self._theme.palette.muted))
        self._open.setIcon(self._theme.icon("open"))


def _thumbnail(scene: Scene) -> QImage:
    band = default_band(scene)
    edge = min(_THUMB_WINDOW, scene.width, scene.height)
    window = Window((scene.width - edge) // 2, (scene.height - edge) // 2, edge, edge)
    return make_picture(PictureRequest(scene, band, window, default_stretch(scene, band), 2 * THUMB_PX))
