"""Beam search over any decoder that can take one more word (own, with the decoder's key/value cache).

The order of events is that of the scorer that CoCa's authors used, so that
their settings give their captions: of 2 k candidates a step, an end among the
best k closes a caption, the others go on; the search ends when the worst of k
closed captions is as good as the best open one. Ties go to the earlier beam
and the smaller token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

State = TypeVar("State")


class Decoding(Protocol, Generic[State]):
    """A decoder that remembers what it has seen."""

    def step(self, tokens: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Logits (k, words) of what follows after the new `tokens` (int64 (k, t)), and the grown state."""
        ...

    def select(self, state: State, rows: Tensor) -> State:
        """The state of the sequences `rows` (int64 (k,)), in that order."""
        ...


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search. Lengths count the prefix as one token and the end as one.

    Attributes
    ----------
    end : int
        Token that closes a caption.
    beams : int
        Captions followed at a time; 1 is greedy.
    longest : int
        A caption of this length is cut, without an end.
    shortest : int
        The end is barred while fewer tokens than this are there.
    length_penalty : float
        Captions compete by score / length ** penalty.
    no_repeat : int
        Sequences of this many tokens do not occur twice; 0 allows all.
    barred : tuple of int
        Tokens that are never chosen.
    raw_logits : bool
        Scores are sums of logits instead of log-probabilities (CoCa's authors).
    """

    end: int
    beams: int = 3
    longest: int = 64
    shortest: int = 0
    length_penalty: float = 1.0
    no_repeat: int = 0
    barred: tuple[int, ...] = ()
    raw_logits: bool = False


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A caption found.

    Attributes
    ----------
    tokens : tuple of int
        Without the prefix and the end.
    score : float
        By which captions compete.
    logprob : float
        Natural logarithm of the caption's probability, its end included.
    ended : bool
        False where it was cut at the longest length.
    """

    tokens: tuple[int, ...]
    score: float
    logprob: float
    ended: bool


@dataclass(frozen=True, slots=True)
class _Open:
    """A caption that goes on: its tokens, the sum it competes by and its log-probability."""

    tokens: tuple[int, ...]
    total: float
    logprob: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    beam: int
    token: int
    total: float
    logprob: float


def beam_search(
    decoding: Decoding[State],
    prefix: Sequence[int],
    options: SearchOptions,
    device: torch.device | str = "cpu",
    cancelled: Callable[[], None] | None = None,
) -> list[Hypothesis]:
    """The best captions after `prefix`, best first.

    Parameters
    ----------
    decoding : Decoding
        Asked for the words after one sequence first, then after up to `beams`.
    prefix : sequence of int
        What every caption begins with; at least one token.
    options : SearchOptions
        Of which `beams` is at least 1.
    device : torch.device or str
        Where the tokens are made.
    cancelled : callable, optional
        Called before every step; it may raise.

    Returns
    -------
    list of Hypothesis
        At most `beams`, at least one.
    """
    closed: list[Hypothesis] = []
    live = [_Open((), 0.0, 0.0)]
    new = torch.tensor([list(prefix)], device=device)
    state: State | None = None
    while True:
        if cancelled is not None:
            cancelled()
        logits, state = decoding.step(new, state)
        candidates = _candidates(logits, live, options)
        going_on = _sort_out(candidates, live, closed, options)
        if not going_on or _is_done(candidates, live, closed, options):
            break
        rows = torch.tensor([candidate.beam for candidate in going_on], device=device)
        new = torch.tensor([[candidate.token] for candidate in going_on], device=device)
        live = [_Open((*live[c.beam].tokens, c.token), c.total, c.logprob) for c in going_on]
        if len(live[0].tokens) + 1 >= options.longest:
            _cut(live, closed, options)
            break
        state = decoding.select(state, rows)
    if not closed:
        _cut(live, closed, options)
    return sorted(closed, key=lambda found: -found.score)


def _candidates(logits: Tensor, live: Sequence[_Open], options: SearchOptions) -> list[_Candidate]:
    """The best 2 k continuations of all open captions, best first; barred ones are left out."""
    values = logits.detach().double()
    logprobs = torch.log_softmax(values, dim=-1)
    allowed = torch.zeros_like(values)
    if options.barred:
        allowed[:, list(options.barred)] = -torch.inf
    for row, caption in enumerate(live):
        if len(caption.tokens) + 1 < options.shortest:
            allowed[row, options.end] = -torch.inf
        repeated = _repeating(caption.tokens, options.no_repeat)
        if repeated:
            allowed[row, repeated] = -torch.inf
    scores = (values if options.raw_logits else logprobs) + allowed
    best, tokens = scores.topk(min(2 * options.beams, scores.shape[1]), dim=1)
    found = [
        _Candidate(row, int(token), caption.total + float(score), caption.logprob + float(logprobs[row, token]))
        for row, caption in enumerate(live)
        for score, token in zip(best[row], tokens[row], strict=True)
        if score > -torch.inf
    ]
    found.sort(key=lambda candidate: (-candidate.total, candidate.beam, candidate.token))
    return found[: 2 * options.beams]


def _repeating(tokens: tuple[int, ...], size: int) -> list[int]:
    """Tokens that would complete a sequence of `size` tokens said before."""
    if size < 1 or len(tokens) < size - 1:
        return []
    tail = tokens[len(tokens) - size + 1 :]
    return [tokens[i + size - 1] for i in range(len(tokens) - size + 1) if tokens[i : i + size - 1] == tail]


def _sort_out(
    candidates: Sequence[_Candidate], live: Sequence[_Open], closed: list[Hypothesis], options: SearchOptions
) -> list[_Candidate]:
    """Close captions whose end is among the best k; the first k others go on."""
    going_on: list[_Candidate] = []
    for rank, candidate in enumerate(candidates):
        if candidate.token != options.end:
            going_on.append(candidate)
        elif rank < options.beams:
            tokens = live[candidate.beam].tokens
            score = _score(candidate.total, len(tokens) + 2, options)
            _keep(closed, Hypothesis(tokens, score, candidate.logprob, ended=True), options)
        if len(going_on) == options.beams:
            break
    return going_on


def _is_done(
    candidates: Sequence[_Candidate], live: Sequence[_Open], closed: Sequence[Hypothesis], options: SearchOptions
) -> bool:
    """Whether no open caption is better than the worst of k closed ones, at the length they have now."""
    if len(closed) < options.beams:
        return False
    reachable = _score(candidates[0].total, len(live[0].tokens) + 2, options)
    return min(found.score for found in closed) >= reachable


def _cut(live: Sequence[_Open], closed: list[Hypothesis], options: SearchOptions) -> None:
    for caption in live:
        score = _score(caption.total, len(caption.tokens) + 1, options)
        _keep(closed, Hypothesis(caption.tokens, score, caption.logprob, ended=False), options)


def _keep(closed: list[Hypothesis], found: Hypothesis, options: SearchOptions) -> None:
    """Put a caption among the best k; of equal ones the earlier stays."""
    closed.append(found)
    if len(closed) > options.beams:
        closed.remove(min(reversed(closed), key=lambda known: known.score))


def _score(total: float, length: int, options: SearchOptions) -> float:
    return total / float(length**options.length_penalty)
