"""The archive in the open work: which one, what it is asked, what was found; main thread only, no Qt.

`Session` owns one as `archive`. What changes the archive runs as `work` on
the background lane, questions on the compute lane, small reads on the I/O
lane.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from psygnal import Signal

from sarvlm_app.core.archive.archive import changing
from sarvlm_app.core.archive.describe import bounds_of_wkb, tile_footprints
from sarvlm_app.core.archive.hits_file import write_hits_file
from sarvlm_app.core.archive.ingest import AddRequest
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.archive_map import ArchiveMap
from sarvlm_app.core.archive_question import ArchiveQuestion, ExampleOf, Filters, area_text
from sarvlm_app.core.archive_reading import ArchiveFacts, ArchiveReading, ModelProvider, read_facts
from sarvlm_app.core.archive_work import ArchiveWork, Outcome, WorkKind
from sarvlm_app.core.jobs import JobContext, JobRunner, JobState, JobStatus, Lane, Work
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError, SarvlmError, SceneError, StorageError
from sarvlm_models.types import Window

SEARCH_KEY: Final = "archive search"
FACTS_KEY: Final = "archive facts"
AREA_KEY: Final = "archive area"
PAGE: Final = 20
MOST_HITS: Final = 400
MOST_RECENT: Final = 8
FACTS_EVERY_S: Final = 10.0
"""While an archive grows its facts are read anew this often."""


class Reading(Protocol):
    """What answers questions; all of it is called on the compute lane."""

    def search(self, folder: Path, question: ArchiveQuestion, top: int, ctx: JobContext) -> ArchiveAnswer: ...

    def close(self) -> None: ...


class ArchiveSession:
    """Holds which archive is open, what is asked of it, and the hits.

    Parameters
    ----------
    runner : JobRunner
    provide : callable
        Gives the model of an index.
    reading : Reading, optional
        Answers questions; by default from the archive's files.

    Attributes
    ----------
    work : ArchiveWork
        Adding, verifying, compacting.
    map : ArchiveMap
        Where its scenes lie.
    """

    changed = Signal()
    """Another archive is open, or its facts have come."""
    question_changed = Signal()
    answer_changed = Signal()
    """The hits, or whether they are being looked for."""
    selection_changed = Signal()
    fault_changed = Signal()
    failed = Signal(SarvlmError)
    """Something about files that were to be written."""
    message = Signal(str)

    def __init__(self, runner: JobRunner, provide: ModelProvider, reading: Reading | None = None) -> None:
        self._runner = runner
        self._reading: Reading = reading or ArchiveReading(provide)
        self.work = ArchiveWork(runner, provide)
        self.map = ArchiveMap(runner)
        self.work.ended.connect(self._on_work)
        self.work.changed.connect(self._follow_work)
        self._facts_read = 0.0
        self._folder: Path | None = None
        self._facts: ArchiveFacts | None = None
        self._recent: tuple[Path, ...] = ()
        self._question = ArchiveQuestion()
        self._answer: ArchiveAnswer | None = None
        self._asked: ArchiveQuestion | None = None
        self._job = 0
        self._searching = False
        self._top = PAGE
        self._selected: int | None = None
        self._fault: SarvlmError | None = None
        runner.changed.connect(self._on_job)

    # ---- state -----------------------------------------------------------
    @property
    def folder(self) -> Path | None:
        """The archive that is open."""
        return self._folder

    @property
    def recent(self) -> tuple[Path, ...]:
        """Archives that were open, the latest first."""
        return self._recent

    @property
    def facts(self) -> ArchiveFacts | None:
        """What it holds; None until that has been read."""
        return self._facts

    @property
    def empty(self) -> bool:
        """Whether it is known that nothing is in it yet."""
        return self._facts is not None and self._facts.info.tiles == 0

    @property
    def question(self) -> ArchiveQuestion:
        """What is asked, or being put together."""
        return self._question

    @property
    def answer(self) -> ArchiveAnswer | None:
        return self._answer

    @property
    def asked(self) -> ArchiveQuestion | None:
        """The question that `answer` belongs to."""
        return self._asked if self._answer is not None else None

    @property
    def searching(self) -> bool:
        return self._searching

    @property
    def selected(self) -> ArchiveHit | None:
        hits = self._answer.hits if self._answer is not None else ()
        return next((hit for hit in hits if hit.rank == self._selected), None)

    @property
    def fault(self) -> SarvlmError | None:
        """Why the archive could not be opened, or the question not be answered."""
        return self._fault

    # ---- which archive ---------------------------------------------------
    def remember(self, recent: tuple[Path, ...]) -> None:
        """Take over what was open the last times; nothing is opened."""
        self._recent = recent[:MOST_RECENT]
        self.changed.emit()

    def open(self, folder: Path) -> None:
        """Open an archive; a folder that holds none is a sentence in `fault`, and the present one stays."""
        place = _absolute(folder)
        self._runner.submit(
            Work(
                f"Opening {place.name}", lambda _ctx: read_facts(place), Lane.IO, FACTS_KEY,
                on_done=lambda facts: self._opened(place, facts), on_failed=self._set_fault,
            )
        )  # fmt: skip

    def create(self, folder: Path) -> None:
        """Make an archive in a new or empty folder, or open the one that is there."""
        place = _absolute(folder)

        def run(ctx: JobContext) -> ArchiveFacts:
            with changing(place, ctx, create=True):
                pass
            return read_facts(place)

        self._runner.submit(
            Work(
                f"Creating {place.name}", run, Lane.IO, FACTS_KEY,
                on_done=lambda facts: self._opened(place, facts), on_failed=self._set_fault,
            )
        )  # fmt: skip

    def _opened(self, folder: Path, facts: ArchiveFacts) -> None:
        if folder != self._folder:
            self._stop_searching()
            self._folder = folder
            self._question, self._top = ArchiveQuestion(), PAGE
            self._set_answer(None, None)
            self.question_changed.emit()
        self._recent = (folder, *(other for other in self._recent if other != folder))[:MOST_RECENT]
        self._set_fault(None)
        self._learn(folder, facts)

    def _learn(self, folder: Path, facts: ArchiveFacts) -> None:
        if folder == self._folder:
            self._facts, self._facts_read = facts, time.monotonic()
            info = facts.info
            self.map.follow(folder, (info.scenes, info.gone, info.tiles, info.bytes))
            self.changed.emit()

    def refresh(self) -> None:
        """Read the facts anew."""
        folder = self._folder
        if folder is not None:
            self._runner.submit(
                Work(
                    "", lambda _ctx: read_facts(folder), Lane.IO, FACTS_KEY,
                    on_done=lambda facts: self._learn(folder, facts), on_failed=self._set_fault,
                )
            )  # fmt: skip

    # ---- work ------------------------------------------------------------
    def add(self, paths: tuple[Path, ...], *, recursive: bool = True, stac: Path | None = None) -> None:
        """Add folders and files, or a STAC catalogue."""
        if self._folder is not None and (paths or stac is not None):
            self.work.add(self._folder, AddRequest(paths, recursive, stac))
        elif self._folder is None:
            self._set_fault(StorageError("No archive is open to add to: open one, or create a new one, first."))

    def verify(self, *, fast: bool = False) -> None:
        """Hold the archive against its files."""
        if self._folder is not None:
            self.work.verify(self._folder, fast=fast)

    def compact(self) -> None:
        """Give space back."""
        if self._folder is not None:
            self.work.compact(self._folder)

    def _follow_work(self) -> None:
        """While much is added, what is there can be searched: the facts follow, now and then."""
        progress = self.work.progress
        if progress is None or not progress.kept or self.work.folder != self._folder:
            return
        now = time.monotonic()
        if now - self._facts_read > FACTS_EVERY_S:
            self._facts_read = now
            self.refresh()

    def _on_work(self, outcome: Outcome) -> None:
        if outcome.kind is WorkKind.VERIFY:
            return
        self.refresh()
        if self._answer is not None and self._asked is not None and not outcome.failed:
            self._submit(self._asked, quiet=True)

    # ---- questions -------------------------------------------------------
    def ask(self, text: str, negatives: tuple[str, ...] = ()) -> None:
        """Look for words, together with the examples that are chosen."""
        self._question = replace(self._question, text=text.strip(), negatives=tuple(negatives))
        self.search()

    def like(self, example: ExampleOf) -> None:
        """Look for what is like an example, in the place of what was asked; the filters stay."""
        self._question = self._question.only_like(example)
        self.search()

    def unlike(self, example: ExampleOf) -> None:
        """Keep away from what is like an example."""
        self._question = replace(self._question, examples=(*self._question.examples, replace(example, likes=False)))
        self.search()

    def like_hit(self, *, likes: bool = True) -> None:
        """Look for more like the selected hit, or for less."""
        hit = self.selected
        if hit is None:
            self._set_fault(QueryError("No hit is selected: pick one of the list, then ask for more like it."))
        elif hit.missing:
            self._set_fault(missing(hit))
        elif likes:
            self.like(ExampleOf.of_hit(hit))
        else:
            self.unlike(ExampleOf.of_hit(hit))

    def drop_example(self, example: ExampleOf) -> None:
        """Take an example out of the question."""
        self._question = self._question.without(example)
        self._ask_again()

    def set_weight(self, weight: float) -> None:
        """How much the examples count against the words, 0..1."""
        if weight != self._question.weight:
            self._question = replace(self._question, weight=weight)
            if self._question.mixes:
                self._ask_again()

    def set_filters(self, filters: Filters) -> None:
        """Look only at what passes these."""
        if filters != self._question.filters:
            self._question = replace(self._question, filters=filters)
            self._ask_again()

    def set_bounds(self, bounds: tuple[float, float, float, float]) -> None:
        """Look only within west, south, east, north in degrees; west > east crosses the antimeridian."""
        self.set_filters(replace(self._question.filters, area=area_text(bounds)))

    def set_area(self, scene: Scene | None, window: Window | None) -> None:
        """Look only within the area of a window of a scene (its outline is computed on the I/O lane)."""
        if scene is None or window is None:
            self._set_fault(SceneError("No scene is open whose area could be taken: open one first (Ctrl+O)."))
            return
        if scene.georef is None:
            self._set_fault(
                SceneError(f"{scene.name} has no georeference, so its area is not known: type the area in degrees.")
            )
            return

        def run(_ctx: JobContext) -> str:
            bounds = bounds_of_wkb(next(iter(tile_footprints(scene, [window]))))
            if bounds is None:
                raise SceneError(f"This part of {scene.name} lies off the map: type the area in degrees.")
            return area_text(bounds)

        def done(area: str) -> None:
            self.set_filters(replace(self._question.filters, area=area))

        self._runner.submit(Work("", run, Lane.IO, AREA_KEY, on_done=done, on_failed=self._set_fault))

    def _ask_again(self) -> None:
        """After a change of the question: answer it anew, or check the filters where there is nothing to look for."""
        if self._question.asks:
            self.search()
            return
        self._stop_searching()
        self._set_answer(None, None)
        self.question_changed.emit()
        try:
            self._question.filters.where()
        except QueryError as fault:
            self._set_fault(fault)
        else:
            self._set_fault(None)

    def _stop_searching(self) -> None:
        self._runner.cancel_key(SEARCH_KEY)
        self._searching = False

    def clear(self) -> None:
        """Forget the question and its hits; the filters stay."""
        self._question = ArchiveQuestion(filters=self._question.filters)
        self._ask_again()

    def search(self) -> None:
        """Answer the question; what cannot be asked is a sentence in `fault`."""
        self._top = PAGE
        self.question_changed.emit()
        try:
            if self._folder is None:
                raise QueryError("No archive is open to look in: open one, or create a new one, first.")
            self._question.check()
        except QueryError as fault:
            self._stop_searching()
            self._set_fault(fault)
            self.answer_changed.emit()
            return
        self._submit(self._question)

    def more(self) -> None:
        """Another page of hits below those that are there."""
        if self._answer is not None and self._answer.more and self._asked is not None:
            self._top = min(self._top + PAGE, MOST_HITS)
            self._submit(self._asked)

    def _submit(self, question: ArchiveQuestion, *, quiet: bool = False) -> None:
        folder, top = self._folder, self._top
        assert folder is not None

        def done(answer: ArchiveAnswer) -> None:
            self._searching = False
            self._set_fault(None)
            self._set_answer(question, answer)

        def failed(fault: SarvlmError) -> None:
            self._searching = False
            self._set_fault(fault)
            self.answer_changed.emit()

        self._searching = not quiet
        self._job = self._runner.submit(
            Work(
                "" if quiet else "Searching the archive",
                lambda ctx: self._reading.search(folder, question, top, ctx), Lane.COMPUTE, SEARCH_KEY,
                on_done=done, on_failed=failed,
            )
        )  # fmt: skip
        self.answer_changed.emit()

    def _on_job(self, job: JobStatus) -> None:
        if job.id == self._job and job.state in (JobState.CANCELLED, JobState.FAILED) and self._searching:
            self._searching = False
            self.answer_changed.emit()

    def _set_answer(self, question: ArchiveQuestion | None, answer: ArchiveAnswer | None) -> None:
        before = self.selected
        self._asked, self._answer = question, answer
        hits = answer.hits if answer is not None else ()
        same = (hit for hit in hits if before is not None and (hit.scene, hit.window) == (before.scene, before.window))
        self._selected = next((hit.rank for hit in same), None)
        self.answer_changed.emit()
        self.selection_changed.emit()

    # ---- hits ------------------------------------------------------------
    def select(self, rank: int | None) -> None:
        """Select a hit, or none."""
        hits = self._answer.hits if self._answer is not None else ()
        if rank != self._selected and (rank is None or any(hit.rank == rank for hit in hits)):
            self._selected = rank
            self.selection_changed.emit()

    def select_next(self, step: int) -> None:
        """Select the hit that follows, the first after the last."""
        hits = self._answer.hits if self._answer is not None else ()
        if hits:
            ranks = [hit.rank for hit in hits]
            start = ranks.index(self._selected) if self._selected in ranks else (-1 if step > 0 else 0)
            self.select(ranks[(start + step) % len(ranks)])

    def export(self, path: Path) -> None:
        """Write the hits that are listed, as GeoJSON, GeoPackage, CSV or contact sheet by the ending (I/O lane)."""
        answer, name = self._answer, "" if self._folder is None else self._folder.name
        if answer is None or not answer.hits:
            self.failed.emit(QueryError("There are no hits to export: ask the archive first."))
            return
        count = "1 hit" if len(answer.hits) == 1 else f"{len(answer.hits)} hits"
        self._runner.submit(
            Work(
                f"Writing {path.name}", lambda ctx: write_hits_file(answer, path, archive=name, ctx=ctx), Lane.IO,
                on_done=lambda _none: self.message.emit(f"Written: {count} to {path}"), on_failed=self.failed.emit,
            )
        )  # fmt: skip

    # ---- faults ----------------------------------------------------------
    def tell(self, fault: SarvlmError) -> None:
        """Show a fault of something that was to be done with the archive or a hit."""
        self._set_fault(fault)

    def _set_fault(self, fault: SarvlmError | None) -> None:
        if fault is not self._fault:
            self._fault = fault
            self.fault_changed.emit()

    def shut_down(self) -> None:
        """Let go of the archive's files; the lanes have ended."""
        with suppress(StorageError):
            self._reading.close()


def missing(hit: ArchiveHit) -> SceneError:
    """The sentence for a hit whose file is not there now."""
    return SceneError(
        f"{hit.scene} is not there now: bring its disk back, or add its folder again so that the archive learns of it."
    )


def _absolute(folder: Path) -> Path:
    return Path(os.path.abspath(folder.expanduser()))
