"""From a question to an answer: load the model once, encode what is missing, score."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.patches import Patches, patches_of
from sarvlm_app.core.query import Answer, Question, TextVectors, answer_from
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.scene_index import find_index, layout_of, open_or_create
from sarvlm_app.errors import JobCancelled
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Window

EncoderProvider = Callable[[], DenseEncoder]
PARTIAL_EVERY_S = 0.5
PARTIAL_SHARE = 0.2
"""Most of the time that partial answers may take from the encoding (scoring a very large scene takes long)."""


class Answering:
    """Turns words into an answer on the compute lane; keeps the model and the texts it has seen.

    Parameters
    ----------
    encoder : callable
        Gives the encoder; the first call loads it.
    cache : Path
        Where scene indices are kept.
    """

    def __init__(self, encoder: EncoderProvider, cache: Path) -> None:
        self._provide = encoder
        self._cache = cache
        self._texts: TextVectors | None = None
        self._encoder: DenseEncoder | None = None

    @property
    def encoder(self) -> DenseEncoder:
        """The model, loaded at the first call."""
        if self._encoder is None:
            self._encoder = self._provide()
            self._texts = TextVectors(self._encoder)
        return self._encoder

    @property
    def texts(self) -> TextVectors:
        """The text side of the model with its memory of texts."""
        assert self.encoder is not None
        assert self._texts is not None
        return self._texts

    def is_encoded(self, scene: Scene, band: int) -> bool:
        """Whether the scene's index is complete in the cache."""
        index = find_index(layout_of(scene, band, self.encoder.spec), self._cache)
        return index is not None and index.complete

    def answer(self, question: Question, ctx: JobContext, visible: Window | None = None) -> Answer:
        """Encode what is missing, then score; sends partial answers about twice a second.

        Raises
        ------
        JobCancelled, SceneError, StorageError
        """
        encoder = self.encoder
        layout = layout_of(question.scene, question.band, encoder.spec)
        query = replace(question.query, model_id=encoder.spec.model_id, cell_px=float(layout.cell_px))
        asked = replace(question, query=query)
        index = open_or_create(question.scene, layout, self._cache)
        if index.covers(question.area):
            return answer_from(index, asked, self.texts, ctx, 0.0)
        began = time.perf_counter()
        due = began + PARTIAL_EVERY_S

        def on_window() -> None:
            nonlocal due
            if time.perf_counter() >= due:
                started = time.perf_counter()
                ctx.partial(answer_from(index, asked, self.texts, _quiet(ctx), started - began))
                spent = time.perf_counter() - started
                due = time.perf_counter() + max(PARTIAL_EVERY_S, spent / PARTIAL_SHARE)

        index.encode(question.scene, encoder, ctx, visible, on_window, question.area)
        return answer_from(index, asked, self.texts, ctx, time.perf_counter() - began)

    def patches(self, scene: Scene, band: int, area: Window, ctx: JobContext) -> Patches:
        """The vectors of a part of a scene, encoded where they are missing.

        Raises
        ------
        JobCancelled, SceneError, StorageError
        """
        return patches_of(scene, band, area, self.encoder, self._cache, ctx)


def _quiet(ctx: JobContext) -> JobContext:
    """A context that is cancelled with `ctx` but shows no progress of its own."""

    class Quiet(JobContext):
        def step(self, done: int = 0, total: int = 0, message: str = "") -> None:
            if ctx.cancelled:
                raise JobCancelled("The work was cancelled; what was finished is kept.")

    return Quiet()
