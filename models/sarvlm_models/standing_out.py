"""What sets the vector of a picture off against those of all pictures: centred and partly whitened.

The vectors of a trained tower lie on a cone and spread unevenly, so that some sentences are near to every picture and
win over the right one whose words the tower hardly knows (hubs). Taking the mean off and levelling the spread, on the
side of pictures only, leaves texts, patch vectors and the archive as they are.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

EXPONENT: Final = 0.25
"""Of the covariance that is divided out: 0 none, 0.5 all."""
FLOOR: Final = 1.0
"""Added to each variance, in the mean variance of all directions."""


class StandingOut(nn.Module):
    """Mean and mixing of picture vectors; nothing but the identity before `calibrate`.

    Attributes
    ----------
    mean : float32 (d,)
    mix : float32 (d, d)
        (C + FLOOR tr(C) / d)^-EXPONENT of the covariance C, brought to a trace of d.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.mix: Tensor
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("mix", torch.eye(dim))
        self.register_load_state_dict_pre_hook(_fill_in)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def calibrate(self, vectors: Tensor, classes: Tensor) -> None:
        """Take mean and covariance of unit vectors (n, d), every class of `classes` int64 (n,) counting alike."""
        weight = (1.0 / classes.bincount())[classes].double()
        weight /= weight.sum()
        values = vectors.double()
        mean = weight @ values
        spread = (values - mean) * weight.sqrt()[:, None]
        variances, directions = torch.linalg.eigh(spread.T @ spread)
        variances = variances.clamp(min=0.0)
        levelled = (variances + FLOOR * variances.mean().clamp(min=1e-12)) ** -EXPONENT
        mix = (directions * levelled) @ directions.T
        self.mean.copy_(mean)
        self.mix.copy_(mix * len(mix) / mix.trace())

    def forward(self, vectors: Tensor) -> Tensor:
        """Unit vectors (n, d) of unit vectors (n, d)."""
        return F.normalize((vectors - self.mean) @ self.mix, dim=-1)


def _fill_in(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    """Weights from before there was such a thing hold none."""
    for name, value in module.named_buffers():
        state.setdefault(prefix + name, value.detach().clone())
