"""The compact SARCLIP as an encoder: shapes, lengths, seams, and weights that tell what they are.

Nothing here knows the numbers of the shipped weights; better ones of the same form will replace them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene_index import layout_of, open_or_create
from sarvlm_models.api import DenseEncoder
from sarvlm_models.compact import (
    CELL_PX,
    WEIGHTS_FILE,
    CompactConfig,
    CompactEncoder,
    CompactSarclip,
    load_compact,
    load_compact_file,
    load_model,
    save_metadata,
    texture_planes,
)
from sarvlm_models.device import DeviceChoice
from sarvlm_models.locations import weights_dir
from sarvlm_models.types import SceneStats
from tests.core.export_answers import write_scene
from tests.core.scene_files import speckle

CPU = DeviceChoice(torch.device("cpu"), torch.float32, "CPU")
STATS = SceneStats(0.83, 1.98)


@pytest.fixture(scope="module")
def encoder() -> CompactEncoder:
    return load_compact(weights_dir(), CPU)


def clutter(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).exponential(1.0, (height, width)).astype(np.float32)


def cosines(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (one.astype(np.float32) * other.astype(np.float32)).sum(-1)


def test_it_is_an_encoder_as_the_application_wants_it(encoder: CompactEncoder) -> None:
    spec = encoder.spec
    assert isinstance(encoder, DenseEncoder)
    assert spec.model_id == f"sarclip-compact@{spec.weights_sha256[:12]}" and len(spec.weights_sha256) == 64
    assert spec.window_px % spec.cell_px == 0 and spec.margin_px % spec.cell_px == 0 and spec.cell_px == CELL_PX
    assert 0 < encoder.logit_scale <= 41 and encoder.logit_bias < 0


@pytest.mark.parametrize("size", [(8, 8), (8, 40), (72, 32), (64, 136)])
def test_a_window_gives_one_unit_vector_a_cell(encoder: CompactEncoder, size: tuple[int, int]) -> None:
    patches = encoder.encode_patches(clutter(*size), STATS, 3.0)
    assert patches.shape == (size[0] // 8, size[1] // 8, encoder.spec.dim) and patches.dtype == np.float16
    np.testing.assert_allclose(np.linalg.norm(patches.astype(np.float32), axis=-1), 1.0, atol=2e-3)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e12])
def test_constant_windows_are_finite(encoder: CompactEncoder, value: float) -> None:
    patches = encoder.encode_patches(np.full((32, 32), value, np.float32), STATS, None)
    assert np.isfinite(patches).all()


def test_pictures_of_one_shape_go_together_and_get_the_vectors_they_get_alone(encoder: CompactEncoder) -> None:
    pictures = [np.sqrt(clutter(*shape, seed)) for seed, shape in enumerate([(64, 64), (40, 90), (64, 64), (64, 64)])]
    together = encoder.encode_pictures(pictures, None)
    alone = np.concatenate([encoder.encode_pictures([picture], None) for picture in pictures])
    np.testing.assert_allclose(together, alone, atol=1e-3)
    chips = [picture**2 for picture in pictures]
    alone = np.concatenate([encoder.encode_chips([chip], STATS, 3.0) for chip in chips])
    np.testing.assert_allclose(encoder.encode_chips(chips, STATS, 3.0), alone, atol=1e-3)


def test_chips_of_any_size_give_one_unit_vector_each(encoder: CompactEncoder) -> None:
    vectors = encoder.encode_chips([clutter(5, 7), clutter(128, 88), clutter(64, 64)], STATS, None)
    assert vectors.shape == (3, encoder.spec.dim) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


def test_the_same_window_gives_the_same_vectors_at_any_gain(encoder: CompactEncoder) -> None:
    window = clutter(64, 64)
    first = encoder.encode_patches(window, STATS, 3.0)
    assert (encoder.encode_patches(window, STATS, 3.0) == first).all()
    louder = SceneStats(STATS.median_amplitude * 10, STATS.p98_amplitude * 10)
    assert cosines(encoder.encode_patches(window * 100, louder, 3.0), first).min() > 0.999


def test_the_spacing_is_part_of_what_is_seen(encoder: CompactEncoder) -> None:
    window = clutter(64, 64)
    known, unknown = encoder.encode_patches(window, STATS, 3.0), encoder.encode_patches(window, STATS, None)
    assert cosines(known, unknown).min() < 0.9999
    assert (encoder.encode_patches(window, STATS, 0.0) == unknown).all()


def test_texts_are_unit_vectors_and_like_words_are_near(encoder: CompactEncoder) -> None:
    vectors = encoder.encode_text(["ships in the harbour", "vessels in port", "farm fields"])
    assert vectors.shape == (3, encoder.spec.dim) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_windows_join_without_seams(encoder: CompactEncoder, tmp_path: Path) -> None:
    """A scene in windows with the encoder's margin against the same scene in one window.

    The network sees further than its margin of 128 px, so vectors near a joint
    differ a little: mean cosine above 0.99, and above 0.95 for 98 of 100.
    """
    pixels = speckle((448, 704))
    pixels[120:140, 100:200] *= 8.0
    pixels[200:320, 300:448] *= 0.2
    scene = write_scene(tmp_path / "s.tif", pixels)
    whole = open_or_create(scene, layout_of(scene, 1, encoder.spec), tmp_path)
    whole.encode(scene, encoder, JobContext())
    plan = layout_of(scene, 1, encoder.spec)
    cut = replace(plan, key=replace(plan.key, window_px=384))
    assert len(whole.layout.tiles()) == 1 and len(cut.tiles()) == 8
    index = open_or_create(scene, cut, tmp_path)
    index.encode(scene, encoder, JobContext())
    alike = cosines(np.array(index.vectors), np.array(whole.vectors))
    assert alike.mean() > 0.99 and np.percentile(alike, 2) > 0.95


def test_the_texture_of_a_constant_has_no_spread() -> None:
    planes = texture_planes(torch.full((1, 1, 32, 40), 0.7), torch.full((1, 1, 32, 40), 0.2))
    assert planes.shape == (1, 7, 4, 5)
    mean, spread, peak, level, *around = (plane.unique() for plane in planes[0].round(decimals=2))
    assert (mean.item(), peak.item(), level.item()) == pytest.approx((0.7, 0.7, 0.2))
    assert [values.max().item() for values in (spread, *around)] == pytest.approx([0.0] * 4, abs=0.011)


def test_the_texture_is_that_of_each_cell() -> None:
    log = torch.zeros(1, 1, 16, 16)
    log[..., :8, 8:16] = torch.tensor([1.0, -1.0]).repeat(4)
    planes = texture_planes(log, log.abs())
    torch.testing.assert_close(planes[0, :4, 0, 1], torch.tensor([0.0, 1.0, 1.0, 1.0]))
    torch.testing.assert_close(planes[0, [0, 2, 3], 1, 0], torch.zeros(3))


# ---- weights -------------------------------------------------------------------
def state_of(model: CompactSarclip) -> dict[str, torch.Tensor]:
    return {key: value.contiguous() for key, value in model.state_dict().items()}


def test_weights_tell_their_own_sizes(tmp_path: Path) -> None:
    config = CompactConfig(dim=32, neck=16, hidden=24)
    torch.manual_seed(0)
    model = CompactSarclip(config).eval()
    path = tmp_path / "small.safetensors"
    save_file(state_of(model), str(path), metadata=save_metadata(config, {"note": "x"}))
    again = load_model(path)
    assert again.config == config
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in model.state_dict().items())
    encoder = load_compact_file(path, weights_dir(), CPU)
    assert encoder.spec.dim == 32 and encoder.encode_patches(clutter(32, 32), STATS, None).shape == (4, 4, 32)
    assert encoder.encode_text(["ship"]).shape == (1, 32)
    shipped = load_compact(weights_dir(), CPU).spec
    assert encoder.spec.weights_sha256 != shipped.weights_sha256


@pytest.mark.parametrize("fault", ["missing", "extra"])
def test_weights_that_do_not_fit_exactly_are_refused(tmp_path: Path, fault: str) -> None:
    state = load_file(str(weights_dir() / WEIGHTS_FILE))
    if fault == "missing":
        del state["project.weight"]
    else:
        state["another.weight"] = torch.zeros(1)
    path = tmp_path / "w.safetensors"
    save_file(state, str(path), metadata=save_metadata(CompactConfig(), {}))
    with pytest.raises(RuntimeError, match=r"project\.weight|another\.weight"):
        load_model(path)


def test_the_scale_is_bounded() -> None:
    model = CompactSarclip(CompactConfig(dim=8, neck=8, hidden=8))
    with torch.no_grad():
        model.log_scale.fill_(99.0)
    assert model.scale.item() == pytest.approx(np.exp(3.7), rel=1e-4)
