"""CLIP and CoCa checkpoints in open_clip's form as the application's encoder."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sarvlm_app.errors import ModelError

from .architectures import Architecture, check_keys, open_clip_offline
from .batches import CPU_BATCH, Batches
from .clip_dense import dense_features, has_dense_features
from .clip_profiles import CLIP_RGB, profile_named
from .device import DeviceChoice
from .lineages import GELU, QUICK_GELU
from .preprocess import picture_stats
from .types import EncoderSpec, Float16, Float32, SceneStats

ACTIVATIONS = (GELU, QUICK_GELU)
_VOCABULARY = 49408  # of the tokenizer that open_clip brings along


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """What a checkpoint does not tell about itself.

    Attributes
    ----------
    name : str
        First half of the model id.
    sha256 : str
        Of the checkpoint file.
    activation : str
        "gelu" or "quick_gelu"; it cannot be seen in the weights.
    profile : str
        Preprocessing, see `clip_profiles`.
    """

    name: str
    sha256: str
    activation: str = GELU
    profile: str = CLIP_RGB

    @property
    def model_id(self) -> str:
        """Name@hash; what changes the features without changing the weights stands in the name."""
        name = self.name
        name += "" if self.activation == GELU else "-quickgelu"
        name += "" if self.profile == CLIP_RGB else f"-{self.profile}"
        return f"{name}@{self.sha256[:12]}"


def empty_network(architecture: Architecture, activation: str = GELU) -> nn.Module:
    """The network without memory for its weights (meta device); nothing is fetched.

    Raises
    ------
    ModelError
        The activation is unknown, or the configuration describes no network that can be built.
    """
    if activation not in ACTIVATIONS:
        raise ModelError(f"There is no activation “{activation}”: use {' or '.join(ACTIVATIONS)}.")
    library = open_clip_offline()
    config = dict(architecture.config) | {"quick_gelu": activation == QUICK_GELU}
    config.pop("custom_text", None)  # keys of that layout were renamed to the plain one
    kind = library.CoCa if "multimodal_cfg" in config else library.CLIP
    try:
        with torch.device("meta"):
            network: nn.Module = kind(**config)
    except (TypeError, ValueError, AssertionError, AttributeError, RuntimeError, ZeroDivisionError) as fault:
        raise ModelError(
            f"The configuration of “{architecture.name}” describes no network ({fault}): correct its .json file."
        ) from fault
    return network


def verify_state(architecture: Architecture, state: Mapping[str, Tensor], source: Path | str) -> None:
    """Hold every key and shape of `state` against the network; raises ModelError naming what differs."""
    expected = {name: tuple(value.shape) for name, value in empty_network(architecture).state_dict().items()}
    check_keys(expected, state, source, architecture.name)


def build_network(
    architecture: Architecture, state: Mapping[str, Tensor], source: Path | str, activation: str = GELU
) -> nn.Module:
    """The network with `state` in it: float32, on the CPU, in evaluation mode.

    Raises
    ------
    ModelError
        As `empty_network`, and where `state` does not fit exactly.
    """
    network = empty_network(architecture, activation)
    check_keys({n: tuple(v.shape) for n, v in network.state_dict().items()}, state, source, architecture.name)
    # a copy of its own: the file under a memory map may be overwritten while the model lives
    own = {n: v.to(torch.float32 if v.is_floating_point() else v.dtype, copy=True) for n, v in state.items()}
    network.load_state_dict(own, strict=True, assign=True)
    for module in network.modules():
        mask = getattr(module, "attn_mask", None)
        if isinstance(mask, Tensor) and mask.is_meta:  # the causal masks are not part of the weights
            module.register_buffer("attn_mask", torch.full(mask.shape, float("-inf")).triu_(1), persistent=False)
    return network.requires_grad_(False).eval()


class OpenClipEncoder:
    """A CLIP or CoCa network of open_clip behind the `DenseEncoder` protocol.

    Dense features come from crops of the tower's own training size at half
    overlap, averaged: the position table and the number of tokens stay as
    trained (a 1024 px window at once would stretch the table of a B-32 by
    4.6, and attention grows with the square), and no seams are left. Windows
    smaller than a crop go through whole, with the table interpolated.
    """

    def __init__(
        self, network: nn.Module, architecture: Architecture, options: EncoderOptions, device: DeviceChoice
    ) -> None:
        self._network: Any = network.to(device.device)
        # A copy in the fast precision: autocast would convert every weight anew for every batch (slower than float32
        # on a CPU, by measurement).
        self._visual: Any = self._network.visual
        if device.dtype != torch.float32:
            self._visual = copy.deepcopy(self._visual).to(device.dtype)
        self._visual = self._visual.to(memory_format=torch.channels_last)
        self._device = device
        self._batches = Batches(device.device)
        self._profile = profile_named(options.profile)
        self._size = architecture.image_size
        text = architecture.config["text_cfg"]
        if int(text.get("vocab_size", _VOCABULARY)) != _VOCABULARY:
            raise ModelError(
                f"“{options.name}” has a vocabulary of {text['vocab_size']} tokens, not CLIP's {_VOCABULARY}: "
                "use a checkpoint with CLIP's text tower."
            )
        tokenizer = open_clip_offline().SimpleTokenizer
        self._tokenize = tokenizer(context_length=int(text.get("context_length", 77)))
        cell = architecture.patch_px or 32
        self._dense = architecture.patch_px is not None and has_dense_features(self._visual)
        self._spec = EncoderSpec(
            model_id=options.model_id,
            dim=int(architecture.config["embed_dim"]),
            cell_px=cell,
            window_px=max(1024 // cell, 2) * cell,
            margin_px=max(64 // cell, 1) * cell,
            finest_spacing_m=None,
            profile=options.profile,
            weights_sha256=options.sha256,
        )

    @property
    def spec(self) -> EncoderSpec:
        return self._spec

    @property
    def device(self) -> DeviceChoice:
        return self._device

    @property
    def network(self) -> nn.Module:
        """The network itself, for captioning and fine-tuning."""
        network: nn.Module = self._network
        return network

    @property
    def logit_scale(self) -> float:
        return float(self._network.logit_scale.detach().float().exp().reshape(-1)[0])

    @torch.inference_mode()
    def embed_image(self, batch: Tensor) -> Tensor:
        """Unit vectors (n, d) of prepared images (n, 3, size, size), all in float32 as open_clip computes them."""
        vectors: Tensor = self._network.encode_image(batch.to(self._device.device, torch.float32), normalize=True)
        return vectors.float().cpu()

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str]) -> Float32:
        """Unit vectors float32 (n, d) of `texts`, all in float32 as open_clip computes them."""
        if not texts:
            return np.zeros((0, self._spec.dim), np.float32)
        tokens = self._tokenize(list(texts)).to(self._device.device)
        parts = [self._network.encode_text(part, normalize=True).float().cpu() for part in tokens.split(CPU_BATCH)]
        vectors: Float32 = torch.cat(parts).numpy()
        return vectors

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        """One unit vector float32 (n, d) for each chip (linear intensity, any size); in the device's precision."""
        return self._whole([(chip, stats) for chip in chips])

    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        """Unit vectors float32 (n, d) of pictures (linear amplitude), each by its own statistics."""
        return self._whole([(amplitude * amplitude, picture_stats(amplitude)) for amplitude in amplitudes])

    @property
    def can_caption(self) -> bool:
        """Whether the network has a text decoder (CoCa)."""
        return hasattr(self._network, "text_decoder")

    @property
    def text_length(self) -> int:
        """Most tokens that the text tower takes."""
        return int(self._tokenize.context_length)

    def detokenize(self, tokens: Sequence[int]) -> str:
        """The words of tokens, with blanks between them."""
        return " ".join(str(self._tokenize.decode(tokens)).split())

    @torch.inference_mode()
    def image_tokens(self, intensity: Float32, stats: SceneStats) -> Tensor:
        """What a CoCa's text decoder looks at: float32 (1, m, width) of one chip (linear intensity, any size)."""
        chip = self._profile.chip(intensity, stats, self._size)[None].to(self._device.device)
        tokens: Tensor = self._network.visual(chip)[1]
        return tokens

    @torch.inference_mode()
    def _whole(self, chips: Sequence[tuple[Float32, SceneStats]]) -> Float32:
        """Unit vectors float32 (n, d) of chips of linear intensity, each with its statistics."""
        if not chips:
            return np.zeros((0, self._spec.dim), np.float32)

        def forward(part: Sequence[tuple[Float32, SceneStats]]) -> Tensor:
            images = torch.stack([self._profile.chip(chip, stats, self._size) for chip, stats in part])
            vectors = self._visual(self._moved(images))
            vectors = vectors[0] if isinstance(vectors, tuple) else vectors  # CoCa returns its tokens too
            return nn.functional.normalize(vectors.float(), dim=-1)

        # vectors stay on the device until the end: a GPU computes one batch while the next is prepared
        found = [vectors for _, vectors in self._batches.run(chips, forward, "chips")]
        stacked: Float32 = torch.cat(found).cpu().numpy()
        return stacked

    @torch.inference_mode()
    def encode_patches(
        self,
        intensity: Float32,
        stats: SceneStats,
        spacing_m: float | None,
    ) -> Float16:
        """Patch vectors of one window, float16 (h / cell_px, w / cell_px, d) of unit length.

        Raises
        ------
        ModelError
            The image tower has no dense features (ResNet).
        ValueError
            The window is no multiple of `spec.cell_px`.
        """
        if not self._dense:
            raise ModelError(
                f"The model “{self._spec.model_id}” has no dense features: use a ViT checkpoint, "
                "or the reference crop method (--reference)."
            )
        cell = self._spec.cell_px
        rows, cols = (edge // cell for edge in intensity.shape)
        if intensity.ndim != 2 or intensity.shape != (rows * cell, cols * cell) or rows * cols == 0:
            raise ValueError(f"window: expected multiples of {cell} px, got {intensity.shape}")
        image = self._moved(self._profile.window(intensity, stats))
        height, width = min(rows, self._size // cell), min(cols, self._size // cell)
        total = torch.zeros(rows, cols, self._spec.dim, device=self._device.device)
        corners = [(r, c) for r in _starts(rows, height) for c in _starts(cols, width)]

        def forward(part: Sequence[tuple[int, int]]) -> Tensor:
            crops = [image[:, r * cell : (r + height) * cell, c * cell : (c + width) * cell] for r, c in part]
            return dense_features(self._visual, torch.stack(crops))

        for part, vectors in self._batches.run(corners, forward, (height, width)):
            for (r, c), found in zip(part, vectors, strict=True):
                total[r : r + height, c : c + width] += found
        # a mean's length does not matter: the vectors are brought to unit length
        patches: Float16 = nn.functional.normalize(total, dim=-1).cpu().numpy().astype(np.float16)
        return patches

    def _moved(self, images: Tensor) -> Tensor:
        """Images on the device in its precision; by pinned memory, without waiting, where that is a GPU."""
        if self._device.device.type == "cuda":
            images = images.pin_memory()
        return images.to(self._device.device, self._device.dtype, non_blocking=True)


def _starts(length: int, crop: int) -> list[int]:
    """Where crops of `crop` patches begin along `length` patches: half overlap, the last shifted inwards."""
    step = max((crop + 1) // 2, 1)
    return sorted({min(start, length - crop) for start in range(0, length - crop + step, step)})
