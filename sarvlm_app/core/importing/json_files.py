"""JSON files of other programs: what cannot be used is one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path

from sarvlm_app.errors import QueryError


def read_json(path: Path) -> object:
    """The content of a JSON file.

    Raises
    ------
    QueryError
        There is no such file, or it holds no JSON.
    """
    try:
        content: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise QueryError(f"{path} cannot be read ({fault.strerror}); check its name and permissions.") from fault
    except (ValueError, RecursionError) as fault:  # of text, of JSON, of a number with thousands of digits
        raise QueryError(f"{path} holds no JSON; check that it is the right file and complete.") from fault
    return content


def finite_numbers(values: object, count: int | None = None) -> list[float] | None:
    """A list of finite numbers (`count` of them), or None where `values` is none."""
    found = numbers(values, count)
    return found if found is not None and all(map(math.isfinite, found)) else None


def numbers(values: object, count: int | None = None) -> list[float] | None:
    """A list of numbers (`count` of them), NaN and infinity among them, or None where `values` is none."""
    if not isinstance(values, list) or (count is not None and len(values) != count):
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return None
    try:
        return [float(v) for v in values]
    except OverflowError:  # a whole number beyond all floats
        return [math.nan] * len(values)
