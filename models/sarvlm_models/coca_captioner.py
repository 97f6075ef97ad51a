"""Captions of official CoCa checkpoints, searched as CoCa's authors do (PAPER.md B.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch

from .beam_search import SearchOptions, beam_search
from .caption_text import display_text
from .clip_encoder import OpenClipEncoder
from .coca_decoding import CocaDecoding
from .types import Caption, Float32, SceneStats

START: Final = 49406
END: Final = 49407
SKIPPED: Final = (0, START)
"""Tokens of the padding and the start, which are not written."""
BEAMS: Final = 2
"""open_clip's 6 beams in 3 groups are 2 beams three times over."""
LONGEST: Final = 77
SHORTEST: Final = 5


class CocaCaptioner:
    """`Captioner` over a CoCa checkpoint; it cannot be told what was counted.

    Parameters
    ----------
    encoder : OpenClipEncoder
        Of a network with a text decoder.
    """

    def __init__(self, encoder: OpenClipEncoder) -> None:
        self._encoder = encoder

    @property
    def model_id(self) -> str:
        """That of the checkpoint."""
        return self._encoder.spec.model_id

    @property
    def uses_counts(self) -> bool:
        """No: CoCa was trained on the picture alone."""
        return False

    @torch.inference_mode()
    def caption(
        self,
        intensity: Float32,
        stats: SceneStats,
        spacing_m: float | None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        """The caption of a chip; spacing and `counts` are not used by CoCa."""
        tokens = self._encoder.image_tokens(intensity, stats)
        longest = min(LONGEST, self._encoder.text_length + 1)
        options = SearchOptions(end=END, beams=beams or BEAMS, longest=longest, shortest=SHORTEST, raw_logits=True)
        best = beam_search(CocaDecoding(self._encoder.network, tokens), [START], options, tokens.device)[0]
        raw = self._encoder.detokenize([token for token in best.tokens if token not in SKIPPED])
        return Caption(display_text(raw), raw, best.logprob, None, self.model_id)

    def caption_picture(
        self,
        amplitude: Float32,
        spacing_m: float | None = None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        """The caption of a picture by its own statistics."""
        return self.caption(amplitude * amplitude, SceneStats.of_picture(amplitude), spacing_m, counts, beams)
