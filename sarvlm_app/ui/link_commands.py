"""Commands for comparing two scenes: which ways there are, the other one by hand, the change as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog

from sarvlm_app.core.link_session import LinkMode
from sarvlm_app.core.session import Session
from sarvlm_app.ui.link_presenter import LinkPresenter
from sarvlm_app.ui.main_window import MainWindow

MODES = {
    "compare_side": LinkMode.SIDE, "compare_swipe": LinkMode.SWIPE, "compare_flicker": LinkMode.FLICKER,
    "compare_change": LinkMode.CHANGE,
}  # fmt: skip
"""Commands that compare, and how."""
_NO_SECOND = "Open a second scene of the same ground first (Ctrl+O)."


class LinkCommands(QObject):
    """The handlers, and which of them can be used.

    Parameters
    ----------
    folder : callable
        Where file dialogs start.
    """

    def __init__(self, session: Session, window: MainWindow, folder: Callable[[], Path]) -> None:
        super().__init__(window)
        self._session, self._window, self._folder = session, window, folder
        self.presenter: LinkPresenter | None = None
        window.compare.export_clicked.connect(self.export)

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Handler of every command here, by its name in the action table."""
        linking = self._session.linking
        return {
            **{name: partial(linking.set_mode, mode) for name, mode in MODES.items()},
            "compare_toggle": linking.toggle,
            "compare_blink": self.blink,
            "export_change": self.export,
        }

    def show_state(self, actions: Mapping[str, QAction]) -> None:
        """Enables what can be done with the open scenes, and checks the way that is on."""
        linking = self._session.linking
        some = self._session.active is not None and bool(linking.candidates)
        for name in (*MODES, "compare_toggle", "compare_blink"):
            actions[name].setEnabled(some)
            actions[name].setToolTip(actions[name].text() if some else _NO_SECOND)
        for name, mode in MODES.items():
            actions[name].setChecked(linking.mode is mode)
        actions["export_change"].setEnabled(linking.pairing is not None)

    def blink(self) -> None:
        """Shows the other scene of the two."""
        if self.presenter is not None:
            self.presenter.blink()

    def export(self) -> None:
        """Asks where to and writes the log ratio of the two scenes."""
        pairing = self._session.linking.pairing
        if pairing is None:
            return
        proposed = self._folder() / f"{pairing.one.path.stem}_{pairing.other.path.stem}_change.tif"
        name, _ = QFileDialog.getSaveFileName(self._window, "Export the change", str(proposed), "GeoTIFF (*.tif)")
        if name:
            path = Path(name)
            self._session.linking.export(path if path.suffix else path.with_suffix(".tif"))
