"""The captioning decoder and its words."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from sarvlm_models.caption_decoder import CaptionDecoder, DecoderConfig, WordList, caption_loss
from sarvlm_models.caption_words import BOS, EOS, PAD, SEP, UNKNOWN, facts_text, split_words, training_tokens
from tests.models.caption_models import SENTENCES

WORDS = WordList.from_texts(SENTENCES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A T-72, 20 ships.", ["a", "t-72", ",", "20", "ships", "."]),
        ("21 ships at 0.5 m", ["2", "1", "ships", "at", "0.5", "m"]),
        ("1,200 wing-shaped 2S1; ship's", ["1", "2", "0", "0", "wing-shaped", "2s1", ";", "ship's"]),
        ("007 (45-degree)", ["0", "0", "7", "(", "45-degree", ")"]),
        ("", []),
    ],
)
def test_text_is_split_into_words_small_numbers_digits_and_marks(text, words):
    assert split_words(text) == words


@given(st.lists(st.sampled_from(WORDS.words[5:]), max_size=30))
def test_known_words_come_back_as_they_were(words):
    raw = " ".join(words)
    again = WORDS.decode(WORDS.encode(raw))
    assert WORDS.encode(again) == WORDS.encode(raw)
    assert UNKNOWN not in WORDS.encode(raw)


@given(st.lists(st.text(max_size=40), max_size=5), st.integers(1, 3))
def test_any_texts_make_a_list_that_its_json_gives_back(texts, least):
    words = WordList.from_texts(texts, least)
    assert WordList.from_json(words.to_json()).words == words.words
    counts = [word for text in texts for word in split_words(text)]
    for text in texts:
        for word, number in zip(split_words(text), words.encode(text), strict=True):
            assert (words.words[number] == word) or (number == UNKNOWN and counts.count(word) < least)


def test_a_list_that_is_none_is_refused():
    for text in ('["a", "b"]', '{"a": 1}', "[1, 2]", '["<pad>","<bos>","<sep>","<eos>","<unk>","a","a"]', "x"):
        with pytest.raises(ValueError, match="word list|Expecting"):
            WordList.from_json(text)


def test_facts_say_every_count_and_call_more_than_twenty_many():
    assert facts_text({"ship": 3, "storage_tank": 0, "bridge": 20, "vehicle": 21}) == (
        "ship 3 , storage tank 0 , bridge 20 , vehicle many"
    )
    assert facts_text(None) == facts_text({}) == ""
    assert UNKNOWN not in WordList.from_texts([]).encode(facts_text({"ship": 21, "storage_tank": 2, "aircraft": 0}))


def test_a_training_sequence_tells_where_the_caption_begins_and_is_cut_without_an_end():
    tokens, first = training_tokens(WORDS, "ship 3", "a bright ship at sea.")
    assert (tokens[0], tokens[first - 1], tokens[-1]) == (BOS, SEP, EOS)
    assert WORDS.decode(tokens[first:]) == "a bright ship at sea ."
    cut, _ = training_tokens(WORDS, "ship 3", "a bright ship at sea.", most=7)
    assert cut == tokens[:7]


def small() -> CaptionDecoder:
    torch.manual_seed(0)
    return CaptionDecoder(DecoderConfig(len(WORDS), dim=24, depth=2, heads=3, hidden=32, memory=6, most_tokens=20))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 19), max_size=5))
@torch.inference_mode()
def test_a_sentence_in_pieces_gives_the_logits_of_the_whole(seed, cuts):
    decoder = small().eval()
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(len(WORDS), (2, 20), generator=generator)
    memory = decoder.memory(torch.randn(2, 6, 9, 13, generator=generator), torch.randn(2, 6, generator=generator))
    places, cache, parts = [0, *sorted(set(cuts)), 20], None, []
    for start, end in zip(places, places[1:], strict=False):
        logits, cache = decoder.step(tokens[:, start:end], memory, cache)
        parts.append(logits)
    assert torch.allclose(torch.cat(parts, dim=1), decoder(tokens, memory), atol=1e-4)


@torch.inference_mode()
def test_a_word_does_not_know_what_comes_after_it():
    decoder = small().eval()
    memory = decoder.memory(torch.randn(1, 6, 8, 8), torch.randn(1, 6))
    tokens = torch.randint(len(WORDS), (1, 10))
    other = torch.cat((tokens[:, :6], (tokens[:, 6:] + 1) % len(WORDS)), dim=1)
    assert torch.allclose(decoder(tokens, memory)[:, :6], decoder(other, memory)[:, :6], atol=1e-5)
    assert not torch.allclose(decoder(tokens, memory)[:, 6:], decoder(other, memory)[:, 6:], atol=1e-3)


@torch.inference_mode()
def test_the_memory_is_64_places_and_one_whole_for_any_size_of_map():
    decoder = small().eval()
    for size in ((1, 1), (3, 40), (64, 64)):
        assert decoder.memory(torch.randn(2, 6, *size), torch.randn(2, 6)).shape == (2, 65, 24)
    fused = torch.zeros(1, 6, 16, 16)
    fused[0, :, :2, 2:4] = torch.arange(6.0)[:, None, None]
    told = (decoder.memory(fused, torch.zeros(1, 6)) - decoder.memory(0 * fused, torch.zeros(1, 6))).abs().sum(-1)
    assert told[0].nonzero().flatten().tolist() == [1]


def test_a_sequence_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="at most 20"):
        small()(torch.zeros(1, 21, dtype=torch.long), torch.zeros(1, 65, 24))


def test_the_loss_counts_the_words_of_the_caption_only():
    torch.manual_seed(1)
    tokens = torch.tensor([[BOS, 7, SEP, 8, 9, EOS], [BOS, SEP, 6, EOS, PAD, PAD]])
    logits = torch.randn(2, 6, 12)
    first = torch.tensor([3, 2])
    told = [(0, 2, 8), (0, 3, 9), (0, 4, EOS), (1, 1, 6), (1, 2, EOS)]
    rows = torch.stack([logits[row, place] for row, place, _ in told])
    expected = F.cross_entropy(rows, torch.tensor([word for *_, word in told]), label_smoothing=0.05)
    assert caption_loss(logits, tokens, first) == pytest.approx(float(expected))


def test_the_decoder_learns_to_say_the_number_that_the_facts_state():
    torch.manual_seed(0)
    sizes = DecoderConfig(len(WORDS), dim=96, depth=2, hidden=96, memory=6, most_tokens=20, dropout=0.0)
    decoder = CaptionDecoder(sizes)
    fused, whole = torch.randn(1, 6, 8, 8).expand(2, -1, -1, -1), torch.randn(1, 6).expand(2, -1)
    rows = [training_tokens(WORDS, facts_text({"ship": n}), f"there are {n} ships .", 12) for n in (3, 14)]
    tokens, first = torch.tensor([row for row, _ in rows]), torch.tensor([place for _, place in rows])
    optimiser = torch.optim.AdamW(decoder.parameters(), 3e-3)
    for _ in range(60):
        loss = caption_loss(decoder(tokens, decoder.memory(fused, whole)), tokens, first)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        said = decoder.eval()(tokens, decoder.memory(fused, whole)).argmax(-1)
    assert [WORDS.decode(row[first[0] - 1 :].tolist()) for row in said] == [
        "there are 3 ships .",
        "there are 14 ships .",
    ]
