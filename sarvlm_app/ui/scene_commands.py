"""Commands for how a scene is shown, what is known of it, and what is made of it: calibrated and filtered scenes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from sarvlm_app.core.derived.calibrated import calibrated, calibrations, can_remove_noise
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.session import Session
from sarvlm_app.ui.bridge import Background
from sarvlm_app.ui.dialogs.filter import FilterDialog
from sarvlm_app.ui.dialogs.metadata import MetadataDialog
from sarvlm_app.ui.main_window import MainWindow

_KINDS = {"sigma0": Calibration.SIGMA0, "beta0": Calibration.BETA0, "gamma0": Calibration.GAMMA0}
CALIBRATE = {
    f"calibrate_{name}{'_denoised' if noise else ''}": (kind, noise)
    for noise in (False, True)
    for name, kind in _KINDS.items()
}
"""Commands that calibrate: what to, and whether thermal noise is removed."""
PROCESS = (*CALIBRATE, "filter")
"""Commands that make another scene of the one on view."""
DISPLAY = ("next_mode", "next_colours", "next_composite", "toggle_phase", "reset_display", "display_everywhere")


class SceneCommands(QObject):
    """The handlers, and which of them can be used for the scene on view."""

    def __init__(self, session: Session, window: MainWindow, background: Background) -> None:
        super().__init__(window)
        self._session, self._window, self._background = session, window, background
        self.dialog: MetadataDialog | None = None

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of every command here, by its name in the action table."""
        display = self._session.display
        return {
            "metadata": self.show_metadata,
            "filter": self.choose_filter,
            **{name: partial(self.calibrate, *what) for name, what in CALIBRATE.items()},
            "next_mode": display.next_mode,
            "next_colours": display.next_colours,
            "next_composite": display.next_composite,
            "toggle_phase": display.toggle_phase,
            "reset_display": display.reset,
            "display_everywhere": lambda: display.apply_to(self._session.scenes),
        }

    def show_active(self, actions: Mapping[str, QAction]) -> None:
        """Enables what can be done to the scene on view; what cannot says why."""
        scene, display = self._session.active, self._session.display
        for name in ("metadata", "filter", *DISPLAY):
            actions[name].setEnabled(scene is not None)
        _allow(actions["toggle_phase"], "" if display.has_phase else "The band on view is not complex.")
        _allow(actions["next_composite"], "" if display.composites else "Too few polarisations.")
        for name, (kind, noise) in CALIBRATE.items():
            _allow(actions[name], _why_not(scene, kind, noise=noise))
        if self.dialog is not None:
            self.dialog.show_scene(scene)

    def show_metadata(self) -> None:
        """Opens the tree of metadata, which follows the scene on view from then on."""
        if self.dialog is None:
            self.dialog = MetadataDialog(self._background, self._window)
            self.dialog.finished.connect(self._on_closed)
        self.dialog.show_scene(self._session.active)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.filter.setFocus()

    def _on_closed(self, _result: int) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    def open_part(self, part: str) -> None:
        """Opens another image of the product on view."""
        scene = self._session.active
        if scene is not None:
            self._session.open(scene.path, part)

    def calibrate(self, kind: Calibration, noise: bool) -> None:
        """Opens the scene on view as backscatter, under a name of its own."""
        scene = self._session.active
        if scene is not None:
            what = f"{kind}, thermal noise removed" if noise else str(kind)
            self._session.open_derived(f"Calibrating to {what}", partial(_calibrated, scene, kind, noise))

    def choose_filter(self) -> None:
        """Opens the dialog of speckle filters for the scene on view."""
        scene, stretch = self._session.active, self._session.stretch
        if scene is None or stretch is None:
            return
        visible = self._window.canvas.visible_window()
        dialog = FilterDialog(self._background, scene, self._session.band, visible, self._window)
        dialog.show_stretch(stretch)
        dialog.made.connect(self._session.open_derived)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _calibrated(scene: Scene, kind: Calibration, noise: bool) -> Scene:
    made = calibrated(scene, kind, remove_noise=noise)
    return replace(made, name=f"{scene.name} {kind}{' denoised' if noise else ''}")


def _why_not(scene: Scene | None, kind: Calibration, *, noise: bool) -> str:
    """One sentence where the scene cannot be calibrated so; empty where it can."""
    if scene is None:
        return "No scene is open."
    possible = calibrations(scene)
    if not possible and scene.calibration is not Calibration.UNCALIBRATED:
        return f"The scene holds {scene.calibration} already."
    if not possible:
        return "The scene comes without calibration tables: open the product as it was delivered, with its annotation."
    if kind not in possible:
        return f"The product's tables give {', '.join(possible)} only."
    return "The product states no thermal noise." if noise and not can_remove_noise(scene) else ""


def _allow(action: QAction, why_not: str) -> None:
    """Enables a command, or says in its tool tip why it cannot be used."""
    action.setEnabled(not why_not)
    action.setToolTip(why_not or action.text())
