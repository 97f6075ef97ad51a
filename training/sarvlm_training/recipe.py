"""All that decides a training run, and how it is read from TOML."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sarvlm_app.errors import ModelError

from .data.user_sets import CAPTIONED, CHIPS, PLACES, UserSet, read_sets

PATHS = ("data", "text", "out", "simulated", "pictures")
PRECISIONS = ("auto", "float32", "bfloat16")
LEAST = {
    "steps": 0, "batch": 0, "chips": 0, "captioned": 0, "seed": 0, "warm_up": 0, "wordings": 1, "absent": 0,
    "threads": 1, "workers": 0, "keep_every": 1, "calibration": 0,
    "head_steps": 0, "head_reads": 1,
}  # fmt: skip
"""Least value of each whole number."""

SEEN_ANEW = {"scintillation": ("mstar", "aircraft"), "hidden_parts": ("aircraft",)}
"""The sources of chips that each way of seeing a target anew serves."""


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
        "imagenet", "scratch", "shipped" (the model of this program), or the weights of an earlier run.
    before : str
        Recipe, beside this one, that is run first where its weights are not there yet ("" for none).
    steps, batch, seed : int
        Steps, scene crops a step, and the seed of everything drawn. No steps: only the heads are fitted.
    chips, captioned : int
        Chips and captioned pictures a step; 0 for none.
    rate, backbone_rate : float
        Peak learning rates of AdamW.
    shares, chip_shares : dict
        Shares of the sources of scene crops and of chips.
    scintillation, hidden_parts : dict
        Shares (0 to 1) of a source's chips whose scatterers are brighter and
        darker by parts, and of which a part is covered.
    pictures : Path, optional
        CSV table `imgpath,caption` of captioned pictures; None takes RSICD.
    bridge_weight : float
        Pull of SAR features to the optical features of the same ground.
    head_steps, head_reads : int
        Steps of the heads alone at the end, and the steps of data whose features they are fitted on; 0 for none.
    calibration : int
        Steps of data from which the backbone's normalisation and the head's
        statistics are taken at the start; 0 leaves them as the start has them.
    average : float
        Decay of the running average of weights, which is what is written.
    precision : str
        "float32", "bfloat16", or "auto": bfloat16 on a GPU.
    sets : tuple of UserSet
        The user's own data, from the `[[set]]` tables; their shares count beside `shares` and `chip_shares`.
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
    head_steps: int = 0
    head_reads: int = 450
    simulated: Path | None = None
    pictures: Path | None = None
    shares: dict[str, float] = field(default_factory=dict)
    chip_shares: dict[str, float] = field(default_factory=dict)
    scintillation: dict[str, float] = field(default_factory=dict)
    hidden_parts: dict[str, float] = field(default_factory=dict)
    sets: tuple[UserSet, ...] = ()


def read_table(path: Path, overrides: list[str]) -> dict[str, Any]:
    """The settings of a TOML file with `key=value` overrides (values in TOML syntax, or plain words).

    Raises
    ------
    ModelError
        The file cannot be read or is no TOML, or an override gives no value.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); check its name and permissions.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is no valid TOML ({error}): correct the recipe.") from error
    for item in overrides:
        key, equals, value = item.partition("=")
        if not equals:
            raise ModelError(f"--set {item} gives no value; write it as --set key=value.")
        table[key] = _value(value)
    return table


def read_recipe(path: Path, overrides: list[str]) -> Recipe:
    """A recipe from TOML with `key=value` overrides (values in TOML syntax, or plain words).

    Raises
    ------
    ModelError
        The file cannot be read or is no TOML, or a setting is unknown, of the wrong type or out of range.
    """
    table = read_table(path, overrides)
    sets = read_sets(table.pop("set"), path) if "set" in table else ()
    kinds = {f.name: str(f.type) for f in fields(Recipe) if f.name != "sets"}
    for key, value in table.items():
        if key not in kinds:
            names = ", ".join(sorted((*kinds, "set")))
            raise ModelError(f"{path}: the recipe has no setting named {key!r}; known are {names}.")
        if not _fits(value, kinds[key]):
            raise ModelError(f"{path}: the setting {key} = {value!r} is not {_WORDS[kinds[key]]}; correct it.")
    for key in PATHS:
        if table.get(key):
            table[key] = Path(table[key])
    recipe = Recipe(**table, sets=sets)
    fault = _range_fault(recipe) or _data_fault(recipe) or _seen_anew_fault(recipe)
    if fault:
        raise ModelError(f"{path}: {fault}.")
    return recipe


def _range_fault(recipe: Recipe) -> str:
    """What is out of range, with the remedy; "" where nothing is."""
    for key, least in LEAST.items():
        if getattr(recipe, key) < least:
            return f"{key} = {getattr(recipe, key)} is too low; give at least {least}"
    for f in fields(Recipe):
        value = getattr(recipe, f.name)
        if f.type == "float" and not (math.isfinite(value) and value >= 0):
            return f"{f.name} = {value} is out of range; give a number from 0 up"
    if recipe.steps == 0 and recipe.head_steps == 0:
        return "steps = 0 and head_steps = 0, so there is nothing to do; give one of them"
    if recipe.calibration == 1 or (recipe.calibration == 0 and recipe.start in ("imagenet", "scratch")):
        return f"calibration = {recipe.calibration} is too low for this start; give at least 2"
    if recipe.average > 1:
        return f"average = {recipe.average} is out of range; give a number from 0 to 1"
    if recipe.precision not in PRECISIONS:
        return f"precision = {recipe.precision!r} is unknown; use one of {', '.join(PRECISIONS)}"
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", recipe.device):
        return f"device = {recipe.device!r} is unknown; use auto, cpu, cuda or cuda:N"
    return ""


def _data_fault(recipe: Recipe) -> str:
    """What is wrong with the choice of data, with the remedy; "" where nothing is."""
    if not (recipe.shares or recipe.chip_shares or recipe.captioned or recipe.sets):
        return "the recipe names nothing to learn from; give shares, chip_shares, captioned or [[set]] tables"
    for key, shares in (("shares", recipe.shares), ("chip_shares", recipe.chip_shares)):
        wrong = next((name for name, share in shares.items() if not 0 < share < math.inf), None)
        if wrong is not None:
            return f"{key}.{wrong} = {shares[wrong]} is not above 0; give a share, or leave {wrong} out"
    numbers = (("captioned", CAPTIONED), ("chips", CHIPS), ("batch", PLACES))
    for one in recipe.sets:
        if one.name in recipe.shares or one.name in recipe.chip_shares:
            return f"the set {one.name!r} has the name of a shared source; name it otherwise"
        for key, kinds in numbers:
            if one.kind in kinds and not getattr(recipe, key):
                return f"the set {one.name!r} is of kind {one.kind} and {key} = 0; say how many a step"
    if recipe.pictures is not None and any(one.kind in CAPTIONED for one in recipe.sets):
        return "captions are named by pictures and by a [[set]] too; name them in one place"
    return ""


def _seen_anew_fault(recipe: Recipe) -> str:
    """What is wrong with the shares of chips that are seen anew, with the remedy; "" where nothing is."""
    for key, sources in SEEN_ANEW.items():
        for name, share in getattr(recipe, key).items():
            if name not in sources:
                return f"{key}.{name} does nothing; give a share of {' or '.join(sources)}"
            if not 0 <= share <= 1:
                return f"{key}.{name} = {share} is out of range; give a share from 0 to 1"
    return ""


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _fits(value: object, kind: str) -> bool:
    if kind.startswith("dict"):
        return isinstance(value, dict) and all(_fits(v, "float") for v in value.values())
    if kind == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)


_WORDS = {
    "int": "a whole number", "float": "a number", "str": "a text", "Path": "a text that names a place",
    "Path | None": "a text that names a place", "dict[str, float]": "a table of numbers",
}  # fmt: skip
