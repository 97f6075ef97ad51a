"""The shipped detector on a simulated sea: what is there is found, with its axis, whichever way the scene lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sarvlm_app.core.boxes import sides_px
from sarvlm_app.core.detection import Detected, Detecting, DetectionRequest
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import open_scene
from sarvlm_app.core.simulate import SimulationSpec, simulate_scene
from sarvlm_models.locations import weights_dir
from sarvlm_models.registry import load_detector
from tests.core.scene_files import TRANSFORM, UTM33, write_tif

EDGE = 768
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (weights_dir() / "sardet-compact.safetensors").is_file(), reason="no detector is shipped"),
]


def found_in(amplitude: np.ndarray, path: Path, detecting: Detecting) -> Detected:
    scene = open_scene(write_tif(path, amplitude, tags={"UNITS": "amplitude"}, transform=TRANSFORM, crs=UTM33))
    ship = next(one for one in detecting.spec.classes if one.name == "ship")
    return detecting.detect(DetectionRequest(scene, 1, (ship,), min_score=0.5), JobContext())


def test_ships_of_a_simulated_sea_are_found_and_a_quarter_turn_turns_their_axes(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        simulated = simulate_scene(SimulationSpec(EDGE, EDGE, 10.0, "open_sea", 4.4, -24.0, "right", 6))
        amplitude = np.sqrt(simulated.intensity).astype(np.float32)
        detecting = Detecting(lambda: load_detector(None, "cpu"), tmp_path / "cache")
        upright = found_in(amplitude, tmp_path / "a.tif", detecting)
        turned = found_in(np.ascontiguousarray(np.rot90(amplitude)), tmp_path / "b.tif", detecting)
    finally:
        torch.set_num_threads(threads)
    ships = [np.asarray(o.polygon_px).mean(axis=0) for o in simulated.objects if o.label == "ship"]
    middles = upright.detections.corners_px.mean(axis=1)
    near = [float(np.hypot(*(middles - ship).T).min()) < 8 for ship in ships] if len(middles) else []
    assert ships and sum(near) >= 0.7 * len(ships), (len(ships), near)
    # counter-clockwise on the screen: (col, row) goes to (row, EDGE - col)
    expected = np.stack((middles[:, 1], EDGE - middles[:, 0]), axis=1)
    others = turned.detections.corners_px.mean(axis=1)
    _, _, before = sides_px(upright.detections.corners_px)
    _, _, after = sides_px(turned.detections.corners_px)
    pairs = [(i, int(np.hypot(*(others - place).T).argmin())) for i, place in enumerate(expected)]
    same = [(i, j) for i, j in pairs if np.hypot(*(others[j] - expected[i])) < 5]
    assert len(same) >= 0.8 * len(expected)
    change = np.degrees([(after[j] - before[i] + np.pi / 2) % np.pi for i, j in same])
    assert np.median(np.minimum(change, 180 - change)) < 6
