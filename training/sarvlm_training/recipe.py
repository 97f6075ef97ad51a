"""All that decides a training run, and how it is read from TOML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

PATHS = ("data", "text", "out", "simulated", "pictures")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a training run.

    Attributes
    ----------
    data : Path
        Folder of the training sets.
    text : Path
        Folder with the sentence encoder's weights and tokenizer.
    out : Path
        Where state, weights and the captioner's weights go.
    start : str
        "imagenet", "scratch", or the weights of an earlier run.
    before : str
        Recipe, beside this one, that is run first where its weights are not there yet ("" for none).
    steps, batch, seed : int
        Steps, scene crops a step, and the seed of everything drawn.
    chips, captioned : int
        Chips and captioned pictures a step; 0 for none.
    rate, backbone_rate : float
        Peak learning rates of AdamW.
    shares, chip_shares : dict
        Shares of the sources of scene crops and of chips.
    pictures : Path, optional
        CSV table `imgpath,caption` of captioned pictures; None takes RSICD.
    bridge_weight : float
        Pull of SAR features to the optical features of the same ground.
    average : float
        Decay of the running average of weights, which is what is written.
    precision : str
        "float32", "bfloat16", or "auto": bfloat16 on a GPU.
    """

    data: Path = Path("../shared/data")
    text: Path = Path("resources/weights")
    out: Path = Path("runs/compact")
    start: str = "imagenet"
    before: str = ""
    steps: int = 3000
    batch: int = 4
    chips: int = 0
    captioned: int = 0
    seed: int = 0
    rate: float = 1.0e-3
    backbone_rate: float = 5.0e-4
    weight_decay: float = 0.03
    warm_up: int = 150
    text_noise: float = 0.02
    wordings: int = 3
    absent: int = 24
    place_weight: float = 1.0
    contrast_weight: float = 0.5
    chip_weight: float = 1.0
    prototype_weight: float = 1.0
    caption_weight: float = 0.25
    picture_weight: float = 0.5
    repulsion_weight: float = 0.2
    bridge_weight: float = 0.0
    average: float = 0.998
    threads: int = 1
    workers: int = 1
    device: str = "cpu"
    precision: str = "auto"
    keep_every: int = 250
    calibration: int = 24
    simulated: Path | None = None
    pictures: Path | None = None
    shares: dict[str, float] = field(default_factory=dict)
    chip_shares: dict[str, float] = field(default_factory=dict)


def read_recipe(path: Path, overrides: list[str]) -> Recipe:
    """A recipe from TOML with `key=value` overrides (values in TOML syntax, or plain words).

    Raises
    ------
    ValueError
        The file is no TOML, or a setting is unknown or of the wrong type.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no valid TOML ({error}): correct the recipe.") from error
    for item in overrides:
        key, _, value = item.partition("=")
        table[key] = _value(value)
    kinds = {f.name: f.type for f in fields(Recipe)}
    for key, value in table.items():
        if key not in kinds:
            names = ", ".join(sorted(kinds))
            raise ValueError(f"{path}: the recipe has no setting named {key!r}; known are {names}.")
        if not _fits(value, str(kinds[key])):
            raise ValueError(f"{path}: the setting {key} = {value!r} is not a {kinds[key]}; correct it.")
    for key in PATHS:
        if table.get(key):
            table[key] = Path(table[key])
    if not (table.get("shares") or table.get("chip_shares") or table.get("captioned")):
        raise ValueError(f"{path}: the recipe names nothing to learn from; give shares, chip_shares or captioned.")
    return Recipe(**table)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _fits(value: object, kind: str) -> bool:
    if kind.startswith("dict"):
        return isinstance(value, dict) and all(isinstance(v, int | float) for v in value.values())
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)
