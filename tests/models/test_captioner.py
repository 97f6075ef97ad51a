"""Captioners: the compact one on its tower, CoCa against open_clip, and what cannot caption."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.ndimage import gaussian_filter
from torch import Tensor

from sarvlm_app.errors import ModelError
from sarvlm_models import captioner, registry
from sarvlm_models.api import Captioner, DenseEncoder
from sarvlm_models.beam_search import Hypothesis, SearchOptions, beam_search
from sarvlm_models.caption_text import display_text
from sarvlm_models.captioner import captioner_of, load_decoder
from sarvlm_models.coca_captioner import END, START
from sarvlm_models.coca_decoding import CocaDecoding
from sarvlm_models.pictures import prepare_picture
from sarvlm_models.registry import load_captioner, load_encoder
from sarvlm_models.said_counts import agrees
from sarvlm_models.types import Float32, SceneStats
from tests.models.caption_models import TINY_COCA, random_coca, random_decoder, write_decoder

STATS = SceneStats(median_amplitude=1.0, p98_amplitude=3.0)
STATE_DICT = "state_dict"


@pytest.fixture(scope="module")
def encoder() -> DenseEncoder:
    return load_encoder(None, "cpu")


@pytest.fixture
def chip() -> Float32:
    return np.random.default_rng(3).exponential(1.0, (75, 130)).astype(np.float32)


@pytest.fixture
def decoder(tmp_path: Path, encoder: DenseEncoder) -> Path:
    return write_decoder(tmp_path / "sarcap.safetensors", encoder.spec.weights_sha256)


def test_a_caption_tells_what_it_is_how_sure_and_by_whom(encoder, decoder, chip):
    model = captioner_of(encoder, decoder)
    assert isinstance(model, Captioner)
    found = model.caption(chip, STATS, 3.0)
    assert found == captioner_of(encoder, decoder).caption(chip, STATS, 3.0)
    assert found.raw and found.text == display_text(found.raw)
    assert found.logprob < 0.0 and found.window is None
    assert found.model_id == model.model_id and found.model_id.startswith("sarcap-compact@")
    assert "<" not in found.raw


def test_the_picture_the_counts_and_the_beams_reach_the_decoder(encoder, decoder, chip):
    model = captioner_of(encoder, decoder)
    plain = model.caption(chip, STATS, None)
    assert model.caption(chip**4, STATS, None).logprob != plain.logprob
    assert model.caption(chip, STATS, None, {"ship": 7, "bridge": 2}).logprob != plain.logprob
    assert model.caption(chip, STATS, None, beams=1).logprob != plain.logprob


def test_a_caption_tells_whether_it_states_what_was_counted(encoder, decoder, chip, monkeypatch):
    model = captioner_of(encoder, decoder)
    assert model.uses_counts
    assert model.caption(chip, STATS, None).agrees is None
    plain = model.caption(chip, STATS, None, {"ship": 3})
    assert plain.agrees is agrees(plain.raw, {"ship": 3})
    sentences = [model._words.encode(text) for text in ("a bright ship at sea.", "3 ships in the middle.")]
    told = [Hypothesis(tuple(tokens), -1.0 - place, -1.0 - place, True) for place, tokens in enumerate(sentences)]
    monkeypatch.setattr(captioner, "beam_search", lambda *_: told)
    right = model.caption(chip, STATS, None, {"ship": 3, "bridge": 0})
    assert (right.raw, right.agrees, right.logprob) == ("3 ships in the middle .", True, -2.0)
    assert model.caption(chip, STATS, None).raw == "a bright ship at sea ."
    wrong = model.caption(chip, STATS, None, {"ship": 3, "bridge": 1})
    assert (wrong.raw, wrong.agrees) == ("a bright ship at sea .", False)


def test_where_no_caption_states_the_counts_other_numbers_are_barred(encoder, decoder, chip, monkeypatch):
    model = captioner_of(encoder, decoder)
    asked: list[SearchOptions] = []

    def search(_decoding, _prefix, options, _device):
        asked.append(options)
        text = "1 bridge at sea." if len(asked) == 1 else "3 ships at sea."
        return [Hypothesis(tuple(model._words.encode(text)), -1.0, -1.0, True)]

    monkeypatch.setattr(captioner, "beam_search", search)
    found = model.caption(chip, STATS, None, {"ship": 3, "bridge": 0})
    assert (found.raw, found.agrees) == ("3 ships at sea .", True)
    first, second = ({model._words.words[token] for token in options.barred} for options in asked)
    assert {"1", "2", "20"} <= second - first and not {"3", "0", "ships", "a"} & second


def test_of_kinds_that_were_not_found_the_decoder_is_told_only_where_nothing_was():
    told = captioner._worth_telling
    assert told({"ship": 3, "bridge": 0}) == {"ship": 3}
    assert told({"ship": 0, "bridge": 0}) == {"ship": 0, "bridge": 0}
    assert told(None) is None


def test_a_picture_is_captioned_by_its_own_statistics_and_in_any_unit(encoder, decoder, chip):
    model = captioner_of(encoder, decoder)
    large = np.tile(chip, (4, 3))
    by_itself = model.caption_picture(large, None, {"ship": 2})
    assert by_itself == model.caption(large**2, SceneStats.of_picture(large), None, {"ship": 2})
    assert model.caption_picture(64 * large).logprob == pytest.approx(model.caption_picture(large).logprob, rel=1e-3)
    empty = model.caption_picture(np.zeros((40, 40), np.float32))
    assert empty.text.endswith(".")


def test_a_chip_is_captioned_as_chips_were_trained(encoder, decoder):
    chip = gaussian_filter(np.random.default_rng(4).rayleigh(size=(120, 120)).astype(np.float32), 1.5)
    prepared = prepare_picture(chip, None)
    assert prepared.shape < chip.shape
    model = captioner_of(encoder, decoder)
    expected = model.caption(prepared**2, SceneStats.of_picture(prepared), None)
    assert model.caption_picture(chip) == expected != model.caption(chip**2, SceneStats.of_picture(chip), None)


@pytest.mark.parametrize("shape", [(8, 8), (9, 200), (33, 31)])
def test_chips_of_any_size_are_captioned(encoder, decoder, shape):
    assert captioner_of(encoder, decoder).caption(np.ones(shape, np.float32), STATS, None).text.endswith(".")


def test_a_decoder_of_another_tower_is_refused(tmp_path, encoder):
    path = write_decoder(tmp_path / "other.safetensors", "0" * 64)
    with pytest.raises(ModelError, match="another image tower"):
        captioner_of(encoder, path)


def test_files_that_are_no_decoder_are_refused_in_a_sentence(tmp_path, encoder, decoder):
    sha256 = encoder.spec.weights_sha256
    (tmp_path / "text.safetensors").write_bytes(b"no weights at all")
    save_file({"a": torch.zeros(1)}, str(tmp_path / "foreign.safetensors"))
    network, words = random_decoder()
    state = load_file(str(decoder))
    del state["norm.weight"]
    metadata = captioner.decoder_metadata(network.config, words, sha256)
    save_file(state, str(tmp_path / "short.safetensors"), metadata)
    save_file(load_file(str(decoder)), str(tmp_path / "words.safetensors"), {**metadata, "words": "[]"})
    save_file(load_file(str(decoder)), str(tmp_path / "sizes.safetensors"), {**metadata, "config": '{"dim": 3}'})
    reasons = {"text": "damaged", "foreign": "no captioning decoder", "short": "damaged", "words": "damaged",
               "sizes": "damaged", "absent": "missing"}  # fmt: skip
    for name, reason in reasons.items():
        with pytest.raises(ModelError, match=reason) as fault:
            load_decoder(tmp_path / f"{name}.safetensors", sha256)
        assert f"{name}.safetensors" in str(fault.value)


def test_the_registry_gives_the_captioner_of_the_shipped_model(monkeypatch, tmp_path, encoder):
    write_decoder(tmp_path / captioner.WEIGHTS_FILE, encoder.spec.weights_sha256)
    monkeypatch.setattr(captioner, "weights_dir", lambda: tmp_path)
    assert load_captioner(None, "cpu").model_id.startswith("sarcap-compact@")


@pytest.fixture
def coca_file(tmp_path: Path) -> Path:
    path = tmp_path / "my-coca.pt"
    torch.save({STATE_DICT: random_coca().state_dict()}, path)
    path.with_suffix(".json").write_text(json.dumps(TINY_COCA))
    return path


def test_a_coca_checkpoint_captions_by_path_and_by_name(coca_file, tmp_path, chip):
    entry = registry.add_checkpoint(coca_file, registry_dir=tmp_path)
    by_path, by_name = load_captioner(str(coca_file), "cpu"), load_captioner(entry.name, "cpu", tmp_path)
    found = by_path.caption(chip, STATS, None)
    assert found == by_name.caption(chip, STATS, None)
    assert found.raw == " ".join(found.raw.split()) and found.text == display_text(found.raw)
    assert found.logprob < 0.0 and found.model_id.startswith("my-coca@")
    assert found.logprob != by_path.caption(1.0 / chip, STATS, None).logprob
    assert not by_path.uses_counts and found.agrees is None
    assert by_path.caption_picture(chip, None, {"ship": 3}) == by_path.caption(
        chip**2, SceneStats.of_picture(chip), None
    )


def test_a_clip_checkpoint_says_that_it_cannot_caption(tmp_path):
    config = {name: value for name, value in TINY_COCA.items() if name != "multimodal_cfg"}
    config["vision_cfg"] = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
    config["text_cfg"] = {"context_length": 77, "vocab_size": 49408, "width": 24, "heads": 2, "layers": 1}
    path = tmp_path / "clip.pt"
    torch.save(registry_network(config).state_dict(), path)
    path.with_suffix(".json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"clip@.* cannot caption: use the compact model or a CoCa"):
        load_captioner(str(path), "cpu")


def registry_network(config: dict[str, object]) -> torch.nn.Module:
    from sarvlm_models.architectures import open_clip_offline

    network: torch.nn.Module = open_clip_offline().CLIP(**config)
    return network


class WholeForward:
    """open_clip's own forward pass on the whole sentence for every word."""

    def __init__(self, network: torch.nn.Module, image: Tensor) -> None:
        self.network, self.image = network, image

    def step(self, tokens: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        said = tokens if state is None else torch.cat((state, tokens), dim=1)
        images = self.image.expand(len(said), -1, -1, -1)
        return self.network(images, said, output_labels=False)["logits"][:, -1], said

    def select(self, state: Tensor, rows: Tensor) -> Tensor:
        return state[rows]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("raw_logits", [True, False])
@torch.inference_mode()
def test_the_cached_coca_finds_what_open_clips_forward_pass_finds(seed, raw_logits):
    network = random_coca(seed, vocabulary=50).double()
    image = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    options = SearchOptions(7, beams=3, longest=24, shortest=5, raw_logits=raw_logits)
    cached = beam_search(CocaDecoding(network, network.visual(image)[1]), [4], options)
    whole = beam_search(WholeForward(network, image), [4], options)
    assert [found.tokens for found in cached] == [found.tokens for found in whole]
    assert [found.logprob for found in cached] == pytest.approx([found.logprob for found in whole])


@torch.inference_mode()
def test_cached_logits_are_open_clips_also_after_a_padding_token():
    network = random_coca(1, vocabulary=50).double()
    image = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    decoding, whole, state = CocaDecoding(network, network.visual(image)[1]), WholeForward(network, image), None
    tokens = torch.tensor([[4, 9, 0, 12, 0, 0, 30, 7]])
    for place in range(tokens.shape[1]):
        logits, state = decoding.step(tokens[:, place : place + 1], state)
        expected, _ = whole.step(tokens[:, : place + 1], None)
        assert torch.allclose(logits, expected, atol=1e-9)


@torch.inference_mode()
def test_greedy_coca_is_a_naive_loop_over_open_clips_forward_pass(coca_file, chip):
    encoder = load_encoder(str(coca_file), "cpu")
    network = random_coca()
    said = [START]
    tokens = encoder.image_tokens(chip, STATS)
    while len(said) < 77:
        text = torch.tensor([said])
        logits = network.text_decoder(tokens, network.text(text)[1])[0, -1]
        if len(said) < 5:
            logits[END] = -torch.inf
        said.append(int(logits.argmax()))
        if said[-1] == END:
            break
    words = [token for token in said if token not in (0, START, END)]
    assert captioner_of(encoder).caption(chip, STATS, None, beams=1).raw == encoder.detokenize(words)
