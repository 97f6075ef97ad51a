"""`sarvlm calibrate`: a product as backscatter, as a GeoTIFF."""

from __future__ import annotations

import argparse
import sys

from sarvlm_app.cli.given import open_given
from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.derived.calibrated import calibrated
from sarvlm_app.core.export.scene_raster import write_scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.core.scene import resolve_band, scene_stats


def calibrate(options: argparse.Namespace) -> int:
    """Write a product's backscatter into a file."""
    scene = open_given(options.scene, options.part)
    made = calibrated(scene, Calibration(options.to), remove_noise=options.remove_noise)
    bands = [resolve_band(scene, options.band)] if options.band else [band.index for band in scene.bands]
    require_places([options.out], scene.path)
    with Progress("Calibrating") as progress:
        write_scene(made, options.out, bands, ValueType(options.unit), progress)
    empty = [made.bands[number - 1].name for number in bands if scene_stats(made, number).median_amplitude == 0.0]
    if empty:
        print(
            f"No pixel above zero was seen in {', '.join(empty)} of {scene.path}, so {options.out} holds "
            "no backscatter there; fetch the product again if it should.",
            file=sys.stderr,
        )
    if options.json:
        print_json(
            {
                "scene": str(scene.path),
                "out": str(options.out),
                "calibration": str(made.calibration),
                "noise_removed": options.remove_noise,
                "value_type": options.unit,
                "bands": [made.bands[number - 1].name for number in bands],
            }
        )
    else:
        print(f"{options.out}\n{made.origin}")
    return 0
