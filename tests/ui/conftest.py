"""A real window on a small scene, with a model of a few lines that knows bright spots."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from sarvlm_models.types import EncoderSpec

SPOTS = ((100, 140), (420, 300), (250, 500))
"""(col, row) of the bright spots of the small scene."""


class SpotEncoder:
    """Calls bright patches ships, dark ones sea; knows nothing of tanks."""

    logit_scale = 10.0
    spec = EncoderSpec("spots@000000000000", dim=4, cell_px=8, window_px=256, margin_px=32, weights_sha256="0" * 64)

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), 4), np.float32)
        for row, text in enumerate(texts):
            vectors[row, 0 if "ship" in text else 2 if "tank" in text else 1] = 1.0
        return vectors

    def encode_patches(self, intensity: np.ndarray, stats: object, spacing_m: float | None) -> np.ndarray:
        rows, cols = intensity.shape[0] // 8, intensity.shape[1] // 8
        peak = intensity.reshape(rows, 8, cols, 8).max(axis=(1, 3))
        angle = np.clip((10 * np.log10(peak + 1e-9) - 38) / 10, 0, 1) * np.pi / 2
        vectors = np.zeros((rows, cols, 4), np.float16)
        vectors[..., 0], vectors[..., 1] = np.sin(angle), np.cos(angle)
        return vectors

    def encode_chips(self, chips: Sequence[np.ndarray], stats: object, spacing_m: float | None) -> np.ndarray:
        return np.tile(np.array([0, 1, 0, 0], np.float32), (len(chips), 1))


class SpotLoader:
    """Stands for the loader of the real model."""

    def __call__(self) -> SpotEncoder:
        return SpotEncoder()

    def load_now(self) -> tuple[str, str]:
        return "spots", "CPU"


def write_scene(path: Path, *, georeferenced: bool = True) -> Path:
    rng = np.random.default_rng(7)
    amplitude = np.sqrt(rng.exponential(900.0, (640, 576)))
    for col, row in SPOTS:
        amplitude[row - 12 : row + 12, col - 12 : col + 12] = 250
    profile = {"driver": "GTiff", "width": 576, "height": 640, "count": 1, "dtype": "uint8", "tiled": True}
    if georeferenced:
        profile |= {"crs": "EPSG:32611", "transform": from_origin(380_000, 3_740_000, 10, 10)}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.clip(amplitude, 1, 255).astype(np.uint8), 1)
    return path


@pytest.fixture
def scene_file(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "harbour.tif")


@pytest.fixture(scope="session")
def qapp() -> object:
    """The application as it really starts (instead of pytest-qt's own)."""
    if not os.environ.get("DISPLAY"):
        pytest.skip("the canvas needs an X display with OpenGL: run under xvfb-run")
    from sarvlm_app.ui.app import make_application, prepare_environment

    prepare_environment()
    app = make_application()
    gc.collect()
    gc.freeze()  # what all the modules hold stays anyhow: the collection after each window need not walk through it
    return app


@pytest.fixture
def workplace(qapp: object, qtbot: object, no_leaked_threads: None) -> Iterator[object]:
    """The window with all its wires, shown; closed at the end."""
    from sarvlm_app.settings import Settings
    from sarvlm_app.ui.workplace import Workplace

    place = Workplace(qapp, Settings(), SpotLoader())
    place.window.resize(1280, 800)
    place.window.show()
    qtbot.waitExposed(place.window)
    yield place
    place.window.close()
    place.window.deleteLater()
    place.deleteLater()
    qtbot.wait(20)
    gc.collect()


@pytest.fixture
def opened(workplace: object, qtbot: object, scene_file: Path) -> object:
    """The same with the small scene open."""
    workplace.start([scene_file])
    qtbot.waitUntil(lambda: "SAR" in workplace.window.canvas.layer_names, timeout=10_000)
    return workplace


@pytest.fixture
def ask(opened: object, qtbot: object) -> Callable[[str], object]:
    """Types a question, presses Return and waits for the whole answer."""

    def run(text: str) -> object:
        from PySide6.QtCore import Qt

        line = opened.window.query.line
        line.setText(text)
        qtbot.keyClick(line, Qt.Key.Key_Return)

        def complete() -> bool:
            answer = opened.session.answer
            return answer is not None and answer.complete and answer.query.text == opened.session.query_text

        qtbot.waitUntil(complete, timeout=15_000)
        return opened.session.answer

    return run
