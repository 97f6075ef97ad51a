"""Context files over the scene on view: added, styled, remembered with it. Main thread only; knows no Qt."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from psygnal import Signal

from sarvlm_app.core.context.data import ContextData
from sarvlm_app.core.context.layers import COLOURS, ContextLayer, Reading, Style
from sarvlm_app.core.context.reading import read_context
from sarvlm_app.core.context.store import ContextStore
from sarvlm_app.core.jobs import JobRunner, Lane, Work
from sarvlm_app.core.products.types import Scene
from sarvlm_app.errors import SarvlmError, SceneError

_KEY = "context"


class ContextSession:
    """The layers of each open scene, and the verbs for those of the scene on view.

    Attributes
    ----------
    changed : Signal
        Layers of the scene on view came, went, were read or look different.
    failed : Signal of SarvlmError
        A file that was added could not be read.
    """

    changed = Signal()
    failed = Signal(SarvlmError)

    def __init__(self, runner: JobRunner, store: ContextStore) -> None:
        self._runner = runner
        self._store = store
        self._numbers = itertools.count(1)
        self._known: dict[str, tuple[ContextLayer, ...]] = {}
        self._early: dict[str, list[Path]] = {}
        self._kept: dict[str, tuple[tuple[Path, Style], ...]] = {}
        self._keeping = threading.Lock()
        self._scene: Scene | None = None

    @property
    def scene(self) -> Scene | None:
        """The scene on view."""
        return self._scene

    @property
    def layers(self) -> tuple[ContextLayer, ...]:
        """Those of the scene on view, the lowest first."""
        return () if self._scene is None else self._known.get(self._scene.fingerprint, ())

    @property
    def known(self) -> bool:
        """Whether it is known what was laid over the scene on view before."""
        return self._scene is not None and self._scene.fingerprint in self._known

    def show(self, scene: Scene | None) -> None:
        """Another scene is on view: what was laid over it before is read again."""
        self._scene = scene
        if scene is not None and scene.fingerprint not in self._known:
            key = scene.fingerprint

            def done(kept: tuple[tuple[Path, Style], ...]) -> None:
                if key in self._known:
                    return
                self._known[key] = tuple(ContextLayer(next(self._numbers), path, style) for path, style in kept)
                for layer in self._known[key]:
                    self._read(scene, layer, told=False)
                early = self._early.pop(key, [])
                if self._scene == scene:
                    for path in early:
                        self.add(path)
                self._tell(key)

            self._runner.submit(Work("", lambda _ctx: self._store.load(key), Lane.IO, f"{_KEY} of {key}", on_done=done))
        self.changed.emit()

    def close(self, scene: Scene) -> None:
        """A scene was closed: its layers leave the memory, not the disk."""
        self._early.pop(scene.fingerprint, None)
        for layer in self._known.pop(scene.fingerprint, ()):
            self._runner.cancel_key(f"{_KEY} {layer.number}")

    # ---- verbs -----------------------------------------------------------
    def add(self, path: Path) -> None:
        """Lay a file over the scene on view; once more where it lies there already means reading it again."""
        scene = self._scene
        if scene is None:
            self.failed.emit(SceneError("No scene is open to lay a file over: open one first (Ctrl+O)."))
            return
        path = Path(path).expanduser().absolute()
        if scene.fingerprint not in self._known:  # what was laid over it before is still being read
            self._early.setdefault(scene.fingerprint, []).append(path)
            return
        same = next((layer for layer in self.layers if layer.path == path), None)
        if same is None:
            colour = COLOURS[len(self.layers) % len(COLOURS)]
            same = ContextLayer(next(self._numbers), path, Style(colour))
            self._known[scene.fingerprint] = (*self.layers, same)
            self._keep(scene)
        self._put(scene.fingerprint, same.number, state=Reading.READING, fault="")
        self._read(scene, same, told=True)

    def remove(self, number: int) -> None:
        """Take a layer away; the file stays as it is."""
        if self._scene is not None and self._layer(number) is not None:
            self._runner.cancel_key(f"{_KEY} {number}")
            self._known[self._scene.fingerprint] = tuple(one for one in self.layers if one.number != number)
            self._keep(self._scene)
            self.changed.emit()

    def set_style(self, number: int, **changes: Any) -> None:
        """Change colour, width, opacity or visibility; other minutes have an AIS table read again.

        Raises
        ------
        ValueError
            A value is out of its limits.
        """
        layer, scene = self._layer(number), self._scene
        if layer is None or scene is None:
            return
        style = replace(layer.style, **changes)
        if style == layer.style:
            return
        again = style.minutes != layer.style.minutes
        self._put(scene.fingerprint, number, style=style, **({"state": Reading.READING} if again else {}))
        self._keep(scene)
        if again:
            self._read(scene, replace(layer, style=style), told=True)

    # ---- reading ---------------------------------------------------------
    def _layer(self, number: int) -> ContextLayer | None:
        return next((layer for layer in self.layers if layer.number == number), None)

    def _read(self, scene: Scene, layer: ContextLayer, *, told: bool) -> None:
        """Read a file on the I/O lane; what goes wrong with one that was merely remembered stands in its row only."""
        key, number = scene.fingerprint, layer.number

        def done(data: ContextData) -> None:
            self._put(key, number, state=Reading.READY, data=data, fault="")

        def failed(error: SarvlmError) -> None:
            self._put(key, number, state=Reading.FAILED, data=None, fault=str(error))
            if told:
                self.failed.emit(SceneError(str(error)))  # it is no question's

        self._runner.submit(
            Work(
                f"Reading {layer.path.name}",
                lambda ctx: read_context(scene, layer.path, ctx, layer.style.minutes),
                Lane.IO, f"{_KEY} {number}", on_done=done, on_failed=failed,
            )
        )  # fmt: skip

    def cancelled(self, key: str) -> None:
        """A job was cancelled by the user: its layer says so."""
        word, _, number = key.partition(" ")
        if word == _KEY and number.isdigit() and self._scene is not None:
            layer = self._layer(int(number))
            if layer is not None and layer.state is Reading.READING:
                self._put(self._scene.fingerprint, layer.number, state=Reading.FAILED, fault="Reading was cancelled.")

    def _put(self, key: str, number: int, **changes: Any) -> None:
        layers = self._known.get(key, ())
        self._known[key] = tuple(replace(one, **changes) if one.number == number else one for one in layers)
        self._tell(key)

    def _tell(self, key: str) -> None:
        if self._scene is not None and self._scene.fingerprint == key:
            self.changed.emit()

    def _keep(self, scene: Scene) -> None:
        """Write the list of a scene; whichever of several jobs comes last writes the newest."""
        key = scene.fingerprint
        self._kept[key] = tuple((layer.path, layer.style) for layer in self._known.get(key, ()))

        def run(_ctx: object) -> None:
            with self._keeping:
                self._store.save(key, self._kept[key])

        self._runner.submit(Work("", run, Lane.IO))
