"""Faults of a run as one sentence each: memory, data workers, errors that a data worker met."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor

from sarvlm_app.errors import ModelError, SarvlmError
from sarvlm_models.batches import is_out_of_memory

SMALLER: Final = "set batch, chips or captioned lower (such as --set batch=2) and go on with --resume"
_DEAD: Final = re.compile(r"DataLoader worker \(pid.*(exited unexpectedly|killed by signal)")
_IN_WORKER: Final = re.compile(r"Caught \w+ in DataLoader worker process")


class WorkerEndedError(ModelError):
    """A process that prepares training data is gone."""


@contextmanager
def in_words() -> Iterator[None]:
    """Faults of the machine inside the block as errors of one sentence.

    Raises
    ------
    ModelError
        Memory is short, or a data worker ended.
    SarvlmError
        As raised in a data worker, without torch's account of where.
    """
    try:
        yield
    except SarvlmError as fault:
        if not _IN_WORKER.match(str(fault)):
            raise
        raise type(fault)(str(fault).rstrip().splitlines()[-1].partition(": ")[2]) from None
    except MemoryError as fault:
        raise ModelError(f"There is not enough memory for this recipe; close other programs, or {SMALLER}.") from fault
    except RuntimeError as fault:
        if _DEAD.search(str(fault)):
            raise WorkerEndedError(
                "A process that prepares training data has ended, mostly because memory ran short; "
                "set workers lower (--set workers=0) and go on with --resume."
            ) from fault
        if not is_out_of_memory(fault):
            raise
        where = "There is" if "CUDA" not in str(fault) else "On the GPU there is"
        raise ModelError(f"{where} not enough memory for this recipe; close other programs, or {SMALLER}.") from fault


def require_finite(loss: Tensor, step: int) -> None:
    """Refuse to learn from a loss that is no number, before it spoils the weights.

    Raises
    ------
    ModelError
    """
    if not torch.isfinite(loss):
        raise ModelError(
            f"The training diverged, the loss of step {step + 1} is no finite number; "
            "set rate and backbone_rate lower and start again."
        )
