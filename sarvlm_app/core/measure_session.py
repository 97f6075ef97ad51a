"""Measures on the scene on view: tool, draft, results. `Session` owns one as `measures`; main thread only, no Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from psygnal import Signal

from sarvlm_app.core.export.measures import write_measures, write_profile
from sarvlm_app.core.instruments import measure_line, measure_polygon
from sarvlm_app.core.jobs import JobRunner, Lane, Work
from sarvlm_app.core.measure_list import Measured, MeasureList, Tool
from sarvlm_app.core.measure_work import MeasureWork
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError, SarvlmError
from sarvlm_models.types import Window

MOST_WIDTH_PX = 1000

Place = tuple[float, float]
_LEAST = {Tool.LINE: 2, Tool.PROFILE: 2, Tool.AREA: 3, Tool.BOX: 3, Tool.POINT: 1}


class MeasureSession:
    """Measures drawn on the open scenes and kept, in memory, as long as each is open.

    Lengths and areas are known at once; what needs pixels is read on the I/O
    lane, with progress and cancel.

    Parameters
    ----------
    runner : JobRunner
    """

    changed = Signal()
    """The measures of the scene on view, the selected one, or what can be undone."""
    draft_changed = Signal()
    """The tool, or the points drawn so far."""
    fault_changed = Signal()
    progress_changed = Signal()
    failed = Signal(SarvlmError)
    """Something about files; faults of a measure are in `fault`."""
    message = Signal(str)

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._work = MeasureWork(runner)
        self._lists: dict[str, MeasureList] = {}
        self._scene: Scene | None = None
        self._band = 1
        self._tool: Tool | None = None
        self._draft: tuple[Place, ...] = ()
        self._width_px = 1.0
        self._fault = ""
        self._work.ended.connect(self._on_ended)
        self._work.progress_changed.connect(self.progress_changed.emit)

    # ---- state -----------------------------------------------------------
    @property
    def scene(self) -> Scene | None:
        """The scene on view."""
        return self._scene

    @property
    def tool(self) -> Tool | None:
        """What a click on the map draws; None: nothing."""
        return self._tool

    @property
    def draft(self) -> tuple[Place, ...]:
        """(col, row) of the points drawn so far."""
        return self._draft

    @property
    def width_px(self) -> float:
        """Across a profile, intensity is averaged over so many pixels."""
        return self._width_px

    @property
    def fault(self) -> str:
        """One sentence about what could not be measured last; empty when all went well."""
        return self._fault

    @property
    def entries(self) -> tuple[Measured, ...]:
        """Measures of the scene on view, the oldest first."""
        return self._shown.entries if self._shown else ()

    @property
    def selected(self) -> Measured | None:
        """The measure that is looked at."""
        return self._shown.get(self._shown.selected) if self._shown else None

    @property
    def undo_name(self) -> str:
        """What `undo` takes back: "measure", "removal", "clearing", or nothing."""
        return self._shown.undo_name if self._shown else ""

    @property
    def redo_name(self) -> str:
        """What `redo` does again."""
        return self._shown.redo_name if self._shown else ""

    @property
    def running(self) -> bool:
        """Whether pixels are read for the scene on view."""
        return self._work.running(self._shown)

    @property
    def progress(self) -> tuple[int, int]:
        """Steps done and to do of what runs for the scene on view; (0, 0) where that is not known."""
        return self._work.progress(self._shown)

    @property
    def _shown(self) -> MeasureList | None:
        return None if self._scene is None else self._lists.get(self._scene.fingerprint)

    # ---- scenes ----------------------------------------------------------
    def show(self, scene: Scene | None, band: int) -> None:
        """Follow the scene and band on view; a draft of another scene is given up."""
        if scene != self._scene:
            self._set_draft(())
        self._scene, self._band = scene, band
        if scene is None:
            self.choose(None)
        elif scene.fingerprint not in self._lists:
            self._lists[scene.fingerprint] = MeasureList(scene)
        self._set_fault("")
        self.changed.emit()
        self.progress_changed.emit()

    def close(self, scene: Scene) -> None:
        """Forget the measures of a scene that is closed."""
        known = self._lists.pop(scene.fingerprint, None)
        if known is not None:
            self._work.stop(known)

    # ---- drawing ---------------------------------------------------------
    def choose(self, tool: Tool | None) -> None:
        """Take a tool, or lay it down; what was being drawn is given up."""
        if tool is not None and self._scene is None:
            self._set_fault("No scene is open to measure in: open one first (Ctrl+O).")
            tool = None
        elif tool is not None:
            self._set_fault("")
        if tool is not self._tool or self._draft:
            self._tool, self._draft = tool, ()
            self.draft_changed.emit()

    def add_point(self, col: float, row: float) -> None:
        """Add a point; one is enough for a point target."""
        scene = self._scene
        if scene is None or self._tool is None:
            return
        if not (0 <= col < scene.width and 0 <= row < scene.height):
            self._set_fault("That place lies outside the scene: click inside its picture.")
            return
        self._set_fault("")
        if self._tool is Tool.POINT:
            self._measure(Tool.POINT, ((col, row),))
        elif not self._draft or self._draft[-1] != (col, row):
            self._set_draft((*self._draft, (col, row)))

    def drop_point(self) -> bool:
        """Take the last point back; whether there was one."""
        if not self._draft:
            return False
        self._set_fault("")
        self._set_draft(self._draft[:-1])
        return True

    def abandon(self) -> bool:
        """Give the draft up, else lay the tool down; whether there was either."""
        if self._draft:
            self._set_draft(())
        elif self._tool is not None:
            self.choose(None)
        else:
            return False
        return True

    def finish(self) -> None:
        """Measure what is drawn; where that cannot be, the draft stays to be mended."""
        tool, drawn = self._tool, len(self._draft)
        if tool is None or not drawn:
            return
        if drawn < _LEAST[tool]:
            least = "three" if _LEAST[tool] == 3 else "two"
            self._set_fault(f"A {tool} needs at least {least} points: click another one, or give it up (Esc).")
        elif self._measure(tool, self._draft):
            self._set_draft(())

    def add_box(self, window: Window) -> None:
        """Measure a rectangle of whole pixels."""
        ring = (
            (window.col, window.row), (window.col_end, window.row),
            (window.col_end, window.row_end), (window.col, window.row_end),
        )  # fmt: skip
        self._measure(Tool.BOX, ring)

    def _set_draft(self, points: tuple[Place, ...]) -> None:
        if points != self._draft:
            self._draft = points
            self.draft_changed.emit()

    def _set_fault(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            self.fault_changed.emit()

    # ---- measuring -------------------------------------------------------
    def _measure(self, tool: Tool, points: tuple[Place, ...]) -> bool:
        scene, known = self._scene, self._shown
        if scene is None or known is None:
            return False
        at = np.asarray(points, np.float64)
        measured = Measured(known.next_number, tool, at, self._band, width_px=self._width_px)
        try:
            if tool in (Tool.LINE, Tool.PROFILE):
                measured = replace(measured, line=measure_line(scene, at))
            elif tool is not Tool.POINT:
                measured = replace(measured, area=measure_polygon(scene, at))
        except QueryError as fault:
            self._set_fault(str(fault))
            return False
        self._set_fault("")
        known.add(measured)
        if tool is not Tool.LINE:
            self._work.read(known, measured)
        self.changed.emit()
        return True

    def _on_ended(self, known: MeasureList, sentence: str) -> None:
        if known is self._shown:
            if sentence:
                self._set_fault(sentence)
            self.changed.emit()

    def cancel(self) -> None:
        """Stop what is read for the scene on view."""
        self._work.cancel(self._shown)

    def set_width(self, width_px: float) -> None:
        """Average profiles over another width; the one that is looked at is measured anew."""
        width = min(max(float(width_px), 1.0), float(MOST_WIDTH_PX))
        if width == self._width_px:
            return
        self._width_px = width
        known, measured = self._shown, self.selected
        if known is not None and measured is not None and measured.tool is Tool.PROFILE:
            self._work.read(known, replace(measured, width_px=width))
        self.changed.emit()

    # ---- the list --------------------------------------------------------
    def select(self, number: int | None) -> None:
        """Look at a measure of the scene on view, or at none."""
        shown = self._shown
        if shown is None or number == shown.selected or (number is not None and shown.get(number) is None):
            return
        shown.selected = number
        self.changed.emit()

    def remove(self, number: int) -> None:
        """Take a measure away; `undo` brings it back."""
        if self._shown is not None:
            self._work.stop(self._shown, number)
            self._change(lambda known: known.remove(number))

    def clear(self) -> None:
        """Take all measures of the scene away; `undo` brings them back."""
        if self._shown is not None:
            self._work.stop(self._shown)
            self._change(MeasureList.clear)

    def undo(self) -> None:
        """Take back the last measure, removal or clearing."""
        self._change(MeasureList.undo)

    def redo(self) -> None:
        """Do again what was undone last."""
        self._change(MeasureList.redo)

    def _change(self, do: Callable[[MeasureList], bool]) -> None:
        known = self._shown
        if known is not None and do(known):
            self._set_fault("")
            self.changed.emit()

    # ---- files -----------------------------------------------------------
    def export(self, path: Path) -> None:
        """Write the measures of the scene on view as JSON or CSV, by the ending of the name."""
        scene, entries = self._scene, self.entries
        if scene is None or not entries:
            self.failed.emit(QueryError("There is nothing to export yet: measure something first (U)."))
            return
        self._write(path, lambda: write_measures(scene, entries, path))

    def export_profile(self, path: Path) -> None:
        """Write the samples of the selected profile as CSV."""
        measured, scene = self.selected, self._scene
        if scene is None or measured is None or measured.profile is None:
            self.failed.emit(QueryError("No profile is selected: draw one (2), or pick one in the list."))
            return
        self._write(path, partial(write_profile, scene, measured, path))

    def _write(self, path: Path, write: Callable[[], None]) -> None:
        self._runner.submit(
            Work(
                f"Writing {path.name}", lambda _ctx: write(), Lane.IO,
                on_done=lambda _none: self.message.emit(f"Written: {path}"), on_failed=self.failed.emit,
            )
        )  # fmt: skip
