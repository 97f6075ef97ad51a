"""How long 100 000 rotated boxes take to merge, against shapely done plainly and against upright suppression in NumPy.

Run by ``make bench``, or as ``pytest -s tests/benchmarks/bench_boxes.py -o python_files='bench_*.py'``. The boxes
are those of a busy scene: 20 000 objects, each found five times with a little scatter, as by overlapping windows.
The plain way with shapely is the usual loop (best first, a polygon intersection with each that its tree finds);
upright suppression answers another question (it takes neighbours in a row of moored ships for one) and is shown
for its speed. The plain ways work on a tenth of the boxes, at the same density; their seconds are scaled by ten.
Seconds are those of the processor (one thread), which other work on the machine does not lengthen.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import shapely

from sarvlm_app.core.boxes import BoxIndex, bbox_of, corners_from, merge_boxes
from sarvlm_models.types import Window

WANTED_SECONDS = 2.0
WANTED_LOOKUP = 1e-3
THRESHOLD = 0.3


def busy_scene(objects: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners, scores and classes of `objects` found five times each."""
    rng = np.random.default_rng(seed)
    edge = 60.0 * np.sqrt(objects)
    x, y = rng.uniform(0, edge, (2, objects))
    length, angle = rng.uniform(15, 60, objects), rng.uniform(0, np.pi, objects)
    several = [np.repeat(v, 5) for v in (x, y, length, angle)]
    jitter = rng.normal(0, 1.5, (2, 5 * objects))
    long = several[2] * rng.uniform(0.9, 1.1, 5 * objects)
    corners = corners_from(
        several[0] + jitter[0], several[1] + jitter[1], long, long / 4, several[3] + rng.normal(0, 0.05, 5 * objects)
    )
    return corners.astype(np.float32), rng.random(5 * objects, dtype=np.float32), np.repeat(np.arange(objects) % 3, 5)


def plainly(corners: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    shapes = shapely.polygons(corners.astype(np.float64))
    tree, gone, kept = shapely.STRtree(shapes), np.zeros(len(shapes), bool), []
    for i in np.argsort(-scores, kind="stable"):
        if gone[i]:
            continue
        kept.append(i)
        for j in tree.query(shapes[i]):
            if j != i and not gone[j] and groups[i] == groups[j]:
                shared = shapes[i].intersection(shapes[j]).area
                gone[j] = shared / (shapes[i].area + shapes[j].area - shared) > THRESHOLD
    return np.array(kept)


def upright(corners: np.ndarray, scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """As torchvision's batched_nms: all that are left against the best, classes set apart."""
    box = bbox_of(corners.astype(np.float64))
    low = box[:, :2] + groups[:, None] * (box[:, :2].max() + 100)
    high, area = low + box[:, 2:], box[:, 2] * box[:, 3]
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        side = np.clip(np.minimum(high[best], high[rest]) - np.maximum(low[best], low[rest]), 0, None)
        shared = side[:, 0] * side[:, 1]
        order = rest[shared <= THRESHOLD * (area[best] + area[rest] - shared)]
    return np.array(kept)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def test_a_hundred_thousand_rotated_boxes_are_merged_in_two_seconds() -> None:
    boxes, tenth = busy_scene(20_000), busy_scene(2_000)
    ours = seconds(lambda: merge_boxes(*boxes, THRESHOLD))
    small = seconds(lambda: merge_boxes(*tenth, THRESHOLD))
    with_shapely = seconds(lambda: plainly(*tenth), 1)
    with_numpy = seconds(lambda: upright(*tenth), 1)
    print(f"\nmerge_boxes, 100 000 rotated boxes     {ours:7.3f} s  (wanted: under {WANTED_SECONDS:g} s)")
    print(f"merge_boxes,  10 000 rotated boxes     {small:7.3f} s")
    print(f"shapely, plain loop, 10 000            {with_shapely:7.3f} s  (x 10: {10 * with_shapely:.1f} s)")
    print(f"upright boxes in NumPy, 10 000         {with_numpy:7.3f} s  (x 10 at least: {10 * with_numpy:.1f} s)")
    assert np.array_equal(merge_boxes(*tenth, THRESHOLD), plainly(*tenth))
    assert ours < WANTED_SECONDS


def test_the_hardest_piles_stay_bounded() -> None:
    rng = np.random.default_rng(1)
    pile = corners_from(rng.normal(500, 2, 100_000), rng.normal(500, 2, 100_000), 40, 10, rng.normal(1, 0.1, 100_000))
    chain = corners_from(np.arange(100_000) * 4.0, 0.0, 10, 5, 0.0)
    scores, group = rng.random(100_000), np.zeros(100_000, np.int32)
    print(
        f"\n100 000 boxes on one spot              {seconds(lambda: merge_boxes(pile, scores, group, 0.3), 1):7.3f} s"
    )
    ranked = -np.arange(100_000.0)
    print(f"100 000 boxes in a chain, ranked so    {seconds(lambda: merge_boxes(chain, ranked, group, 0.3), 1):7.3f} s")


def test_a_box_under_the_pointer_is_found_in_a_millisecond() -> None:
    corners, _, _ = busy_scene(4_000)
    edge = float(corners.max())
    built = seconds(lambda: BoxIndex(corners))
    index, spots = BoxIndex(corners), np.random.default_rng(2).uniform(0, edge, (500, 2))
    at = seconds(lambda: [index.at(x, y) for x, y in spots]) / len(spots)
    nearest = seconds(lambda: [index.nearest(x, y) for x, y in spots]) / len(spots)
    views = [Window(int(x), int(y), 2000, 1200) for x, y in spots]
    inside = seconds(lambda: [index.inside(view) for view in views]) / len(views)
    print(f"\nBoxIndex of 20 000 boxes: built {1e3 * built:.1f} ms, at {1e6 * at:.0f} us, ")
    print(f"nearest {1e6 * nearest:.0f} us, inside {1e6 * inside:.0f} us  (wanted: under {1e3 * WANTED_LOOKUP:g} ms)")
    assert max(at, nearest, inside) < WANTED_LOOKUP
