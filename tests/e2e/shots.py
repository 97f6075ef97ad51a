"""The pictures of the window for README and guide, taken from the real program: `make shots`.

Opens the simulated demo scene in a window of 1600 x 1000 pixels, asks, selects a place and writes `docs/img/*.png`.
The picture is taken from the screen, because a widget's own `grab` misses the OpenGL canvas. With `--cache DIR` an
encoded demo scene is used again.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models")]

from tests.e2e.archive_shot import show_archive  # noqa: E402 - found by the path above
from tests.e2e.link_shot import take_linked  # noqa: E402
from tests.e2e.measure_shot import show_measures  # noqa: E402

if TYPE_CHECKING:
    from sarvlm_app.ui.workplace import Workplace

PRESENT, ABSENT = "ships", "a column of tanks in the desert"
SIZE = (1600, 1000)
MOST_BYTES = 1_500_000
PATIENCE_S = 900
SETTLE_MS = 1500
"""For flights, thumbnails and napari's reading thread to come to rest."""
VIEW_PX = 640.0
"""Scene pixels along the shorter side of the view in the pictures of an answer."""


class TooSlowError(RuntimeError):
    """Something did not happen within the patience of this script."""


def pause(ms: int) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def wait_until(what: str, true: Callable[[], bool]) -> None:
    for _ in range(PATIENCE_S * 20):
        if true():
            return
        pause(50)
    raise TooSlowError(f"{what} did not happen within {PATIENCE_S} s.")


def ask(place: Workplace, words: str) -> None:
    before = place.session.answer
    place.window.query.ask_words(words)

    def answered() -> bool:
        answer = place.session.answer
        return answer is not None and answer is not before and answer.complete and answer.query.text == words

    wait_until(f"the answer to {words!r}", answered)
    place.window.canvas.setFocus()


def take(place: Workplace, path: Path) -> None:
    """Write what the screen shows of the window; with fewer greys where the file would be large."""
    from PySide6.QtCore import QBuffer

    pause(SETTLE_MS)
    window = place.window
    picture = window.screen().grabWindow(window.winId())
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    image = Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")
    best, levels = _png(image), 128
    while len(best) > MOST_BYTES and levels > 8:
        best, levels = _png(fewer_greys(image, levels)), levels // 2
    if len(best) > MOST_BYTES:  # speckle in colour
        best = _png(image.quantize(160, dither=Image.Dither.NONE))
    part = path.with_name(path.name + ".part")
    part.write_bytes(best)
    os.replace(part, path)
    print(f"{path}: {image.width} x {image.height}, {len(best) / 1000:.0f} kB", flush=True)


def fewer_greys(image: Image.Image, levels: int) -> Image.Image:
    """The picture with the scene's speckle in `levels` greys; what has a colour stays as it is."""
    pixels = np.array(image)
    grey = pixels.max(axis=2).astype(int) - pixels.min(axis=2) <= 2
    step = 255 / (levels - 1)
    pixels[grey] = (np.round(pixels[grey].mean(axis=1) / step) * step).round().astype(np.uint8)[:, None]
    return Image.fromarray(pixels)


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return content.getvalue()


def show_place(place: Workplace) -> None:
    """Select the best place and look at it with its surroundings."""
    session, canvas = place.session, place.window.canvas
    session.select(1)
    pause(SETTLE_MS)
    chosen, scene = session.selected, session.active
    if chosen is None or scene is None:
        print("No place stands out: the picture shows the whole scene.", file=sys.stderr)
        canvas.fit()
        return
    camera = canvas.camera()
    zoom = min(camera.width, camera.height) / VIEW_PX
    across, down = camera.width / zoom / 2, camera.height / zoom / 2
    col = min(max(chosen.col, across), scene.width - across) if 2 * across < scene.width else scene.width / 2
    row = min(max(chosen.row, down), scene.height - down) if 2 * down < scene.height else scene.height / 2
    canvas.look_at(col, row, zoom)


def show_captions(place: Workplace) -> bool:
    """Describe the view about the best place and the whole scene, and mark the view; False where no model can."""
    captions, canvas = place.session.captions, place.window.canvas
    ask(place, PRESENT)
    show_place(place)
    for count, action in enumerate(("describe_scene", "describe_view"), start=1):
        place.actions[action].trigger()
        wait_until("a caption", lambda count=count: len(captions.captions) == count or captions.fault is not None)
        if captions.fault is not None:
            print(f"No picture of the captions: {captions.fault}", file=sys.stderr)
            return False
    place.view.heatmap.set_visible(False)
    selected = captions.selected
    if selected is not None:
        canvas.fly_to_window(selected.window)
    return True


def show_objects(place: Workplace) -> bool:
    """Detect the objects of the whole scene and select the surest; False where no detector can."""
    from sarvlm_app.core.detection_request import Area

    detections, canvas = place.session.detections, place.window.canvas
    place.actions["show_boxes"].trigger()
    wait_until("the detector", lambda: detections.spec is not None or detections.fault is not None)
    place.window.detections.run.set_area(Area.SCENE)
    place.actions["detect"].trigger()
    wait_until("the boxes", lambda: not detections.running)
    if detections.fault is not None or not len(detections.boxes):
        print(f"No picture of the objects: {detections.fault or 'no box was found'}", file=sys.stderr)
        return False
    place.view.heatmap.set_visible(False)
    place.view.numbers.set_visible(False)
    place.window.toast.hide()
    detections.select_next(1)
    row = detections.boxes.take(detections.boxes.ids == detections.selected)
    for col, line in row.centres.tolist():
        canvas.look_at(col, line, 1.2)
    return True


def show_display(place: Workplace, folder: Path) -> None:
    """Open a simulated scene of three complex polarisations as a Pauli composite."""
    from tests.e2e.polarimetric import write_polarimetric

    path = write_polarimetric(folder / "simulated_polarimetric.tif")
    place.view.show_places()
    place.commands.open_paths([path])
    pictures, display = place.presenter.pictures, place.session.display
    wait_until("the scene", lambda: pictures.picture is not None and pictures.picture.scene.path == path)
    place.actions["next_composite"].trigger()
    wait_until("the composite", lambda: pictures.picture is not None and pictures.picture.kind == "colour")
    wait_until("the end of all jobs", lambda: not any(job.active for job in place.runner.statuses()))
    assert display.settings is not None


def show_metadata(place: Workplace, words: str) -> None:
    """Open the tree of metadata over the window and look for words."""
    place.actions["metadata"].trigger()
    dialog = place.scene.dialog
    assert dialog is not None
    dialog.move(place.window.x() + 430, place.window.y() + 170)
    wait_until("the metadata", lambda: dialog.model.rowCount() > 0)
    whole = dialog.said.text()
    dialog.filter.setText(words)
    wait_until("the words", lambda: dialog.said.text() != whole)


def take_display(place: Workplace, folder: Path) -> None:
    """The display panel on a composite, and the metadata of its scene."""
    with tempfile.TemporaryDirectory(prefix="sarvlm-shots-") as own:
        show_display(place, Path(own))
        take(place, folder / "display.png")
        show_metadata(place, "simulated")
        take(place, folder / "metadata.png")
        if place.scene.dialog is not None:
            place.scene.dialog.reject()
        place.commands.close_scene()


def take_comparison(place: Workplace, folder: Path) -> None:
    """Two scenes compared, and context over one of them."""
    with tempfile.TemporaryDirectory(prefix="sarvlm-shots-") as own:
        take_linked(place, Path(own), wait_until, lambda name: take(place, folder / name))


def take_measures(place: Workplace, folder: Path) -> None:
    """One measure of each kind on the scene on view."""
    show_measures(place, wait_until)
    take(place, folder / "measures.png")


def take_all(folder: Path) -> None:
    from sarvlm_app.ui.app import make_application, prepare_environment

    prepare_environment()
    app = make_application()
    from sarvlm_app.settings import Settings
    from sarvlm_app.ui.workplace import Workplace

    place = Workplace(app, Settings())
    place.window.setGeometry(0, 0, *SIZE)
    place.window.show()
    place.start([])
    wait_until("the demo scene", lambda: "SAR" in place.window.canvas.layer_names)
    ask(place, PRESENT)
    wait_until("the end of all jobs", lambda: not any(job.active for job in place.runner.statuses()))
    ask(place, PRESENT)
    show_place(place)
    take(place, folder / "window-dark.png")
    place.theme.apply("light")
    take(place, folder / "window-light.png")
    place.theme.apply("dark")
    ask(place, ABSENT)
    place.window.canvas.fit()
    take(place, folder / "nothing-stands-out.png")
    if show_captions(place):
        take(place, folder / "captions.png")
    if show_objects(place):
        take(place, folder / "objects.png")
    take_measures(place, folder)
    with tempfile.TemporaryDirectory(prefix="sarvlm-archive-") as held:
        if show_archive(place, Path(held), wait_until, lambda: take(place, folder / "archive-adding.png")):
            take(place, folder / "archive.png")
        place.session.archive.shut_down()
    take_display(place, folder)
    take_comparison(place, folder)
    place.window.close()


def take_some(folder: Path) -> None:
    """Only the pictures that need no model."""
    from sarvlm_app.ui.app import make_application, prepare_environment

    prepare_environment()
    app = make_application()
    from sarvlm_app.settings import Settings
    from sarvlm_app.ui.workplace import Workplace

    place = Workplace(app, Settings())
    place.window.setGeometry(0, 0, *SIZE)
    place.window.show()
    place.start([])
    wait_until("the demo scene", lambda: "SAR" in place.window.canvas.layer_names)
    take_measures(place, folder)
    place.commands.close_scene()
    take_display(place, folder)
    take_comparison(place, folder)
    place.window.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "img")
    parser.add_argument("--cache", type=Path, help="cache folder to use again")
    parser.add_argument("--display-only", action="store_true", help="only the pictures that need no model")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sarvlm-shots-") as own:
        for name in ("cache", "data", "config"):
            os.environ[f"SARVLM_{name.upper()}_DIR"] = str(Path(own) / name)
        if options.cache is not None:
            os.environ["SARVLM_CACHE_DIR"] = str(options.cache.absolute())
        (take_some if options.display_only else take_all)(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
