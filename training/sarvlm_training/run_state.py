"""The state of a run between two steps: kept, held against the recipe, and gone on from.

A run that is stopped and gone on with equals one that was never stopped: the
state holds the random numbers' generators too, also those that draw the data.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from sarvlm_app.errors import ModelError
from sarvlm_models.caption_decoder import WordList

from .checkpoints import STATE_FILE
from .concepts import Vocabulary
from .recipe import Recipe

FREE: Final = frozenset({
    "data", "text", "out", "before", "steps", "batch", "chips", "captioned", "threads", "workers", "device",
    "precision", "keep_every", "calibration", "simulated", "pictures",
})  # fmt: skip
"""Settings that may change when a run goes on: where things lie, how long, how much at a time, on what machine."""

_SET_PLACES: Final = ("path", "root", "names")

State = dict[str, Any]


def settings_of(recipe: Recipe) -> dict[str, str]:
    """Settings that a run must keep when it goes on, as JSON."""
    kept = {key: value for key, value in asdict(recipe).items() if key not in FREE}
    kept["sets"] = [{key: value for key, value in one.items() if key not in _SET_PLACES} for one in kept["sets"]]
    return {key: json.dumps(value, default=str, sort_keys=True) for key, value in kept.items()}


def names_digest(vocabulary: Vocabulary, words: WordList) -> str:
    """SHA-256 of the concepts and of the decoder's words, in order: rows of the weights stand for them."""
    listed = [[concept.key for concept in vocabulary.concepts], list(words.words)]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def read_state(recipe: Recipe, names: str, device: torch.device) -> State | None:
    """The state to go on from, or None where the run has not kept any yet.

    Raises
    ------
    ModelError
        The file is damaged, or of another recipe, vocabulary or version.
    """
    path = recipe.out / STATE_FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, weights_only=True, map_location=device)
        found = {"learner", "optimiser", "average", "step"} <= state.keys()
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, AttributeError) as fault:
        raise ModelError(f"{path} is damaged; remove it and start the run again without --resume.") from fault
    if not found:
        raise ModelError(f"{path} is no state of a run of this version; {_REMEDY}.")
    _require_same_recipe(path, state.get("recipe", {}), settings_of(recipe))
    if state.get("names", names) != names:
        raise ModelError(f"{path} is the state of a run with other concepts or other words of captions; {_REMEDY}.")
    return dict(state)


_REMEDY: Final = "choose another out, or start again without --resume"


def _require_same_recipe(path: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    defaults = settings_of(Recipe())  # of settings that there were not yet when the state was kept
    for key, is_now in now.items() if before else ():
        was = before.get(key, defaults[key])
        if was != is_now:
            raise ModelError(
                f"{path} is the state of another recipe: its {key} is {was[:80]} and here it is {is_now[:80]}; "
                f"set it back, {_REMEDY}."
            )


def take_up(state: State, path: Path, learner: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Put the weights of a state into the networks and the optimiser.

    Raises
    ------
    ModelError
        They are of another architecture.
    """
    try:
        learner.load_state_dict(state["learner"])
        optimiser.load_state_dict(state["optimiser"])
    except (RuntimeError, ValueError, KeyError) as fault:
        reason = str(fault).strip().splitlines()[-1].strip().rstrip(".")
        raise ModelError(f"{path} is the state of another network ({reason}); {_REMEDY}.") from fault


def random_state(generator: torch.Generator, streams: Sequence[str], device: torch.device) -> State:
    """Where all generators of random numbers stand; `streams` are those of the data (`Step.stream`)."""
    state: State = {"torch": torch.get_rng_state(), "texts": generator.get_state(), "streams": list(streams)}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random(state: State, generator: torch.Generator, device: torch.device) -> None:
    """Put the generators (but for those of the data) where they stood."""
    torch.set_rng_state(state["torch"].cpu())
    generator.set_state(state["texts"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)


def streams_of(state: State | None, workers: int) -> list[str]:
    """The data's generators where as many processes draw as before, else none: they are seeded anew then."""
    streams: list[str] = state.get("random", {}).get("streams", []) if state else []
    return streams if len(streams) == max(1, workers) else []
