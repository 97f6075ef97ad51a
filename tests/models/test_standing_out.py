"""Vectors of pictures set off against those of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_file, save_file

from sarvlm_models.api import ContrastedEncoder
from sarvlm_models.compact import WEIGHTS_FILE, CompactConfig, CompactSarclip, load_model, save_metadata
from sarvlm_models.locations import weights_dir
from sarvlm_models.registry import load_encoder
from sarvlm_models.standing_out import StandingOut

DIM = 8


def pictures(counts: tuple[int, ...], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors of classes that share a direction (0) and differ in one of their own (1, 2, ...)."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    vectors = 0.1 * torch.randn(len(classes), DIM, generator=generator)
    vectors[:, 0] += 2.0
    vectors[torch.arange(len(classes)), classes + 1] += 0.5
    return F.normalize(vectors, dim=1), classes


def test_nothing_changes_before_it_is_calibrated() -> None:
    vectors, _ = pictures((5, 5))
    torch.testing.assert_close(StandingOut(DIM)(vectors), vectors)


def test_a_sentence_near_to_every_picture_no_longer_wins() -> None:
    vectors, classes = pictures((40, 40, 40))
    hub = F.normalize(torch.tensor([1.0, 0.0, 0.3, 0.0, 0, 0, 0, 0]), dim=0)  # says class 1, and is near to all
    plain = F.normalize(torch.eye(DIM)[[1, 3]] + 0.2 * torch.eye(DIM)[0], dim=1)
    texts = torch.stack((plain[0], hub, plain[1]))
    assert float(((vectors @ texts.T).argmax(1) == classes).float().mean()) < 0.5
    standing_out = StandingOut(DIM)
    standing_out.calibrate(vectors, classes)
    set_off = standing_out(vectors)
    assert float(((set_off @ texts.T).argmax(1) == classes).float().mean()) > 0.9
    torch.testing.assert_close(set_off.norm(dim=1), torch.ones(len(vectors)))


def test_every_class_counts_alike() -> None:
    few, many = StandingOut(DIM), StandingOut(DIM)
    few.calibrate(*pictures((500, 500)))
    many.calibrate(*pictures((100, 900)))
    torch.testing.assert_close(few.mean, many.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(few.mix, many.mix, atol=0.05, rtol=0)


def test_wide_directions_are_levelled_in_part() -> None:
    generator = torch.Generator().manual_seed(2)
    spread = torch.tensor([0.4, 0.2, 0.1, 0.05])
    vectors = spread * torch.randn(4000, 4, generator=generator)
    standing_out = StandingOut(4)
    standing_out.calibrate(vectors, torch.zeros(4000, dtype=torch.int64))
    after = ((vectors - standing_out.mean) @ standing_out.mix).std(0)
    variance = vectors.var(0, unbiased=False)
    expected = vectors.std(0) * (variance + variance.mean()) ** -0.25
    np.testing.assert_allclose(after / after[0], expected / expected[0], rtol=0.02)


def test_weights_from_before_load_and_leave_pictures_as_they_are(tmp_path: Path) -> None:
    model = CompactSarclip(CompactConfig(whole="pyramid"))
    model.standing_out.calibrate(*pictures_of(model.config.dim))
    path = tmp_path / "sarclip.safetensors"
    save_file(model.state_dict(), path, save_metadata(model.config, {}))
    again = load_model(path).standing_out
    assert torch.equal(again.mean, model.standing_out.mean) and torch.equal(again.mix, model.standing_out.mix)
    old = {key: value for key, value in load_file(path).items() if not key.startswith("standing_out.")}
    save_file(old, path, save_metadata(model.config, {}))
    found = load_model(path).standing_out
    assert not found.mean.any() and torch.equal(found.mix, torch.eye(model.config.dim))
    vectors = np.eye(3, model.config.dim, dtype=np.float32)
    encoder = load_encoder(str(path), "cpu")
    assert isinstance(encoder, ContrastedEncoder)
    np.testing.assert_allclose(encoder.standing_out(vectors), vectors, atol=1e-6)


def test_the_shipped_weights_know_what_sets_pictures_off() -> None:
    standing_out = load_model(weights_dir() / WEIGHTS_FILE).standing_out
    assert float(standing_out.mean.norm()) > 0.1
    assert not torch.allclose(standing_out.mix, torch.eye(len(standing_out.mean)), atol=0.01)


def pictures_of(dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    vectors = F.normalize(torch.randn(30, dim, generator=torch.Generator().manual_seed(1)) + 0.5, dim=1)
    return vectors, torch.arange(30) % 3
