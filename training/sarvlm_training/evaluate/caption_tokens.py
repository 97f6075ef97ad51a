"""Two ways to split a caption into words: as the paper's authors do, and as COCO's evaluation does."""

from __future__ import annotations

import re
from typing import Final

Words = tuple[str, ...]

_QUOTES: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_BRACKETS: Final = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_DROPPED: Final = re.compile(r"""[.?!,:;'`"\u2013\u2014-]|\.\.\.|''|``|--""")
"""What COCO removes; its list has brackets too, but in capitals, and so its lower-cased ones stay as words."""
_TOKEN: Final = re.compile(
    r"""
      (?<![a-z0-9])(?:(?:[a-z]\.)+|(?:mr|mrs|ms|dr|st|vs)\.|no\.(?=\s+\d))(?!\w)   # "u.s.", "35 m.", "no. 5"
    | (?<![a-z0-9])can(?=not\b) | (?<=can)not\b
    | [^\W_](?:[&'-](?=\w)|\w)*?(?=n't\b) | n't\b                                  # "is", "n't"
    | '(?:s|m|d|re|ve|ll)\b
    | \d+(?:[.,:/]\d+)+(?:[-/]\w+)* | \.\d+                                        # "1,000", "3.5", "12:30"
    | \w+(?:(?:[-/_]+|'(?!(?:s|m|d|re|ve|ll)\b))\w+)*                               # "zsu-23-4", "and/or"
    | \.{2,} | [?!]+ | -+ | \S
    """,
    re.VERBOSE,
)


def authors_words(caption: str) -> Words:
    """Lower case, split on white space: "ship." is not "ship"."""
    return tuple(caption.lower().split())


def treebank_words(caption: str) -> Words:
    """Words of the Penn Treebank form in lower case, without punctuation.

    The words of COCO's `PTBTokenizer` (Stanford CoreNLP 3.4.1 with
    ``-lowerCase``, punctuation dropped), without Java.
    """
    words = _TOKEN.findall(caption.lower().translate(_QUOTES))
    return tuple(_BRACKETS.get(word, word) for word in words if not _DROPPED.fullmatch(word))
