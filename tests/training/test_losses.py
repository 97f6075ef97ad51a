"""Losses with known answers, and labels that are unknown say nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_training.losses import FOCAL_EXPONENT, contrast_loss, place_loss


def labels_of(*values: int) -> torch.Tensor:
    """One text at some places."""
    return torch.tensor(values, dtype=torch.int8).reshape(1, 1, 1, -1)


def test_the_place_loss_of_one_positive_at_logit_zero() -> None:
    """Entropy ln 2, focal weight (1/2)^1.5, over 1 + 8 positives and at least 4 texts."""
    loss = place_loss(torch.zeros(1, 1, 1, 1), labels_of(1))
    assert loss.item() == pytest.approx(math.log(2) * 0.5**FOCAL_EXPONENT / 9 / 4)


def test_the_place_loss_of_negatives_alone() -> None:
    loss = place_loss(torch.zeros(1, 1, 1, 100), labels_of(*[0] * 100))
    assert loss.item() == pytest.approx(100 * math.log(2) * 0.5**FOCAL_EXPONENT / (0.02 * 100 + 8) / 4)


def test_what_is_certain_and_right_costs_nothing() -> None:
    logits = torch.tensor([30.0, -30.0]).reshape(1, 1, 1, 2)
    assert place_loss(logits, labels_of(1, 0)).item() == pytest.approx(0.0, abs=1e-6)
    assert place_loss(-logits, labels_of(1, 0)).item() > 0.5


def random_case(seed: int, texts: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.choice([-1, 0, 1], (2, texts, 3, 4), p=[0.4, 0.4, 0.2]).astype(np.int8))
    logits = torch.from_numpy(rng.normal(0, 3, labels.shape).astype(np.float32)).requires_grad_()
    return logits, labels


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_unknown_labels_have_no_gradient_and_known_ones_the_right_sign(seed: int) -> None:
    logits, labels = random_case(seed)
    (gradient,) = torch.autograd.grad(place_loss(logits, labels), logits)
    assert torch.isfinite(gradient).all()
    assert (gradient[labels < 0] == 0).all()
    assert (gradient[labels == 1] <= 0).all() and (gradient[labels == 0] >= 0).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_unknown_labels_have_no_gradient_in_the_contrast_either(seed: int) -> None:
    logits, labels = random_case(seed)
    (gradient,) = torch.autograd.grad(contrast_loss(logits, labels), logits)
    assert torch.isfinite(gradient).all() and (gradient[labels < 0] == 0).all()
    assert (gradient[labels == 1] <= 1e-7).all() and (gradient[labels == 0] >= -1e-7).all()


def test_the_contrast_of_equal_logits_is_the_log_of_the_number_that_compete() -> None:
    labels = torch.tensor([1, 0, 0, 0, -1], dtype=torch.int8).reshape(1, 5, 1, 1)
    assert contrast_loss(torch.zeros(1, 5, 1, 1), labels).item() == pytest.approx(math.log(4))


def test_present_texts_do_not_compete_with_each_other() -> None:
    logits = torch.tensor([5.0, 5.0, 0.0]).reshape(1, 3, 1, 1)
    labels = torch.tensor([1, 1, 0], dtype=torch.int8).reshape(1, 3, 1, 1)
    assert contrast_loss(logits, labels).item() == pytest.approx(math.log(1 + math.exp(-5)), rel=1e-5)


@pytest.mark.parametrize("values", [[0, 0, 0], [-1, -1, -1], [1, 1, 1], [1, -1, -1]])
def test_a_contrast_with_nothing_to_contrast_is_zero_with_a_finite_gradient(values: list[int]) -> None:
    labels = torch.tensor(values, dtype=torch.int8).reshape(1, 3, 1, 1)
    logits = torch.zeros(1, 3, 1, 1, requires_grad=True)
    loss = contrast_loss(logits, labels)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == 0.0 and torch.isfinite(gradient).all()


def test_places_are_drawn_when_there_are_too_many() -> None:
    labels = torch.zeros(1, 2, 30, 30, dtype=torch.int8)
    labels[:, 0] = 1
    logits = torch.zeros(1, 2, 30, 30, requires_grad=True)
    (gradient,) = torch.autograd.grad(contrast_loss(logits, labels, most=50), logits)
    assert int((gradient[:, 0] != 0).sum()) == 50
