"""A window and its mirror images looked at together."""

from __future__ import annotations

import pytest
import torch

from sarvlm_models.detectors.mirrored import COLS, ROWS, seen_from
from sarvlm_models.detectors.network import STRIDES, DetectorConfig, DetectorNetwork, Found

SIDES = ((COLS,), (ROWS,), (ROWS, COLS))
HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def network() -> DetectorNetwork:
    torch.manual_seed(4)
    network = DetectorNetwork(DetectorConfig(neck=16, head=16, depth=1)).eval()
    torch.nn.init.normal_(network.head.box.weight, std=0.5)
    return network


@pytest.fixture(scope="module")
def planes() -> torch.Tensor:
    return torch.randn(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5))


def maps(values: torch.Tensor) -> list[torch.Tensor]:
    """Values (1, places, ...) as a map (h, w, ...) for each stride."""
    shapes = [(HEIGHT // stride, WIDTH // stride) for stride in STRIDES]
    return [
        part[0].unflatten(0, s) for part, s in zip(values.split([h * w for h, w in shapes], 1), shapes, strict=True)
    ]


@pytest.mark.parametrize("mirror", SIDES)
@torch.inference_mode()
def test_what_is_seen_from_all_sides_turns_with_the_window(network, planes, mirror):
    here = seen_from(network, planes, SIDES)
    there = seen_from(network, planes.flip(mirror), SIDES)
    dims = [dim - 2 for dim in mirror]
    sign = 1.0 if len(mirror) == 2 else -1.0
    for name in Found._fields:
        for one, other in zip(maps(getattr(here, name)), maps(getattr(there, name)), strict=True):
            back = other.flip(dims).clone()
            if name == "rotated":
                back[..., 0] = WIDTH - back[..., 0] if COLS in mirror else back[..., 0]
                back[..., 1] = HEIGHT - back[..., 1] if ROWS in mirror else back[..., 1]
                back[..., 4] *= sign
            if name == "axis":
                back[..., 1] *= sign
            if name == "upright" and COLS in mirror:
                back[..., [0, 2]] = WIDTH - back[..., [2, 0]]
            if name == "upright" and ROWS in mirror:
                back[..., [1, 3]] = HEIGHT - back[..., [3, 1]]
            torch.testing.assert_close(one, back, rtol=1e-3, atol=2e-3)


@torch.inference_mode()
def test_without_mirrors_it_is_what_the_network_says(network, planes):
    for one, other in zip(seen_from(network, planes, ()), network(planes), strict=True):
        assert torch.equal(one, other)


@torch.inference_mode()
def test_the_network_alone_does_not_turn_with_the_window(network, planes):
    assert not torch.allclose(network(planes).presence, seen_from(network, planes, SIDES).presence)
