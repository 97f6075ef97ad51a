"""Side files in XML, which come from anywhere: no entities, no DTD, no network, bounded in size and depth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from sarvlm_app.core.products.place import Place, read_bytes
from sarvlm_app.errors import SceneError

_SOURCE = re.compile(r" \(<string>, line \d+\)")
"""How lxml calls bytes that it was given."""

MAX_XML_BYTES = 64 * 2**20
"""The largest annotation of a Sentinel-1 product is 5 MB."""


def parse_xml(place: Place, limit: int = MAX_XML_BYTES) -> etree._Element:
    """The root of an XML file.

    Raises
    ------
    SceneError
        It is missing, larger than `limit`, no XML, or declares entities.
    """
    return parse_xml_bytes(read_bytes(place, limit), str(place))


def parse_xml_bytes(content: bytes, name: str) -> etree._Element:
    """The same of bytes; `name` stands in the sentence where they cannot be read."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = _SOURCE.sub("", str(error).splitlines()[0])[:120] if str(error) else "no content"
        raise SceneError(f"{name} is not readable XML ({reason}); copy or download the product again.") from error
    document = root.getroottree().docinfo
    if document.internalDTD is not None and any(True for _ in document.internalDTD.iterentities()):
        raise SceneError(f"{name} declares entities, which no product does; it is left alone.")
    return root


def local_name(element: etree._Element) -> str:
    """The tag without its namespace."""
    return str(etree.QName(element).localname)


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The children of that tag, in any namespace."""
    return (child for child in element if isinstance(child.tag, str) and local_name(child) == name)


def text_at(root: etree._Element, path: str) -> str | None:
    """The text at a path of tags such as "adsHeader/mode", in any namespace; None where it is not there or empty."""
    element: etree._Element | None = root
    for name in path.split("/"):
        element = None if element is None else next(children(element, name), None)
    text = "" if element is None else (element.text or "").strip()
    return text or None
