"""The program as it starts for the analyst: real application, real model, real session."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sarvlm_app.core.simulate import SimulationSpec, simulate_scene, write_geotiff


@pytest.fixture(scope="session")
def qapp() -> object:
    """The application as it really starts (instead of pytest-qt's own)."""
    if not os.environ.get("DISPLAY"):
        pytest.skip("the canvas needs an X display with OpenGL: run under xvfb-run")
    from sarvlm_app.ui.app import make_application, prepare_environment

    prepare_environment()
    return make_application()


@pytest.fixture
def harbour(tmp_path: Path) -> Path:
    """A simulated harbour, 640 x 512 pixels of 5 m, on a real map grid."""
    path = tmp_path / "harbour.tif"
    write_geotiff(simulate_scene(SimulationSpec(640, 512, 5.0, "harbour", 3.0, -24.0, "right", 11)), path)
    return path


@pytest.fixture
def workplace(qapp: object, qtbot: object, no_leaked_threads: None) -> Iterator[object]:
    """The window with the shipped model; closed at the end."""
    from sarvlm_app.settings import Settings
    from sarvlm_app.ui.workplace import Workplace
    from tests.ui.focus import activate

    place = Workplace(qapp, Settings(device="cpu"))
    place.window.resize(1400, 900)
    place.window.show()
    qtbot.waitExposed(place.window)
    activate(place.window)
    yield place
    place.window.close()
    place.window.deleteLater()
    place.deleteLater()
    qtbot.wait(20)
    gc.collect()
