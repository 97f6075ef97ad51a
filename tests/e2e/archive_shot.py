"""A small archive of simulated scenes for the guide's picture of the archive panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sarvlm_app.ui.workplace import Workplace

SCENES = (
    ("port_north", "harbour", 11, "2020-11-07T14:02:00", "EPSG:32611", (385_000.0, 3_742_000.0)),
    ("port_south", "harbour", 4, "2021-03-19T14:02:00", "EPSG:32632", (565_000.0, 5_935_000.0)),
    ("coast_west", "coast", 7, "2021-06-02T05:41:00", "EPSG:32630", (300_000.0, 4_790_000.0)),
    ("plain_east", "farmland", 3, "2022-04-11T05:41:00", "EPSG:32634", (420_000.0, 5_280_000.0)),
    ("airfield", "airport", 9, "2022-09-30T17:15:00", "EPSG:32618", (585_000.0, 4_500_000.0)),
    ("river_town", "river", 5, "2023-01-14T17:15:00", "EPSG:32633", (460_000.0, 5_330_000.0)),
)
"""Name, kind, seed, time, and an invented place of each; nothing of it is real."""
QUESTION = "a harbour with ships"


def write_scenes(folder: Path, size: int = 1024) -> Path:
    """The scenes, 3 m a pixel, and a damaged file; gives their folder."""
    import rasterio

    from sarvlm_app.core.simulate.files import write_geotiff
    from sarvlm_app.core.simulate.scene import simulate_scene
    from sarvlm_app.core.simulate.spec import preset_spec

    folder.mkdir(parents=True, exist_ok=True)
    for name, kind, seed, time, crs, origin in SCENES:
        path = folder / f"{name}_simulated.tif"
        write_geotiff(simulate_scene(preset_spec("terrasar", kind, size, seed)), path, crs=crs, origin=origin)
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(ACQUIRED=time)
    (folder / "cut_short.tif").write_bytes(b"II*\0")
    return folder


def show_archive(
    place: Workplace,
    folder: Path,
    wait_until: Callable[[str, Callable[[], bool]], None],
    while_adding: Callable[[], None],
) -> bool:
    """Make the archive, ask it, go to the best hit; False where the model cannot."""
    archive = place.session.archive
    place.view.archive.set_visible(True)
    archive.create(folder / "scenes held")
    wait_until("the archive", lambda: archive.facts is not None or archive.fault is not None)
    archive.add((write_scenes(folder / "scenes"),))
    wait_until("the first tiles", lambda: archive.work.kind is None or (archive.work.rate or 0) > 0)
    while_adding()
    wait_until("the end of adding", lambda: archive.work.kind is None)
    if archive.work.outcome is None or archive.work.outcome.failed:
        print(f"No picture of the archive: {archive.work.outcome}")
        return False
    place.window.query.ask_words(QUESTION)
    wait_until("the hits", lambda: archive.answer is not None and not archive.searching)
    place.window.archive.question.toggle.setChecked(True)
    wait_until("the map", lambda: archive.map.backdrop is not None)
    assert archive.answer is not None
    largest = max(archive.answer.hits, key=lambda hit: (hit.window.width, hit.score), default=None)
    archive.select(None if largest is None else largest.rank)
    place.archivist.open_selected()
    wait_until("the hit's scene", lambda: place.window.canvas.overlay.state.frame is not None)
    place.view.heatmap.set_visible(True)
    wait_until("its heat map", lambda: place.session.answer is not None and place.session.answer.complete)
    wait_until("the end of all jobs", lambda: not any(job.active for job in place.runner.statuses()))
    place.window.canvas.setFocus()
    return True
