"""`sarvlm where`: from a pixel to its coordinates, and back."""

from __future__ import annotations

import argparse
from typing import Any

from sarvlm_app.cli.given import is_text, open_given
from sarvlm_app.cli.output import print_json
from sarvlm_app.core.coordinates import Spot, describe, find_spot, spot_at
from sarvlm_app.core.products.types import Scene
from sarvlm_app.errors import QueryError, SceneError

_ROWS = (("degrees", "degrees"), ("dms", "minutes, seconds"), ("mgrs", "MGRS"), ("utm", "UTM"))


def where(options: argparse.Namespace) -> int:
    """Tell the coordinates of a pixel, or the pixel of a coordinate."""
    if options.at is not None and not is_text(options.at):
        raise QueryError("The coordinate holds bytes that are no text in this terminal's encoding; type it in UTF-8.")
    scene = open_given(options.scene)
    facts = place_facts(scene, options)
    if options.json:
        print_json({"scene": str(scene.path), **facts})
    else:
        _print(facts)
    return 0


def place_facts(scene: Scene, options: argparse.Namespace) -> dict[str, Any]:
    """The place in all notations; see docs/command-line.md."""
    return _rounded(describe(scene, _spot(scene, options)))


def _spot(scene: Scene, options: argparse.Namespace) -> Spot:
    if options.at is not None:
        return find_spot(scene, options.at, options.height)
    if scene.georef is None:
        raise SceneError(
            f"{scene.path} has no georeference, so its pixels have no place on the ground; "
            "open the product it was made from."
        )
    col, row = options.pixel
    spot = spot_at(scene, col, row, options.height)
    if spot.lon is None:
        raise QueryError(
            f"The geometry of {scene.path} does not reach column {spot.col:g}, row {spot.row:g}; choose a pixel of it."
        )
    return spot


def _rounded(facts: dict[str, Any]) -> dict[str, Any]:
    """Numbers as exact as they are worth: a thousandth of a pixel, a millimetre, 1e-8 degrees."""
    digits = {"col": 3, "row": 3, "lon": 8, "lat": 8, "height_m": 3, "error_m": 3, "x": 3, "y": 3}
    return {
        key: _rounded(value)
        if isinstance(value, dict)
        else round(value, digits[key])
        if isinstance(value, float) and key in digits
        else value
        for key, value in facts.items()
    }


def _print(facts: dict[str, Any]) -> None:
    outside = "" if facts["inside"] else " (outside the scene)"
    rows = [("pixel", f"col {facts['col']:.10g} row {facts['row']:.10g}{outside}")]
    rows += [(label, facts[key]) for key, label in _ROWS if facts[key] is not None]
    if facts["map"] is not None:
        rows.append((facts["map"]["crs"], f"{facts['map']['x']:.10g} {facts['map']['y']:.10g}"))
    if facts["height_m"] is not None:
        effect = "" if facts["height_matters"] else " (of no effect: the scene lies in a map already)"
        rows.append(("height", f"{facts['height_m']:g} m above the ellipsoid{effect}"))
    if facts["error_m"] is not None:
        rows.append(("error", f"about {facts['error_m']:.3g} m ({facts['error_reason']})"))
    for label, text in rows:
        print(f"{label:>18}  {text}")
