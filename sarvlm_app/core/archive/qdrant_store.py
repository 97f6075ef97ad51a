"""Vectors on a Qdrant server, for archives that outgrow one machine; filters are evaluated there.

What the server has taken is remembered in a small file of the archive, and
points have fixed ids, so that after a fault the same rows are sent again and
nothing is lost or doubled.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.archive.store import NO_TIME, Filter, Found, Rows, StoreStats
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Float32

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

POINTS_AT_ONCE: Final = 512
TRIES: Final = 4
WAIT_S: Final = 0.5
Value = TypeVar("Value")


def connect(url: str) -> QdrantClient:
    """A client for a server's address.

    Raises
    ------
    StorageError
        The library is not installed.
    """
    try:
        from qdrant_client import QdrantClient
    except ImportError as error:
        raise StorageError(
            f"{url} needs the library qdrant-client, which is not installed; run pip install 'sarvlm-desktop[scale]'."
        ) from error
    return QdrantClient(url=url, timeout=30, check_compatibility=False)


class QdrantStore:
    """`VectorStore` in a collection of a server.

    Parameters
    ----------
    client : QdrantClient
    place : str
        The server's address, for sentences.
    collection : str
        Made where it is not there.
    dim : int
        Length of a vector.
    state : Path
        File that remembers what the server has taken.
    """

    def __init__(self, client: QdrantClient, place: str, collection: str, dim: int, state: Path) -> None:
        from qdrant_client import models

        self._client, self._place, self._name, self._dim, self._state = client, place, collection, dim, state
        self._models = models
        self._shards: frozenset[str] = frozenset()
        self._hidden: frozenset[int] = frozenset()
        if not self._ask(lambda: client.collection_exists(collection)):
            self._create()
        elif state.exists():
            known = json.loads(state.read_text(encoding="utf-8"))
            self._shards, self._hidden = frozenset(known["shards"]), frozenset(known["hidden"])

    def _create(self) -> None:
        models = self._models
        self._ask(
            lambda: self._client.create_collection(
                self._name,
                vectors_config=models.VectorParams(size=self._dim, distance=models.Distance.DOT, on_disk=True),
                quantization_config=models.ScalarQuantization(
                    scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
                ),
            )
        )
        kinds = {
            "scene": "integer", "time": "integer", "sensor": "keyword", "pol": "keyword", "hidden": "bool",
            "west": "float", "east": "float", "south": "float", "north": "float",
        }  # fmt: skip
        if self._place != ":memory:":  # the embedded mode has no indices
            for field, kind in kinds.items():
                self._ask(lambda f=field, k=kind: self._client.create_payload_index(self._name, f, k))  # type: ignore[misc]
        self._save(frozenset(), frozenset())

    @property
    def shards(self) -> frozenset[str]:
        return self._shards

    @property
    def hidden(self) -> frozenset[int]:
        return self._hidden

    def upsert(self, parts: Sequence[tuple[str, Rows]]) -> None:
        """Take rows; see `VectorStore`."""
        for name, rows in parts:
            if name in self._shards:
                continue
            for start in range(0, len(rows), POINTS_AT_ONCE):
                points = [self._point(rows, number) for number in range(start, min(start + POINTS_AT_ONCE, len(rows)))]
                self._ask(lambda points=points: self._client.upsert(self._name, points, wait=True))  # type: ignore[misc]
            self._save(self._shards | {name}, self._hidden)

    def _point(self, rows: Rows, number: int) -> Any:
        west, south, east, north = (float(value) for value in rows.boxes[number])
        payload: dict[str, Any] = {
            "scene": int(rows.scenes[number]),
            "sensor": rows.sensors[number],
            "pol": rows.polarisations[number],
            "hidden": int(rows.scenes[number]) in self._hidden,
        }
        if not np.isnan(west):
            payload |= {"west": west, "south": south, "east": east, "north": north}
        if rows.times[number] != NO_TIME:
            payload["time"] = int(rows.times[number])
        vector = rows.vectors[number].astype(np.float32).tolist()
        return self._models.PointStruct(id=int(rows.ids[number]), vector=vector, payload=payload)

    def hide(self, scenes: Iterable[int]) -> None:
        """Hide exactly these; see `VectorStore`."""
        wanted = frozenset(scenes)
        for group, flag in ((wanted - self._hidden, True), (self._hidden - wanted, False)):
            if group:
                which = self._any("scene", sorted(group))
                self._ask(
                    lambda which=which, flag=flag: self._client.set_payload(  # type: ignore[misc]
                        self._name, {"hidden": flag}, points=self._models.Filter(must=[which]), wait=True
                    )
                )
        if wanted != self._hidden:
            self._save(self._shards, wanted)

    def _any(self, key: str, values: Sequence[Any]) -> Any:
        return self._models.FieldCondition(key=key, match=self._models.MatchAny(any=list(values)))

    def _range(self, key: str, **limits: float) -> Any:
        return self._models.FieldCondition(key=key, range=self._models.Range(**limits))

    def _filter(self, wanted: Filter | None) -> Any:
        models = self._models
        must = [models.FieldCondition(key="hidden", match=models.MatchValue(value=False))]
        if wanted is not None and wanted.bbox is not None:
            must += [self._range("south", lte=wanted.bbox[3]), self._range("north", gte=wanted.bbox[1])]
            spans = [
                models.Filter(must=[self._range("west", lte=last), self._range("east", gte=first)])
                for first, last in wanted.spans()
            ]
            must.append(models.Filter(should=spans))
        if wanted is not None and (wanted.after is not None or wanted.before is not None):
            limits = {"gte": wanted.after, "lte": wanted.before}
            must.append(self._range("time", **{key: value for key, value in limits.items() if value is not None}))
        if wanted is not None:
            named = (("sensor", wanted.sensors), ("pol", wanted.polarisations))
            must += [self._any(key, sorted(words)) for key, words in named if words is not None]
        return models.Filter(must=must)

    def search(self, vectors: Float32, k: int, wanted: Filter | None = None) -> list[Found]:
        """The nearest; see `VectorStore`."""
        if wanted is not None and any(words == frozenset() for words in (wanted.sensors, wanted.polarisations)):
            return [Found(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in np.atleast_2d(vectors)]
        condition = self._filter(wanted)
        answers = []
        for question in np.atleast_2d(vectors):
            points = self._ask(
                lambda question=question: self._client.query_points(  # type: ignore[misc]
                    self._name, query=question.tolist(), query_filter=condition, limit=k, with_payload=False
                )
            ).points
            ids = np.asarray([point.id for point in points], np.int64)
            scores = np.asarray([point.score for point in points], np.float32)
            order = np.lexsort((ids, -scores))
            answers.append(Found(ids[order], scores[order]))
        return answers

    def vectors(self, ids: NDArray[np.int64]) -> Float32:
        """Stored vectors; see `VectorStore`."""
        found = np.zeros((len(ids), self._dim), np.float32)
        place: dict[int, list[int]] = {}
        for number, one in enumerate(ids.tolist()):
            place.setdefault(one, []).append(number)
        wanted = list(place)
        for start in range(0, len(wanted), POINTS_AT_ONCE):
            part = wanted[start : start + POINTS_AT_ONCE]
            for point in self._ask(
                lambda part=part: self._client.retrieve(self._name, part, with_payload=False, with_vectors=True)  # type: ignore[misc]
            ):
                found[place[int(point.id)]] = np.asarray(point.vector, np.float32)
        return found

    def sample(self, count: int) -> Float32:
        """A sample; see `VectorStore`."""
        points, _ = self._ask(
            lambda: self._client.scroll(
                self._name, scroll_filter=self._filter(None), limit=count, with_payload=False, with_vectors=True
            )
        )
        return np.asarray([point.vector for point in points], np.float32).reshape(-1, self._dim)

    def compact(self, shards: Sequence[str] | None = None) -> None:
        """Remove hidden points; see `VectorStore`."""
        if self._hidden:
            gone = self._models.Filter(must=[self._any("scene", sorted(self._hidden))])
            selector = self._models.FilterSelector(filter=gone)
            self._ask(lambda: self._client.delete(self._name, selector, wait=True))
        self._save(self._shards if shards is None else frozenset(shards), frozenset())

    def clear(self) -> None:
        """Forget everything."""
        self._ask(lambda: self._client.delete_collection(self._name))
        self._create()

    def stats(self) -> StoreStats:
        """Counts; the server keeps its bytes to itself."""
        total = self._ask(lambda: self._client.count(self._name, exact=True)).count
        shown = self._ask(lambda: self._client.count(self._name, count_filter=self._filter(None), exact=True)).count
        return StoreStats(shown, total - shown, 0, f"Qdrant at {self._place}")

    def close(self) -> None:
        """The connection is closed by whoever made it."""

    def _save(self, shards: frozenset[str], hidden: frozenset[int]) -> None:
        self._shards, self._hidden = shards, hidden
        self._state.parent.mkdir(parents=True, exist_ok=True)
        with replace_when_done(self._state) as part:
            part.write_text(json.dumps({"shards": sorted(shards), "hidden": sorted(hidden)}), encoding="utf-8")

    def _ask(self, call: Callable[[], Value]) -> Value:
        """Ask the server, some times over where it does not answer.

        Raises
        ------
        StorageError
            It does not answer, or refuses.
        """
        from qdrant_client.http.exceptions import ApiException

        for left in range(TRIES - 1, -1, -1):
            try:
                return call()
            except (ApiException, OSError) as error:
                if not left:
                    reason = " ".join(str(error).split())[:160]
                    raise StorageError(
                        f"The Qdrant server at {self._place} does not answer ({reason}); start it or check its "
                        "address, then run the same again: nothing is lost."
                    ) from error
                time.sleep(WAIT_S * (TRIES - left))
        raise AssertionError("not reached")
