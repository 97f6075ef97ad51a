"""Simulated SAR scenes with exact truth, made by physically reasonable rules.

Everything made here is labelled as simulated wherever it is written.
"""

from .demo import demo_scene, write_demo
from .files import write_geotiff, write_truth
from .scene import simulate_scene
from .spec import KINDS, PRESETS, SimulatedScene, SimulationSpec, TruthObject, preset_spec
from .surfaces import LANDCOVER_NAMES

__all__ = [
    "KINDS", "LANDCOVER_NAMES", "PRESETS", "SimulatedScene", "SimulationSpec", "TruthObject", "demo_scene",
    "preset_spec", "simulate_scene", "write_demo", "write_geotiff", "write_truth",
]  # fmt: skip
