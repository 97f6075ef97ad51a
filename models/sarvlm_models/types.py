"""The values that flow between models and the application (NumPy only).

All are frozen; arrays are made read-only when they enter. Pixel coordinates
are (col, row) with the origin at the *outer corner* of the top left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float16 = NDArray[np.float16]


def _frozen(array: NDArray[np.generic]) -> None:
    array.setflags(write=False)


def _require(ok: bool, what: str, expected: object, actual: object) -> None:
    if not ok:
        raise ValueError(f"{what}: expected {expected}, got {actual}")


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open pixel rectangle; (0, 0) is the top left pixel.

    Attributes
    ----------
    col, row, width, height : int
        Pixels of the full-resolution scene. Width and height are at least 1.
    """

    col: int
    row: int
    width: int
    height: int

    def __post_init__(self) -> None:
        _require(self.width > 0 and self.height > 0, "Window size", ">= 1 px", (self.width, self.height))

    @property
    def col_end(self) -> int:
        return self.col + self.width

    @property
    def row_end(self) -> int:
        return self.row + self.height

    def intersection(self, other: Window) -> Window | None:
        """The common part of two windows, or None where they do not meet."""
        col, row = max(self.col, other.col), max(self.row, other.row)
        col_end, row_end = min(self.col_end, other.col_end), min(self.row_end, other.row_end)
        if col >= col_end or row >= row_end:
            return None
        return Window(col, row, col_end - col, row_end - row)


@dataclass(frozen=True, slots=True)
class SceneStats:
    """What a model may know of a whole scene before it sees a window of it.

    Computed once per scene and band from a sparse sample of valid pixels, so
    that neighbouring windows are normalised alike and show no seams.

    Attributes
    ----------
    median_amplitude, p98_amplitude : float
        Percentiles of the linear amplitude (square root of intensity) over
        valid, non-zero pixels.
    valid_share : float
        Share of the sampled pixels that hold data, 0..1.
    """

    median_amplitude: float
    p98_amplitude: float
    valid_share: float = 1.0

    @classmethod
    def of_picture(cls, amplitude: Float32) -> SceneStats:
        """Of a picture (float32 (h, w), linear amplitude) that stands alone, over its non-zero pixels."""
        valid = amplitude[amplitude > 0]
        if valid.size == 0:
            return cls(0.0, 0.0, 0.0)
        median, high = np.percentile(valid, (50, 98))
        return cls(float(median), float(high), valid.size / amplitude.size)


@dataclass(frozen=True, slots=True)
class Chip:
    """A piece of a scene.

    Attributes
    ----------
    window : Window
        Where it comes from, in full-resolution pixels.
    intensity : float32 (h, w)
        Linear intensity (power), never dB; 0 where not valid.
    valid : bool (h, w)
        False where the scene holds no data.
    """

    window: Window
    intensity: Float32
    valid: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _require(self.intensity.ndim == 2, "Chip.intensity", "2 axes", self.intensity.shape)
        _require(self.valid.shape == self.intensity.shape, "Chip.valid", self.intensity.shape, self.valid.shape)
        _frozen(self.intensity)
        _frozen(self.valid)


@dataclass(frozen=True, slots=True)
class Embedding:
    """Unit vectors of whole images or texts: float32 (n, d)."""

    vectors: Float32
    model_id: str

    def __post_init__(self) -> None:
        _require(self.vectors.ndim == 2, "Embedding.vectors", "2 axes", self.vectors.shape)
        _frozen(self.vectors)


@dataclass(frozen=True, slots=True)
class TextQuery:
    """All that decides the answer to a question put to a scene.

    Attributes
    ----------
    text : str
        What to look for, in plain words.
    negatives : tuple of str
        What the answer must not be; each competes with `text` at every place.
    threshold : float
        Score above which a place counts as standing out (0.5 is background).
    model_id : str
        Name and weights hash of the model asked.
    cell_px : float
        Edge of one heat-map cell in full-resolution pixels.
    scales : tuple of int
        Crop edges in pixels of the reference method; empty for dense features.
    """

    text: str
    negatives: tuple[str, ...] = ()
    threshold: float = 0.6
    model_id: str = ""
    cell_px: float = 8.0
    scales: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Scores of one query over a scene.

    Attributes
    ----------
    scores : float32 (rows, cols)
        0..1 with a fixed meaning: 0.5 is the background, NaN is no data (or
        not yet encoded). Never stretched to the scene.
    cell_px : float
        Edge of a cell in full-resolution pixels; cell (r, c) covers
        [c * cell_px, (c + 1) * cell_px) x [r * cell_px, (r + 1) * cell_px).
    """

    scores: Float32
    cell_px: float
    query: TextQuery

    def __post_init__(self) -> None:
        _require(self.scores.ndim == 2, "Heatmap.scores", "2 axes", self.scores.shape)
        _frozen(self.scores)


@dataclass(frozen=True, slots=True)
class Caption:
    """What a model says of a picture.

    Attributes
    ----------
    text : str
        To be read: sentence case, joined digits, closed punctuation.
    raw : str
        As the model said it, words with blanks between them.
    logprob : float
        Natural logarithm of the probability of `raw`, its end included.
    window : Window or None
        What was captioned, in full-resolution pixels; None for a picture that stands alone.
    model_id : str
        Name@first 12 digits of the weights' SHA-256.
    agrees : bool or None
        Whether `raw` states the numbers that the model was told, and no
        others; None where it was told none.
    """

    text: str
    raw: str
    logprob: float
    window: Window | None
    model_id: str
    agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """How a dense encoder wants its windows.

    Attributes
    ----------
    model_id : str
        Name@first 12 digits of the weights' SHA-256.
    dim : int
        Length of a patch vector.
    cell_px : int
        Input pixels per patch along an edge.
    window_px, margin_px : int
        Edge of the windows to encode and the rim of each whose patches are
        not used (their view is cut by the border); multiples of `cell_px`.
    finest_spacing_m : float or None
        A scene with smaller pixels is averaged down to about this spacing.
    weights_sha256 : str
        Of the whole weight file, for the tags of exports.
    """

    model_id: str
    dim: int
    cell_px: int
    window_px: int = 1024
    margin_px: int = 64
    finest_spacing_m: float | None = None
    profile: str = field(default="sar")
    weights_sha256: str = ""


@dataclass(frozen=True, slots=True)
class StoredClass:
    """A class a detector can look for: the prompts it is asked by, and where asking makes sense.

    Attributes
    ----------
    name : str
        What a box is labelled with.
    words : tuple of str
        Ways to say it; their text vectors are averaged.
    spacing_m : (float, float)
        Ground metres per pixel between which such objects can be told apart.
    """

    name: str
    words: tuple[str, ...]
    spacing_m: tuple[float, float] = (0.0, float("inf"))

    def __post_init__(self) -> None:
        _require(bool(self.name and self.words and all(self.words)), "StoredClass", "a name and words", self)


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """How a detector wants its windows, and what it was taught to find.

    Attributes
    ----------
    model_id : str
        Name@first 12 digits of the weights' SHA-256.
    window_px, margin_px : int
        Edge of the windows, and the rim of each whose boxes are not used: the
        neighbour sees what lies there whole.
    finest_spacing_m : float
        A scene with smaller pixels is averaged down to about this spacing.
    classes : tuple of StoredClass
        Asked for where the user names none.
    weights_sha256 : str
        Of the whole weight file.
    named_by : str
        SHA-256 of the weights by which boxes are named once more; empty where they are not.
    looks : tuple of float
        Magnifications in which a scene of unknown pixel spacing is looked at.
    looks_middle : float
        Logit of the mean score over those looks that stands for 0.5.
    """

    model_id: str
    window_px: int
    margin_px: int
    finest_spacing_m: float
    classes: tuple[StoredClass, ...]
    weights_sha256: str = ""
    named_by: str = ""
    looks: tuple[float, ...] = (1.0,)
    looks_middle: float = 0.0


@dataclass(frozen=True, slots=True)
class Detections:
    """Boxes found in a picture or a scene; struct of arrays.

    Attributes
    ----------
    corners_px : float32 (n, 4, 2)
        Corners (col, row), clockwise on the screen; upright and rotated alike.
        The edge from corner 0 to corner 1 is a long side.
    bbox_px : float32 (n, 4)
        Upright extent of the object: col, row, width, height. A detector that
        knows it gives it for itself, since that of a rotated box is larger.
    scores : float32 (n,)
        0..1; 0.5 is the background.
    class_ids : int32 (n,)
        Into `names`.
    names : tuple of str
    model_id : str
        Name@first 12 digits of the weights' SHA-256, or the file that they were imported from.
    """

    corners_px: Float32
    bbox_px: Float32
    scores: Float32
    class_ids: NDArray[np.int32]
    names: tuple[str, ...]
    model_id: str

    def __post_init__(self) -> None:
        n = len(self.scores)
        for name, shape in (("corners_px", (n, 4, 2)), ("bbox_px", (n, 4)), ("scores", (n,)), ("class_ids", (n,))):
            array: NDArray[np.generic] = getattr(self, name)
            _require(array.shape == shape, f"Detections.{name}", shape, array.shape)
            _frozen(array)
        known = bool(n == 0 or (self.class_ids.min() >= 0 and self.class_ids.max() < len(self.names)))
        _require(known, "Detections.class_ids", f"0..{len(self.names) - 1}", self.class_ids)

    def __len__(self) -> int:
        return len(self.scores)

    def labels(self) -> list[str]:
        """The name of each box's class."""
        return [self.names[i] for i in self.class_ids.tolist()]

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Detections:
        """Some of the boxes: by a mask (n,) or by positions, in their order."""
        return Detections(
            self.corners_px[chosen], self.bbox_px[chosen], self.scores[chosen], self.class_ids[chosen], self.names,
            self.model_id,
        )  # fmt: skip

    @classmethod
    def empty(cls, names: tuple[str, ...] = (), model_id: str = "") -> Detections:
        """No boxes."""
        nothing = np.zeros((0, 4, 2), np.float32)
        return cls(
            nothing, nothing[..., 0], np.zeros(0, np.float32), np.zeros(0, np.int32), names, model_id,
        )  # fmt: skip
