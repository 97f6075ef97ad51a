"""All that decides a training of the detector."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sarvlm_app.errors import ModelError
from sarvlm_training.recipe import read_table

KIND = "detector"
SOURCES = ("ssdd", "mstar", "airports", "simulated", "sentinel")
PATHS = ("data", "text", "out", "simulated")
LEAST = {
    "steps": 1,
    "batch": 1,
    "seed": 0,
    "warm_up": 0,
    "threads": 1,
    "keep_every": 1,
}


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """All that decides a training of the detector.

    Attributes
    ----------
    kind : str
        "detector": what tells this recipe from that of the tower.
    data, text, out : Path
        Training sets, the sentence encoder, and where state and weights go.
    simulated : Path, optional
        Simulated scenes (`python -m sarvlm_training.data.simulated`).
    start : str
        "shipped" (the tower of the shipped SARCLIP), "imagenet", or weights of a SARCLIP or of a detector.
    steps, batch, seed : int
        Steps, crops a step, and the seed of everything drawn.
    rate, backbone_rate : float
        Peak learning rates of AdamW.
    average : float
        Decay of the running average of weights, which is what is written.
    shares : dict
        Shares of the sources.
    """

    kind: str = KIND
    data: Path = Path("../shared/data")
    text: Path = Path("resources/weights")
    out: Path = Path("runs/detector")
    simulated: Path | None = None
    start: str = "shipped"
    steps: int = 3000
    batch: int = 6
    seed: int = 0
    rate: float = 1.2e-3
    backbone_rate: float = 4.0e-4
    weight_decay: float = 0.03
    warm_up: int = 100
    text_noise: float = 0.02
    average: float = 0.998
    threads: int = 1
    keep_every: int = 100
    shares: dict[str, float] = field(default_factory=dict)


def read_detector_recipe(path: Path, overrides: list[str]) -> DetectorRecipe:
    """A recipe from TOML with `key=value` overrides.

    Raises
    ------
    ModelError
        The file cannot be read, or a setting is unknown, of the wrong type or out of range.
    """
    table = read_table(path, overrides)
    fault = _fault(table)
    if fault:
        raise ModelError(f"{path}: {fault}.")
    for key in PATHS:
        if key in table:
            table[key] = Path(table[key])
    return DetectorRecipe(**table)


def _fault(table: dict[str, Any]) -> str:
    """What is wrong with the settings, with the remedy; "" where nothing is."""
    kinds = {f.name: str(f.type) for f in fields(DetectorRecipe)}
    for key, value in table.items():
        if key not in kinds:
            return f"the recipe has no setting named {key!r}; known are {', '.join(sorted(kinds))}"
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if kinds[key] == "float" and not (number and math.isfinite(value) and value >= 0):
            return f"{key} = {value!r} is no number from 0 up; correct it"
        if kinds[key] == "int" and not (isinstance(value, int) and number and value >= LEAST.get(key, 0)):
            return f"{key} = {value!r} is no whole number from {LEAST.get(key, 0)} up; correct it"
        if kinds[key] in ("str", "Path", "Path | None") and not isinstance(value, str):
            return f"{key} = {value!r} is no text; correct it"
    shares = table.get("shares")
    if not isinstance(shares, dict) or not shares:
        return "the recipe names nothing to learn from; give a table [shares]"
    for name, share in shares.items():
        if name not in SOURCES:
            return f"there is no source {name!r}; known are {', '.join(SOURCES)}"
        if not isinstance(share, int | float) or not 0 < share < math.inf:
            return f"shares.{name} = {share!r} is not above 0; give a share, or leave {name} out"
    if "simulated" in shares and "simulated" not in table:
        return 'shares.simulated is given without scenes; set simulated = "FOLDER" (see docs/training.md)'
    return ""
