"""A validation set for semantic localization on Sentinel-1, in the AIR-SLT form.

``python -m sarvlm_training.evaluate.sentinel_seloset OUT.json``

Regions are those drawn by hand on the tiles kept back from training (roads
and other lines are left out: they are thinner than the median of the measures
keeps), and a few outlines on the Los Angeles scene, on which nothing was
trained. Images stay where they are: evaluate with ``--images`` at the data folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final, TypedDict

from shapely.geometry import Polygon, box
from shapely.ops import unary_union

Points = list[list[list[float]]]


class Item(TypedDict):
    """One question: where in the image is what the caption says."""

    jpg_name: str
    caption: str
    points: Points


CAPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "airport": ("an airport", "a runway with taxiways and terminal buildings beside it"),
    "dense city": ("a city centre", "high buildings stand close together downtown"),
    "farm fields": ("farm fields", "rectangular fields of crops on flat land"),
    "golf course or park": ("a golf course", "open grass with trees amid the houses"),
    "harbour": ("a harbour", "a port with quays and moored boats"),
    "industrial area": ("an industrial area", "large warehouses and factory buildings"),
    "lake or reservoir": ("a lake", "the still water of a reservoir"),
    "mountains": ("mountains", "steep mountain slopes with ridges and valleys"),
    "scrubland hills": ("hills", "dry hills covered with low bushes"),
    "sea": ("open sea", "the ocean off the coast"),
    "suburb": ("a residential area", "residential streets with rows of houses"),
}
LOS_ANGELES: Final = "s1_scenes/S1A_20201107_los_angeles_vh.tif"
OUTLINES: Final[dict[str, list[list[float]]]] = {
    "a large harbour with docks and container terminals": [
        [560, 4240], [1460, 4200], [1720, 4560], [1720, 4820], [1060, 5020], [660, 5040], [600, 4620],
    ],
    "open sea with ships at anchor": [
        [1740, 4440], [2080, 4420], [2400, 4600], [2760, 4860], [3070, 5080], [3070, 5118], [1080, 5118],
        [1080, 5040], [1740, 4840],
    ],
    "an airport with crossing runways": [[1950, 3540], [2290, 3540], [2290, 3880], [1950, 3780]],
    "the high-rise centre of a city": [[780, 640], [1000, 500], [1160, 760], [920, 860]],
    "hills beside the coast": [[0, 4180], [520, 4220], [540, 4860], [340, 4900], [0, 4960]],
}  # fmt: skip


def tile_items(names: Sequence[str] | None = None) -> Iterator[Item]:
    """Two items for each kind of ground on a tile; the tiles kept back from training by default."""
    package = resources.files("sarvlm_training.data")
    table = json.loads(package.joinpath("s1_regions.json").read_text(encoding="utf-8"))
    cell = int(table["cell_px"])
    for name in table["validation"] if names is None else names:
        entry = table["pairs"][name]
        for label, captions in CAPTIONS.items():
            shapes = [box(*(cell * edge for edge in area)) for area in entry["regions"].get(label, ())]
            shapes += [box(*area) for area in entry["boxes"].get(label, ())]
            points = outlines(shapes)
            for caption in captions if points else ():
                yield {"jpg_name": f"s1s2_pairs/sar/{name}.jpg", "caption": caption, "points": points}


def outlines(shapes: Sequence[Polygon]) -> Points:
    """Rectangles that touch along an edge become one region; corners as [x, y], the first not repeated."""
    if not shapes:
        return []
    joined = unary_union(shapes)
    parts = getattr(joined, "geoms", [joined])
    return [[[float(x), float(y)] for x, y in part.exterior.coords[:-1]] for part in parts]


def scene_items() -> Iterator[Item]:
    """One item for each outline on the Los Angeles scene."""
    for caption, outline in OUTLINES.items():
        yield {"jpg_name": LOS_ANGELES, "caption": caption, "points": [outline]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    items = [*tile_items(), *scene_items()]
    options.out.write_text(json.dumps(items, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
