"""The composition root: the only place that wires session, window and lanes, and starts Qt.

The order matters: our own settings folder and a clean PROJ/GDAL environment
before anything geographic is imported, torch before Qt on Windows, napari
before the QApplication.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from sarvlm_app.paths import config_dir, resource, scrub_geo_environment

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

log = logging.getLogger(__name__)


def prepare_environment() -> None:
    """Sets what libraries read while they are imported; call before Qt, napari or rasterio is imported."""
    os.environ["QT_API"] = "pyside6"
    os.environ["NAPARI_CONFIG"] = str(config_dir() / "napari.yaml")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    scrub_geo_environment()
    # torch loads triton where it is installed; its LLVM crashes beside that of Mesa's software OpenGL (not needed here)
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    # napari would load it with the first layer, a second on the main thread, to see whether the layer is one of its own
    sys.modules.setdefault("xarray", None)  # type: ignore[arg-type]
    if sys.platform == "win32":
        # after Qt it fails with WinError 1114 (pytorch/pytorch#166628)
        import torch  # noqa: F401


def make_application() -> QApplication:
    """The QApplication, with napari's icons, its background slicing on and the OpenGL guard in place."""
    import napari.qt
    from napari.settings import get_settings
    from PySide6.QtWidgets import QApplication

    from sarvlm_app.ui.viewer.gl_guard import install_gl_guard

    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = napari.qt.get_qapp(
            app_name="SARVLM Desktop",
            app_version=_own_version(),
            icon=str(resource("icons/app.svg")),
            org_name="SARVLM",
            org_domain="sarvlm.local",
            app_id="sarvlm.desktop",
        )
    get_settings().experimental.async_ = True
    install_gl_guard()
    return app


def run_gui(scene_paths: Sequence[Path], project: Path | None = None) -> int:
    """Opens the window and runs until it is closed.

    Parameters
    ----------
    scene_paths : sequence of Path
        Scenes to open; none shows the demo scene.
    project : Path or None
        Not used yet; a later version opens saved work.

    Returns
    -------
    Exit code of the event loop.
    """
    prepare_environment()
    app = make_application()
    from PySide6.QtCore import QTimer

    from sarvlm_app.logs import log_to_file
    from sarvlm_app.settings import load_settings
    from sarvlm_app.ui.errors_hook import install_error_hooks
    from sarvlm_app.ui.workplace import Workplace

    loaded = load_settings()
    workplace = Workplace(app, loaded.settings)
    restore = install_error_hooks(workplace.window)
    workplace.restore_window()
    workplace.window.show()
    if loaded.message is not None:
        workplace.window.toast.show_fault(loaded.message)
    QTimer.singleShot(0, workplace, lambda: workplace.start(scene_paths))
    try:
        with log_to_file():
            return int(app.exec())
    finally:
        workplace.window.close()
        restore()


def _own_version() -> str:
    try:
        return version("sarvlm-desktop")
    except PackageNotFoundError:
        return "0"
