"""What the small map of an archive shows behind the hits; main thread only, no Qt."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from psygnal import Signal

from sarvlm_app.core.archive.backdrop import Backdrop, Places, read_backdrop, read_places
from sarvlm_app.core.archive.map_view import Box, MapView
from sarvlm_app.core.jobs import JobContext, JobRunner, Lane, Work

MAP_KEY: Final = "archive map"


class ArchiveMap:
    """Holds where the scenes of the open archive lie, read on the I/O lane when somebody looks.

    Parameters
    ----------
    runner : JobRunner
    """

    changed = Signal()
    """Other scenes, or those about another view."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._folder: Path | None = None
        self._state: object = None
        self._places: Places | None = None
        self._backdrop: Backdrop | None = None
        self._extent: Box | None = None

    @property
    def backdrop(self) -> Backdrop | None:
        """The scenes about the view that was looked at last; None until they are read."""
        return self._backdrop

    @property
    def stale(self) -> bool:
        """Whether a look would read the archive anew."""
        return self._places is None

    @property
    def extent(self) -> Box | None:
        """Bounds of all scenes that have a place, once read."""
        return self._extent

    @property
    def count(self) -> int | None:
        """Scenes that have a place; None until it is known."""
        return None if self._places is None else len(self._places.ids)

    def follow(self, folder: Path, state: object) -> None:
        """The archive is open, or has changed where `state` differs: it is read anew at the next look."""
        if (folder, state) == (self._folder, self._state):
            return
        if folder != self._folder:
            self._backdrop = self._extent = None
        self._folder, self._state, self._places = folder, state, None
        self.changed.emit()

    def look(self, view: MapView) -> None:
        """Read what lies about a view, unless it is known."""
        folder, known = self._folder, self._places
        if folder is None or (known is not None and self._backdrop is not None and self._backdrop.serves(view)):
            return

        def run(ctx: JobContext) -> tuple[Places, Box | None, Backdrop]:
            places = known or read_places(folder)
            ctx.step()
            return places, places.extent(), read_backdrop(folder, places, view)

        self._runner.submit(Work("", run, Lane.IO, MAP_KEY, on_done=lambda read: self._learn(folder, *read)))

    def _learn(self, folder: Path, places: Places, extent: Box | None, backdrop: Backdrop) -> None:
        if folder == self._folder:
            self._places, self._extent, self._backdrop = places, extent, backdrop
            self.changed.emit()
