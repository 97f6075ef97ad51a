"""Fixtures of the training runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sarvlm_training.recipe import Recipe
from tests.training.tiny import make_small_scenes, tiny_recipe, use_few_words


@pytest.fixture(scope="session")
def small_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small_scenes(tmp_path_factory.mktemp("simulated"))


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    use_few_words(monkeypatch)


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """A run sets the seed and the threads of this process."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads of one small step wait for each other where the machine is busy
    with torch.random.fork_rng():
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def recipe(small_scenes: Path, tmp_path: Path) -> Recipe:
    return tiny_recipe(small_scenes, tmp_path / "run")
