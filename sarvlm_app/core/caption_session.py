"""Captions of the open scenes: state, verbs, events. `Session` owns one as `captions`; main thread only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from psygnal import Signal

from sarvlm_app.core.caption_list import CaptionList, SceneCaption, Where, command_of, place_window
from sarvlm_app.core.caption_store import CaptionStore, Loaded
from sarvlm_app.core.captioning import Captioned, CaptionerProvider, Captioning, CaptionRequest
from sarvlm_app.core.export.captions import write_captions
from sarvlm_app.core.jobs import JobRunner, Lane, Work
from sarvlm_app.core.query import Candidate
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import ModelError, QueryError, SarvlmError, SceneError, StorageError
from sarvlm_models.types import Window

CAPTION_KEY = "caption"
TITLES = {
    Where.VIEW: "Describing the view",
    Where.PLACE: "Describing the place",
    Where.REGION: "Describing the region",
    Where.SCENE: "Describing the scene",
}


@dataclass(frozen=True, slots=True)
class CaptionModel:
    """What makes captions: the loader of the model (called on the compute lane), and what it is put to."""

    captioner: CaptionerProvider
    captioning: Captioning


class CaptionSession:
    """Describes windows of the scene on view and keeps what was said and edited.

    Captions are kept on disk with every change, for each scene by its
    fingerprint, and are there again when it is opened again.

    Parameters
    ----------
    runner : JobRunner
    model : CaptionModel
    store : CaptionStore
    """

    changed = Signal()
    """The captions of the scene on view, or what can be undone."""
    selection_changed = Signal()
    fault_changed = Signal()
    described = Signal(Scene)
    """A scene has a new caption; parts of it may have been encoded for that."""
    failed = Signal(SarvlmError)
    """Something about files; faults of a description are in `fault`."""
    message = Signal(str)

    def __init__(self, runner: JobRunner, model: CaptionModel, store: CaptionStore) -> None:
        self._runner = runner
        self._model = model
        self._store = store
        self._lists: dict[str, CaptionList] = {}
        self._scene: Scene | None = None
        self._band = 1
        self._describing: Scene | None = None
        self._fault: SarvlmError | None = None
        self._ready = False

    # ---- state -----------------------------------------------------------
    @property
    def scene(self) -> Scene | None:
        """The scene on view."""
        return self._scene

    @property
    def captions(self) -> tuple[SceneCaption, ...]:
        """Those of the scene on view, the oldest first."""
        return self._shown.captions if self._shown else ()

    @property
    def selected(self) -> SceneCaption | None:
        """The caption that is selected."""
        shown = self._shown
        return None if shown is None or shown.selected is None else shown.get(shown.selected)

    @property
    def fault(self) -> SarvlmError | None:
        """Why the last description did not come, or why none can come."""
        return self._fault

    @property
    def undo_name(self) -> str:
        """What `undo` takes back on the scene on view: "edit", "delete", or nothing."""
        return self._shown.undo_name if self._shown else ""

    @property
    def redo_name(self) -> str:
        """What `redo` does again."""
        return self._shown.redo_name if self._shown else ""

    @property
    def unkept(self) -> int:
        """How many captions are in lists whose last change is not on disk yet."""
        return sum(len(known.captions) for known in self._lists.values() if known.saved < known.version)

    @property
    def _shown(self) -> CaptionList | None:
        return None if self._scene is None else self._lists.get(self._scene.fingerprint)

    # ---- scenes ----------------------------------------------------------
    def show(self, scene: Scene | None, band: int) -> None:
        """Follow the scene and band on view; captions kept of the scene are read at the first time (I/O lane)."""
        self._scene, self._band = scene, band
        if scene is not None and scene.fingerprint not in self._lists:
            self._lists[scene.fingerprint] = known = CaptionList(scene)
            self._runner.submit(
                Work(
                    "", lambda _ctx: self._store.load(scene.fingerprint), Lane.IO,
                    on_done=partial(self._loaded, known), on_failed=self.failed.emit,
                )
            )  # fmt: skip
        if not isinstance(self._fault, ModelError):
            self._set_fault(None)
        self.changed.emit()
        self.selection_changed.emit()

    def close(self, scene: Scene) -> None:
        """Stop describing a scene that is closed; its captions stay."""
        if self._describing == scene:
            self._describing = None
            self._runner.cancel_key(CAPTION_KEY)

    def _loaded(self, known: CaptionList, loaded: Loaded) -> None:
        if loaded.message is not None:
            self.failed.emit(StorageError(loaded.message))
        if known.merge(loaded.captions) and known is self._shown:
            self.changed.emit()

    # ---- descriptions ----------------------------------------------------
    def prepare(self) -> None:
        """Load the model on the compute lane, so that a fault of it is told before anything is described."""
        if self._ready:
            return

        def done(_model: object) -> None:
            self._ready = True

        self._runner.submit(
            Work(
                "Loading the captioner", lambda _ctx: self._model.captioner(), Lane.COMPUTE, "captioner",
                on_done=done, on_failed=self._set_fault,
            )
        )  # fmt: skip

    def describe(self, where: Where, window: Window | None = None) -> None:
        """Describe a window of the scene on view (None: all of it); a newer wish takes the place of an older one."""
        scene = self._scene
        if scene is None:
            self._set_fault(SceneError("No scene is open to describe: open one first (Ctrl+O)."))
            return
        whole = Window(0, 0, scene.width, scene.height)
        if where is not Where.SCENE:
            window = None if window is None else window.intersection(whole)
            if window is None:
                self._set_fault(SceneError("Nothing of the scene is there to describe: bring it into view first (F)."))
                return
        request = CaptionRequest(scene, self._band, None if where is Where.SCENE else window)
        self._set_fault(None)
        self._describing = scene
        self._runner.submit(
            Work(
                TITLES[where], lambda ctx: self._model.captioning.caption(request, ctx), Lane.COMPUTE, CAPTION_KEY,
                on_done=partial(self._described, where), on_failed=self._set_fault,
            )
        )  # fmt: skip

    def describe_place(self, place: Candidate | None) -> None:
        """Describe a place of an answer with some surroundings."""
        if place is None or self._scene is None:
            self._set_fault(QueryError("No place is selected: ask, pick one of the numbers (N), then describe it."))
            return
        self.describe(Where.PLACE, place_window(self._scene, place))

    def _described(self, where: Where, captioned: Captioned) -> None:
        request = captioned.request
        scene = request.scene
        self._ready = True
        known = self._lists[scene.fingerprint]
        known.add(
            SceneCaption(
                id=secrets.token_hex(8),
                where=where,
                window=request.window or Window(0, 0, scene.width, scene.height),
                band=request.band,
                text=captioned.text,
                said=captioned.text,
                raw=captioned.raw,
                logprob=captioned.logprob,
                counts=tuple(captioned.counts.items()),
                cover=tuple(captioned.cover),
                model_id=captioned.model_id,
                made=datetime.now(UTC),
            )
        )
        self._after_change(known)
        self.described.emit(scene)

    def _set_fault(self, fault: SarvlmError | None) -> None:
        if fault is not self._fault:
            self._fault = fault
            self.fault_changed.emit()

    # ---- the list --------------------------------------------------------
    def select(self, caption: str | None) -> None:
        """Select a caption of the scene on view by its id, or none."""
        shown = self._shown
        if shown is None or caption == shown.selected or (caption is not None and shown.get(caption) is None):
            return
        shown.selected = caption
        self.selection_changed.emit()

    def edit(self, caption: str, text: str) -> None:
        """Give a caption, of whatever scene, other words; without words it stays as it is."""
        self._change(lambda known: known.edit(caption, text), self._list_of(caption))

    def restore(self, caption: str) -> None:
        """Give a caption the words of the model back, as an edit that can be undone."""
        known = self._list_of(caption)
        entry = known.get(caption) if known is not None else None
        if entry is not None:
            self.edit(caption, entry.said)

    def remove(self, caption: str) -> None:
        """Take a caption away; `undo` brings it back."""
        self._change(lambda known: known.remove(caption), self._list_of(caption))

    def undo(self) -> None:
        """Take the last edit or removal on the scene on view back."""
        self._change(CaptionList.undo, self._shown)

    def redo(self) -> None:
        """Do again what was undone last."""
        self._change(CaptionList.redo, self._shown)

    def _list_of(self, caption: str) -> CaptionList | None:
        return next((known for known in self._lists.values() if known.get(caption) is not None), None)

    def _change(self, do: Callable[[CaptionList], bool], known: CaptionList | None) -> None:
        if known is not None and do(known):
            self._after_change(known)

    def _after_change(self, known: CaptionList) -> None:
        self._keep(known)
        if known is self._shown:
            self.changed.emit()
            self.selection_changed.emit()

    # ---- files -----------------------------------------------------------
    def _keep(self, known: CaptionList) -> None:
        """Write a list to disk (I/O lane)."""
        captions, seen, version = known.captions, frozenset(known.seen), known.version

        def done(_none: object) -> None:
            known.saved = max(known.saved, version)

        self._runner.submit(
            Work(
                "", lambda _ctx: self._store.save(known.scene, captions, seen, version), Lane.IO,
                on_done=done, on_failed=self.failed.emit,
            )
        )  # fmt: skip

    def flush(self) -> None:
        """Write at once, on this thread, what is not on disk yet: the program ends.

        Raises
        ------
        StorageError
            When it cannot be written; what could be is.
        """
        faults = []
        for known in self._lists.values():
            if known.saved < known.version:
                try:
                    self._store.save(known.scene, known.captions, known.seen, known.version)
                    known.saved = known.version
                except StorageError as fault:
                    faults.append(fault)
        if faults:
            raise faults[0]

    def export(self, path: Path) -> None:
        """Write the captions of the scene on view as GeoJSON or CSV, by the ending of the name."""
        scene, captions = self._scene, self.captions
        if scene is None or not captions:
            self._set_fault(QueryError("There is no caption to export yet: describe something first."))
            return
        self._runner.submit(
            Work(
                f"Writing {path.name}", lambda _ctx: write_captions(scene, captions, path), Lane.IO,
                on_done=lambda _none: self.message.emit(f"Written: {path}"), on_failed=self.failed.emit,
            )
        )  # fmt: skip

    def command(self, caption: str) -> str:
        """The shell command that describes the same window; nothing for an unknown caption."""
        known = self._list_of(caption)
        entry = known.get(caption) if known is not None else None
        return "" if known is None or entry is None else command_of(known.scene, entry)
