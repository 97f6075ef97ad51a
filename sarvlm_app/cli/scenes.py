"""`sarvlm demo` and `sarvlm info`."""

from __future__ import annotations

import argparse
import math
from typing import Any

from sarvlm_app.cli.given import open_wanted
from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.derived.calibrated import calibrations, can_remove_noise
from sarvlm_app.core.products.types import Scene


def demo(options: argparse.Namespace) -> int:
    """Write the simulated demo scene and its truth."""
    from sarvlm_app.core.simulate.demo import write_demo

    require_places([options.out])
    with Progress("Simulating the demo scene"):
        truth = write_demo(options.out)
    if options.json:
        print_json({"scene": str(options.out), "truth": str(truth), "simulated": True})
    else:
        print(f"{options.out} (simulated)\n{truth}")
    return 0


def info(options: argparse.Namespace) -> int:
    """Tell what is known of a scene."""
    facts = scene_facts(open_wanted(options.scene, options))
    if options.json:
        print_json(facts)
    else:
        _print(facts)
    return 0


def scene_facts(scene: Scene) -> dict[str, Any]:
    """The facts of INTERFACE.md; None where they are not known."""
    spacing = scene.spacing_m
    return {
        "path": str(scene.path),
        "product": scene.product,
        "size": [scene.width, scene.height],
        "bands": [band.name for band in scene.bands],
        "polarisations": [band.polarisation for band in scene.bands if band.polarisation],
        "dtype": scene.dtype,
        "crs": None if scene.georef is None else scene.georef.crs_name,
        "footprint": None if scene.georef is None else [list(point) for point in scene.georef.footprint_lonlat()],
        "pixel_spacing_m": None if spacing is None else [round(value, 4) for value in spacing],
        "acquired": None if scene.acquired is None else scene.acquired.isoformat(),
        "orbit": scene.facts.get("orbit"),
        "look": scene.facts.get("look"),
        "incidence": None if scene.incidence_deg is None else round(scene.incidence_deg[1], 4),
        "incidence_range": None if scene.incidence_deg is None else [round(a, 4) for a in scene.incidence_deg[::2]],
        "value_type": str(scene.value_type),
        "value_type_assumed": scene.value_type_assumed,
        "calibration": scene.calibration,
        "nodata": _number(scene.nodata),
        "simulated": scene.simulated,
        "part": scene.part,
        "parts": list(scene.parts),
        "calibrations": [str(kind) for kind in calibrations(scene)],
        "noise_removable": can_remove_noise(scene),
        "missing": list(scene.missing),
        "facts": dict(scene.facts),
        "fingerprint": scene.fingerprint,
    }


def _number(value: float | None) -> float | str | None:
    """A number as JSON can say it: NaN and infinities as words."""
    return value if value is None or math.isfinite(value) else str(value)


def _print(facts: dict[str, Any]) -> None:
    for key, value in {**facts, **facts["facts"]}.items():
        if key == "facts" or value is None or value == []:
            continue
        print(f"{key.replace('_', ' '):>18}  {_words(key, value)}")


def _words(key: str, value: Any) -> str:
    if key == "size":
        return f"{value[0]} x {value[1]} px"
    if key == "footprint":
        lons, lats = zip(*value, strict=True)
        return f"{min(lons):.5f} .. {max(lons):.5f} lon, {min(lats):.5f} .. {max(lats):.5f} lat"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
