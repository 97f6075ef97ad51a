"""Batches that fit: halved where memory runs out, sized by what was measured, in the order of the inputs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.errors import ModelError
from sarvlm_models.batches import CPU_BATCH, MOST, Batches, fitting, is_out_of_memory

CPU = torch.device("cpu")


class Network:
    """Doubles numbers; runs out of memory above `holds` at once."""

    def __init__(self, holds: int, fault: type[RuntimeError] = torch.OutOfMemoryError, words: str = "CUDA") -> None:
        self.holds, self.fault, self.words = holds, fault, words
        self.asked: list[int] = []

    def __call__(self, part: Sequence[int]) -> torch.Tensor:
        self.asked.append(len(part))
        if len(part) > self.holds:
            raise self.fault(self.words)
        return torch.tensor(part) * 2


@given(count=st.integers(0, 70), holds=st.integers(1, 20))
def test_every_input_is_answered_once_and_in_order_whatever_memory_holds(count: int, holds: int) -> None:
    network = Network(holds)
    parts = list(Batches(CPU).run(list(range(count)), network))
    assert [n for part, _ in parts for n in part] == list(range(count))
    assert [n for _, result in parts for n in result.tolist()] == [2 * n for n in range(count)]
    assert max((len(part) for part, _ in parts), default=0) <= min(holds, CPU_BATCH)


def test_a_batch_is_halved_until_it_fits_and_the_size_is_kept() -> None:
    batches, network = Batches(CPU), Network(5)
    list(batches.run(range(16), network))
    assert network.asked == [16, 8, 4, 4, 4, 4]
    network.asked.clear()
    list(batches.run(range(8), network))
    assert network.asked == [4, 4] and batches.limit == 4


def test_memory_of_the_processor_counts_too() -> None:
    words = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"
    network = Network(8, RuntimeError, words)
    list(Batches(CPU).run(range(16), network))
    assert network.asked == [16, 8, 8]
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_other_faults_are_not_swallowed() -> None:
    network = Network(4, RuntimeError, "mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(RuntimeError, match="mat1"):
        list(Batches(CPU).run(range(16), network))
    assert network.asked == [16]


def test_a_single_input_that_does_not_fit_gets_a_sentence() -> None:
    network = Network(0)
    with pytest.raises(ModelError, match="not enough memory on cpu.*close other programs"):
        list(Batches(CPU).run(range(3), network))
    assert network.asked == [3, 1]


def test_on_a_gpu_the_first_batch_measures_and_the_others_fill_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    item, free = 10 << 20, 1000 << 20
    network, peak = Network(1000), {"bytes": 0}
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _device: None)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _device: 7 << 20)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _device: peak.update(bytes=network.asked[-1] * item))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _device: (7 << 20) + peak["bytes"])
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (free, 2 * free))
    batches = Batches(torch.device("cuda", 0))
    list(batches.run(range(200), network, "crops"))
    assert network.asked == [16, 60, 60, 60, 4]


def test_on_a_gpu_that_is_fuller_than_measured_the_batch_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    for name in ("reset_peak_memory_stats", "synchronize"):
        monkeypatch.setattr(torch.cuda, name, lambda _device: None)
    for name in ("memory_allocated", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda _device: 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (80 << 30, 80 << 30))
    network = Network(50)
    parts = list(Batches(torch.device("cuda", 0)).run(range(300), network))
    assert network.asked[:5] == [16, 256, 128, 64, 32] and len(emptied) == 3
    assert [n for part, _ in parts for n in part] == list(range(300))


@given(free=st.floats(0, 1e12), one=st.floats(0, 1e12))
def test_a_batch_never_takes_more_than_its_share(free: float, one: float) -> None:
    size = fitting(free, one)
    assert 1 <= size <= MOST and (size == 1 or size * one <= free)
