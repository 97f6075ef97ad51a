"""Simulated scenes as training data: exact masks of every terrain and object.

``python -m sarvlm_training.data.simulated OUT --count 160`` writes the scenes
that a recipe reads; equal seeds give equal scenes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from sarvlm_app.core.simulate import LANDCOVER_NAMES, SimulatedScene, SimulationSpec, simulate_scene
from sarvlm_app.errors import ModelError
from sarvlm_training.concepts import Vocabulary

from .augment import hide_spacing, vary_radiometry
from .samples import (
    CELL_PX,
    CELLS,
    CROP_PX,
    IGNORE,
    LabelMap,
    Sample,
    amplitude_levels,
    cell_mean,
    inside,
    polygon_share,
    turn,
)

SIZE_PX = 576
KIND_SHARES = {
    "harbour": 0.22, "open_sea": 0.07, "coast": 0.11, "farmland": 0.07, "forest": 0.06, "desert": 0.06, "city": 0.06,
    "industrial": 0.07, "airport": 0.10, "river": 0.08, "vehicles": 0.04, "mixed": 0.06,
}  # fmt: skip
COVER_KEYS = {
    "sea": "sea", "lake": "lake", "river": "river", "beach": "beach", "field": "field", "grassland": "grassland",
    "forest": "forest", "bare soil": "desert", "desert": "desert", "road": "road", "runway": "runway",
    "airport apron": "airport", "residential area": "suburb", "city": "urban", "industrial area": "industrial",
    "port": "harbour", "pier": "pier", "breakwater": "breakwater", "bridge": "bridge", "rocky hills": "mountain",
}  # fmt: skip
OBJECT_KEYS = {
    "ship": "ship_at_sea", "moored ship": "ship_moored", "storage tank": "storage_tank", "bridge": "bridge",
    "aircraft": "aircraft", "vehicle": "vehicle", "container stack": "container_terminal",
    "crane": "container_terminal", "oil platform": "platform", "wind turbine": "wind_turbine",
    "industrial building": "building", "building": "building", "house": "building", "warehouse": "building",
    "terminal building": "building", "pier": "pier", "breakwater": "breakwater", "runway": "runway",
}  # fmt: skip
COVER_UNSURE = {
    "suburb": ["building", "road", "skyscraper"],
    "urban": ["building", "road", "suburb", "industrial", "skyscraper"],
    "industrial": ["building", "road", "container_terminal", "storage_tank"],
    "airport": ["road", "building", "runway"],
    "field": ["grassland", "desert", "orchard", "road"],
    "grassland": ["field", "park", "road"],
    "desert": ["field", "dry_lake", "scrub", "quarry", "mountain"],
    "mountain": ["desert", "scrub", "quarry"],
    "forest": ["orchard", "scrub", "park"],
    "beach": ["desert", "sea", "water"],
    "road": ["runway"],
    "runway": ["road"],
    "harbour": ["building", "container_terminal", "industrial", "urban", "road"],
}
COUNTED = {
    "ship_at_sea": "ship", "ship_moored": "ship", "storage_tank": "storage_tank", "bridge": "bridge",
    "aircraft": "aircraft", "vehicle": "vehicle",
}  # fmt: skip
SEEN_BELOW_M = {"vehicle": 1.6, "aircraft": 6.0, "storage_tank": 12.0, "building": 3.5, "container_terminal": 12.0}


def make_scenes(out: Path, count: int, seed: int = 0) -> None:
    """Write `count` simulated scenes as compressed arrays to `out`; existing ones are kept."""
    out.mkdir(parents=True, exist_ok=True)
    kinds, shares = list(KIND_SHARES), np.array(list(KIND_SHARES.values()))
    for number in range(count):
        path = out / f"{number:04d}.npz"
        rng = np.random.default_rng((seed, number))
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        coarse = [3.0, 5.0, 8.0, 10.0, 10.0, 12.0, 15.0]
        finer = {"vehicles": [0.3, 0.4, 0.5, 1.0], "airport": [1.0, 1.5, 3.0, 5.0, 10.0], "city": [1.0, 3.0, 10.0]}
        spacing = finer.get(kind, coarse)
        spec = SimulationSpec(
            SIZE_PX, SIZE_PX, float(rng.choice(spacing)), kind, float(rng.choice([1.0, 2.0, 3.0, 4.4, 4.4, 8.0])),
            float(rng.uniform(-27, -18)), str(rng.choice(["right", "left"])), int(rng.integers(2**31)),
        )  # fmt: skip
        if not path.exists():
            write_scene(simulate_scene(spec), path)


def write_scene(scene: SimulatedScene, path: Path) -> None:
    """One simulated scene as a compressed archive, moved into place."""
    part = path.with_name(path.name + ".part")
    corners = [np.asarray(o.polygon_px, np.float32) for o in scene.objects]
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            amplitude=np.sqrt(scene.intensity).astype(np.float16),
            landcover=scene.landcover,
            labels=np.array([o.label for o in scene.objects]),
            lengths=np.array([len(c) for c in corners], np.int64),
            corners=np.concatenate(corners) if corners else np.zeros((0, 2), np.float32),
            spacing_m=scene.spec.spacing_m,
        )
    part.replace(path)


class SimulatedScenes:
    """Crops of simulated scenes with labels for every terrain and object.

    Raises
    ------
    ModelError
        The folder holds no scenes.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.paths = sorted(folder.glob("*.npz"))
        if not self.paths:
            raise ModelError(
                f"{folder} holds no simulated scenes; run python -m sarvlm_training.data.simulated {folder}."
            )
        self.scenes = [self._load(path) for path in self.paths]

    @staticmethod
    def _load(path: Path) -> dict[str, Any]:
        with np.load(path, allow_pickle=False) as arrays:
            scene: dict[str, Any] = {key: arrays[key] for key in arrays.files}
        scene["levels"] = np.array(amplitude_levels(scene["amplitude"].astype(np.float32)))
        ends = np.cumsum(scene["lengths"]).tolist()
        scene["polygons"] = [scene["corners"][a:b] for a, b in zip([0, *ends], ends, strict=False)]
        return scene

    def draw(self, rng: np.random.Generator) -> Sample:
        """A crop; half of them aimed at an object."""
        scene = self.scenes[int(rng.integers(len(self.scenes)))]
        amplitude = scene["amplitude"]
        row0, col0 = (int(rng.integers(size - CROP_PX + 1)) for size in amplitude.shape)
        names = scene["labels"]
        wanted = np.flatnonzero(~np.isin(names, ["house", "building", "industrial building"]))
        if len(wanted) and rng.random() < 0.6:
            label = rng.choice(np.unique(names[wanted]))
            polygon = scene["polygons"][int(rng.choice(np.flatnonzero(names == label)))]
            aim = np.asarray(polygon, np.float32).mean(0)
            row0, col0 = (
                int(np.clip(place - rng.uniform(0.15, 0.85) * CROP_PX, 0, size - CROP_PX))
                for place, size in zip(aim[::-1], amplitude.shape, strict=True)
            )
        crop = amplitude[row0 : row0 + CROP_PX, col0 : col0 + CROP_PX].astype(np.float32)
        spacing = float(scene["spacing_m"])
        labels = self._labels(scene, row0, col0, spacing)
        median, ratio = float(scene["levels"][0]), float(scene["levels"][1])
        sample = Sample(crop / median, ratio, spacing, labels, objects=self._objects(scene, row0, col0, spacing))
        sample = vary_radiometry(sample, rng, 0.8)
        return hide_spacing(turn(sample, int(rng.integers(4)), bool(rng.random() < 0.5)), rng)

    @staticmethod
    def _objects(scene: dict[str, Any], row0: int, col0: int, spacing: float) -> list[tuple[str, float, float]]:
        """Ships, tanks, bridges, aircraft and vehicles that can be told apart at this spacing."""
        found = []
        for label, polygon in zip(scene["labels"], scene["polygons"], strict=True):
            key = OBJECT_KEYS.get(str(label), "")
            if key in COUNTED and spacing <= SEEN_BELOW_M.get(key, 1e9):
                col, row = np.asarray(polygon, np.float32).mean(0) - (col0, row0)
                found.append((COUNTED[key], float(col), float(row)))
        return inside(found)

    def _labels(self, scene: dict[str, Any], row0: int, col0: int, spacing: float) -> LabelMap:
        labels = LabelMap.knowing(self.vocabulary, "vehicle", "aircraft", "ship", "structure", "cover")
        cover = scene["landcover"][row0 : row0 + CROP_PX, col0 : col0 + CROP_PX]
        shares: dict[str, NDArray[np.float32]] = {}
        for code in np.unique(cover):
            key = COVER_KEYS.get(LANDCOVER_NAMES[code])
            share = cell_mean((cover == code).astype(np.float32))
            if key is None:
                labels.set(["industrial", "urban", "harbour", "storage_tank", "airport"], IGNORE, share > 0.3)
            else:
                shares[key] = np.maximum(shares.get(key, 0), share)
        for key, share in shares.items():
            labels.set(COVER_UNSURE.get(key, []), IGNORE, share > 0.1)
        thin = {"road", "bridge", "pier", "breakwater", "runway", "river"}
        for key, share in shares.items():
            labels.paint(key, share, least=0.3 if key in thin else 0.6)
        self._paint_objects(labels, scene, row0, col0, spacing)
        return labels

    def _paint_objects(self, labels: LabelMap, scene: dict[str, Any], row0: int, col0: int, spacing: float) -> None:
        by_key: dict[str, list[NDArray[np.floating[Any]]]] = {}
        for label, polygon in zip(scene["labels"], scene["polygons"], strict=True):
            local = np.asarray(polygon, np.float32) - (col0, row0)
            key = OBJECT_KEYS.get(str(label))
            outside = (local.max(0) < 0).any() or (local.min(0) > CROP_PX).any()
            if key is not None and not outside and spacing <= SEEN_BELOW_M.get(key, 1e9):
                by_key.setdefault(key, []).append(local)
        for key, polygons in by_key.items():
            share = polygon_share(polygons)
            if key in ("ship_at_sea", "ship_moored", "platform", "wind_turbine"):
                for polygon in polygons:
                    labels.paint(key, _at_least_one_cell(polygon, share), least=0.25)
            else:
                labels.paint(key, share, least=0.25)
            if key.startswith("ship"):
                labels.set(["sea", "water"], IGNORE, share > 0)
            if key == "vehicle":
                rows = self.vocabulary.group_rows("vehicle")
                block = labels.values[rows]
                block[:, (share > 0)] = np.where(block[:, share > 0] == 1, 1, IGNORE)
                labels.values[rows] = block
        self._spread_harbour(labels, spacing)

    def _spread_harbour(self, labels: LabelMap, spacing: float) -> None:
        """Basins beside quays belong to the harbour; a rim around them is unknown."""
        index = self.vocabulary.index
        port = np.zeros((CELLS, CELLS), bool)
        for key in ("harbour", "ship_moored"):
            port |= labels.values[index[key]] == 1
        if not port.any():
            return
        reach = max(1, round(150.0 / (spacing * CELL_PX)))
        near = binary_dilation(port, iterations=reach)
        rim = binary_dilation(near, iterations=reach + 1)
        layer = labels.values[index["harbour"]]
        layer[rim & (layer == 0)] = IGNORE
        layer[near] = 1


def _at_least_one_cell(polygon: NDArray[np.floating[Any]], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of one polygon's cells; a tiny object fills at least the cell of its centre."""
    own = polygon_share([polygon])
    col, row = (int(v // CELL_PX) for v in polygon.mean(0))
    if own.max() < 0.25 and 0 <= row < CELLS and 0 <= col < CELLS:
        own[row, col] = 1.0
    return np.asarray(np.maximum(own, 0.0), dtype=np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line: write the simulated training scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    make_scenes(options.out, options.count, options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
