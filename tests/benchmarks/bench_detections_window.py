"""What 20 000 boxes cost in the window: shown, filtered, sorted, found by the mouse; against one napari Shapes layer.

Run under an X display with OpenGL: `xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX"
python tests/benchmarks/bench_detections_window.py [--boxes N] [--no-shapes]`. "Shown" is from the event to the pixels
on the screen, the list, the classes and the counts with it; the median of several tries. On a busy
machine "computed" tells more: the processor time of all threads of this process, those of software OpenGL among them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models"), str(Path(__file__).parent)]

SCENE_PX = 6000
TRIES = 7


def wait(ms: int) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def timed(what: str, tries: int, act: Callable[[int], object], settle: Callable[[], object]) -> None:
    """Print the time of `act` until `settle` returns, in milliseconds, and what of it this process computed."""
    times, computed = [], []
    for number in range(tries):
        wait(120)
        began, used = time.perf_counter(), time.process_time()
        act(number)
        settle()
        times.append(1000 * (time.perf_counter() - began))
        computed.append(1000 * (time.process_time() - used))
    middle, own = statistics.median(times), statistics.median(computed)
    print(f"{what:46s} {middle:7.0f} ms  (worst {max(times):.0f}; computed {own:.0f})", flush=True)


def some_boxes(count: int):
    import numpy as np

    from sarvlm_app.core.boxes import bbox_of, corners_from
    from sarvlm_models.types import Detections

    rng = np.random.default_rng(0)
    place = rng.uniform(30, SCENE_PX - 30, (2, count))
    corners = corners_from(*place, rng.uniform(10, 40, count), 8.0, rng.uniform(0, np.pi, count)).astype(np.float32)
    names = ("ship", "aircraft", "storage tank", "vehicle")
    scores = rng.uniform(0.1, 1, count).astype(np.float32)
    classes = rng.integers(0, len(names), count).astype(np.int32)
    return Detections(corners, bbox_of(corners), scores, classes, names, "bench@0")


def write_scene(path: Path) -> Path:
    import numpy as np
    import rasterio
    from rasterio.transform import from_origin

    rng = np.random.default_rng(1)
    profile = {"driver": "GTiff", "width": SCENE_PX, "height": SCENE_PX, "count": 1, "dtype": "uint8", "tiled": True}
    profile |= {"crs": "EPSG:32611", "transform": from_origin(380_000, 3_740_000, 10, 10)}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(rng.integers(1, 255, (SCENE_PX, SCENE_PX), dtype=np.uint8), 1)
    return path


def measure_window(path: Path, count: int) -> None:
    from sarvlm_app.core.box_table import Source
    from sarvlm_app.errors import ModelError
    from sarvlm_app.settings import Settings
    from sarvlm_app.ui.app import make_application, prepare_environment

    prepare_environment()
    app = make_application()
    from sarvlm_app.ui.encoder_loader import EncoderLoader
    from sarvlm_app.ui.workplace import Workplace

    class NoModel(EncoderLoader):
        def __init__(self) -> None:
            pass

        def load_now(self) -> tuple[str, str]:
            return "", ""

        def __call__(self):
            raise ModelError("The benchmark loads no model.")

    place = Workplace(app, Settings(), NoModel(), detector=NoModel())
    place.window.resize(1600, 1000)
    place.window.show()
    place.start([path])
    while "SAR" not in place.window.canvas.layer_names or any(job.active for job in place.runner.statuses()):
        wait(20)
    place.view.detections.set_visible(True)
    wait(500)
    detections, canvas, panel = place.session.detections, place.window.canvas, place.window.detections
    known, found = detections._on_view, some_boxes(count)

    def settle() -> None:
        while place.detector._late.isActive() or panel._late.isActive():
            app.processEvents()
        canvas._native.repaint()
        panel.table.viewport().repaint()

    def show(_number: int) -> None:
        known.arrive(found, Source.FILE)
        detections.changed.emit()

    def clear(_number: int = 0) -> None:
        known.clear()
        detections.changed.emit()
        settle()

    print(f"{count} boxes on {SCENE_PX} x {SCENE_PX} px, {os.cpu_count()} cores")
    timed("shown for the first time", 1, show, settle)
    clear()
    timed("shown again, other boxes each time", TRIES, show, settle)
    while any(job.active for job in place.runner.statuses()):
        wait(20)
    timed("confidence slider, one step", TRIES, lambda k: panel.slider.setValue(30 + 5 * k), settle)
    panel.slider.setValue(10)
    timed("a class hidden and shown", TRIES, lambda k: detections.show_class("ship", bool(k % 2)), settle)
    timed("table sorted by another column", TRIES, lambda k: panel.model.sort(k % 5), settle)
    timed("hover: the box under the mouse", TRIES, lambda k: place.detector._on_pointer((900.0 + k, 800.0)), settle)
    detections.select_next(1)
    timed("selected box moved by a key", TRIES, lambda _k: place.detector.move(1, 0), settle)
    timed("fifty rounds of showing and clearing", 50, lambda k: (clear(), show(k)), settle)
    timed("panned", TRIES, lambda k: canvas.look_at(3000 + 40 * k, 3000, 0.2), settle)
    place.window.close()


def measure_shapes(count: int) -> None:
    import numpy as np
    from napari.components import ViewerModel
    from napari.layers import Shapes
    from napari.qt import QtViewer
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    model = ViewerModel()
    viewer = QtViewer(model, show_welcome_screen=False)
    viewer.resize(1000, 900)
    viewer.show()
    model.add_image(np.zeros((64, 64), np.float32), scale=(SCENE_PX / 64, SCENE_PX / 64))
    wait(500)
    found = some_boxes(count)
    polygons = found.corners_px[..., ::-1].copy()

    def settle() -> None:
        app.processEvents()
        viewer.canvas.native.repaint()

    layers: list[Shapes] = []

    def show(_number: int) -> None:
        layers.append(
            Shapes(list(polygons), shape_type="polygon", face_color="transparent", edge_color="cyan", edge_width=2)
        )
        model.layers.append(layers[-1])

    def filter_by(number: int) -> None:
        layers[-1].data = list(polygons[found.scores > 0.3 + 0.05 * number])

    timed("for comparison: one Shapes layer, shown", 1, show, settle)
    timed("for comparison: one Shapes layer, filtered", 3, filter_by, settle)
    viewer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=20_000)
    parser.add_argument("--no-shapes", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("CACHE", "DATA", "CONFIG"):
            os.environ[f"SARVLM_{name}_DIR"] = str(Path(folder) / name.lower())
        measure_window(write_scene(Path(folder) / "scene.tif"), options.boxes)
        if not options.no_shapes:
            measure_shapes(options.boxes)


if __name__ == "__main__":
    main()
