"""Measures of written captions against references, as the paper's authors split words and as COCO's evaluation does.

`bleu_1` to `bleu_4`, `rouge_l` and `cider` are what COCO's code prints (its
CIDEr is CIDEr-D); `cider_plain` is the CIDEr without clipping and length
penalty. PAPER.md B.4 says why both ways of splitting are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from .bleu import bleu
from .caption_tokens import Words, authors_words, treebank_words
from .cider import Cider
from .meteor import Meteor
from .rouge import mean_rouge_l

Split = Callable[[str], Words]
NO_SPICE: Final = "it needs Stanford CoreNLP 3.6.0 with its models, which no package brings and nothing here downloads"


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote about one picture, and what people did.

    Attributes
    ----------
    raw : str
        The words as the decoder gave them, with spaced punctuation ("1 4 tanks .").
    text : str
        The form for readers ("14 tanks.").
    references : tuple of str
        At least one.
    """

    raw: str
    text: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionScores:
    """Measures by name, for both ways of splitting words, and why others are missing.

    Attributes
    ----------
    raw : dict of str to float
        Of `Written.raw` and the references in lower case, split on white space.
    ptb : dict of str to float
        Of `Written.text` and the references in Penn Treebank words without punctuation.
    left_out : dict of str to str
        Measure to reason.
    """

    raw: dict[str, float]
    ptb: dict[str, float]
    left_out: dict[str, str]


def score_captions(written: Sequence[Written], meteor: Meteor | str) -> CaptionScores:
    """All measures of at least one caption.

    Parameters
    ----------
    written : sequence of Written
    meteor : Meteor or str
        Where METEOR is, or why it is left out (`find_meteor`).
    """
    references = [own.references for own in written]
    raw = _score([own.raw for own in written], references, authors_words)
    ptb = _score([own.text for own in written], references, treebank_words)
    left_out = {"spice": NO_SPICE}
    if isinstance(meteor, str):
        left_out["meteor"] = meteor
    else:
        for scores, split, captions in (
            (raw, authors_words, [own.raw for own in written]),
            (ptb, treebank_words, [own.text for own in written]),
        ):
            scores["meteor"] = meteor.score(_split(captions, split), [_split(own, split) for own in references])
    return CaptionScores(raw, ptb, left_out)


def _split(texts: Sequence[str], split: Split) -> list[Words]:
    return [split(text) for text in texts]


def _score(captions: Sequence[str], references: Sequence[Sequence[str]], split: Split) -> dict[str, float]:
    candidates = _split(captions, split)
    wanted = [_split(own, split) for own in references]
    cider = Cider(wanted)
    by_length = {f"bleu_{n}": value for n, value in enumerate(bleu(candidates, wanted), start=1)}
    return by_length | {
        "rouge_l": mean_rouge_l(candidates, wanted),
        "cider": cider.d(candidates),
        "cider_plain": cider.plain(candidates),
    }
