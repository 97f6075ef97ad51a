"""How many inputs go through a network at once: what memory allows, and half of it after running out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import torch
from torch import Tensor

from sarvlm_app.errors import ModelError

CPU_BATCH: Final = 16
"""Inputs at once on a processor: more gain nothing there."""
MOST: Final = 256
FREE_SHARE: Final = 0.6
"""Share of the free memory of a GPU that a batch may take; the rest is for other programs and fragmentation."""
_CPU_WORDS = ("DefaultCPUAllocator", "not enough memory")

Item = TypeVar("Item")


class Batches:
    """Runs a network over many inputs in batches that fit; remembers what fitted.

    On a GPU the first inputs are run in a small batch whose peak of memory is
    measured; from it and the free memory follows the size of the others. A
    batch that runs out of memory is halved, there and for all that come
    after. On a processor the size is fixed until memory runs out.

    Parameters
    ----------
    device : torch.device
        Where the network runs.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._limit = MOST if device.type == "cuda" else CPU_BATCH
        self._measured: dict[object, int] = {}

    @property
    def limit(self) -> int:
        """Largest batch that will be tried."""
        return self._limit

    def run(
        self, items: Sequence[Item], forward: Callable[[Sequence[Item]], Tensor], kind: object = None
    ) -> Iterator[tuple[Sequence[Item], Tensor]]:
        """Batches of `items`, in their order, with what `forward` makes of them.

        Parameters
        ----------
        items : sequence
            Inputs; each counts alike in memory.
        forward : callable
            From some of the items to a tensor, without side effects: it is called again with
            fewer where memory runs out.
        kind : hashable
            What the memory of one item depends on, such as its size.

        Raises
        ------
        ModelError
            Not even a single item fits.
        """
        start = 0
        while start < len(items):
            size = self._size(kind)
            part = items[start : start + size]
            try:
                result = self._measuring(part, forward, kind)
            except RuntimeError as fault:
                if not is_out_of_memory(fault):
                    raise
                result = None
            if result is None:  # outside the handler, whose traceback keeps the tensors of the failed batch alive
                self._halve(len(part))
                continue
            start += len(part)
            yield part, result

    def _size(self, kind: object) -> int:
        if self._device.type != "cuda":
            return self._limit
        return min(self._limit, self._measured.get(kind, CPU_BATCH))

    def _measuring(self, part: Sequence[Item], forward: Callable[[Sequence[Item]], Tensor], kind: object) -> Tensor:
        if self._device.type != "cuda" or kind in self._measured:
            return forward(part)
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        result = forward(part)
        torch.cuda.synchronize(self._device)
        one = (torch.cuda.max_memory_allocated(self._device) - before) / len(part)
        self._measured[kind] = fitting(torch.cuda.mem_get_info(self._device)[0], one)
        return result

    def _halve(self, tried: int) -> None:
        if tried == 1:
            raise ModelError(
                f"There is not enough memory on {self._device} for a single window: "
                "close other programs, or choose another device."
            )
        self._limit = tried // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()


def fitting(free_bytes: float, bytes_an_item: float) -> int:
    """Items at once that `free_bytes` hold, between 1 and `MOST`."""
    return int(min(max(FREE_SHARE * free_bytes / max(bytes_an_item, 1.0), 1), MOST))


def is_out_of_memory(fault: RuntimeError) -> bool:
    """Whether torch ran out of memory, on a GPU or on the processor (for which there is no class of its own)."""
    return isinstance(fault, torch.OutOfMemoryError) or any(words in str(fault) for words in _CPU_WORDS)
