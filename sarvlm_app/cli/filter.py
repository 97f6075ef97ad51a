"""`sarvlm filter`: a scene behind a speckle filter, as a GeoTIFF."""

from __future__ import annotations

import argparse
from typing import Any

from sarvlm_app.cli.given import open_wanted
from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.derived.filtered import filtered
from sarvlm_app.core.derived.looks import scene_looks
from sarvlm_app.core.export.scene_raster import write_scene
from sarvlm_app.core.filters import FILTERS, SpeckleFilter, describe, make_filter, parameters
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import Scene, default_band, resolve_band
from sarvlm_app.errors import QueryError

_OPTIONS = ("size", "looks", "sigma", "strong", "damping", "azimuth", "range")


def filter_scene(options: argparse.Namespace) -> int:
    """Filter a scene into a file."""
    scene = open_wanted(options.scene, options)
    make_filter(options.filter, **_given(options))  # wrong values are told before anything is read
    bands = [resolve_band(scene, options.band)] if options.band else [band.index for band in scene.bands]
    require_places([options.out], scene.path)
    with Progress("Filtering") as progress:
        chosen, estimated = _chosen(scene, options, bands[0] if options.band else default_band(scene))
        made = filtered(scene, chosen)
        write_scene(made, options.out, bands, ValueType(options.unit), progress)
    if options.json:
        told = as_json(made, chosen, options)
        names = [made.bands[band - 1].name for band in bands]
        print_json({**told, "looks_estimated": estimated, "bands": names})
    else:
        print(f"{options.out}\n{describe(chosen)}")
        if estimated is not None:
            print(f"The number of looks was estimated from the scene: {estimated:.2f}")
        if "filtered values" in made.facts:
            print(f"Note: {made.facts['filtered values']}")
    return 0


def _given(options: argparse.Namespace) -> dict[str, float | None]:
    return {name: getattr(options, name) for name in _OPTIONS}


def _chosen(scene: Scene, options: argparse.Namespace, band: int) -> tuple[SpeckleFilter, float | None]:
    """The filter, and the number of looks where that had to be estimated."""
    given = _given(options)
    wanted = {one.name: one for one in parameters(FILTERS[options.filter])}
    if "looks" not in wanted or options.looks is not None:
        return make_filter(options.filter, **given), None
    estimated = scene_looks(scene, band)
    if estimated is None:
        raise QueryError(f"The number of looks of {scene.path} cannot be told from its pixels; give it with --looks.")
    looks = min(max(estimated, wanted["looks"].low), wanted["looks"].high)
    return make_filter(options.filter, **{**given, "looks": round(looks, 3)}), looks


def as_json(made: Scene, chosen: SpeckleFilter, options: argparse.Namespace) -> dict[str, Any]:
    """What was done, and what came out; looks and bands are added by who knows them."""
    return {
        "scene": str(made.path),
        "out": str(options.out),
        "filter": chosen.name,
        "parameters": {one.name: getattr(chosen, one.name) for one in parameters(type(chosen))},
        "size": [made.width, made.height],
        "value_type": options.unit,
        "calibration": str(made.calibration),
        "pixel_spacing_m": None if made.spacing_m is None else list(made.spacing_m),
        "facts": dict(made.facts),
    }
