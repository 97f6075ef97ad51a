"""Searching an archive: words, examples or both, within filters; overlapping tiles are one hit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import shapely

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.catalogue import SLOTS, TileFacts
from sarvlm_app.core.archive.embed import ArchiveEncoder, header_of
from sarvlm_app.core.archive.example import example_vectors
from sarvlm_app.core.archive.scoring import SAMPLE, Component, Like, Words, background_of, combined, score_of
from sarvlm_app.core.archive.store import Filter, VectorStore
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.query import TextVectors, check_text
from sarvlm_app.core.scene import Scene
from sarvlm_app.errors import QueryError
from sarvlm_models.types import TextQuery, Window

CANDIDATES: Final = 300
CANDIDATES_A_HIT: Final = 8
MOST_CANDIDATES: Final = 3000
OVERLAP: Final = 0.5
"""Share of the smaller of two tiles above which they show one place."""
BACKGROUND: Final = 0.5


@dataclass(frozen=True, slots=True)
class Example:
    """A file, or a window of it, to search by; a weight below 0 means less like this."""

    scene: Scene
    window: Window | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Where:
    """Filters as a user gives them: degrees, days or moments, parts of names."""

    bbox: tuple[float, float, float, float] | None = None
    after: datetime | date | None = None
    before: datetime | date | None = None
    sensor: str | None = None
    polarisation: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveQuery:
    """All that decides an answer.

    Attributes
    ----------
    text : str
        Empty without words.
    examples : tuple of Example
    text_weight : float
        Against the weights of the examples.
    top, page : int
        Hits of a page, and which page, from 1.
    """

    text: str = ""
    negatives: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    text_weight: float = 1.0
    where: Where = Where()
    top: int = 20
    page: int = 1


@dataclass(frozen=True, slots=True)
class ArchiveHit:
    """A place that was found.

    Attributes
    ----------
    rank : int
        From 1, over all pages.
    score : float
        0..1; 0.5 is this archive's background.
    scene : Path
        One file that shows it.
    missing : bool
        That file is not there now.
    window : Window
    lon, lat : float or None
        Centre of the window.
    footprint : bytes or None
        WKB in lon/lat.
    """

    rank: int
    score: float
    scene: Path
    missing: bool
    window: Window
    lon: float | None
    lat: float | None
    footprint: bytes | None
    sensor: str
    polarisation: str
    acquired: str | None


@dataclass(frozen=True, slots=True)
class ArchiveAnswer:
    """Hits above the background, best first; none is an answer too.

    Attributes
    ----------
    more : bool
        Whether there is another page.
    seconds : float
        Of the search, without loading the model and the index.
    best : float
        Score of the best place, also where it does not stand out.
    """

    query: ArchiveQuery
    model_id: str
    hits: tuple[ArchiveHit, ...]
    more: bool
    seconds: float
    best: float
    notes: tuple[str, ...] = ()


class Searching:
    """An archive opened for searching; keeps its index and the texts asked.

    Parameters
    ----------
    archive : Archive
    encoder : ArchiveEncoder
        Must be that of an index of the archive.

    Raises
    ------
    QueryError
        The archive holds nothing yet, or nothing that this model can be asked of.
    """

    def __init__(self, archive: Archive, encoder: ArchiveEncoder, ctx: JobContext | None = None) -> None:
        header = header_of(encoder.spec)
        index = archive.index_for(header)
        if index is None:
            active = archive.active()
            if active is None:
                raise QueryError(f"{archive.folder} holds no scenes yet; add some with sarvlm archive add.")
            raise QueryError(
                f"{archive.folder} is not indexed with {header.model_id} but with {active[1].model_id}; search with "
                "that model, or add its scenes again with this one."
            )
        self._archive, self._encoder = archive, encoder
        self._texts = TextVectors(encoder)
        self._levels = archive.catalogue.calibrations(index)
        self._stores = archive.stores(index, header, ctx)

    @property
    def stores(self) -> dict[str, VectorStore]:
        return self._stores

    def search(self, query: ArchiveQuery, ctx: JobContext | None = None) -> ArchiveAnswer:
        """Answer a question.

        Raises
        ------
        QueryError
            There is neither text nor example, or the text cannot be asked.
        SceneError
            An example cannot be read.
        """
        ctx = ctx or JobContext()
        components = self._components(query, ctx)
        ctx.step(message="Searching")
        began = time.perf_counter()
        wanted = self._filter(query.where)
        last = query.top * query.page
        tiles = self._scored(components, wanted, min(MOST_CANDIDATES, max(CANDIDATES, CANDIDATES_A_HIT * last)))
        best = max(tiles.values(), default=0.0)
        kept = self._merged(tiles, last + 1)
        first = last - query.top
        files = self._archive.catalogue.files_of({facts.content for _, facts in kept})
        hits = tuple(
            self._hit(rank, score, facts, files) for rank, (score, facts) in enumerate(kept[:last], 1) if rank > first
        )
        spent = time.perf_counter() - began
        notes = tuple(dict.fromkeys(self._archive.notes))
        return ArchiveAnswer(query, self._encoder.spec.model_id, hits, len(kept) > last, spent, best, notes)

    def _components(self, query: ArchiveQuery, ctx: JobContext) -> list[Component]:
        found: list[Component] = []
        if query.text.strip():
            check_text(query.text, query.negatives)
            prompts = self._texts.prompts(TextQuery(query.text.strip(), tuple(map(str.strip, query.negatives))))
            found.append(Words(prompts, self._levels, query.text_weight))
        elif query.negatives:
            raise QueryError("There is only what the answer must not be: type what to look for, or give an example.")
        for example in query.examples:
            vectors = example_vectors(example.scene, example.window, self._encoder, ctx)
            level = {kind: background_of(own, self._stores[kind].sample(SAMPLE)) for kind, own in vectors.items()}
            found.append(Like(vectors, level, example.weight))
        if not any(component.weight > 0 for component in found):
            raise QueryError("There is nothing to look for: type a text, or give an example of what is wanted.")
        return found

    def _filter(self, where: Where) -> Filter:
        """Names in part become the names in full that the catalogue holds."""
        sensors = polarisations = None
        if where.sensor is not None:
            part = where.sensor.casefold()
            sensors = frozenset(word for word in self._archive.catalogue.words("sensor") if part in word.casefold())
        if where.polarisation is not None:
            one = where.polarisation.casefold()
            words = self._archive.catalogue.words("polarisation")
            polarisations = frozenset(word for word in words if one in word.casefold().split())
        return Filter(where.bbox, _moment(where.after), _moment(where.before, end=True), sensors, polarisations)

    def _scored(self, components: Sequence[Component], wanted: Filter, count: int) -> dict[int, float]:
        """Score of the best vector of each tile that may be a hit."""
        tiles: dict[int, float] = {}
        for kind, store in self._stores.items():
            asked = [component for component in components if component.weight > 0]
            questions = [component.questions(kind) for component in asked]
            if not all(len(own) for own in questions):
                continue
            answers = store.search(np.concatenate(questions), count, wanted if wanted.asks else None)
            ids = np.unique(np.concatenate([answer.ids for answer in answers]))
            if not len(ids):
                continue
            scores = score_of(combined(components, kind, store.vectors(ids)))
            for tile, score in zip((ids // SLOTS).tolist(), scores.tolist(), strict=True):
                tiles[tile] = max(tiles.get(tile, 0.0), score)
        return tiles

    def _merged(self, tiles: dict[int, float], most: int) -> list[tuple[float, TileFacts]]:
        """The best tiles above the background that show a place of their own."""
        ranked = sorted((tile for tile, score in tiles.items() if score > BACKGROUND), key=lambda t: (-tiles[t], t))
        facts = self._archive.catalogue.tiles(ranked)
        kept: list[tuple[float, TileFacts]] = []
        taken: dict[int, list[Window]] = {}
        for tile in ranked:
            if tile not in facts:
                continue
            own = facts[tile]
            window = Window(*own.window)
            others = taken.setdefault(own.content, [])
            if any(_overlap(window, other) > OVERLAP for other in others):
                continue
            others.append(window)
            kept.append((tiles[tile], own))
            if len(kept) >= most:
                break
        return kept

    def _hit(self, rank: int, score: float, facts: TileFacts, files: dict[int, list[Path]]) -> ArchiveHit:
        paths = files.get(facts.content, [])
        there = next((path for path in paths if path.exists()), None)
        lon, lat = centre_of(facts.footprint)
        return ArchiveHit(
            rank, score, there or (paths[0] if paths else Path("?")), there is None, Window(*facts.window), lon, lat,
            facts.footprint, facts.sensor, facts.polarisation, facts.acquired,
        )  # fmt: skip


def _overlap(one: Window, other: Window) -> float:
    common = one.intersection(other)
    if common is None:
        return 0.0
    return common.width * common.height / min(one.width * one.height, other.width * other.height)


def centre_of(footprint: bytes | None) -> tuple[float | None, float | None]:
    """Lon and lat of the middle of an outline, also across the antimeridian."""
    if footprint is None:
        return None, None
    shape = shapely.from_wkb(footprint)
    if shape.geom_type == "MultiPolygon":
        parts = [shapely.transform(part, _turned) for part in shape.geoms]
        shape = shapely.union_all(parts)
    middle = shape.centroid
    return (float(middle.x) + 180.0) % 360.0 - 180.0, float(middle.y)


def _turned(points: np.ndarray) -> np.ndarray:
    return np.column_stack((np.where(points[:, 0] < 0, points[:, 0] + 360.0, points[:, 0]), points[:, 1]))


def _moment(given: datetime | date | None, *, end: bool = False) -> int | None:
    """Seconds UTC of a moment, or of the beginning (or end) of a day."""
    if given is None:
        return None
    if isinstance(given, datetime):
        return int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp())
    day = datetime(given.year, given.month, given.day, tzinfo=UTC)
    return int((day + timedelta(days=1)).timestamp()) - 1 if end else int(day.timestamp())
