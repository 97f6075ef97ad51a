"""What the detector starts from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import timm
from safetensors import SafetensorError, safe_open

from sarvlm_app.errors import ModelError
from sarvlm_models.compact import WEIGHTS_FILE, load_model
from sarvlm_models.detectors.detector import ARCHITECTURE, load_network
from sarvlm_models.detectors.network import DetectorConfig, DetectorNetwork, fold_normalisation
from sarvlm_models.locations import weights_dir
from sarvlm_training.start import load_imagenet_start


def begin(start: str, config: DetectorConfig) -> DetectorNetwork:
    """The network at its start: "shipped", "imagenet", or weights of a SARCLIP or a detector.

    The words' projection is always that of a SARCLIP, since boxes are named in its space.

    Raises
    ------
    ModelError
        The weights are not there or do not fit.
    """
    shipped = weights_dir() / WEIGHTS_FILE
    network = DetectorNetwork(config)
    path = shipped if start in ("shipped", "imagenet") else Path(start)
    if not path.is_file():
        raise ModelError(f'{path} is not there; set start = "shipped", "imagenet" or the path of weights.')
    try:
        if _architecture(path) == ARCHITECTURE:
            return load_network(path)[0]
        sarclip = load_model(path)
    except (RuntimeError, SafetensorError, TypeError, json.JSONDecodeError) as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise ModelError(f"{path} does not fit the compact tower ({reason}); start from weights of it.") from error
    network.project.load_state_dict(sarclip.project.state_dict())
    backbone: Any = timm.create_model(config.backbone, features_only=True, out_indices=(1, 2, 3, 4))
    if start == "imagenet":
        load_imagenet_start(backbone)
    else:
        backbone.load_state_dict(sarclip.image.backbone.state_dict())
    network.backbone.load_state_dict(fold_normalisation(backbone).state_dict())
    return network


def _architecture(path: Path) -> str:
    with safe_open(str(path), "pt") as file:
        return str((file.metadata() or {}).get("sarvlm_arch", ""))
