"""Side files in JSON, which come from anywhere: bounded in size, and never trusted to hold what they should."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sarvlm_app.core.products.place import Place, read_bytes
from sarvlm_app.errors import SceneError

MAX_JSON_BYTES = 32 * 2**20
"""Metadata of a product are a few hundred kilobytes."""

JsonObject = Mapping[str, Any]


def read_object(place: Place, limit: int = MAX_JSON_BYTES) -> JsonObject:
    """The object that a JSON file holds.

    Raises
    ------
    SceneError
        It is missing, larger than `limit`, no JSON, or no object.
    """
    return parse_object(read_bytes(place, limit), str(place))


def parse_object(content: bytes | str, name: str) -> JsonObject:
    """The same of text; `name` stands in the sentence where it cannot be read."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:  # of text, of JSON, of nesting, of a number with thousands of digits
        raise SceneError(f"{name} is not readable JSON; copy or download the product again.") from error
    if not isinstance(found, dict):
        raise SceneError(f"{name} holds no JSON object; copy or download the product again.")
    return found


def item_at(found: Any, path: str) -> Any:
    """What lies at a path such as "collects/0/startAtUTC", or None."""
    for key in path.split("/"):
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found


def text_in(found: Any, path: str) -> str | None:
    """A text that is not empty, or None."""
    value = item_at(found, path)
    return value.strip() or None if isinstance(value, str) else None


def number_in(found: Any, path: str) -> float | None:
    """A finite number, or None; texts are no numbers."""
    return _finite(item_at(found, path))


def numbers_in(found: Any, path: str, count: int | None = None) -> tuple[float, ...] | None:
    """A list of finite numbers (`count` of them), or None."""
    values = item_at(found, path)
    if not isinstance(values, list) or (count is not None and len(values) != count):
        return None
    numbers = tuple(number for number in map(_finite, values) if number is not None)
    return numbers if len(numbers) == len(values) else None


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
