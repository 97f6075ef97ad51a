"""What the window costs on a 30 000 x 30 000 uint16 scene: first pixels, memory, stalls of the event loop.

Run under an X display with OpenGL: `xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX"
python tests/benchmarks/bench_window.py [--scene FILE] [--model]`. A timer of 5 ms runs beside everything; the
largest gap between two of its beats is the worst stall. Without `--model` the model is not loaded (its memory
is its own); the overviews are built in the background meanwhile.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models"), str(Path(__file__).parent)]


class Heart:
    """Beats every 5 ms on the main thread and remembers the gaps."""

    def __init__(self) -> None:
        from PySide6.QtCore import QTimer

        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(interval=5)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    def report(self, what: str) -> None:
        worst = sorted(self.gaps, reverse=True)[:5]
        over = sum(gap > 0.1 for gap in self.gaps)
        print(f"{what:28s} worst {' '.join(f'{gap * 1000:4.0f}' for gap in worst)} ms, {over} over 100 ms", flush=True)
        self.gaps.clear()


def wait(ms: int) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def resident_mib(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def pixels_shown(canvas) -> bool:
    image = canvas.grab().toImage()
    width, height = image.width(), image.height()
    return any(image.pixelColor(width // 2 + k * 9, height // 2 + k * 5).value() > 30 for k in range(-10, 10))


def measure(path: Path, *, with_model: bool = False) -> None:
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
            from sarvlm_app.errors import ModelError

            raise ModelError("The benchmark loads no model.")

    place = Workplace(app, Settings(), None if with_model else NoModel())
    place.window.resize(1600, 1000)
    place.window.show()
    wait(800)
    heart = Heart()
    began = time.perf_counter()
    place.start([path])
    while place.session.active is None:
        wait(5)
    print(f"opened after {time.perf_counter() - began:.2f} s")
    while not pixels_shown(place.window.canvas):
        wait(20)
    print(f"first pixels after {time.perf_counter() - began:.2f} s")
    heart.report("opening")
    print(f"resident {resident_mib(os.getpid()):.0f} MiB, no model asked for yet")
    if with_model:
        place.session.ask("ships in the harbour")
        while not place.engine.running or place.session.answer is None:
            wait(50)
        heart.report("loading the model, until the first answer")
    canvas = place.window.canvas
    scene = place.session.active
    for zoom in (0.05, 0.3, 1.0, 2.0):
        canvas.look_at(scene.width / 2, scene.height / 2, zoom)
        wait(400)
        heart.report(f"first look at zoom {zoom}")
        for k in range(50):
            camera = canvas.camera()
            canvas.look_at(camera.col + 30 / zoom, camera.row + (20 if k % 20 < 10 else -20) / zoom, zoom)
            wait(16)
        heart.report(f"panning at zoom {zoom}")
    for k in range(30):
        canvas.look_at(scene.width / 2, scene.height / 2, 0.03 * 1.15**k)
        wait(30)
    heart.report("zooming in")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak resident {peak:.0f} MiB")
    if place.engine.pid is not None:
        print(f"resident in the models' process {resident_mib(place.engine.pid):.0f} MiB")
    place.window.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", type=Path)
    parser.add_argument("--model", action="store_true", help="ask a question, and pan while the scene is encoded")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("CACHE", "DATA", "CONFIG"):
            os.environ[f"SARVLM_{name}_DIR"] = str(Path(folder) / name.lower())
        path = options.scene
        if path is None:
            from bench_open import write_scene

            path = Path(folder) / "scene.tif"
            write_scene(path, 30000, "none")
        measure(path, with_model=options.model)


if __name__ == "__main__":
    main()
