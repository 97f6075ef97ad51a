"""Where the scenes of an archive lie: read once, bounded, across the antimeridian too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sarvlm_app.core.archive.archive import changing
from sarvlm_app.core.archive.backdrop import Places, read_backdrop, read_places
from sarvlm_app.core.archive.map_view import fitted
from sarvlm_app.core.archive_map import ArchiveMap
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import StorageError
from tests.core.archive.made import chip, fill, geo_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes west and east of the antimeridian, one that it cuts, one without a place, one that is gone."""
    data, archive = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("held") / "a"
    geo_scene(data / "west.tif", 1, west=178.0, north=-10.0)
    geo_scene(data / "cut.tif", 2, west=179.7, north=-10.0)
    geo_scene(data / "east.tif", 3, west=-179.0, north=-10.0)
    chip(data / "chip.tif", 4)
    gone = geo_scene(data / "gone.tif", 5, west=20.0, north=50.0)
    fill(archive, data)
    gone.unlink()
    fill(archive, data)
    return archive


def test_places_are_those_of_the_scenes_that_are_there(folder: Path) -> None:
    places = read_places(folder)
    extent = places.extent()
    assert len(places.ids) == 3 and extent is not None
    assert extent[0] == pytest.approx(178.0, abs=1e-3) and extent[2] == pytest.approx(181.6, abs=1e-3)


def test_few_scenes_are_outlines_wherever_one_looks(folder: Path) -> None:
    backdrop = read_backdrop(folder, read_places(folder), fitted([(0.0, 0.0, 1.0, 1.0)], 300, 180))
    assert len(backdrop.outlines) == 3 and backdrop.density is None
    assert all(outline.box[2] - outline.box[0] < 1.0 for outline in backdrop.outlines)
    assert backdrop.serves(fitted([], 300, 180))


def test_of_many_scenes_the_density_is_told_until_one_looks_closely(folder: Path) -> None:
    places = read_places(folder)
    far = read_backdrop(folder, places, fitted([(170.0, -40.0, 190.0, 20.0)], 300, 180), most=2)
    assert far.outlines == () and far.density is not None
    assert far.density.max() >= 1 and far.density.shape == (90, 150)
    assert not far.serves(fitted([(170.0, -40.0, 190.0, 20.0)], 300, 180))
    x = (places.boxes[0, 0] + places.boxes[0, 2]) / 2, (places.boxes[0, 1] + places.boxes[0, 3]) / 2
    view = fitted([(x[0], x[1], x[0], x[1])], 300, 180)
    near = read_backdrop(folder, places, view, most=2)
    assert near.density is None and len(near.outlines) == 1 and near.serves(view)


def test_a_hundred_thousand_scenes_are_told_by_some_cells(folder: Path) -> None:
    rng = np.random.default_rng(3)
    west, south = rng.uniform(-180, 180, 100_000), rng.uniform(-80, 80, 100_000)
    boxes = np.column_stack((west, south, west + 2.0, south + 2.0))
    backdrop = read_backdrop(folder, Places(np.arange(100_000), boxes), fitted([], 300, 180))
    assert backdrop.outlines == () and backdrop.density is not None
    assert backdrop.density.size < 30_000 and backdrop.density.sum() > 100_000
    extent = Places(np.arange(100_000), boxes).extent()
    assert extent is not None and extent[2] - extent[0] == 360.0


def test_an_archive_without_places_or_that_is_none(tmp_path: Path) -> None:
    with changing(tmp_path / "new", JobContext(), create=True):
        pass
    places = read_places(tmp_path / "new")
    assert places.extent() is None and read_backdrop(tmp_path / "new", places, fitted([], 9, 9)).outlines == ()
    with pytest.raises(StorageError, match="is not an archive"):
        read_places(tmp_path / "none")


class Lanes:
    """Keeps the work; a test runs it when it wants."""

    def __init__(self) -> None:
        self.works: list = []

    def submit(self, work) -> int:
        self.works.append(work)
        return len(self.works)

    def run(self) -> None:
        work = self.works.pop()
        work.on_done(work.run(JobContext()))


def test_the_map_reads_when_somebody_looks_and_again_after_a_change(folder: Path) -> None:
    lanes, told = Lanes(), []
    held = ArchiveMap(lanes)  # type: ignore[arg-type]
    held.changed.connect(lambda: told.append(held.count))
    view = fitted([], 300, 180)
    held.look(view)
    assert lanes.works == [], "no archive is open"
    held.follow(folder, 1)
    held.look(view)
    lanes.run()
    assert held.count == 3 and held.backdrop is not None and told == [None, 3]
    held.look(view)
    held.follow(folder, 1)
    assert lanes.works == [] and not held.stale
    held.follow(folder, 2)
    assert held.stale and held.backdrop is not None, "the old is shown until the new is read"
    held.look(view)
    lanes.run()
    assert not held.stale
    held.look(view)
    held.follow(folder.parent, 1)
    assert held.backdrop is None
