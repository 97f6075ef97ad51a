"""From words to places: background prompts, scores with a fixed meaning, candidates.

A place is compared with the query and with prompts for what else it might be
(the background and the user's negatives). Its score is the sigmoid of the
smaller of two margins, in the model's own logits: over the best competing
prompt, and over the point at which the model calls a text absent. So 0.5 is
the background in every scene, and nothing is stretched to a scene's own range.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label, maximum_filter

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.language import require_english
from sarvlm_app.core.mapping import give_back
from sarvlm_app.core.scene import Scene
from sarvlm_app.core.scene_index import SceneIndex
from sarvlm_app.errors import QueryError
from sarvlm_models.api import TextEncoder
from sarvlm_models.types import Float16, Float32, Heatmap, TextQuery, Window

BACKGROUND_PROMPTS: Final = (
    "nothing in particular", "clutter", "speckle noise", "open sea", "a lake", "a river", "a beach", "farm fields",
    "grassland", "forest", "scrubland hills", "mountains", "desert", "a city", "residential area", "industrial area",
    "a road", "a harbour", "an airport", "a ship", "a vehicle", "an aircraft", "storage tanks", "a bridge",
    "a breakwater", "a building",
)  # fmt: skip
SAME_MEANING: Final = 0.5
"""Cosine of two texts above which a background prompt means what was asked and does not compete."""
MARGIN_SHARPNESS: Final = 1.0
"""Factor from a margin in logits to the logit of the score: a win by one logit reads 0.73, by two 0.88."""
ROWS_AT_ONCE: Final = 16
MAPPED_BYTES: Final = 512 * 2**20
"""An index larger than this does not stay in memory after a question."""
SCORING_THREADS: Final = 2
PLACES_AT_ONCE: Final = 4096
SMOOTH_CELLS: Final = 0.6
PLACE_PREPOSITION: Final = re.compile(
    r"\s(?:in|at|on|off|near|by|along|beside|inside|outside|within|around|behind|under|next to|close to|alongside)\s",
    re.IGNORECASE,
)
MOST_CANDIDATES: Final = 500
OBJECT_CELLS: Final = 4096
"""Regions up to this size may be one object; larger ones are kinds of ground."""
DIP: Final = 0.2
"""Share of what a maximum stands out by that must be lost on the way to a better one, or it is no place of its own."""
MOST_REACH: Final = 12.0
"""Cells around a place within which a large region gives no second one."""
BACKGROUND_SCORE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that stands out.

    Attributes
    ----------
    rank : int
        From 1.
    score : float
        0..1; 0.5 is the background.
    col, row : float
        Centre in full-resolution pixels.
    lon, lat : float or None
        Degrees, WGS84; None without georeference.
    bbox_px : (col, row, width, height)
        Extent of what stands out around the place, full-resolution pixels.
    """

    rank: int
    score: float
    col: float
    row: float
    lon: float | None
    lat: float | None
    bbox_px: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds spent encoding the scene, scoring, and in all."""

    encode: float
    score: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found in a scene.

    Attributes
    ----------
    candidates : tuple of Candidate
        Above the query's threshold, best first.
    cached : bool
        The scene was encoded before this question.
    complete : bool
        False while encoding goes on and the heat map covers a part only.
    """

    query: TextQuery
    scene: Scene
    band: int
    heatmap: Heatmap
    candidates: tuple[Candidate, ...]
    stands_out: bool
    seconds: Timing
    cached: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class Prompts:
    """Text vectors of one question.

    Attributes
    ----------
    query : float32 (d,)
        Of the whole text and of its subject, in equal parts.
    rivals : float32 (n, d)
        Negatives and those background prompts that mean something else.
    scale : float
        Factor from a cosine to a logit.
    bias : float or None
        Logit of a text that is absent, where the model has learned one.
    """

    query: Float32
    rivals: Float32
    scale: float
    bias: float | None


def check_text(text: str, negatives: Sequence[str] = ()) -> None:
    """Refuse what cannot be asked: empty, too long, or not English.

    Raises
    ------
    QueryError
        One sentence that says what to do.
    """
    require_english(text)
    for negative in negatives:
        if not negative.strip():
            raise QueryError("A negative is empty: type what the answer must not be, or remove it.")
        require_english(negative)


class TextVectors:
    """Remembers the vectors of texts asked before; a new text costs one forward pass."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Float32] = {}

    def vectors(self, texts: Sequence[str]) -> Float32:
        """Unit vectors float32 (n, d)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            for text, vector in zip(new, self._encoder.encode_text(new), strict=True):
                self._known[text] = vector
        return np.stack([self._known[text] for text in texts])

    def prompts(self, query: TextQuery) -> Prompts:
        """The query's vector and its rivals."""
        whole = query.text.strip()
        vectors = self.vectors([whole, subject_of(whole), *query.negatives, *BACKGROUND_PROMPTS])
        both, negatives, background = np.split(vectors, (2, 2 + len(query.negatives)))
        asked = both.sum(0) / np.linalg.norm(both.sum(0))
        alike = background @ asked
        background = background[alike < same_meaning(alike)]
        rivals = np.concatenate((negatives, background))
        bias = getattr(self._encoder, "logit_bias", None)
        return Prompts(asked, rivals, float(getattr(self._encoder, "logit_scale", 100.0)), bias)


def class_prompts(texts: TextVectors, words: Sequence[str]) -> Prompts:
    """The question for a class that goes by several words: its vector is the mean of those of its words.

    Background prompts of the same meaning do not compete.
    """
    asked = [texts.prompts(TextQuery(word)) for word in words]
    total = np.sum([prompts.query for prompts in asked], axis=0)
    query = np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float32)
    background = texts.vectors(BACKGROUND_PROMPTS)
    alike = background @ query
    return Prompts(query, background[alike < same_meaning(alike)], asked[0].scale, asked[0].bias)


def subject_of(text: str) -> str:
    """What a sentence is about: the words before its first preposition of place.

    "ships in the harbour" asks for ships, and a harbour without them is no
    answer; a text without such a preposition is its own subject.
    """
    head = PLACE_PREPOSITION.split(text, maxsplit=1)[0].strip()
    return head or text


def same_meaning(cosines: Float32) -> float:
    """Cosine with a query above which a background prompt means the same.

    `SAME_MEANING`, unless the model's texts lie in so narrow a cone (CLIP's
    do) that most prompts would be left out: then halfway from their median
    to 1, so that there are rivals always.
    """
    level = float(np.median(cosines))
    return SAME_MEANING if level < SAME_MEANING else (1.0 + level) / 2.0


def relative_scores(query: Float32, rivals: Float32, prompts: Prompts) -> Float32:
    """Scores of places from cosines.

    Parameters
    ----------
    query : float32 (...,)
        Cosine of each place with the query.
    rivals : float32 (..., n)
        Cosines with the rivals; n may be 0.
    prompts : Prompts
        Gives the scale and bias.

    Returns
    -------
    float32 (...,): sigmoid(k min(s (c - max c'), s c + b)), 0.5 where the place
    is as likely something else or just at the point of absence, or where there
    is nothing to compare it with.
    """
    nothing_to_compare = not rivals.shape[-1] and prompts.bias is None
    margin = np.full(query.shape, 0.0 if nothing_to_compare else np.inf, np.float32)
    if rivals.shape[-1]:
        margin = prompts.scale * (query - rivals.max(axis=-1))
    if prompts.bias is not None:
        margin = np.minimum(margin, prompts.scale * query + prompts.bias)
    logit = np.clip(MARGIN_SHARPNESS * margin, -30.0, 30.0)
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=np.float32)


def score_vectors(vectors: Float16, prompts: Prompts, ctx: JobContext | None = None) -> Float32:
    """Scores float32 (rows, cols) of patch vectors (rows, cols, d); NaN where there is no vector.

    Bands of rows are scored side by side on a few threads: widening float16
    and the reductions take longer than the matrix product, and leave the
    interpreter free. Each thread widens into one buffer, kept over its bands.
    The memory of large indices that are mapped from their file is given back
    band by band.
    """
    rows, cols, dim = vectors.shape
    own = threading.local()
    scores = np.full((rows, cols), np.nan, np.float32)
    texts = np.concatenate((prompts.query[None], prompts.rivals)).T.astype(np.float32)

    def score_band(start: int) -> None:
        part = vectors[start : start + ROWS_AT_ONCE]
        if not hasattr(own, "wide"):
            own.wide = np.empty((ROWS_AT_ONCE, cols, dim), np.float32)
        wide = own.wide[: part.shape[0]]
        np.copyto(wide, part)
        cosines = wide.reshape(-1, dim) @ texts
        values = relative_scores(cosines[:, 0], cosines[:, 1:], prompts)
        # only the vector of zeros, which stands for no data, is exactly at right angles to every text
        values[~cosines.any(axis=1)] = np.nan
        scores[start : start + part.shape[0]] = values.reshape(-1, cols)
        if vectors.nbytes > MAPPED_BYTES:
            give_back(vectors, start, start + part.shape[0])

    starts = range(0, rows, ROWS_AT_ONCE)
    with ThreadPoolExecutor(SCORING_THREADS, thread_name_prefix="score") as pool:
        waiting = [pool.submit(score_band, start) for start in starts]
        try:
            for start, band in zip(starts, waiting, strict=True):
                band.result()
                if ctx is not None:
                    ctx.step(start, rows, "Scoring")
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return scores


def smooth(scores: Float32, sigma: float = SMOOTH_CELLS) -> Float32:
    """Scores averaged with their neighbours, over known cells only; NaN stays NaN."""
    known = np.isfinite(scores)
    if not known.any():
        return scores
    weight = gaussian_filter(known.astype(np.float32), sigma)
    total = gaussian_filter(np.where(known, scores, 0.0).astype(np.float32), sigma)
    return np.where(known, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def peaks(heatmap: Heatmap, scene: Scene, threshold: float, top: int = MOST_CANDIDATES) -> tuple[Candidate, ...]:
    """The places that stand out, best first.

    Cells above the threshold form regions; a region's best cell is a
    candidate, and so are further local maxima at least a third of the
    region's extent (2 to 12 cells) away from a better one. In a region of the
    size of an object (up to 4096 cells) a maximum that is joined to a better
    one without a dip of a fifth of what it stands out by is the same place.
    """
    scores = np.nan_to_num(heatmap.scores, nan=0.0)
    above = np.isfinite(heatmap.scores) & (scores > threshold)
    regions, count = label(above, structure=np.ones((3, 3), int))
    if not count:
        return ()
    maxima = above & (scores == maximum_filter(scores, size=3, mode="constant"))
    places = np.argwhere(maxima)
    places = places[np.argsort(-scores[maxima], kind="stable")]
    base = min(threshold, BACKGROUND_SCORE)
    taken = _apart(places, regions, top, Ridges(scores, base))
    maps = scores, regions, base
    return tuple(_candidate(rank, place, heatmap, scene, maps) for rank, place in enumerate(taken, 1))


@dataclass(frozen=True, slots=True)
class Ridges:
    """Tells whether two places of a region are one object: no dip lies between them."""

    scores: Float32
    base: float

    def join(self, place: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
        """Whether the straight way from `place` to one of the better `others` stays nearly as high as `place`."""
        least = self.base + (1.0 - DIP) * (float(self.scores[place]) - self.base)
        for other in others:
            steps = max(abs(place[0] - other[0]), abs(place[1] - other[1])) + 1
            rows = np.linspace(place[0], other[0], steps).round().astype(int)
            cols = np.linspace(place[1], other[1], steps).round().astype(int)
            if self.scores[rows, cols].min() >= least:
                return True
        return False


def _apart(places: NDArray[np.int64], regions: NDArray[np.int32], top: int, ridges: Ridges) -> list[tuple[int, int]]:
    """At most `top` of the places (row, col), best first, each out of the reach of those before it.

    What a place rules out is marked on the map, so the time grows with what
    is taken and not with the number of places times that.
    """
    sizes = np.bincount(regions.ravel())
    reaches = np.clip(np.sqrt(sizes) / 3.0, 2.0, MOST_REACH)
    span = math.ceil(MOST_REACH)
    offsets = np.arange(-span, span + 1)
    distances = np.hypot(offsets[:, None], offsets[None])
    ruled_out = np.zeros(regions.shape, np.bool_)
    taken: list[tuple[int, int]] = []
    by_region: dict[int, list[tuple[int, int]]] = {}
    for row, col in _remaining(places, ruled_out):
        if len(taken) >= top:
            break
        region = int(regions[row, col])
        better = by_region.setdefault(region, [])
        if sizes[region] <= OBJECT_CELLS and ridges.join((row, col), better):
            continue
        better.append((row, col))
        taken.append((row, col))
        top_row, left = max(0, row - span), max(0, col - span)
        around = np.s_[top_row : row + span + 1, left : col + span + 1]
        height, width = regions[around].shape
        far = distances[top_row - row + span :, left - col + span :][:height, :width]
        ruled_out[around] |= far < np.maximum(reaches[regions[row, col]], reaches[regions[around]])
    return taken


def _remaining(places: NDArray[np.int64], ruled_out: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """The places (row, col) that are not ruled out by the time it is their turn."""
    for start in range(0, len(places), PLACES_AT_ONCE):
        part = places[start : start + PLACES_AT_ONCE]
        for row, col in part[~ruled_out[part[:, 0], part[:, 1]]].tolist():
            if not ruled_out[row, col]:
                yield row, col


def _candidate(
    rank: int, place: tuple[int, int], heatmap: Heatmap, scene: Scene, maps: tuple[Float32, NDArray[np.int32], float]
) -> Candidate:
    """A candidate centred on the weighted middle of the 3 x 3 cells around a maximum.

    `maps` holds the scores, the regions and the score that weighs nothing: the
    background, or the threshold where that is lower.
    """
    scores, regions, base = maps
    row, col = place
    reach = 6
    r0, r1 = max(0, row - reach), min(scores.shape[0], row + reach + 1)
    c0, c1 = max(0, col - reach), min(scores.shape[1], col + reach + 1)
    near = slice(max(0, row - 1), row + 2), slice(max(0, col - 1), col + 2)
    excess = np.maximum(scores[near] - base, 0.0) * (regions[near] == regions[row, col])
    rows, cols = np.indices(excess.shape) + np.array((near[0].start, near[1].start))[:, None, None]
    middle_row, middle_col = (float((axis * excess).sum() / excess.sum()) + 0.5 for axis in (rows, cols))
    half = (scores[row, col] + base) / 2
    own = np.argwhere((regions[r0:r1, c0:c1] == regions[row, col]) & (scores[r0:r1, c0:c1] >= half))
    (top, left), (bottom, right) = own.min(0) + (r0, c0), own.max(0) + (r0 + 1, c0 + 1)
    cell = heatmap.cell_px
    middle_col, middle_row = min(max(middle_col, left), right), min(max(middle_row, top), bottom)
    x, y = float(min(middle_col * cell, scene.width - 0.5)), float(min(middle_row * cell, scene.height - 0.5))
    lon = lat = None
    if scene.georef is not None:
        lons, lats = scene.georef.to_lonlat(x, y)
        lon, lat = float(lons), float(lats)
    box_col, box_row = int(left * cell), int(top * cell)
    box_end, box_bottom = min(int(right * cell), scene.width), min(int(bottom * cell), scene.height)
    box = (box_col, box_row, box_end - box_col, box_bottom - box_row)
    return Candidate(rank, float(scores[row, col]), x, y, lon, lat, box)


@dataclass(frozen=True, slots=True)
class Question:
    """A query put to a scene, or to the part `area` of it: everything but the vectors."""

    query: TextQuery
    scene: Scene
    band: int
    top: int = MOST_CANDIDATES
    area: Window | None = None


def masked(scores: Float32, cell_px: float, area: Window | None) -> Float32:
    """Scores with NaN in every cell whose centre lies outside `area`."""
    if area is None:
        return scores
    rows = (np.arange(scores.shape[0]) + 0.5) * cell_px
    cols = (np.arange(scores.shape[1]) + 0.5) * cell_px
    inside_rows = (rows >= area.row) & (rows < area.row_end)
    inside_cols = (cols >= area.col) & (cols < area.col_end)
    return np.where(inside_rows[:, None] & inside_cols[None], scores, np.nan).astype(np.float32)


def answer_from(index: SceneIndex, question: Question, texts: TextVectors, ctx: JobContext, encode_s: float) -> Answer:
    """Score an index, as far as it is encoded, and find the places that stand out."""
    began = time.perf_counter()
    prompts = texts.prompts(question.query)
    scores = masked(smooth(score_vectors(index.vectors, prompts, ctx)), float(index.layout.cell_px), question.area)
    heatmap = Heatmap(scores, float(index.layout.cell_px), question.query)
    candidates = peaks(heatmap, question.scene, question.query.threshold, question.top)
    spent = time.perf_counter() - began
    return Answer(
        query=question.query, scene=question.scene, band=question.band, heatmap=heatmap, candidates=candidates,
        stands_out=bool(candidates), seconds=Timing(encode_s, spent, encode_s + spent), cached=encode_s == 0.0,
        complete=index.covers(question.area),
    )  # fmt: skip
