"""The application's heat maps of pictures, as logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sarvlm_app.core.query import BACKGROUND_PROMPTS, Prompts, TextVectors, same_meaning, score_vectors, smooth
from sarvlm_app.core.tiling import plan_windows
from sarvlm_models.api import DenseEncoder
from sarvlm_models.preprocess import picture_stats
from sarvlm_models.types import Float16, Float32, TextQuery

from .peaks import to_logit


def picture_patches(encoder: DenseEncoder, amplitude: Float32) -> Float16:
    """Patch vectors of a picture of unknown spacing, window by window as of a scene.

    Parameters
    ----------
    encoder : DenseEncoder
    amplitude : float32 (h, w)
        Linear amplitude; what a last cell lacks is mirrored.

    Returns
    -------
    float16 (rows, cols, d)
    """
    spec, (height, width) = encoder.spec, amplitude.shape
    cell = spec.cell_px
    stats = picture_stats(amplitude)
    padded = np.pad(amplitude, ((0, -height % cell), (0, -width % cell)), mode="symmetric")
    rows, cols = (edge // cell for edge in padded.shape)
    patches = np.zeros((rows, cols, spec.dim), np.float16)
    for tile in plan_windows(cols * cell, rows * cell, spec.window_px, spec.margin_px):
        read, keep = tile.read, tile.keep
        window = padded[read.row : read.row_end, read.col : read.col_end]
        found = encoder.encode_patches(window**2, stats, None)
        top, left = (keep.row - read.row) // cell, (keep.col - read.col) // cell
        part = np.s_[keep.row // cell : keep.row_end // cell, keep.col // cell : keep.col_end // cell]
        height_kept, width_kept = patches[part].shape[:2]
        patches[part] = found[top : top + height_kept, left : left + width_kept]
    return patches


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


def smooth_logits(patches: Float16, prompts: Prompts) -> Float32:
    """Logits float32 (rows, cols) of the scores, smoothed as the application smooths scores; NaN without data."""
    return smooth(to_logit(score_vectors(patches, prompts)))
