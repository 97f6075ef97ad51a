"""What a recipe says of a set of training data of the user: one `[[set]]` table each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from sarvlm_app.errors import ModelError

CAPTIONED: Final = ("captions",)
CHIPS: Final = ("folders", "opensarship")
PLACES: Final = ("coco", "dota", "geojson", "carabas", "mstar_scenes")
WORDING: Final = ("wording",)
KINDS: Final = (*CAPTIONED, *CHIPS, *PLACES, *WORDING)
TURNS: Final = ("all", "mirror", "none")


@dataclass(frozen=True, slots=True)
class UserSet:
    """A set of training data; docs/training.md shows every kind.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    path : Path
        The table, the label file or the folder.
    root : Path, optional
        Folder of the pictures; default: that of `path`, or `path` where it is a folder.
    name : str
        What events and messages call it; default: kind and number.
    share : float
        How often it is drawn, against the other sources of its sort.
    words : dict of str to tuple of str
        Words for a class of the set, as in NAMES.json.
    names : Path, optional
        A NAMES.json for the classes that `words` leaves out.
    concepts : dict of str to str
        Classes that are concepts of `concepts.toml`.
    is_a : dict of str to str
        Classes that are a kind of such a concept.
    ground : tuple of str
        Classes that are ground and not things that can be counted.
    complete : tuple of str
        Concepts all of whose objects are labelled in the pictures, beside the classes themselves.
    absent : tuple of str
        Concepts, or groups of them, that none of the pictures shows.
    exhaustive : bool
        Every object of every class (of things) is labelled.
    spacing_m : float
        Ground metres a pixel where the files do not tell; 0 where nobody knows.
    core : float
        Share of a box's width and height that its object surely fills.
    rescale : bool
        Crops are drawn at scales of 0.5 to 1.7 too, for pictures of unlike resolution.
    turns : str
        "mirror" left to right, "all" quarter turns too, or "none".
    held : float
        Share of the pictures that is kept back from training, whole scenes and groups of look-alikes at a time.
    seed : int
        Of what is kept back.
    scene_of : str
        Regular expression whose first group, found in a picture's path, names the scene that it was cut from.
    label : str
        Property of a GeoJSON feature that names its class.
    """

    kind: str
    path: Path
    root: Path | None = None
    name: str = ""
    share: float = 1.0
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: Path | None = None
    concepts: dict[str, str] = field(default_factory=dict)
    is_a: dict[str, str] = field(default_factory=dict)
    ground: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    exhaustive: bool = True
    spacing_m: float = 0.0
    core: float = 1.0
    rescale: bool = False
    turns: str = "mirror"
    held: float = 0.0
    seed: int = 0
    scene_of: str = ""
    label: str = "label"

    @property
    def folder(self) -> Path:
        """Folder of the pictures."""
        return self.root or (self.path if self.path.is_dir() else self.path.parent)


def read_sets(tables: object, where: Path) -> tuple[UserSet, ...]:
    """The sets of a recipe from its `[[set]]` tables.

    Raises
    ------
    ModelError
        A setting is unknown, missing, of the wrong type or out of range.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ModelError(f"{where}: set is not a list of tables; write each set under [[set]].")
    sets = tuple(_read_set(table, number, where) for number, table in enumerate(tables, 1))
    names = [one.name for one in sets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"{where}: two sets are named {twice!r}; give each a name of its own.")
    return sets


def _read_set(table: Mapping[str, Any], number: int, where: Path) -> UserSet:
    place = f"{where}, set {number}"
    kinds = {f.name: str(f.type) for f in fields(UserSet)}
    needed = [f.name for f in fields(UserSet) if f.default is MISSING and f.default_factory is MISSING]
    missing = [key for key in needed if key not in table]
    if missing:
        raise ModelError(f"{place} has no {missing[0]}; give kind ({', '.join(KINDS)}) and path.")
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in kinds:
            raise ModelError(f"{place} has no setting named {key!r}; known are {', '.join(sorted(kinds))}.")
        try:
            values[key] = _READERS[kinds[key]](value)
        except TypeError as fault:
            raise ModelError(f"{place}: {key} = {value!r} is not {fault}; correct it.") from fault
    found = UserSet(**values)
    found = found if found.name else replace(found, name=f"{found.kind} {number}")
    _require_range(found, place)
    return found


def _require_range(one: UserSet, place: str) -> None:
    tests = {
        f"kind = {one.kind!r} is none of {', '.join(KINDS)}": one.kind in KINDS,
        f"turns = {one.turns!r} is none of {', '.join(TURNS)}": one.turns in TURNS,
        f"share = {one.share} is not above 0": 0 < one.share < float("inf"),
        f"held = {one.held} does not lie in 0..0.9": 0 <= one.held <= 0.9,
        f"core = {one.core} does not lie in 0.1..1": 0.1 <= one.core <= 1,
        f"spacing_m = {one.spacing_m} is below 0": 0 <= one.spacing_m < float("inf"),
        f"scene_of = {one.scene_of!r} is no regular expression with a group": _is_pattern(one.scene_of),
    }
    wrong = next((text for text, holds in tests.items() if not holds), None)
    if wrong is not None:
        raise ModelError(f"{place}: {wrong}; correct it.")


def _is_pattern(text: str) -> bool:
    try:
        return not text or re.compile(text).groups > 0
    except re.error:
        return False


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text")
    return value


def _place(value: object) -> Path:
    return Path(_text(value))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number")
    return float(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not all(isinstance(v, str) and v.strip() for v in value):
        raise TypeError("a text or a list of texts")
    return tuple(text.strip() for text in value)


def _words(value: object) -> tuple[str, ...]:
    words = _texts(value)
    if not words:
        raise TypeError("a text or a list of texts")
    return words


def _by_class(value: object, read: Callable[[object], Any]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a table of classes")
    return {key: read(inner) for key, inner in value.items()}


_READERS: Final[Mapping[str, Callable[[object], Any]]] = {
    "str": _text,
    "Path": _place,
    "Path | None": _place,
    "float": _number,
    "int": _whole,
    "bool": _yes_or_no,
    "tuple[str, ...]": _texts,
    "dict[str, str]": lambda value: _by_class(value, _text),
    "dict[str, tuple[str, ...]]": lambda value: _by_class(value, _words),
}
