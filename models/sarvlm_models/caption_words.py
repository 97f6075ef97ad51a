"""Words of captions: a word-level vocabulary, the facts before a caption, and training sequences.

A sequence is ``<bos> facts <sep> caption <eos>``; the facts ("ship 3 , bridge 1")
say what was counted and are empty where nothing is known.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

SPECIALS: Final = ("<pad>", "<bos>", "<sep>", "<eos>", "<unk>")
PAD, BOS, SEP, EOS, UNKNOWN = range(len(SPECIALS))
LARGEST_NUMBER: Final = 20
"""Whole numbers up to this are one word; larger ones are written digit by digit."""
MANY: Final = "many"
FACT_WORDS: Final = (MANY, ",", ".", "ship", "aircraft", "vehicle", "storage", "tank", "bridge")
"""Always in the vocabulary, so that what was counted can be said."""
_WORD: Final = re.compile(r"\d+\.\d+|(?=[0-9'-]*[a-z])[a-z0-9]+(?:['-][a-z0-9]+)*|\d+|\S", re.ASCII)
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))", re.ASCII)


def split_words(text: str) -> list[str]:
    """Lower-case words, numbers and punctuation marks of `text` ("T-72, 35 m." -> t-72 , 3 5 m .)."""
    words: list[str] = []
    for word in _WORD.findall(_THOUSANDS.sub("", text.lower())):
        alone = not (word.isascii() and word.isdigit()) or word in _NUMBERS
        words.extend([word] if alone else word)
    return words


_NUMBERS: Final = tuple(str(number) for number in range(LARGEST_NUMBER + 1))


class WordList:
    """A word-level vocabulary; the place of a word in it is its number.

    Parameters
    ----------
    words : sequence of str
        All words, `SPECIALS` first.

    Raises
    ------
    ValueError
        The specials do not lead, or a word occurs twice.
    """

    def __init__(self, words: Sequence[str]) -> None:
        if tuple(words[: len(SPECIALS)]) != SPECIALS or len(set(words)) != len(words):
            raise ValueError(f"word list: expected distinct words after {' '.join(SPECIALS)}")
        self.words = tuple(words)
        self._ids = {word: place for place, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def from_texts(cls, texts: Iterable[str], least: int = 1) -> WordList:
        """The words that occur at least `least` times in `texts`, the frequent ones first; numbers 0..20 always."""
        counts = Counter(word for text in texts for word in split_words(text))
        always = dict.fromkeys((*SPECIALS, *_NUMBERS, *FACT_WORDS))
        often = sorted((-count, word) for word, count in counts.items() if count >= least and word not in always)
        return cls([*always, *(word for _, word in often)])

    @classmethod
    def from_json(cls, text: str) -> WordList:
        """The list that `to_json` wrote.

        Raises
        ------
        ValueError
            `text` is no such list.
        """
        words = json.loads(text)
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError("word list: expected a JSON list of words")
        return cls(words)

    def to_json(self) -> str:
        """The words as a JSON list, for the metadata of a weight file."""
        return json.dumps(self.words, ensure_ascii=True, separators=(",", ":"))

    def encode(self, text: str) -> list[int]:
        """Numbers of the words of `text`; words that are not in the list give <unk>."""
        return [self._ids.get(word, UNKNOWN) for word in split_words(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """Raw text up to <eos>: words with blanks between them, without <pad>, <bos>, <sep>."""
        words: list[str] = []
        for number in ids:
            if number == EOS:
                break
            if number not in (PAD, BOS, SEP):
                words.append(self.words[number])
        return " ".join(words)


def facts_text(counts: Mapping[str, int] | None) -> str:
    """What was counted, as the decoder reads it: "ship 3 , storage tank many"; "" where nothing is known.

    Parameters
    ----------
    counts : mapping of concept key to number of objects, or None
        Numbers above 20 are said as "many"; zeros are said too.
    """
    if not counts:
        return ""
    said = (f"{key.replace('_', ' ')} {n if n <= LARGEST_NUMBER else MANY}" for key, n in counts.items())
    return " , ".join(said)


def prefix_tokens(words: WordList, facts: str) -> list[int]:
    """``<bos> facts <sep>``: what a caption is written after."""
    return [BOS, *words.encode(facts), SEP]


def training_tokens(words: WordList, facts: str, caption: str, most: int = 64) -> tuple[list[int], int]:
    """One training sequence, and where its caption begins.

    Returns
    -------
    tokens : list of int
        ``<bos> facts <sep> caption <eos>``, cut after `most` tokens (then without <eos>).
    first : int
        Place of the first word of the caption in `tokens`.
    """
    prefix = prefix_tokens(words, facts)
    return [*prefix, *words.encode(caption), EOS][:most], len(prefix)
