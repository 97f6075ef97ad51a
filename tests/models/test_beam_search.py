"""Beam search: the same with and without a cache, greedy by one beam, and the authors' order of events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sarvlm_models.beam_search import Hypothesis, SearchOptions, beam_search
from sarvlm_models.caption_decoder import Cache, CaptionDecoder, DecoderConfig

END = 3


class Table:
    """A decoder that knows only the last word: logits from a table (words, words)."""

    def __init__(self, table: Tensor) -> None:
        self.table = table

    def step(self, tokens: Tensor, state: int | None) -> tuple[Tensor, int]:
        return self.table[tokens[:, -1]], 0

    def select(self, state: int, rows: Tensor) -> int:
        return state


class Cached:
    """The compact decoder, one word at a time."""

    def __init__(self, decoder: CaptionDecoder, memory: Tensor) -> None:
        self.decoder, self.memory = decoder, memory

    def step(self, tokens: Tensor, state: Cache | None) -> tuple[Tensor, Cache]:
        logits, cache = self.decoder.step(tokens, self.memory, state)
        return logits[:, -1], cache

    def select(self, state: Cache, rows: Tensor) -> Cache:
        return state.select(rows)


class Recomputed:
    """The compact decoder, the whole sentence anew for every word."""

    def __init__(self, decoder: CaptionDecoder, memory: Tensor) -> None:
        self.decoder, self.memory = decoder, memory

    def step(self, tokens: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        said = tokens if state is None else torch.cat((state, tokens), dim=1)
        return self.decoder(said, self.memory)[:, -1], said

    def select(self, state: Tensor, rows: Tensor) -> Tensor:
        return state[rows]


def random_decoder(seed: int) -> tuple[CaptionDecoder, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    decoder = CaptionDecoder(DecoderConfig(11, dim=8, depth=2, heads=2, hidden=12, most_tokens=16)).double().eval()
    for value in decoder.parameters():
        torch.nn.init.normal_(value, std=0.7, generator=generator)
    return decoder, torch.randn(1, 5, 8, generator=generator, dtype=torch.float64)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    beams=st.integers(1, 4),
    penalty=st.sampled_from([0.0, 0.7, 1.0]),
    no_repeat=st.sampled_from([0, 1, 2, 3]),
    shortest=st.integers(0, 8),
    raw=st.booleans(),
)
@torch.inference_mode()
def test_a_cached_search_finds_what_full_recomputation_finds(seed, beams, penalty, no_repeat, shortest, raw):
    decoder, memory = random_decoder(seed)
    options = SearchOptions(
        END, beams, longest=12, shortest=shortest, length_penalty=penalty, no_repeat=no_repeat, barred=(0,),
        raw_logits=raw,
    )  # fmt: skip
    cached = beam_search(Cached(decoder, memory), [1, 5, 2], options)
    recomputed = beam_search(Recomputed(decoder, memory), [1, 5, 2], options)
    assert [found.tokens for found in cached] == [found.tokens for found in recomputed]
    assert [found.score for found in cached] == pytest.approx([found.score for found in recomputed])
    assert cached == beam_search(Cached(decoder, memory), [1, 5, 2], options)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
@torch.inference_mode()
def test_one_beam_takes_the_best_word_every_time(seed):
    decoder, memory = random_decoder(seed)
    said, logprob = [1, 2], 0.0
    while len(said) < 11 and said[-1] != END:
        logits = decoder(torch.tensor([said]), memory)[0, -1].log_softmax(-1)
        said.append(int(logits.argmax()))
        logprob += float(logits.max())
    (found,) = beam_search(Cached(decoder, memory), [1, 2], SearchOptions(END, beams=1, longest=10))
    assert [*found.tokens] == [token for token in said[2:] if token != END]
    assert found.ended == (said[-1] == END)
    assert found.logprob == pytest.approx(logprob)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_with_beams_enough_the_most_probable_caption_is_found(seed):
    table = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    options = SearchOptions(END, beams=64, longest=4, length_penalty=0.0)
    best = beam_search(Table(table), [0], options)[0]
    assert best.logprob == pytest.approx(max(probabilities(table, words=3, longest=3)))


def probabilities(table: Tensor, words: int, longest: int) -> list[float]:
    """Log-probabilities of all captions that end within `longest` words, or are cut there."""
    steps = table.log_softmax(-1)
    found = []
    for length in range(longest + 1):
        for said in product(range(words), repeat=length):
            path = [0, *said] if length == longest else [0, *said, END]
            found.append(sum(float(steps[a, b]) for a, b in zip(path, path[1:], strict=False)))
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 3), beams=st.integers(1, 3))
def test_no_sequence_is_said_twice_and_barred_words_never(seed, size, beams):
    table = torch.randn(8, 8, generator=torch.Generator().manual_seed(seed))
    options = SearchOptions(END, beams, longest=20, no_repeat=size, barred=(0, 6))
    for found in beam_search(Table(table), [1], options):
        parts = [found.tokens[i : i + size] for i in range(len(found.tokens) - size + 1)]
        assert len(parts) == len(set(parts))
        assert not {0, 6, END} & set(found.tokens)


@pytest.mark.parametrize(("shortest", "longest"), [(0, 6), (5, 6), (6, 6)])
def test_lengths_count_the_start_and_keep_their_bounds(shortest, longest):
    table = torch.zeros(5, 5)
    table[:, END] = 4.0  # ends at once if it may
    found = beam_search(Table(table), [1], SearchOptions(END, beams=2, longest=longest, shortest=shortest))
    assert all(max(shortest, 1) <= len(one.tokens) + 1 <= longest for one in found)
    best = found[0]
    assert len(best.tokens) + 1 == max(shortest, 1)
    assert best.ended == (shortest < longest)


def test_a_search_without_any_word_left_gives_what_it_has():
    (found,) = beam_search(Table(torch.zeros(3, 3)), [1], SearchOptions(end=0, beams=1, barred=(0, 1, 2)))
    assert found == Hypothesis((), 0.0, 0.0, ended=False)


def test_an_interruption_comes_through():
    calls = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        beam_search(Table(torch.zeros(9, 9)), [1], SearchOptions(END, longest=40), cancelled=stop)


def authors(table: Tensor, prefix: int, beams: int, longest: int, shortest: int) -> list[int]:
    """A plain version of the scorer in PAPER.md B.4: sums of raw logits, over length, end among the best k only."""
    live: list[tuple[float, list[int]]] = [(0.0, [prefix])]
    done: list[tuple[float, list[int]]] = []
    while True:
        options: list[tuple[float, list[int], int]] = []
        for total, said in live:
            for word in range(table.shape[1]):
                if word != END or len(said) >= shortest:
                    options.append((total + float(table[said[-1], word]), said, word))
        options.sort(key=lambda option: -option[0])
        options = options[: 2 * beams]
        length, going = len(live[0][1]) + 1, []
        for rank, (total, said, word) in enumerate(options):
            if word == END:
                if rank < beams:
                    done = sorted([*done, (total / length, said)], key=lambda item: -item[0])[:beams]
            elif len(going) < beams:
                going.append((total, [*said, word]))
        finished = len(done) == beams and done[-1][0] >= options[0][0] / length
        live = going
        if finished:
            break
        if length >= longest:
            done += [(total / length, said) for total, said in live]
            break
    return max(done, key=lambda item: item[0])[1][1:]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), beams=st.integers(1, 3), shortest=st.sampled_from([1, 5]))
def test_the_authors_settings_give_the_authors_captions(seed, beams, shortest):
    table = 2.0 * torch.randn(9, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    options = SearchOptions(END, beams, longest=14, shortest=shortest, raw_logits=True)
    best = beam_search(Table(table), [1], options)[0]
    assert [*best.tokens] == authors(table, 1, beams, longest=14, shortest=shortest)


def test_the_log_probability_is_that_of_the_sentence_and_not_of_the_score():
    table = torch.randn(9, 9, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    best = beam_search(Table(table), [1], SearchOptions(END, 2, longest=14, raw_logits=True))[0]
    assert best.logprob == pytest.approx(_logprob(table, [1, *best.tokens, *([END] if best.ended else [])]))
    assert best.logprob < 0.0


def _logprob(table: Tensor, said: Sequence[int]) -> float:
    steps = table.log_softmax(-1)
    return sum(float(steps[a, b]) for a, b in zip(said, said[1:], strict=False))
