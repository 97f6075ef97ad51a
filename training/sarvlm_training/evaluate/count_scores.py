"""How often captions state the right numbers of things."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

MOST: Final = 5
"""Images with more objects of a class are told apart."""


@dataclass(frozen=True, slots=True)
class CountedPicture:
    """True and stated numbers of one image.

    Attributes
    ----------
    truth : mapping of label to int
        Every counted class, 0 where the image has none.
    stated : mapping of label to int or None
        As `read_counts` gives them.
    """

    truth: Mapping[str, int]
    stated: Mapping[str, int | None]

    def right(self, label: str) -> bool:
        """Whether the caption states the number; a class that it does not name counts as none."""
        return self.stated.get(label, 0) == self.truth[label]

    @property
    def exact(self) -> bool:
        return all(self.right(label) for label in self.truth)


@dataclass(frozen=True, slots=True)
class Share:
    """Share of right ones among `n`; None where there are none."""

    exact: float | None
    n: int


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """One class over the images that have one to five of it.

    Attributes
    ----------
    exact : float or None
        Share of these images whose caption states the right number of it.
    mae : float or None
        Mean absolute error; a class that is not named counts as 0, a vague number is left out.
    n, unnamed, vague : int
        These images; those whose caption does not name the class, or names it without a number.
    """

    exact: float | None
    mae: float | None
    n: int
    unnamed: int
    vague: int


@dataclass(frozen=True, slots=True)
class CountScores:
    """What `sarvlm evaluate counts` reports.

    Attributes
    ----------
    exact, n : float or None, int
        Share of the images with something to count, and at most five of each
        class, whose caption states the right number of *every* class; how
        many these are.
    mae : float or None
        Mean absolute error over these images and the classes they have.
    empty, more : Share
        The same share over images without any object, and with more than five of a class.
    by_count : mapping of int to Share
        Right numbers of a class by its true number, over all images and classes.
    per_class : mapping of label to ClassCounts
    """

    exact: float | None
    n: int
    mae: float | None
    empty: Share
    more: Share
    by_count: Mapping[int, Share]
    per_class: Mapping[str, ClassCounts]


def score_counts(pictures: Sequence[CountedPicture], labels: Sequence[str]) -> CountScores:
    """The measures over images whose `truth` has all `labels`."""
    empty = [p for p in pictures if not any(p.truth.values())]
    more = [p for p in pictures if max(p.truth.values()) > MOST]
    few = [p for p in pictures if 0 < max(p.truth.values()) <= MOST]
    headline = _share(p.exact for p in few)
    by_count: defaultdict[int, list[bool]] = defaultdict(list)
    for picture in pictures:
        for label in labels:
            by_count[picture.truth[label]].append(picture.right(label))
    return CountScores(
        headline.exact,
        headline.n,
        _mean(error for label in labels for error in _errors(few, label)),
        _share(p.exact for p in empty),
        _share(p.exact for p in more),
        {number: _share(by_count[number]) for number in sorted(by_count)},
        {label: _of_class(pictures, label) for label in labels},
    )


def _of_class(pictures: Sequence[CountedPicture], label: str) -> ClassCounts:
    own = [p for p in pictures if 0 < p.truth[label] <= MOST]
    return ClassCounts(
        _share(p.right(label) for p in own).exact,
        _mean(_errors(own, label)),
        len(own),
        sum(label not in p.stated for p in own),
        sum(p.stated.get(label, 0) is None for p in own),
    )


def _errors(pictures: Iterable[CountedPicture], label: str) -> list[int]:
    """Absolute errors where the class is in the image and its number is not vague."""
    pairs = [(p.stated.get(label, 0), p.truth[label]) for p in pictures if p.truth[label]]
    return [abs(stated - truth) for stated, truth in pairs if stated is not None]


def _share(right: Iterable[bool]) -> Share:
    results = list(right)
    return Share(_mean(results), len(results))


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None
