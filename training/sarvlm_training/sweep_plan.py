"""EVAL.toml: the measures by which a sweep chooses, in the options of `sarvlm evaluate`."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import ClassVar

from sarvlm_app.errors import QueryError


@dataclass(frozen=True, slots=True)
class Classify:
    """A `[[measure]]` of kind "classify": the options of `sarvlm evaluate classify`, by which figure to judge."""

    table: Path
    root: Path = Path()
    path_column: str = "path"
    label_column: str = "label"
    npz: Path | None = None
    row_column: str = "row"
    names: Path | None = None
    templates: str = "sar"
    spacing: float | None = None
    figure: str = "mean_per_class"

    FIGURES: ClassVar = ("top1", "top3", "top5", "mean_per_class")


@dataclass(frozen=True, slots=True)
class Heatmap:
    """A `[[measure]]` of kind "heatmap": the options of `sarvlm evaluate heatmap`, by which figure to judge."""

    coco: Path
    root: Path
    names: Path | None = None
    figure: str = "ap"

    FIGURES: ClassVar = ("ap", "pointing")


Part = Classify | Heatmap
KINDS: Mapping[str, type[Classify] | type[Heatmap]] = {"classify": Classify, "heatmap": Heatmap}
_TYPES: Mapping[str, tuple[type, str]] = {
    "Path": (str, "a path in quotes"),
    "Path | None": (str, "a path in quotes"),
    "str": (str, "text in quotes"),
    "float | None": (float, "a number"),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One measure of a plan: its name in the table, its weight in the mean, and what it is."""

    name: str
    weight: float
    part: Part


def read_plan(path: Path) -> list[Planned]:
    """The measures of an EVAL.toml; relative paths in it are relative to the working folder, as in recipes.

    Raises
    ------
    QueryError
        The file cannot be read, is no such plan, or names a file that is not there.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise QueryError(
            f"{path} cannot be read ({fault.strerror}); name a plan such as recipes/sweep.toml."
        ) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise QueryError(f"{path} is no TOML file ({fault}); correct it.") from fault
    tables = content.get("measure")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise QueryError(f"{path} names no measures; give it at least one [[measure]] with a kind.")
    planned = [_planned(table, f"{path}, measure {number}") for number, table in enumerate(tables, 1)]
    names = [one.name for one in planned]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise QueryError(f"{path} has two measures named “{double}”; give each a name of its own.")
    return planned


def _planned(table: Mapping[str, object], where: str) -> Planned:
    """One [[measure]], checked."""
    kind = KINDS.get(str(table.get("kind")))
    if kind is None:
        raise QueryError(f"{where} is of the kind “{table.get('kind')}”; use one of {', '.join(KINDS)}.")
    weight = table.get("weight", 1.0)
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 < weight < math.inf:
        raise QueryError(f"{where} has the weight {weight!r}; give a number above 0.")
    known = {field.name: field for field in fields(kind)}
    values: dict[str, object] = {}
    for key, value in table.items():
        if key in ("kind", "weight", "name"):
            continue
        if key not in known:
            raise QueryError(f"{where} has no setting “{key}”; known are name, weight, {', '.join(known)}.")
        values[key] = _value(value, str(known[key].type), f"{where}: {key}")
    missing = [name for name, field in known.items() if field.default is MISSING and name not in values]
    if missing:
        raise QueryError(f"{where} lacks “{missing[0]}”; add it.")
    part = kind(**values)  # type: ignore[arg-type] # held against the fields' types above
    if part.figure not in kind.FIGURES:
        raise QueryError(f"{where} asks for the figure “{part.figure}”; use one of {', '.join(kind.FIGURES)}.")
    return Planned(str(table.get("name", f"{table['kind']} {where.rpartition(' ')[2]}")), float(weight), part)


def _value(value: object, wanted: str, where: str) -> object:
    """A setting as its field wants it; files and folders must be there."""
    kind, words = _TYPES[wanted]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        raise QueryError(f"{where} is {value!r}; give {words}.")
    if not wanted.startswith("Path"):
        return value
    if not Path(str(value)).exists():
        raise QueryError(f"{where} names {value}, which is not there; correct the path or make the file.")
    return Path(str(value))
