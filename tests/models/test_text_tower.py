"""The sentence encoder: known similarities, and no text disturbs another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sarvlm_models.locations import weights_dir
from sarvlm_models.text_tower import HEADS, LAYERS, MAX_TOKENS, WIDTH, TextTower, load_tokenizer, state_from_huggingface
from sarvlm_models.text_tower import tokenize as to_tokens

Encode = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(weights_dir() / "minilm-tokenizer.json")


@pytest.fixture(scope="module")
def encode(tokenizer) -> Encode:
    tower = TextTower()
    state = load_file(str(weights_dir() / "minilm-text.safetensors"))
    tower.load_state_dict({key: value.float() for key, value in state.items()})
    tower.eval()

    def run(*texts: str) -> np.ndarray:
        with torch.inference_mode():
            return tower(*to_tokens(tokenizer, texts)).numpy()

    return run


def test_similar_sentences_are_as_near_as_the_published_model_has_them(encode: Encode) -> None:
    ship, vessel, elephant = encode("a ship at sea", "a vessel on the ocean", "elephant")
    assert ship @ vessel == pytest.approx(0.83, abs=0.02)
    assert ship @ elephant == pytest.approx(0.20, abs=0.02)
    assert vessel @ elephant == pytest.approx(0.16, abs=0.02)


def test_vectors_are_of_unit_length(encode: Encode) -> None:
    vectors = encode("a", "ships in the harbour", "x " * 500)
    assert vectors.shape == (3, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_a_sentence_does_not_depend_on_its_neighbours(encode: Encode) -> None:
    alone = encode("storage tanks")[0]
    beside = encode("a very much longer sentence about containers beside the quay of a harbour", "storage tanks")[1]
    np.testing.assert_allclose(beside, alone, atol=1e-5)


def test_case_and_spaces_do_not_matter(encode: Encode) -> None:
    one, other = encode("Ships in the Harbour", "  ships   in the harbour ")
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_word_order_does_matter(encode: Encode) -> None:
    one, other = encode("a ship on a bridge", "a bridge on a ship")
    assert one @ other < 0.999


def test_tokens_of_a_known_sentence(tokenizer) -> None:
    ids, mask = to_tokens(tokenizer, ["a ship at sea", "a vessel on the ocean"])
    assert ids.tolist()[0] == [101, 1037, 2911, 2012, 2712, 102, 0]
    assert mask.tolist()[0] == [True] * 6 + [False] and mask[1].all()
    assert ids.dtype == torch.int64 and mask.dtype == torch.bool


def test_long_texts_are_cut_and_short_ones_not_padded_to_the_longest_allowed(tokenizer) -> None:
    assert to_tokens(tokenizer, ["word " * 1000])[0].shape == (1, MAX_TOKENS)
    assert to_tokens(tokenizer, ["word"])[0].shape == (1, 3)


def test_the_names_of_hugging_face_become_ours() -> None:
    theirs: dict[str, torch.Tensor] = {}
    for name, shape in {"word": (30522, WIDTH), "position": (512, WIDTH), "token_type": (2, WIDTH)}.items():
        theirs[f"embeddings.{name}_embeddings.weight"] = torch.zeros(shape)
    parts = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (4 * WIDTH, WIDTH),
        "output.dense": (WIDTH, 4 * WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        for part, shape in parts.items():
            theirs[f"encoder.layer.{layer}.{part}.weight"] = torch.zeros(shape)
            theirs[f"encoder.layer.{layer}.{part}.bias"] = torch.zeros(shape[0])
        norms += [f"encoder.layer.{layer}.{part}.LayerNorm" for part in ("attention.output", "output")]
    for norm in norms:
        theirs[f"{norm}.weight"], theirs[f"{norm}.bias"] = torch.ones(WIDTH), torch.zeros(WIDTH)
    TextTower().load_state_dict(state_from_huggingface(theirs), strict=True)
    assert WIDTH % HEADS == 0
