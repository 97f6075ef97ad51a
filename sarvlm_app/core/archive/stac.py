"""Local STAC catalogues: one item is one scene; what its file does not say of itself, the item does."""

from __future__ import annotations

import json
import warnings
from datetime import UTC
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from sarvlm_app.core.archive.shard import Fault
from sarvlm_app.core.archive.sources import SUFFIXES, Collected, Source
from sarvlm_app.errors import SceneError

CO_POLARISED: Final = ("vv", "hh")


def collect_stac(catalogue: Path) -> Collected:
    """The scenes of a catalogue, collection or item file and all below it.

    Raises
    ------
    SceneError
        The library is not installed, or the file is no STAC.
    """
    try:
        import pystac
    except ImportError as error:
        raise SceneError(
            f"{catalogue} needs the library pystac, which is not installed; run pip install pystac."
        ) from error
    path = Path(catalogue).expanduser().absolute()
    if not path.is_file():
        raise SceneError(f"{path} does not exist; give the JSON file of a local STAC catalogue.")
    found = Collected()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on older versions of the standard
        faults = (pystac.STACError, pystac.STACTypeError, OSError, ValueError, KeyError, TypeError, AttributeError)
        try:
            root: Any = pystac.read_file(str(path))
            items = [root] if isinstance(root, pystac.Item) else list(root.get_items(recursive=True))
        except faults as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise SceneError(
                f"{path} is no local STAC catalogue that can be read ({reason}); check it and the files it links to."
            ) from error
    for item in items:
        place = _file_of(item)
        if isinstance(place, Fault):
            found.faults.append(place)
        else:
            found.sources.append(Source(place, hints_of(item)))
    found.sources.sort(key=lambda source: source.path)
    return found


def _file_of(item: Any) -> Path | Fault:
    """The local file of an item: of its assets with data, the co-polarised one first."""
    assets = [(key.lower(), asset) for key, asset in item.assets.items() if _is_raster(asset)]
    assets.sort(key=lambda pair: (pair[0] not in CO_POLARISED, "data" not in (pair[1].roles or ())))
    if not assets:
        return Fault(item.id, f"The STAC item {item.id} has no image among its assets; correct or remove it.")
    address = assets[0][1].get_absolute_href() or assets[0][1].href
    parts = urlparse(address)
    if parts.scheme not in ("", "file") and len(parts.scheme) > 1:
        return Fault(item.id, f"The STAC item {item.id} lies at {address}, which is not local; copy it here first.")
    return Path(url2pathname(unquote(parts.path)) if parts.scheme == "file" else address).absolute()


def _is_raster(asset: Any) -> bool:
    roles = set(asset.roles or ())
    if roles and not roles & {"data", "visual", "overview"}:
        return False
    kind = str(asset.media_type or "")
    return kind.startswith("image/") or Path(urlparse(asset.href).path).suffix.lower() in SUFFIXES


def hints_of(item: Any) -> dict[str, Any]:
    """What an item says of its scene, in plain values."""
    said = item.properties
    hints: dict[str, Any] = {}
    if item.datetime is not None:
        hints["acquired"] = item.datetime.astimezone(UTC).isoformat()
    elif said.get("start_datetime"):
        hints["acquired"] = str(said["start_datetime"]).replace("Z", "+00:00")
    if item.bbox:
        box = list(item.bbox)
        hints["bbox"] = [box[0], box[1], box[3], box[4]] if len(box) == 6 else box
    for name, key in (
        ("sensor", "platform"), ("mode", "sar:instrument_mode"), ("orbit", "sat:orbit_state"),
        ("incidence", "view:incidence_angle"),
    ):  # fmt: skip
        if said.get(key) is not None:
            hints[name] = said[key]
    if said.get("sar:polarizations"):
        hints["polarisation"] = " ".join(said["sar:polarizations"])
    return json.loads(json.dumps(hints))  # type: ignore[no-any-return]
