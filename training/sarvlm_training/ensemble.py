"""Weight-space ensembles: one network between several fine-tunes of it.

theta = (1 - alpha) theta0 + alpha theta1 over all float parameters (WiSE-FT), or a mean of several.
The running statistics of batch norms are floats and are averaged alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

State = dict[str, Tensor]


def average(states: Sequence[Mapping[str, Tensor]], weights: Sequence[float] | None = None) -> State:
    """Weighted mean of states with equal keys and shapes.

    Parameters
    ----------
    states : sequence of mapping of str to Tensor
        At least one; equal keys and shapes.
    weights : sequence of float, optional
        One a state, none negative; only their ratios count. Default: all alike.

    Returns
    -------
    dict of str to Tensor: float32 where the first state has floats; integers and booleans
    (counters) are those of the first.

    Raises
    ------
    ValueError
        Weights that are no such, or states that differ: names the first differing key.
    """
    given = [1.0] * len(states) if weights is None else list(weights)
    if not states or len(given) != len(states) or not sum(given) > 0 or min(given) < 0:
        raise ValueError(f"weights: expected one of at least 0 for each of {len(states)} states, got {given}")
    for state in states[1:]:
        difference = first_difference(states[0], state)
        if difference:
            raise ValueError(f"states differ: {difference}")
    shares = [weight / sum(given) for weight in given]
    mixed: State = {}
    for key, first in states[0].items():
        if not first.is_floating_point():
            mixed[key] = first.clone()
            continue
        total = torch.zeros(first.shape, dtype=torch.float64)
        for state, share in zip(states, shares, strict=True):
            total += share * state[key].double()
        mixed[key] = total.float()
    return mixed


def interpolate(first: Mapping[str, Tensor], second: Mapping[str, Tensor], alpha: float) -> State:
    """(1 - alpha) first + alpha second, as `average`; exactly `first` at 0 and `second` at 1.

    Raises
    ------
    ValueError
        As `average`, and for an alpha outside 0..1.
    """
    return average([first, second], alpha_shares(alpha, 2))


def alpha_shares(alpha: float, count: int) -> list[float]:
    """Shares of `count` fine-tunes: 1 - alpha of the first, alpha of the mean of the others.

    Raises
    ------
    ValueError
        alpha outside 0..1.
    """
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha: expected a number from 0 to 1, got {alpha}")
    return [1.0 - alpha] + [alpha / (count - 1)] * (count - 1)


def first_difference(first: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str:
    """What the first key (in alphabetical order) is that differs, or "" where keys and shapes are equal."""
    for key in sorted({*first, *other}):
        if key not in other or key not in first:
            return f"only one of them has “{key}”"
        if first[key].shape != other[key].shape:
            return f"“{key}” is {tuple(first[key].shape)} in one and {tuple(other[key].shape)} in the other"
        if first[key].is_floating_point() != other[key].is_floating_point():
            return f"“{key}” is {first[key].dtype} in one and {other[key].dtype} in the other"
    return ""


def stored(state: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> State:
    """As on disk: float16 weights, float32 statistics; float32 too where float16 overflows.

    Parameters
    ----------
    state : mapping of str to Tensor
        See `average`.
    like : mapping of str to Tensor
        The first parent: what a half-precision file keeps in float32 stays so.
    """
    halved = any(value.dtype == torch.float16 for value in like.values())
    small: State = {}
    for key, value in state.items():
        exact = not value.is_floating_point() or "running" in key or (halved and like[key].dtype == torch.float32)
        half = value if exact else value.half()
        small[key] = (half if torch.isfinite(half).all() else value).contiguous()
    return small
