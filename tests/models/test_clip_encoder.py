"""open_clip checkpoints as encoders: open_clip's own numbers, and dense features that keep their promises."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from sarvlm_app.errors import ModelError
from sarvlm_models.api import DenseEncoder
from sarvlm_models.architectures import infer_architecture, open_clip_offline
from sarvlm_models.checkpoints import read_state_dict
from sarvlm_models.clip_dense import dense_features
from sarvlm_models.clip_encoder import EncoderOptions, OpenClipEncoder, _starts, build_network, verify_state
from sarvlm_models.clip_profiles import ClipRgb, SarclipDb, grey_levels, profile_named
from sarvlm_models.device import DeviceChoice
from sarvlm_models.types import SceneStats

FLOAT32 = DeviceChoice(torch.device("cpu"), torch.float32, "CPU · fp32 · test")
BFLOAT16 = DeviceChoice(torch.device("cpu"), torch.bfloat16, "CPU · bf16 · test")
STATS = SceneStats(median_amplitude=1.0, p98_amplitude=3.0)
TEXTS = ["ships in the harbour", "a column of tanks in the desert", "Quay."]
SMALL = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 3, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def small_network(seed: int = 0, **options):
    torch.manual_seed(seed)
    return open_clip_offline().CLIP(**SMALL, **options).eval()


def saved(network: torch.nn.Module, path: Path, config: dict | None = None) -> Path:
    """A checkpoint as open_clip's trainer writes it."""
    state = {"module." + name: value for name, value in network.state_dict().items()}
    torch.save({"epoch": 3, "name": "run", "state_dict": state}, path)
    if config is not None:
        path.with_suffix(".json").write_text(json.dumps(config))
    return path


def opened(path: Path, device: DeviceChoice = FLOAT32, **options) -> OpenClipEncoder:
    contents = read_state_dict(path)
    architecture = infer_architecture(contents.state, contents.metadata, path)
    network = build_network(architecture, contents.state, path, options.get("activation", "gelu"))
    return OpenClipEncoder(network, architecture, EncoderOptions(path.stem, contents.sha256, **options), device)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return saved(small_network(), tmp_path_factory.mktemp("small") / "small.pt", SMALL)


@pytest.fixture
def window() -> np.ndarray:
    return np.random.default_rng(1).exponential(1.0, (160, 112)).astype(np.float32)


def assert_equals_open_clip(encoder: OpenClipEncoder, network: torch.nn.Module, size: int, tokenizer) -> None:
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(7))
    with torch.inference_mode():
        expected_images = network.encode_image(images, normalize=True)
        expected_texts = network.encode_text(tokenizer(TEXTS), normalize=True)
    assert torch.allclose(encoder.embed_image(images), expected_images, rtol=0, atol=1e-5)
    assert np.allclose(encoder.encode_text(TEXTS), expected_texts.numpy(), rtol=0, atol=1e-5)
    assert encoder.logit_scale == pytest.approx(float(network.logit_scale.detach().exp()))


def test_a_custom_configuration_beside_the_file_gives_open_clips_numbers(small):
    encoder = opened(small)
    assert isinstance(encoder, DenseEncoder)
    assert_equals_open_clip(encoder, small_network(), 64, open_clip_offline().SimpleTokenizer())
    assert encoder.spec.model_id.startswith("small@") and len(encoder.spec.model_id) == len("small@") + 12
    assert (encoder.spec.dim, encoder.spec.cell_px, encoder.spec.window_px % 16) == (32, 16, 0)


def test_the_activation_is_the_callers_choice(small):
    encoder = opened(small, activation="quick_gelu")
    assert_equals_open_clip(encoder, small_network(quick_gelu=True), 64, open_clip_offline().SimpleTokenizer())
    assert not np.allclose(encoder.encode_text(TEXTS), opened(small).encode_text(TEXTS), atol=1e-4)
    assert encoder.spec.model_id.startswith("small-quickgelu@")
    with pytest.raises(ModelError, match="relu"):
        opened(small, activation="relu")


def test_half_precision_files_are_computed_in_float32(tmp_path):
    path = saved(small_network().half(), tmp_path / "half.pt", SMALL)
    assert opened(path).encode_text(TEXTS).dtype == np.float32


@pytest.mark.parametrize("name", ["ViT-B-32", "coca_ViT-B-32"])
def test_an_official_checkpoint_gives_open_clips_numbers(tmp_path, name):
    library = open_clip_offline()
    torch.manual_seed(3)
    network = library.create_model(name).eval()
    path = saved(network, tmp_path / "epoch_10.pt")
    encoder = opened(path)
    path.unlink()  # hundreds of megabytes
    assert_equals_open_clip(encoder, network, 224, library.get_tokenizer(name))
    patches = encoder.encode_patches(np.ones((64, 256), np.float32), STATS, None)
    assert patches.shape == (2, 8, 512)


def test_an_official_vit_l_14_gives_open_clips_numbers(tmp_path):
    library = open_clip_offline()
    torch.manual_seed(4)
    network = library.create_model("ViT-L-14").eval()
    path = saved(network, tmp_path / "SARCLIP-ViT-L-14.pt")
    encoder = opened(path)
    path.unlink()  # 1.7 GB
    assert_equals_open_clip(encoder, network, 224, library.get_tokenizer("ViT-L-14"))
    assert (encoder.spec.dim, encoder.spec.cell_px) == (768, 14)
    del network, encoder
    gc.collect()


def test_coca_vit_l_14_is_told_and_verified():
    library = open_clip_offline()
    config = library.get_model_config("coca_ViT-L-14")
    config.pop("custom_text")
    with torch.device("meta"):
        state = library.CoCa(**config).state_dict()
    architecture = infer_architecture(state)
    verify_state(architecture, state, "x.pt")
    del state["text_decoder.text_projection"]
    with pytest.raises(ModelError, match="1 missing keys \\(text_decoder.text_projection\\)"):
        verify_state(architecture, state, "x.pt")


def test_the_wrong_architecture_is_refused_by_naming_keys(small, tmp_path):
    contents = read_state_dict(small)
    with torch.device("meta"):
        vit_b = open_clip_offline().CLIP(**open_clip_offline().get_model_config("ViT-B-32")).state_dict()
    with pytest.raises(ModelError) as fault:
        build_network(infer_architecture(vit_b), contents.state, small)
    text = str(fault.value)
    assert "ViT-B-32" in text and "visual.transformer.resblocks.3." in text and str(small) in text
    assert "visual.class_embedding is 64 instead of 768" in text


def test_a_missing_tower_is_refused_by_naming_keys(small, tmp_path):
    state = {name: value for name, value in read_state_dict(small).state.items() if name.startswith("visual.")}
    path = tmp_path / "half.pt"
    torch.save(state, path)
    path.with_suffix(".json").write_text(json.dumps(SMALL))
    with pytest.raises(ModelError, match="missing keys \\(positional_embedding, text_projection, logit_scale"):
        opened(path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"vision_cfg": {}}, "open_clip configuration"),
        ([{"vision_cfg": 1}], "open_clip configuration"),
        (SMALL | {"text_cfg": {"hf_model_name": "roberta-base"}}, "another library"),
        (SMALL | {"vision_cfg": {"timm_model_name": "x"}}, "another library"),
        (SMALL | {"vision_cfg": SMALL["vision_cfg"] | {"colour": 1}}, "describes no network"),
        (SMALL | {"text_cfg": SMALL["text_cfg"] | {"vocab_size": 100}}, "does not fit"),
    ],
)
def test_a_bad_configuration_gets_a_sentence(small, tmp_path, config, words):
    path = tmp_path / "x.pt"
    path.write_bytes(small.read_bytes())
    path.with_suffix(".json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=words):
        opened(path)


def test_unrelated_json_beside_a_checkpoint_is_left_alone(tmp_path):
    path = tmp_path / "epoch_1.pt"
    torch.save({"blocks.0.weight": torch.zeros(1)}, path)
    path.with_suffix(".json").write_text('{"loss": 0.1}')
    with pytest.raises(ModelError, match="not a vision-language model"):
        opened(path)


def test_patches_are_unit_vectors_of_the_windows_cells(small, window):
    patches = opened(small).encode_patches(window, STATS, 10.0)
    assert patches.shape == (10, 7, 32) and patches.dtype == np.float16
    assert np.allclose(np.linalg.norm(patches.astype(np.float32), axis=-1), 1, atol=2e-3)


@pytest.mark.parametrize("shape", [(16, 16), (32, 160), (64, 64), (48, 16)])
def test_windows_smaller_than_a_crop_are_encoded_whole(small, shape):
    patches = opened(small).encode_patches(np.ones(shape, np.float32), STATS, None)
    assert patches.shape == (shape[0] // 16, shape[1] // 16, 32)
    assert np.isfinite(patches).all()


def test_odd_windows_are_refused(small):
    for shape in ((17, 16), (16, 0)):
        with pytest.raises(ValueError, match="multiples of 16"):
            opened(small).encode_patches(np.ones(shape, np.float32), STATS, None)


def test_no_data_gives_finite_vectors(small):
    for fill in (0.0, np.nan, np.inf):
        patches = opened(small).encode_patches(np.full((64, 64), fill, np.float32), SceneStats(0.0, 0.0), None)
        assert np.isfinite(patches).all()


def test_dense_features_follow_the_published_recipe():
    network = small_network()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    visual = network.visual
    with torch.inference_mode():
        x = visual._embeds(images)
        x = visual.transformer.resblocks[0](x)
        total = 0
        for block in visual.transformer.resblocks[1:]:
            normed = block.ln_1(x)
            q, k, v = (
                F.linear(normed, w, b).reshape(2, 17, 2, 32).transpose(1, 2)
                for w, b in zip(block.attn.in_proj_weight.chunk(3), block.attn.in_proj_bias.chunk(3), strict=True)
            )
            weights = sum((a @ a.transpose(-1, -2) * 32**-0.5).softmax(-1) for a in (q, k))
            total = total + block.attn.out_proj((weights @ v).transpose(1, 2).reshape(2, 17, 64))
            x = block(x)
        expected = F.normalize(visual.ln_post(total)[:, 1:] @ visual.proj, dim=-1).reshape(2, 4, 4, 32)
        assert torch.allclose(dense_features(visual, images), expected, atol=1e-5)


def test_the_fast_precision_points_the_same_way(small, window):
    exact = opened(small).encode_patches(window, STATS, None).astype(np.float32)
    fast = opened(small, BFLOAT16).encode_patches(window, STATS, None).astype(np.float32)
    assert ((exact * fast).sum(-1) > 0.99).all()
    # whole images and texts stay in float32 on every device
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(8))
    assert torch.equal(opened(small, BFLOAT16).embed_image(images), opened(small).embed_image(images))


def test_chips_of_any_size_go_through_open_clips_transform(small):
    levels = np.random.default_rng(2).integers(0, 256, (90, 131)).astype(np.uint8)
    intensity = (levels.astype(np.float32) / 255.0 * STATS.p98_amplitude) ** 2
    from PIL import Image

    transform = open_clip_offline().image_transform(64, is_train=False)
    expected = small_network().encode_image(transform(Image.fromarray(levels).convert("RGB"))[None], normalize=True)
    encoder = opened(small)
    found = encoder.encode_chips([intensity, intensity[:20, :20]], STATS, None)
    assert found.shape == (2, 32)
    assert np.allclose(found[0], expected.detach().numpy()[0], atol=1e-5)
    assert encoder.encode_chips([], STATS, None).shape == (0, 32)
    assert encoder.encode_text([]).shape == (0, 32)


def test_a_resnet_has_no_dense_features():
    library = open_clip_offline()
    config = library.get_model_config("RN50")
    config["vision_cfg"] |= {"layers": [1, 1, 1, 1], "width": 32, "image_size": 64}
    config["text_cfg"] |= {"width": 64, "heads": 2, "layers": 1}
    network = library.CLIP(**config).eval()
    from sarvlm_models.architectures import Architecture

    encoder = OpenClipEncoder(
        network, Architecture("RN", 64, "resnet", None, config), EncoderOptions("r", "0"), FLOAT32
    )
    assert encoder.encode_chips([np.ones((40, 50), np.float32)], STATS, None).shape == (1, 1024)
    with pytest.raises(ModelError, match="no dense features"):
        encoder.encode_patches(np.ones((64, 64), np.float32), STATS, None)


def test_grey_levels_are_scaled_by_the_scene_and_clipped():
    levels = grey_levels(np.array([[0.0, np.nan, 2.25, 9.0, 1e9]], np.float32), STATS)
    assert levels.tolist() == [[0, 0, 128, 255, 255]]


def test_the_isprs_profile_is_decibels_without_clip_statistics():
    power = np.array([[10 ** (-2.5), 10**0.5, 1e6]], np.float32)
    assert torch.allclose(SarclipDb().window(power, STATS)[0], torch.tensor([[-1.0, 1.0, 1.0]]), atol=1e-5)
    assert SarclipDb().chip(np.ones((100, 80), np.float32), STATS, 64).shape == (3, 64, 64)


def test_profiles_are_known_by_name():
    assert profile_named("clip-rgb") == ClipRgb()
    with pytest.raises(ModelError, match="sepia"):
        profile_named("sepia")


@given(length=st.integers(1, 200), crop=st.integers(1, 40))
def test_crops_cover_every_patch_inside_the_window(length, crop):
    crop = min(crop, length)
    starts = _starts(length, crop)
    assert {p for s in starts for p in range(s, s + crop)} == set(range(length))
    assert starts[0] == 0 and starts[-1] == length - crop


def test_running_out_of_memory_halves_the_batch_and_changes_no_vector(small, window, monkeypatch):
    expected = opened(small).encode_patches(window, STATS, None)
    chips = [window[:64, :64]] * 5
    expected_chips = opened(small).encode_chips(chips, STATS, None)
    encoder, asked = opened(small), []

    def scarce(visual, images):
        asked.append(len(images))
        if len(images) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return dense_features(visual, images)

    monkeypatch.setattr("sarvlm_models.clip_encoder.dense_features", scarce)
    found = encoder.encode_patches(window, STATS, None)
    assert asked[0] > 3 and max(asked[2:]) <= 3
    np.testing.assert_allclose(found.astype(np.float32), expected.astype(np.float32), atol=2e-3)
    np.testing.assert_allclose(encoder.encode_chips(chips, STATS, None), expected_chips, atol=1e-5)


def test_pictures_together_give_what_each_gives_alone(small, window):
    encoder = opened(small)
    pictures = [window[:64, :64], 7 * window[:40, :90], window]
    together = encoder.encode_pictures(pictures, None)
    alone = [encoder.encode_pictures([picture], None)[0] for picture in pictures]
    assert together.dtype == np.float32 and encoder.encode_pictures([], None).shape == (0, 32)
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_pictures([7 * window[:64, :64]], None)[0], together[0], atol=1e-4)
