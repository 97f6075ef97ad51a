"""One process or several: devices, mixed precision, and gradients averaged under torchrun."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, is_dataclass, replace
from types import TracebackType
from typing import Self, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sarvlm_app.errors import ModelError

from .recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parallel:
    """One process among `count`.

    Attributes
    ----------
    rank, count : int
    device : torch.device
    dtype : torch.dtype
        Of the forward pass.
    """

    rank: int
    count: int
    device: torch.device
    dtype: torch.dtype

    @classmethod
    def start(cls, recipe: Recipe) -> Parallel:
        """Join the processes that torchrun started, if it did.

        Raises
        ------
        ModelError
            The device is not there.
        """
        rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        name = recipe.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if name == "cuda" else name)
        if device.type == "cuda" and not torch.cuda.is_available():
            raise ModelError(f'The recipe asks for {name} and there is no usable GPU here; set device = "cpu".')
        if count > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        half = recipe.precision == "bfloat16" or (recipe.precision == "auto" and device.type == "cuda")
        return cls(rank, count, device, torch.bfloat16 if half else torch.float32)

    def autocast(self) -> AbstractContextManager[object]:
        """The forward pass in `dtype`."""
        return nullcontext() if self.dtype == torch.float32 else torch.autocast(self.device.type, self.dtype)

    def average_gradients(self, network: nn.Module) -> None:
        """The mean of all processes' gradients in each; a parameter that had none counts as zero."""
        if self.count == 1:
            return
        for parameter in network.parameters():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
            parameter.grad /= self.count

    def average_buffers(self, network: nn.Module) -> None:
        """The mean of all processes' statistics (means and spreads of normalisations) in each."""
        for buffer in network.buffers() if self.count > 1 else ():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= self.count

    def agreed(self, asked: bool) -> bool:
        """Whether any process was asked to stop; the same answer in all of them."""
        if self.count == 1:
            return asked
        votes = torch.tensor(int(asked), device=self.device)
        dist.all_reduce(votes)
        return bool(votes.item())

    def wait(self) -> None:
        """Until all processes have come here: what the first one writes is then there for all."""
        if self.count > 1:
            dist.barrier()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the other processes."""
        if self.count > 1 and dist.is_initialized():
            dist.destroy_process_group()


def moved(value: T, device: torch.device) -> T:
    """Dataclasses and dicts of tensors on another device."""
    if device.type == "cpu":
        return value
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {key: moved(part, device) for key, part in value.items()}  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: moved(getattr(value, f.name), device) for f in fields(value)})
    return value
