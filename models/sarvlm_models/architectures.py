"""Which network a table of weights belongs to, told from its shapes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from sarvlm_app.errors import ModelError

COMPACT = "sarclip-compact"
DETECTOR = "sardet-compact"
COMPACT_KEY = "sarvlm_arch"  # key of a safetensors header that names our own networks

# (width, patch edge) of visual.conv1 -> open_clip's name
_VITS = {
    (768, 32): "ViT-B-32",
    (768, 16): "ViT-B-16",
    (1024, 16): "ViT-L-16",
    (1024, 14): "ViT-L-14",
    (1280, 14): "ViT-H-14",
    (1408, 14): "ViT-g-14",
    (1664, 14): "ViT-bigG-14",
}
_COCAS = {(768, 32): "coca_ViT-B-32", (1024, 14): "coca_ViT-L-14"}
# (width, blocks of the third stage) -> open_clip's name
_RESNETS = {(64, 6): "RN50", (64, 23): "RN101", (80, 10): "RN50x4"}
_NAMED = 4  # keys named in a refusal; the rest are counted


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that weights fit.

    Attributes
    ----------
    name : str
        open_clip's name ("ViT-L-14"), "sarclip-compact", or the stem of a
        user's configuration file.
    image_size : int
        Edge in pixels of the square the image tower was made for; 0 for our
        own networks, which take any size.
    kind : str
        "vit", "coca", "resnet", "compact" or "detector".
    patch_px : int or None
        Edge of a patch in pixels, None where the tower has none.
    config : mapping
        In open_clip's form, ready to build; empty for our own networks.
    """

    name: str
    image_size: int
    kind: str
    patch_px: int | None
    config: Mapping[str, Any] = field(default_factory=dict)


def infer_architecture(
    state: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None, source: Path | str = "the checkpoint"
) -> Architecture:
    """Tell the architecture from names and shapes.

    Parameters
    ----------
    state : mapping of str to Tensor
        Under open_clip's names (see `checkpoints.read_state_dict`).
    metadata : mapping of str to str, optional
        The safetensors header.
    source : Path or str
        The file: named in errors, and a configuration in open_clip's form
        beside it (`<stem>.json` or `open_clip_config.json`) goes before
        the shapes.

    Raises
    ------
    ModelError
        The weights are of no vision-language model, or of one unknown here.
    """
    if COMPACT_KEY in (metadata or {}):
        return _compact(metadata or {}, source)
    config_path = _config_beside(source)
    if config_path is not None:
        return _from_config_file(config_path)
    _refuse_strangers(state, source)
    scale = _scale_options(state)
    if "visual.layer1.0.conv1.weight" in state:
        return _resnet(state, source, scale)
    conv = state.get("visual.conv1.weight")
    if conv is None or conv.ndim != 4:
        raise ModelError(f"“{source}” has no “visual.conv1.weight”, so its image tower is unknown: {_HOW_CUSTOM}.")
    key = (conv.shape[0], conv.shape[2])
    is_coca = any(name.startswith(("text_decoder.", "visual.attn_pool.")) for name in state)
    name = (_COCAS if is_coca else _VITS).get(key)
    if name is None:
        what = "CoCa" if is_coca else "ViT"
        raise ModelError(
            f"“{source}” is a {what} of width {key[0]} with {key[1]} px patches, unknown here: {_HOW_CUSTOM}."
        )
    size = _grid(state, "visual.positional_embedding", source) * key[1]
    full_name = f"{name}-{size}" if size != 224 and f"{name}-{size}" in _open_clip_names() else name
    return Architecture(full_name, size, "coca" if is_coca else "vit", key[1], _config(name, size, scale))


_HOW_CUSTOM = "put its open_clip configuration beside it as a .json file of the same name"


def _compact(metadata: Mapping[str, str], source: Path | str) -> Architecture:
    name = metadata[COMPACT_KEY]
    if name == DETECTOR:
        return Architecture(DETECTOR, 0, "detector", None)
    if not name.startswith(COMPACT):
        raise ModelError(
            f"“{source}” is of the architecture “{name}”, which this version does not know: update SARVLM Desktop."
        )
    return Architecture(COMPACT, 0, "compact", None)


def _refuse_strangers(state: Mapping[str, Tensor], source: Path | str) -> None:
    """Raise for the kinds of weights that are met often and cannot serve."""
    starts = {name.split(".")[0] for name in state}
    has_text = bool(starts & {"transformer", "token_embedding", "text", "text_model", "text_projection"})
    if "vision_model" in starts or "text_model" in starts:
        raise ModelError(
            f"“{source}” is a CLIPModel of the transformers library: convert it to open_clip's form and open that."
        )
    if any(name.startswith("visual.trunk.") for name in state):
        raise ModelError(
            f"“{source}” has a timm image tower, which cannot be opened: use a ViT, ResNet or CoCa of open_clip."
        )
    if "visual" not in starts and not has_text:
        hint = " (it looks like an image backbone such as HiViT or SARATR-X)" if "blocks" in starts else ""
        raise ModelError(
            f"“{source}” is not a vision-language model{hint}: choose a checkpoint with an image and a text tower."
        )


def _resnet(state: Mapping[str, Tensor], source: Path | str, scale: Mapping[str, Any]) -> Architecture:
    width = state["visual.layer1.0.conv1.weight"].shape[0]
    blocks = len({name.split(".")[2] for name in state if name.startswith("visual.layer3.")})
    name = _RESNETS.get((width, blocks))
    if name is None:
        raise ModelError(
            f"“{source}” is a ResNet of width {width} with {blocks} blocks in stage 3, unknown here: {_HOW_CUSTOM}."
        )
    size = _grid(state, "visual.attnpool.positional_embedding", source) * 32
    return Architecture(name, size, "resnet", None, _config(name, size, scale))


def _grid(state: Mapping[str, Tensor], name: str, source: Path | str) -> int:
    """Patches along an edge, from the rows of a position table (one more for the class token)."""
    table = state.get(name)
    if table is None:
        raise ModelError(f"“{source}” lacks the key “{name}”: the file is incomplete, choose the full checkpoint.")
    edge = math.isqrt(table.shape[0] - 1)
    if edge < 1 or edge * edge != table.shape[0] - 1:
        raise ModelError(f"“{source}” has {table.shape[0]} rows in “{name}”, which is no square grid: {_HOW_CUSTOM}.")
    return edge


def _scale_options(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """How this file keeps the scale and bias of its logits."""
    scale = state.get("logit_scale")
    options: dict[str, Any] = {"nonscalar_logit_scale": scale is not None and scale.ndim == 1}
    if "logit_bias" in state:
        options["init_logit_bias"] = 0.0
    return options


def open_clip_offline() -> Any:
    """The open_clip library, told first that there is no hub to ask."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import open_clip

    return open_clip


def _open_clip_names() -> Sequence[str]:
    names: Sequence[str] = open_clip_offline().list_models()
    return names


def _config(name: str, image_size: int, options: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = open_clip_offline().get_model_config(name)
    config["vision_cfg"]["image_size"] = image_size
    config.update(options)
    return config


def _config_beside(source: Path | str) -> Path | None:
    if not isinstance(source, Path):
        return None
    beside = (source.with_suffix(".json"), source.with_name("open_clip_config.json"))
    return next((path for path in beside if path != source and _mentions_vision(path)), None)


def _mentions_vision(path: Path) -> bool:
    """Whether a file may be a configuration; results and logs in JSON lie beside checkpoints too."""
    try:
        return path.is_file() and "vision_cfg" in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _from_config_file(path: Path) -> Architecture:
    """The architecture that a user's own configuration in open_clip's form describes."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        config = dict(content.get("model_cfg", content))
        vision, text = dict(config["vision_cfg"]), dict(config["text_cfg"])
        size, patch = int(vision.get("image_size", 224)), vision.get("patch_size")
        int(config["embed_dim"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ModelError(
            f"“{path}” is no open_clip configuration (embed_dim, vision_cfg, text_cfg): correct or remove it."
        ) from fault
    if "hf_model_name" in text or "timm_model_name" in vision:
        raise ModelError(
            f"“{path}” asks for a tower of another library, which would be fetched: use open_clip's own towers."
        )
    config |= {"vision_cfg": vision, "text_cfg": text}
    is_resnet = isinstance(vision.get("layers"), list)
    kind = "resnet" if is_resnet else "coca" if "multimodal_cfg" in config else "vit"
    return Architecture(path.stem, size, kind, None if is_resnet else int(patch or 16), config)


def check_keys(
    expected: Mapping[str, Sequence[int]], actual: Mapping[str, Tensor], source: Path | str, architecture: str
) -> None:
    """Hold a table of weights against what a network needs, strictly.

    Parameters
    ----------
    expected : mapping of str to shape
        Every key of the network.
    actual : mapping of str to Tensor
        Every key of the file.
    source, architecture : Path or str, str
        Named in the error.

    Raises
    ------
    ModelError
        Names the first missing and unexpected keys and wrong shapes, and counts the others.
    """
    missing = [name for name in expected if name not in actual]
    unexpected = [name for name in actual if name not in expected]
    wrong = [
        f"{name} is {_shape(actual[name].shape)} instead of {_shape(shape)}"
        for name, shape in expected.items()
        if name in actual and tuple(actual[name].shape) != tuple(shape)
    ]
    faults = [
        f"{len(found)} {what} ({_first(found)})"
        for what, found in (("missing keys", missing), ("unexpected keys", unexpected), ("wrong shapes", wrong))
        if found
    ]
    if faults:
        raise ModelError(
            f"“{source}” does not fit {architecture}, it has {', '.join(faults)}: "
            "choose a complete checkpoint of that architecture."
        )


def _shape(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "a single number"


def _first(found: Sequence[str]) -> str:
    rest = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
