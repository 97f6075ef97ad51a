"""Everything that a scene's files say of it, as one tree: facts, tags, and side files in XML, JSON or text.

A tree is read on a worker when somebody wants to see it. Side files come from
anywhere: nothing in them is run, fetched or expanded, and each is bounded in
size, depth and number of entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from lxml import etree

from sarvlm_app.core.products.dataset import borrowed, driver_of
from sarvlm_app.core.products.place import Place, read_bytes
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.products.xml import local_name, parse_xml_bytes
from sarvlm_app.errors import SceneError

MAX_DOCUMENT_BYTES = 64 * 2**20
MAX_TEXT_BYTES = 2**20
MAX_ENTRIES = 60_000
"""Of one document; what is beyond is left out, and the tree says so."""
MAX_DEPTH = 100
MAX_VALUE = 20_000
"""Letters of one value."""
_XML_DOMAIN = "xml:"


@dataclass(frozen=True, slots=True)
class MetadataNode:
    """One entry.

    Attributes
    ----------
    key, value : str
        The value is empty where there is none.
    children : tuple of MetadataNode
    """

    key: str
    value: str = ""
    children: tuple[MetadataNode, ...] = ()

    @property
    def size(self) -> int:
        """Entries below it."""
        return sum(1 + child.size for child in self.children)


class Steps(Protocol):
    """Where a job may be stopped; `core.jobs.JobContext` is one."""

    def step(self, done: int, total: int, message: str) -> object: ...


class _Budget:
    """Counts the entries of one document."""

    def __init__(self) -> None:
        self.left = MAX_ENTRIES

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0


def metadata_tree(scene: Scene, ctx: Steps | None = None) -> MetadataNode:
    """The tree of a scene; a side file that cannot be read stands in it with the sentence that says why.

    Parameters
    ----------
    ctx : Steps, optional
        Steps once a document; may raise to cancel.
    """
    parts = [_facts(scene), *_tags(scene.path)]
    for number, place in enumerate(scene.documents):
        if ctx is not None:
            ctx.step(number, len(scene.documents), f"Reading {_name(place)}")
        parts.append(_document(place))
    return MetadataNode(scene.name, "", tuple(parts))


def found(node: MetadataNode, text: str) -> MetadataNode | None:
    """The part of a tree in which every word of `text` occurs in an entry's value or in the keys that lead to it.

    The case of letters does not matter. None where nothing is found; the whole tree for an empty text.
    """
    words = tuple(text.casefold().split())
    return node if not words else _found(node, words, top=True)


def _found(node: MetadataNode, words: tuple[str, ...], *, top: bool = False) -> MetadataNode | None:
    key = "" if top else node.key.casefold()
    rest = tuple(word for word in words if word not in key)
    if not rest:
        return node
    children = tuple(kept for kept in (_found(child, rest) for child in node.children) if kept is not None)
    if children:
        return replace(node, children=children)
    value = node.value.casefold()
    return replace(node, children=()) if not top and all(word in value for word in rest) else None


# ---- facts ------------------------------------------------------------------
def _facts(scene: Scene) -> MetadataNode:
    """What the scene knows of itself, in the order of its fields."""
    pairs: list[tuple[str, object]] = [
        ("path", scene.path), ("product", scene.product), ("part", scene.part), ("parts", ", ".join(scene.parts)),
        ("width_px", scene.width), ("height_px", scene.height),
        ("bands", ", ".join(band.name for band in scene.bands)), ("dtype", scene.dtype),
        ("value_type", scene.value_type), ("calibration", scene.calibration), ("no_data", scene.nodata),
        ("crs", scene.georef.crs_name if scene.georef is not None else None),
        ("spacing_m", _numbers(scene.spacing_m)), ("incidence_deg", _numbers(scene.incidence_deg)),
        ("acquired", scene.acquired.isoformat() if scene.acquired is not None else None),
        *scene.facts.items(),
        ("missing", ", ".join(scene.missing)), ("done_to_it", scene.origin), ("fingerprint", scene.fingerprint),
    ]  # fmt: skip
    kept = tuple(MetadataNode(key, str(value)) for key, value in pairs if value not in (None, ""))
    return MetadataNode("Scene", "", kept)


def _numbers(values: Iterable[float] | None) -> str | None:
    return None if values is None else ", ".join(f"{value:.6g}" for value in values)


# ---- tags of the image file --------------------------------------------------
def _tags(path: Path) -> tuple[MetadataNode, ...]:
    """The tags that GDAL finds in an image file, by domain; nothing for products that are folders."""
    try:
        if not path.is_file() or driver_of(path) is None:
            return ()
        with borrowed(path) as dataset:
            groups = [_domain("" if name == "DEFAULT" else name, dataset.tags(ns=name)) for name in _domains(dataset)]
            groups.insert(0, _domain("", dataset.tags()))
            bands = [_domain(f"band {index}", dataset.tags(index)) for index in range(1, min(dataset.count, 64) + 1)]
    except (SceneError, OSError) as error:
        return (MetadataNode("Tags", str(error)),)
    kept = tuple(group for group in (*groups, *bands) if group is not None)
    return (MetadataNode("Tags", "", kept),) if kept else ()


def _domains(dataset: Any) -> list[str]:
    return [str(name) for name in dataset.tag_namespaces() if str(name) not in ("", "DEFAULT", "DERIVED_SUBDATASETS")]


def _domain(name: str, tags: Mapping[str, str]) -> MetadataNode | None:
    if not tags:
        return None
    if name.startswith(_XML_DOMAIN):
        content = "".join(
            f"{key}={value}" if not value.lstrip().startswith("<") else value for key, value in tags.items()
        )
        return _xml(content.encode(), name)
    budget = _Budget()
    kept = [MetadataNode(str(key), _short(str(value))) for key, value in tags.items() if budget.take()]
    return MetadataNode(name or "file", "", tuple(kept))


# ---- side files ----------------------------------------------------------------
def _document(place: Place) -> MetadataNode:
    name = _name(place)
    try:
        content = read_bytes(place, MAX_DOCUMENT_BYTES)
    except SceneError as error:
        return MetadataNode(name, str(error))
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return _xml(content, name)
    if start.startswith((b"{", b"[")):
        return _json(content, name)
    return _text(content, name)


def _xml(content: bytes, name: str) -> MetadataNode:
    try:
        root = parse_xml_bytes(content, name)
    except SceneError as error:
        return MetadataNode(name, str(error))
    return MetadataNode(name, "", _closed((_element(root, _Budget(), 0),)))


def _element(element: etree._Element, budget: _Budget, depth: int) -> MetadataNode | None:
    if not budget.take():
        return None
    if depth > MAX_DEPTH:
        return MetadataNode(local_name(element), "… (nested too deeply)")
    children: list[MetadataNode | None] = [
        MetadataNode(f"@{etree.QName(key).localname}", _short(value))
        for key, value in element.attrib.items()
        if budget.take()
    ]
    for child in element:
        if isinstance(child.tag, str):
            children.append(_element(child, budget, depth + 1))
            if budget.left < 0:
                break
    return MetadataNode(local_name(element), _short((element.text or "").strip()), _closed(children))


def _json(content: bytes, name: str) -> MetadataNode:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return MetadataNode(name, f"{name} is not readable JSON; copy or download the product again.")
    node = _value(name, value, _Budget(), 0)
    return node if node is not None else MetadataNode(name)


def _value(key: str, value: Any, budget: _Budget, depth: int) -> MetadataNode | None:
    if not budget.take():
        return None
    if not isinstance(value, (dict, list)) or (isinstance(value, list) and _is_flat(value)):
        return MetadataNode(key, _short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    if depth > MAX_DEPTH:
        return MetadataNode(key, "… (nested too deeply)")
    items = value.items() if isinstance(value, dict) else ((f"[{n}]", item) for n, item in enumerate(value))
    children = []
    for name, item in items:
        children.append(_value(str(name), item, budget, depth + 1))
        if budget.left < 0:
            break
    return MetadataNode(key, "", _closed(children))


def _is_flat(values: list[Any]) -> bool:
    """Whether a list reads best in one line: a few plain values."""
    return len(values) <= 16 and not any(isinstance(value, (dict, list)) for value in values)


def _text(content: bytes, name: str) -> MetadataNode:
    """A text file: `key = value` and `key: value` where its lines are so."""
    if b"\0" in content[:4096]:
        return MetadataNode(name, "no text")
    lines = content[:MAX_TEXT_BYTES].decode("utf-8", errors="replace").splitlines()
    budget = _Budget()
    children: list[MetadataNode | None] = []
    for line in lines:
        if not line.strip():
            continue
        if not budget.take():
            children.append(None)
            break
        key, sign, value = line.partition("=" if "=" in line else ":")
        children.append(
            MetadataNode(key.strip(), _short(value.strip())) if sign else MetadataNode(_short(line.strip()))
        )
    return MetadataNode(name, "", _closed(children))


def _closed(children: Iterable[MetadataNode | None]) -> tuple[MetadataNode, ...]:
    """The children; those that were left out are told of once."""
    listed = list(children)
    kept = tuple(child for child in listed if child is not None)
    if len(kept) == len(listed):
        return kept
    return (*kept, MetadataNode("…", f"more than {MAX_ENTRIES} entries: the rest is left out"))


def _short(value: str) -> str:
    return value if len(value) <= MAX_VALUE else f"{value[:MAX_VALUE]} … ({len(value)} letters)"


def _name(place: Place) -> str:
    return str(place).rsplit("/", 1)[-1]
