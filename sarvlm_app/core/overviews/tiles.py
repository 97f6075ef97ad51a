"""Recently used tiles in memory, bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sarvlm_app.core.radiometry import Float32

Key = tuple[int, int, int]
"""Level, tile row, tile column."""


class TileCache:
    """Least recently used tiles leave first; any thread may use it."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._tiles: OrderedDict[Key, Float32] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        return self._held

    def get(self, key: Key) -> Float32 | None:
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: Key, tile: Float32) -> None:
        """Keep `tile`, which becomes read-only."""
        tile.setflags(write=False)
        with self._lock:
            old = self._tiles.pop(key, None)
            self._held += tile.nbytes - (old.nbytes if old is not None else 0)
            self._tiles[key] = tile
            while self._held > self._limit and len(self._tiles) > 1:
                self._held -= self._tiles.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        with self._lock:
            self._tiles.clear()
            self._held = 0
