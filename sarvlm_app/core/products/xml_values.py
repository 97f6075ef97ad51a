"""Numbers, moments and lists of elements from annotation in XML; what is not there, or is none, is None or empty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lxml import etree

from sarvlm_app.core.products.stated import number, utc, whole
from sarvlm_app.core.products.xml import children, text_at


def element_at(root: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of tags, in any namespace."""
    found: etree._Element | None = root
    for name in path.split("/"):
        found = None if found is None else next(children(found, name), None)
    return found


def elements_at(root: etree._Element, path: str) -> Iterator[etree._Element]:
    """All elements of the last tag of a path, below the first of each tag before."""
    above, _, name = path.rpartition("/")
    parent = element_at(root, above) if above else root
    return iter(()) if parent is None else children(parent, name)


def number_at(root: etree._Element, path: str) -> float | None:
    """A finite number."""
    return number(text_at(root, path))


def whole_at(root: etree._Element, path: str) -> int | None:
    """A whole number."""
    return whole(text_at(root, path))


def time_at(root: etree._Element, path: str) -> datetime | None:
    """A moment as UTC."""
    return utc(text_at(root, path))


def own_text(element: etree._Element) -> str:
    """The element's own text, stripped."""
    return (element.text or "").strip()
