"""`sarvlm demo` and `sarvlm info`."""

from __future__ import annotations

import argparse
from typing import Any

from sarvlm_app.cli.progress import print_json
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.scene import open_scene


def demo(options: argparse.Namespace) -> int:
    """Write the simulated demo scene and its truth."""
    from sarvlm_app.core.simulate.demo import write_demo

    truth = write_demo(options.out)
    if options.json:
        print_json({"scene": str(options.out), "truth": str(truth), "simulated": True})
    else:
        print(f"{options.out} (simulated)\n{truth}")
    return 0


def info(options: argparse.Namespace) -> int:
    """Tell what is known of a scene."""
    facts = scene_facts(open_scene(options.scene))
    if options.json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print(f"{key:>18}  {value}")
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
        "incidence": scene.facts.get("incidence"),
        "value_type": str(scene.value_type),
        "value_type_assumed": scene.value_type_assumed,
        "calibration": scene.calibration,
        "nodata": scene.nodata if scene.nodata == scene.nodata else "nan",
        "simulated": scene.simulated,
        "missing": list(scene.missing),
        "facts": dict(scene.facts),
        "fingerprint": scene.fingerprint,
    }
