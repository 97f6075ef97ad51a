"""The XML that SICD and SIDD files carry in their data extension segments."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from sarvlm_app.core.products.nitf.header import NitfHeader
from sarvlm_app.core.products.place import Slice, head
from sarvlm_app.core.products.stated import whole
from sarvlm_app.core.products.xml import children, text_at
from sarvlm_app.errors import SceneError

MAX_ORDER = 24
"""No product has polynomials of a higher order."""

_OLD = {"SICD_XML": "SICD", "SIDD_XML": "SIDD"}
_START = 4096


def documents(path: Path, header: NitfHeader) -> tuple[tuple[str, Slice], ...]:
    """Each XML of the file, in its order, with "SICD", "SIDD" or "" for what it is."""
    found: list[tuple[str, Slice]] = []
    for number, part in enumerate(header.extensions, start=1):
        if part.kind not in ("XML_DATA_CONTENT", *_OLD):
            continue
        kind = next((name for name in ("SICD", "SIDD") if part.namespace.upper().startswith(f"URN:{name}")), "")
        place = Slice(path, part.offset, part.size, f"{kind or _OLD.get(part.kind, 'XML')}_{number}.xml")
        found.append((kind or _old_kind(part.kind, place), place))
    return tuple(found)


def _old_kind(kind: str, place: Slice) -> str:
    """Early files say it in DESID, or only in the document itself."""
    start = head(place, _START)
    return next((name for name in ("SIDD", "SICD") if f"urn:{name}".encode() in start), _OLD.get(kind, ""))


def at(root: etree._Element, path: str) -> etree._Element | None:
    """The element at a path of tags such as "Grid/Row", in any namespace."""
    element: etree._Element | None = root
    for name in path.split("/"):
        element = None if element is None else next(children(element, name), None)
    return element


def size_at(root: etree._Element, path: Path, rows: str, cols: str) -> tuple[int, int]:
    """Rows and columns that the XML states.

    Raises
    ------
    SceneError
        It states none.
    """
    found = [whole(text_at(root, name)) for name in (rows, cols)]
    if any(value is None or value < 1 for value in found):
        raise SceneError(f"{path} is damaged: its XML states no size at {rows} and {cols}; copy or download it again.")
    return int(found[0] or 0), int(found[1] or 0)


def require_low_orders(root: etree._Element) -> None:
    """Refuse polynomials whose tables of coefficients would fill the memory.

    Raises
    ------
    ValueError
        A coefficient has an exponent above `MAX_ORDER`, or one that is no number.
    """
    for term in root.iter("{*}Coef"):
        for name in ("exponent1", "exponent2", "exponent3"):
            text = term.get(name, "0")
            if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MAX_ORDER):
                raise ValueError("a polynomial of the XML has an impossible exponent")
