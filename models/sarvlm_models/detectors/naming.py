"""Names of boxes by SARCLIP: what is of one kind is told apart on the whole picture of the object.

The head of a detector sees a kind at once, but ten vehicles differ in details that the tower of whole pictures was
trained for. Each box is seen in a few sizes, so that neither its surroundings nor a tight cut decide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sarvlm_models.api import PictureEncoder
from sarvlm_models.types import Detections, Float32, StoredClass

GROWN: Final = (1.0, 0.9, 0.8, 0.7)
"""Edges of the crops over the longer edge of the box."""
LEAST_SCORE: Final = 0.05
MOST_BOXES: Final = 200
"""Boxes of a window that are looked at again, the best ones."""
LEAST_EDGE_PX: Final = 24
"""Smaller boxes show too little."""
SHARPNESS: Final = 30.0
"""Factor from a difference of cosines to a logit."""


class PictureNamer:
    """Tells classes of one kind apart.

    Parameters
    ----------
    encoder : callable
        Gives the encoder of whole pictures; called when it is first needed.
    sha256 : str
        Of its weights.
    """

    def __init__(self, encoder: Callable[[], PictureEncoder], sha256: str = "") -> None:
        self.sha256 = sha256
        self._provide = encoder
        self._encoder: PictureEncoder | None = None
        self._texts: dict[tuple[str, ...], Float32] = {}

    @property
    def encoder(self) -> PictureEncoder:
        """The encoder, loaded at the first call."""
        if self._encoder is None:
            self._encoder = self._provide()
        return self._encoder

    def renamed(
        self, intensity: Float32, boxes: Detections, classes: Sequence[StoredClass], kinds: Sequence[str]
    ) -> Detections:
        """Boxes with the best name of their kind; their score is multiplied by the root of its share.

        Parameters
        ----------
        kinds : sequence of str
            Of each class; boxes of a kind with one class keep their name.
        """
        ids, scores = boxes.class_ids.copy(), boxes.scores.copy()
        edges = boxes.bbox_px[:, 2:].max(axis=1) if len(boxes) else np.zeros(0)
        for kind in dict.fromkeys(kinds):
            own = np.array([i for i, other in enumerate(kinds) if other == kind])
            rows = np.flatnonzero(np.isin(ids, own) & (scores >= LEAST_SCORE) & (edges >= LEAST_EDGE_PX))
            rows = rows[np.argsort(-scores[rows], kind="stable")][:MOST_BOXES]
            if len(own) < 2 or not len(rows):
                continue
            shares = self._shares(intensity, boxes.bbox_px[rows], [classes[i] for i in own])
            ids[rows] = own[shares.argmax(axis=1)]
            scores[rows] *= np.sqrt(shares.max(axis=1))
        named = Detections(boxes.corners_px, boxes.bbox_px, scores, ids.astype(np.int32), boxes.names, boxes.model_id)
        return named.take(np.argsort(-scores, kind="stable"))

    def _shares(self, intensity: Float32, bbox: Float32, classes: Sequence[StoredClass]) -> NDArray[np.float32]:
        """Share of each class: float32 (n, classes)."""
        amplitude = np.sqrt(np.maximum(intensity, 0.0))
        chips = [crop(amplitude, box, grown) for box in bbox for grown in GROWN]
        vectors = self.encoder.encode_pictures(chips, None).reshape(len(bbox), len(GROWN), -1).mean(axis=1)
        texts = np.stack([self._text(one.words) for one in classes])
        logits = SHARPNESS * vectors @ texts.T
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)

    def _text(self, words: tuple[str, ...]) -> Float32:
        if words not in self._texts:
            mean = self.encoder.encode_text(words).mean(axis=0)
            self._texts[words] = mean / np.linalg.norm(mean)
        return self._texts[words]


def crop(amplitude: Float32, bbox: Float32, grown: float) -> Float32:
    """The square around the middle of a box (col, row, width, height); beyond the window its rim goes on."""
    col, row, width, height = (float(v) for v in bbox)
    edge = max(8, round(max(width, height) * grown))
    first_col, first_row = round(col + width / 2 - edge / 2), round(row + height / 2 - edge / 2)
    rows = np.clip(np.arange(first_row, first_row + edge), 0, amplitude.shape[0] - 1)
    cols = np.clip(np.arange(first_col, first_col + edge), 0, amplitude.shape[1] - 1)
    return np.ascontiguousarray(amplitude[rows][:, cols])
