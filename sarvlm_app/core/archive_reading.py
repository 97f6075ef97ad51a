"""Reading an archive beside whoever changes it: its facts, and searches that keep the index open between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.care import Info, info
from sarvlm_app.core.archive.catalogue import FILE
from sarvlm_app.core.archive.embed import ArchiveEncoder
from sarvlm_app.core.archive.search import ArchiveAnswer, Searching
from sarvlm_app.core.archive.shard import Header
from sarvlm_app.core.archive_question import ArchiveQuestion
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import ModelError, QueryError, StorageError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import EncoderSpec, Float16, Float32, SceneStats

ModelProvider = Callable[[Header | None], ArchiveEncoder]
"""Gives the model of an index, or the program's own for an archive that holds nothing yet."""


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What an archive holds, and what its filters can be.

    Attributes
    ----------
    span : (int, int) or None
        First and last time of acquisition in seconds UTC.
    """

    info: Info
    sensors: tuple[str, ...]
    polarisations: tuple[str, ...]
    span: tuple[int, int] | None


def read_facts(folder: Path) -> ArchiveFacts:
    """What the archive of a folder holds.

    Raises
    ------
    StorageError
        It is none, damaged or of a newer version.
    """
    if not folder.exists():
        raise StorageError(f"{folder} is not there: mount its disk, or choose another archive.")
    if not (folder / FILE).exists():
        raise StorageError(f"{folder} is not an archive: choose another folder, or create an archive in a new one.")
    with Archive(folder) as archive:
        words = {column: archive.catalogue.words(column) for column in ("sensor", "polarisation")}
        single = {pol for word in words["polarisation"] for pol in word.split()}
        sensors = tuple(sorted(word for word in words["sensor"] if word))
        return ArchiveFacts(info(archive), sensors, tuple(sorted(single)), archive.catalogue.span())


def active_header(folder: Path) -> Header | None:
    """What the index that is searched is made by; None where there is none yet."""
    if not (folder / FILE).exists():
        return None
    with Archive(folder) as archive:
        active = archive.active()
        return None if active is None else active[1]


def with_own_model(provide: Callable[[], DenseEncoder]) -> ModelProvider:
    """Search and add with one model, whatever an archive is made with."""

    def given(_header: Header | None) -> ArchiveEncoder:
        return for_archives(provide())

    return given


def for_archives(encoder: DenseEncoder) -> ArchiveEncoder:
    """The same encoder; raises ModelError where it cannot encode whole pictures."""
    if not isinstance(encoder, ArchiveEncoder):
        raise ModelError(
            f"The model {encoder.spec.model_id} cannot encode whole pictures, which archives need: "
            "start the program with another model."
        )
    return encoder


class ArchiveReading:
    """Searches an archive, which stays open until it is changed or another one is asked; for the compute lane alone.

    Parameters
    ----------
    provide : callable
        Gives the model of an index.
    """

    def __init__(self, provide: ModelProvider) -> None:
        self._provide = provide
        self._archive: Archive | None = None
        self._searching: Searching | None = None
        self._version = 0

    def search(self, folder: Path, question: ArchiveQuestion, top: int, ctx: JobContext) -> ArchiveAnswer:
        """Answer a question.

        Raises
        ------
        QueryError
            The archive holds nothing yet, or nothing that a model at hand can be asked of.
        StorageError, SceneError, ModelError
        """
        searching = self._opened(folder, ctx)
        ctx.step(message="Searching")
        return searching.search(question.query(top), ctx)

    def _opened(self, folder: Path, ctx: JobContext) -> Searching:
        known = self._archive
        same = known is not None and known.folder == folder and known.catalogue.version() == self._version
        if same and self._searching is not None:
            return self._searching
        self.close()
        ctx.step(message="Opening the archive")
        archive = self._archive = Archive(folder)
        self._version = archive.catalogue.version()
        active = archive.active()
        if active is None:
            raise QueryError(f"{folder} holds no scenes yet: add a folder or files first.")
        self._searching = Searching(archive, self._provide(active[1]), ctx)
        return self._searching

    def close(self) -> None:
        """Let go of the archive."""
        if self._searching is not None:
            for store in self._searching.stores.values():
                store.close()
        if self._archive is not None:
            self._archive.close()
        self._archive = self._searching = None


class TakesTurns:
    """An encoder that is used on a lane of its own: each call waits until no job of the compute lane runs.

    Parameters
    ----------
    encoder : ArchiveEncoder
    turn : context manager
        The runner's.
    """

    def __init__(self, encoder: ArchiveEncoder, turn: AbstractContextManager[Any]) -> None:
        self._encoder, self._turn = encoder, turn

    @property
    def spec(self) -> EncoderSpec:
        return self._encoder.spec

    @property
    def logit_scale(self) -> float:
        return self._encoder.logit_scale

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def encode_text(self, texts: Sequence[str]) -> Float32:
        with self._turn:
            return self._encoder.encode_text(texts)

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        with self._turn:
            return self._encoder.encode_patches(intensity, stats, spacing_m)

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        with self._turn:
            return self._encoder.encode_chips(chips, stats, spacing_m)

    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        with self._turn:
            return self._encoder.encode_pictures(amplitudes, spacing_m)
