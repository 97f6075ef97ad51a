"""The crop method of the paper (PAPER.md D.2): the yardstick for our dense heat maps.

Every crop of a multi-scale grid is encoded as a whole and compared with the
text; a pixel's value is the mean cosine of the crops that cover it. Thousands
of forward passes a question, which is why it is not the default.

Two things differ from the authors' code, both because our scenes are not
8-bit pictures: crops are averaged down to 256 x 256 in linear intensity
instead of cubic interpolation of grey values, and they do not pass through a
JPEG file. Crops without any data are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.core.query import TextVectors, relative_scores
from sarvlm_app.core.scene import Scene, read_chip, scene_stats
from sarvlm_app.errors import QueryError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.types import Chip, Float32, Heatmap, TextQuery, Window

SCALES = (256, 512, 768)
"""Crop edges of the paper, in pixels."""
CELL_PX = 64
"""Edge of a heat-map cell: the box borders are multiples of 128 px, so a cell splits none but at the scene's rim."""
_CHIP_PX = 256
"""Every crop is brought to this edge, as the paper does."""
_BATCH = 16

_Float64 = NDArray[np.float64]


class Progress(Protocol):
    """What a job is told as it goes on; `step` raises JobCancelled after a cancel."""

    def step(self, done: int, total: int, message: str = "") -> None: ...


def usable_scales(width: int, height: int, scales: Sequence[int] = SCALES) -> tuple[int, ...]:
    """The scales that fit into a scene of `width` x `height` pixels."""
    return tuple(s for s in scales if s <= min(width, height))


def scale_note(width: int, height: int, scales: Sequence[int] = SCALES) -> str | None:
    """A sentence about the scales left out because the scene is smaller, or None."""
    used = usable_scales(width, height, scales)
    skipped = [str(s) for s in scales if s not in used]
    if not skipped:
        return None
    return f"Crops of {' and '.join(skipped)} px are left out: the scene has only {width} x {height} px."


def reference_boxes(width: int, height: int, scales: Sequence[int] = SCALES) -> list[Window]:
    """The crops of the paper for a scene of `width` x `height` pixels.

    For each scale s two grids of step s, the second moved by s - s // 2 on
    both axes; a box that reaches the border is moved inwards so that it ends
    there. Identical boxes are kept once, scales larger than the scene are
    skipped (see `scale_note`).

    Returns
    -------
    list of Window
        In the order of the paper, scale by scale; empty where no scale fits.
    """
    boxes: dict[Window, None] = {}
    for s in usable_scales(width, height, scales):
        for offset in (0, s - s // 2):
            for col in range(offset, width, s):
                for row in range(offset, height, s):
                    boxes[Window(min(col, width - s), min(row, height - s), s, s)] = None
    return list(boxes)


@dataclass(frozen=True, slots=True)
class _Grid:
    """The smallest uneven grid on which every box is a whole number of fields: sums on it are exact per pixel.

    `cols` and `rows` are the sorted borders in pixels, int64 (nx + 1,) and (ny + 1,).
    """

    cols: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, boxes: Sequence[Window]) -> _Grid:
        cols = np.unique([edge for b in boxes for edge in (b.col, b.col_end)])
        rows = np.unique([edge for b in boxes for edge in (b.row, b.row_end)])
        return cls(cols.astype(np.int64), rows.astype(np.int64))

    def fields(self, box: Window) -> tuple[slice, slice]:
        """Rows and columns of the grid that `box` covers."""
        top, bottom = np.searchsorted(self.rows, (box.row, box.row_end))
        left, right = np.searchsorted(self.cols, (box.col, box.col_end))
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def any_valid(self, chip: Chip) -> NDArray[np.bool_]:
        """Which fields of the grid under `chip` hold any data."""
        rows, cols = self.fields(chip.window)
        height, width = chip.valid.shape
        top = (self.rows[rows] - chip.window.row) * height // chip.window.height
        left = (self.cols[cols] - chip.window.col) * width // chip.window.width
        found = np.logical_or.reduceat(np.logical_or.reduceat(chip.valid, top, axis=0), left, axis=1)
        return np.asarray(found, dtype=np.bool_)


def _overlaps(borders: NDArray[np.int64], cell_px: int) -> _Float64:
    """Pixels that cell i shares with field j: float64 (cells, fields)."""
    cells = math.ceil(int(borders[-1]) / cell_px)
    start = np.arange(cells)[:, None] * cell_px
    shared = np.minimum(start + cell_px, borders[None, 1:]) - np.maximum(start, borders[None, :-1])
    return np.asarray(np.maximum(shared, 0), dtype=np.float64)


class _CellMeans:
    """Sums of the crops' cosines on the uneven grid, and their means over the cells."""

    def __init__(self, boxes: Sequence[Window], n_texts: int) -> None:
        self._grid = _Grid.of(boxes)
        shape = (len(self._grid.rows) - 1, len(self._grid.cols) - 1)
        self._sums = np.zeros((*shape, n_texts))
        self._counts = np.zeros(shape)
        self._valid = np.zeros(shape, dtype=np.bool_)

    def add(self, chip: Chip, cosines: Float32) -> None:
        fields = self._grid.fields(chip.window)
        self._sums[fields] += cosines
        self._counts[fields] += 1
        self._valid[fields] |= self._grid.any_valid(chip)

    def cells(self) -> Float32:
        """Means by area over the cells: float32 (rows, cols, n_texts), NaN without data."""
        down, across = _overlaps(self._grid.rows, CELL_PX), _overlaps(self._grid.cols, CELL_PX)
        area = (down @ self._valid.astype(np.float64) @ across.T)[..., None]
        means = np.where(self._valid, 1.0 / np.maximum(self._counts, 1), 0.0)[..., None] * self._sums
        total = np.einsum("ri,ijn,cj->rcn", down, means, across, optimize=True)
        cells = np.full(total.shape, np.nan)
        np.divide(total, area, out=cells, where=area > 0)
        return cells.astype(np.float32)


def _batches(boxes: Sequence[Window]) -> Iterator[list[Window]]:
    """Runs of at most `_BATCH` boxes of one scale (their pixels stand for the same metres)."""
    batch: list[Window] = []
    for box in boxes:
        if batch and (len(batch) == _BATCH or batch[0].width != box.width):
            yield batch
            batch = []
        batch.append(box)
    if batch:
        yield batch


def reference_cosines(
    scene: Scene,
    band: int,
    vectors: Float32,
    encoder: DenseEncoder,
    ctx: Progress,
    scales: Sequence[int] = SCALES,
) -> Float32:
    """Mean cosine of the crops over each cell, for several texts in one pass.

    The mean is taken per pixel, exactly, on the uneven grid of the box borders
    (some hundred fields along an edge, whatever the size of the scene), then
    averaged by area over the cells. Fields without data are left out.

    Parameters
    ----------
    scene : Scene
    band : int
        1-based.
    vectors : float32 (n_texts, d)
        Unit vectors of the texts.
    encoder : DenseEncoder
    ctx : Progress
        Told after each batch of crops; the place to cancel.
    scales : sequence of int
        Crop edges in pixels.

    Returns
    -------
    float32 (rows, cols, n_texts)
        One cell covers `CELL_PX` pixels; NaN where there is no data.

    Raises
    ------
    QueryError
        When the scene is smaller than every crop.
    SceneError
        When its pixels cannot be read.
    """
    boxes = reference_boxes(scene.width, scene.height, scales)
    if not boxes:
        raise QueryError(
            f"{scene.path} has {scene.width} x {scene.height} px, smaller than the smallest crop of the reference "
            f"method ({min(scales)} px); ask without it."
        )
    stats = scene_stats(scene, band)
    means = _CellMeans(boxes, len(vectors))
    done, message = 0, scale_note(scene.width, scene.height, scales) or "encoding crops"
    for batch in _batches(boxes):
        ctx.step(done, len(boxes), message)
        chips = [read_chip(scene, box, band, shape=_chip_shape(box)) for box in batch]
        chips = [chip for chip in chips if chip.valid.any()]
        done += len(batch)
        if not chips:
            continue
        embedded = encoder.encode_chips([chip.intensity for chip in chips], stats, _chip_spacing(scene, batch[0]))
        for chip, cosines in zip(chips, embedded @ vectors.T, strict=True):
            means.add(chip, cosines)
    ctx.step(done, len(boxes), message)
    return means.cells()


def reference_heatmap(scene: Scene, band: int, query: TextQuery, encoder: DenseEncoder, ctx: Progress) -> Heatmap:
    """Scores of `query` by the crop method, with the same meaning as those of dense features.

    Parameters
    ----------
    scene : Scene
    band : int
        1-based.
    query : TextQuery
        Its `scales` choose the crops; empty for those of the paper.
    encoder : DenseEncoder
    ctx : Progress

    Returns
    -------
    Heatmap
        Its query names the scales used and the cell; `scale_note` says which
        scales were left out.

    Raises
    ------
    QueryError
        When the scene is smaller than every crop.
    SceneError
        When its pixels cannot be read.
    """
    scales = query.scales or SCALES
    prompts = TextVectors(encoder).prompts(query)
    vectors = np.concatenate((prompts.query[None], prompts.rivals))
    cosines = reference_cosines(scene, band, vectors, encoder, ctx, scales)
    scores = relative_scores(cosines[..., 0], cosines[..., 1:], prompts)
    asked = replace(query, cell_px=float(CELL_PX), scales=usable_scales(scene.width, scene.height, scales))
    return Heatmap(scores, float(CELL_PX), asked)


def _chip_shape(box: Window) -> tuple[int, int]:
    edge = min(box.width, _CHIP_PX)
    return edge, edge


def _chip_spacing(scene: Scene, box: Window) -> float | None:
    """Ground metres per pixel of a crop after it was averaged down, None where unknown."""
    if scene.spacing_m is None:
        return None
    return math.sqrt(scene.spacing_m[0] * scene.spacing_m[1]) * box.width / _chip_shape(box)[1]
