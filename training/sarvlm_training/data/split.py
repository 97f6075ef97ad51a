"""What is kept back from training: whole scenes, and whole groups of look-alikes, never single chips."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.radiometry import to_amplitude
from sarvlm_app.core.scene import close_handles, default_band, open_scene, read_chip
from sarvlm_models.types import Float32, Window

EDGE: Final = 16
ALIKE: Final = 0.9
"""Correlation of two thumbnails above which the pictures count as one, as for SSDD."""
LARGEST_PX: Final = 2**24
"""Scenes above this are not looked at: reading them takes long, and nobody copies them by the dozen."""
BLOCK: Final = 1024


def groups_of(paths: Sequence[Path], scene_of: str = "") -> list[int]:
    """Number of the group of each picture: those of one scene, and those that look alike, share one.

    Parameters
    ----------
    paths : sequence of Path
    scene_of : str
        Regular expression whose first group names the scene; it is looked for in the path below the folder that
        all pictures have in common. "" for none.

    Raises
    ------
    SceneError
        A picture cannot be read.
    """
    group = list(range(len(paths)))

    def top(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    first: dict[str, int] = {}
    common = Path(os.path.commonpath([path.parent for path in paths])) if paths else Path()
    for i, path in enumerate(paths):
        found = re.search(scene_of, path.relative_to(common).as_posix()) if scene_of else None
        if found is not None and found[1] is not None:
            group[top(i)] = top(first.setdefault(found[1], i))
    for i, j in look_alikes([thumbnail(path) for path in paths]):
        group[top(j)] = top(i)
    return [top(i) for i in range(len(paths))]


def thumbnail(path: Path) -> Float32 | None:
    """Amplitude float32 (256,) on a grid of 16 x 16, zero mean and unit spread; None of large or even pictures."""
    scene = open_scene(path)
    if scene.width * scene.height > LARGEST_PX:
        return None
    edge = min(EDGE, scene.width, scene.height)
    chip = read_chip(scene, Window(0, 0, scene.width, scene.height), default_band(scene), (edge, edge))
    close_handles(scene)
    small = (
        np.resize(to_amplitude(chip.intensity), EDGE * EDGE) if edge < EDGE else to_amplitude(chip.intensity).ravel()
    )
    spread = float(small.std())
    return np.asarray((small - small.mean()) / spread, np.float32) if spread > 1e-6 * float(abs(small).max()) else None


def look_alikes(thumbnails: Sequence[Float32 | None]) -> list[tuple[int, int]]:
    """Pairs of pictures whose thumbnails correlate above `ALIKE`."""
    known = [i for i, small in enumerate(thumbnails) if small is not None]
    if not known:
        return []
    matrix = np.stack([small for small in thumbnails if small is not None])
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(known), BLOCK):
        close: NDArray[np.bool_] = matrix[start : start + BLOCK] @ matrix.T > ALIKE * matrix.shape[1]
        rows, cols = np.nonzero(close)
        later = cols > rows + start
        found = zip(rows[later].tolist(), cols[later].tolist(), strict=True)
        pairs += [(known[row + start], known[col]) for row, col in found]
    return pairs


def held_of_each(groups: Sequence[int], labels: Sequence[str], share: float, seed: int) -> set[int]:
    """As `held_back`, of each class for itself, so that none is kept back whole.

    A group of several classes counts to the class of its first picture.
    """
    owner = {group: label for group, label in zip(reversed(groups), reversed(labels), strict=True)}
    held = set[int]()
    for number, label in enumerate(sorted(set(owner.values()))):
        own = [i for i, group in enumerate(groups) if owner[group] == label]
        held |= {own[i] for i in held_back([groups[i] for i in own], share, seed + number)}
    return held


def held_back(groups: Sequence[int], share: float, seed: int) -> set[int]:
    """Places of the pictures that are kept back: whole groups, drawn by a seed, up to `share` of all pictures.

    At least one group stays for training, and with a share above 0 and two
    groups or more one is kept back. A group that would overshoot by more than
    it falls short is passed over.
    """
    names = sorted(set(groups))
    members = {name: [i for i, group in enumerate(groups) if group == name] for name in names}
    wanted, held = share * len(groups), set[int]()
    if share <= 0 or len(names) < 2:
        return held
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    for name in order[:-1]:
        short = wanted - len(held)
        if short > 0 and len(members[name]) - short <= short:
            held |= set(members[name])
    return held or set(members[min(order, key=lambda name: len(members[name]))])
