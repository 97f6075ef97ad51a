"""The manifest of a product: which files should be there, and its relative orbit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sarvlm_app.core.products.place import Place
from sarvlm_app.core.products.stated import whole
from sarvlm_app.core.products.xml import local_name, parse_xml

_WANTED = re.compile(r"^(measurement/.*\.tiff|annotation/(?:calibration/)?[^/]*\.xml)$")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is used of a manifest.

    Attributes
    ----------
    files : tuple of str
        Measurements and annotations that belong to the product, by their path in it.
    relative_orbit : int or None
    """

    files: tuple[str, ...]
    relative_orbit: int | None


def read_manifest(place: Place) -> Manifest:
    """A manifest file.

    Raises
    ------
    SceneError
        It is no XML.
    """
    files, orbit = [], None
    for element in parse_xml(place).iter():
        if not isinstance(element.tag, str):
            continue
        name = local_name(element)
        if name == "fileLocation":
            href = (element.get("href") or "").removeprefix("./")
            if _WANTED.match(href):
                files.append(href)
        elif name == "relativeOrbitNumber" and orbit is None:
            orbit = whole(element.text)
    return Manifest(tuple(sorted(set(files))), orbit)
