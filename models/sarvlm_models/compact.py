"""The compact SARCLIP: text-aligned SAR features for every place in one pass.

Image tower: EfficientNet-Lite0 (ImageNet start), a feature pyramid merged at
stride 8, local texture statistics beside it, conditioned on pixel spacing.
Text tower: frozen MiniLM sentence encoder and one linear projection.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import timm
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from .batches import Batches
from .pictures import prepare_picture
from .preprocess import FINEST_SPACING_M, input_planes, p98_ratio, picture_stats, relative_amplitude, spacing_code
from .standing_out import StandingOut
from .statistics import COUNT as STATISTICS
from .statistics import picture_statistics
from .text_tower import WIDTH as TEXT_WIDTH
from .text_tower import TextTower, load_tokenizer, tokenize
from .types import EncoderSpec, Float16, Float32, SceneStats

if TYPE_CHECKING:
    from .device import DeviceChoice

ARCHITECTURE: Final = "sarclip-compact"
CELL_PX: Final = 8
TEXTURE_PLANES: Final = 7
WEIGHTS_FILE: Final = "sarclip-compact.safetensors"
TEXT_FILE: Final = "minilm-text.safetensors"
ADDED_LATER: Final = ("standing_out.mean", "standing_out.mix")
"""Tensors that older weights lack; they then change nothing."""
TOKENIZER_FILE: Final = "minilm-tokenizer.json"


@dataclass(frozen=True, slots=True)
class CompactConfig:
    """Sizes of the compact tower; stored in the metadata of its weights.

    Attributes
    ----------
    dim, neck, hidden : int
        Channels of the vectors, of the merged pyramid and of the fused features.
    backbone : str
        timm name.
    whole : str
        Where the vector of a whole picture comes from: "pyramid" (statistics
        of all depths and of the grey values) or "fused" (the first release).
    """

    dim: int = 128
    neck: int = 96
    hidden: int = 128
    backbone: str = "tf_efficientnet_lite0"
    whole: str = "fused"


def texture_planes(log: Tensor, linear: Tensor) -> Tensor:
    """Radiometric statistics at stride 8: (n, 7, h / 8, w / 8).

    Mean, spread and maximum of the log amplitude in a cell, mean linear
    amplitude, and the spread of cells in 5 x 5 and 9 x 9 neighbourhoods.
    """
    mean = F.avg_pool2d(log, CELL_PX)
    spread = (F.avg_pool2d(log * log, CELL_PX) - mean * mean).clamp(min=1e-6).sqrt()
    peak = F.max_pool2d(log, CELL_PX)
    level = F.avg_pool2d(linear, CELL_PX)
    planes = [mean, spread, peak, level]
    for reach in (2, 4):
        around = F.avg_pool2d(mean, 2 * reach + 1, 1, reach, count_include_pad=False)
        square = F.avg_pool2d(mean * mean, 2 * reach + 1, 1, reach, count_include_pad=False)
        planes.append((square - around * around).clamp(min=1e-6).sqrt())
    planes.append(F.avg_pool2d(spread, 5, 1, 2, count_include_pad=False))
    return torch.cat(planes, dim=1)


def _conv_block(inside: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class WholeHead(nn.Module):
    """Statistics of the maps at all depths and of the grey values to one unit vector.

    Means and spreads of five depths know shapes, the radiometric statistics
    know texture and level, and attention finds the one place that matters.
    Their own means and spreads over the training data are buffers (`centre`,
    `spread`), set once by `calibrate`.
    """

    def __init__(self, channels: Sequence[int], dim: int, heads: int = 4, hidden: int = 384) -> None:
        super().__init__()
        width = channels[3]
        self.attend = nn.Conv2d(width, heads, 1)
        inputs = 2 * sum(channels) + heads * width + STATISTICS
        self.centre: Tensor
        self.spread: Tensor
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("spread", torch.ones(inputs))
        self.inner = nn.Linear(inputs, hidden)
        self.outer = nn.Linear(hidden, dim)
        self.direct = nn.Linear(inputs, dim, bias=False)
        self.drop = nn.Dropout(0.2)

    def pooled(self, pyramid: Sequence[Tensor], log: Tensor) -> Tensor:
        """Inputs of the head float32 (n, inputs), not yet standardised."""
        parts = []
        for values in pyramid:
            flat = values.float().flatten(2)
            parts += [flat.mean(-1), flat.var(-1, unbiased=False).clamp(min=1e-6).sqrt()]
        middle = pyramid[3].float()
        weights = self.attend(middle).flatten(2).softmax(-1)
        parts.append(torch.einsum("nkp,ncp->nkc", weights, middle.flatten(2)).flatten(1))
        return torch.cat([*parts, picture_statistics(log)], dim=1)

    @torch.no_grad()
    def calibrate(self, pooled: Tensor) -> None:
        """Take means and spreads of a varied sample (n, inputs) of what `pooled` gives."""
        self.centre.copy_(pooled.mean(0))
        self.spread.copy_(pooled.std(0).clamp(min=1e-3))

    def forward(self, pyramid: Sequence[Tensor], log: Tensor) -> Tensor:
        """Unit vectors (n, d) of the backbone's maps and the log amplitude (n, 1, h, w) over the median."""
        return self.vectors(((self.pooled(pyramid, log) - self.centre) / self.spread).clamp(-6.0, 6.0))

    def vectors(self, values: Tensor) -> Tensor:
        """Unit vectors (n, d) of standardised inputs (n, inputs)."""
        values = self.drop(values)
        return F.normalize(self.outer(self.drop(F.gelu(self.inner(values)))) + self.direct(values), dim=-1)


class ImageTower(nn.Module):
    """Input planes to patch vectors at stride 8 and one vector for the whole."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        backbone: Any = timm.create_model(config.backbone, features_only=True, out_indices=(0, 1, 2, 3, 4))
        self.backbone = backbone
        channels: list[int] = backbone.feature_info.channels()
        self.lateral = nn.ModuleList(nn.Conv2d(c, config.neck, 1) for c in channels[1:])
        self.texture = nn.Conv2d(TEXTURE_PLANES, config.neck, 1)
        self.film = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2 * config.neck))
        self.fuse = nn.Sequential(_conv_block(config.neck, config.hidden), _conv_block(config.hidden, config.hidden))
        self.to_patch = nn.Conv2d(config.hidden, config.dim, 1)
        self.from_pyramid = config.whole == "pyramid"
        if self.from_pyramid:
            self.head = WholeHead(channels, config.dim)
        else:
            self.attend = nn.Linear(config.hidden, 1)
            self.to_whole = nn.Linear(3 * config.hidden, config.dim)

    def pyramid(self, planes: Tensor) -> list[Tensor]:
        """Maps of the backbone at strides 2, 4, 8, 16 and 32 of planes (n, 3, h, w)."""
        maps: list[Tensor] = self.backbone(planes)
        return maps

    def features(self, planes: Tensor, code: Tensor) -> Tensor:
        """Fused features (n, hidden, h / 8, w / 8) of planes (n, 3, h, w) and spacing code (n, 2)."""
        return self.fused(self.pyramid(planes), planes, code)

    def fused(self, pyramid: list[Tensor], planes: Tensor, code: Tensor) -> Tensor:
        """Fused features (n, hidden, h / 8, w / 8) of the backbone's maps and what they were made from."""
        _, fine, middle, coarse, deep = pyramid
        size = middle.shape[-2:]
        neck = self.lateral[1](middle) + F.avg_pool2d(self.lateral[0](fine), 2)
        neck = neck + F.interpolate(self.lateral[2](coarse), size=size, mode="bilinear", align_corners=False)
        neck = neck + F.interpolate(self.lateral[3](deep), size=size, mode="bilinear", align_corners=False)
        neck = neck + self.texture(texture_planes(planes[:, :1], planes[:, 1:2]))
        scale, shift = self.film(code)[..., None, None].chunk(2, dim=1)
        return self.fuse(F.relu(neck * (1 + scale) + shift))  # type: ignore[no-any-return]

    def patches(self, fused: Tensor) -> Tensor:
        """Unit patch vectors (n, d, rows, cols)."""
        return F.normalize(self.to_patch(fused.float()), dim=1)

    def whole(self, fused: Tensor) -> Tensor:
        """Unit vectors (n, d) from fused features: attention-pooled, mean and spread."""
        flat = fused.flatten(2).float()
        attention = self.attend(flat.transpose(1, 2)).transpose(1, 2).softmax(-1)
        pooled = torch.cat(((flat * attention).sum(-1), flat.mean(-1), flat.std(-1, unbiased=False)), dim=1)
        return F.normalize(self.to_whole(pooled), dim=-1)


class CompactSarclip(nn.Module):
    """Image tower, text projection and the calibration that joins them."""

    def __init__(self, config: CompactConfig | None = None) -> None:
        super().__init__()
        self.config = config or CompactConfig()
        self.image = ImageTower(self.config)
        self.project = nn.Linear(TEXT_WIDTH, self.config.dim, bias=False)
        self.standing_out = StandingOut(self.config.dim)
        self.log_scale = nn.Parameter(torch.tensor(3.0))
        self.bias = nn.Parameter(torch.tensor(-6.0))

    def text(self, sentence_vectors: Tensor) -> Tensor:
        """Unit text vectors (n, d) of MiniLM sentence vectors (n, 384)."""
        return F.normalize(self.project(sentence_vectors), dim=-1)

    @property
    def scale(self) -> Tensor:
        """Factor from cosine to logit, at most 40."""
        return self.log_scale.clamp(max=3.7).exp()


class CompactEncoder:
    """`DenseEncoder` over the compact SARCLIP; thread-safe for one caller at a time.

    Attributes
    ----------
    source : Path or None
        The file of its weights, where they come from one.
    """

    def __init__(self, model: CompactSarclip, text: TextTower, tokenizer_path: Path, device: DeviceChoice,
                 digest: str) -> None:  # fmt: skip
        self._device = torch.device(device.device)
        self._dtype = device.dtype
        self._batches = Batches(self._device)
        self._model = model.to(self._device).to(memory_format=torch.channels_last).eval()
        self._text = text.to(self._device).eval()
        self.source: Path | None = None
        self._tokenizer = load_tokenizer(tokenizer_path)
        self._spec = EncoderSpec(
            model_id=f"{ARCHITECTURE}@{digest[:12]}",
            dim=model.config.dim,
            cell_px=CELL_PX,
            window_px=1024,
            margin_px=128,
            finest_spacing_m=FINEST_SPACING_M,
            weights_sha256=digest,
        )

    @property
    def spec(self) -> EncoderSpec:
        """Windows, cells and identity of this encoder."""
        return self._spec

    @property
    def logit_scale(self) -> float:
        """Factor from cosine to logit learned in training."""
        return self._model.scale.item()

    @property
    def logit_bias(self) -> float:
        """Logit of a text that has nothing to do with a place, learned in training."""
        return self._model.bias.item()

    @torch.inference_mode()
    def encode_text(self, texts: Sequence[str]) -> Float32:
        """Unit vectors float32 (n, d)."""
        ids, mask = tokenize(self._tokenizer, texts)
        sentences = self._text(ids.to(self._device), mask.to(self._device))
        return np.asarray(self._model.text(sentences.float()).cpu().numpy(), dtype=np.float32)

    def _planes(self, intensity: Float32, stats: SceneStats) -> Tensor:
        relative = torch.from_numpy(relative_amplitude(intensity, stats)).to(self._device)[None, None]
        ratio = torch.full((1, 1, 1, 1), p98_ratio(stats), device=self._device)
        return input_planes(relative, ratio).contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32)

    def _fused(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Tensor:
        planes = self._planes(intensity, stats)
        code = spacing_code(torch.tensor([spacing_m or 0.0], device=self._device))
        with self._autocast():
            return self._model.image.features(planes, code)

    @property
    def device(self) -> torch.device:
        """Where the networks run."""
        return self._device

    @torch.inference_mode()
    def fused_features(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Tensor:
        """Fused features float (1, hidden, ceil(h / 8), ceil(w / 8)) of a chip of any size, for the captioner."""
        height, width = intensity.shape
        padded = np.pad(intensity, ((0, -height % 32), (0, -width % 32)), mode="symmetric")
        rows, cols = -(-height // CELL_PX), -(-width // CELL_PX)
        return self._fused(padded, stats, spacing_m)[:, :, :rows, :cols]

    @torch.inference_mode()
    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        """Unit patch vectors float16 (h / 8, w / 8, d) of one window (h, w multiples of 8)."""
        height, width = intensity.shape
        padded = np.pad(intensity, ((0, -height % 32), (0, -width % 32)), mode="symmetric")
        patches = self._model.image.patches(self._fused(padded, stats, spacing_m))[0]
        rows, cols = height // CELL_PX, width // CELL_PX
        return np.ascontiguousarray(patches.permute(1, 2, 0)[:rows, :cols].cpu().numpy().astype(np.float16))

    @torch.inference_mode()
    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        """Unit vectors float32 (n, d) of chips (linear intensity, any size) of one scene."""
        return self._wholes([(chip, stats) for chip in chips], spacing_m)

    @torch.inference_mode()
    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        """Unit vectors float32 (n, d) of pictures, each by its own statistics and as `pictures` prepares it."""
        pictures = [prepare_picture(amplitude, spacing_m) for amplitude in amplitudes]
        return self._wholes([(picture * picture, picture_stats(picture)) for picture in pictures], spacing_m)

    @torch.inference_mode()
    def standing_out(self, vectors: Float32) -> Float32:
        """Unit vectors float32 (n, d) of those of `encode_pictures`, set off against the pictures of training."""
        found = self._model.standing_out(torch.from_numpy(vectors).to(self._device))
        return np.asarray(found.cpu().numpy(), np.float32)

    def _wholes(self, chips: Sequence[tuple[Float32, SceneStats]], spacing_m: float | None) -> Float32:
        """Unit vectors float32 (n, d) of chips with their statistics; those of one shape go through together."""
        vectors = np.zeros((len(chips), self._spec.dim), np.float32)
        padded = [(self._padded(chip), stats) for chip, stats in chips]
        for shape in dict.fromkeys(chip.shape for chip, _ in padded):
            places = [number for number, (chip, _) in enumerate(padded) if chip.shape == shape]

            def forward(numbers: Sequence[int]) -> Tensor:
                return self._whole([padded[number] for number in numbers], spacing_m)

            for numbers, found in self._batches.run(places, forward, kind=shape):
                vectors[list(numbers)] = found.float().cpu().numpy()
        return vectors

    def _padded(self, chip: Float32) -> Float32:
        """A chip mirrored out to the edges that the network takes."""
        edges = [max(edge, 32) if self._model.image.from_pyramid else edge + -edge % 32 for edge in chip.shape]
        spare = [(0, edge - had) for edge, had in zip(edges, chip.shape, strict=True)]
        return np.pad(chip, spare, mode="symmetric")

    def _whole(self, chips: Sequence[tuple[Float32, SceneStats]], spacing_m: float | None) -> Tensor:
        """Unit vectors (n, d) of chips of one shape: the mean over each and its mirror image where the head allows."""
        planes = torch.cat([self._planes(chip, stats) for chip, stats in chips])
        planes = planes.contiguous(memory_format=torch.channels_last)
        image = self._model.image
        if not image.from_pyramid:
            code = spacing_code(torch.tensor([spacing_m or 0.0], device=self._device)).expand(len(chips), -1)
            with self._autocast():
                return image.whole(image.features(planes, code))
        both = torch.cat((planes, planes.flip(-1)))
        with self._autocast():
            pyramid = image.pyramid(both)
        vectors = image.head(pyramid, both[:, :1])
        return F.normalize(vectors.unflatten(0, (2, len(chips))).mean(0), dim=1)


def save_metadata(config: CompactConfig, extra: dict[str, str]) -> dict[str, str]:
    """Safetensors metadata that makes a weight file tell what it is."""
    return {"sarvlm_arch": ARCHITECTURE, "config": json.dumps(asdict(config)), **extra}


def load_model(weights: Path) -> CompactSarclip:
    """Build the compact model that `weights` describes and load it, strictly."""
    with safe_open(str(weights), "pt") as file:
        metadata = file.metadata() or {}
    model = CompactSarclip(CompactConfig(**json.loads(metadata.get("config", "{}"))))
    state = {key: value.float() for key, value in load_file(str(weights)).items()}
    model.load_state_dict(state, strict=True)
    return model


def load_compact(directory: Path, device: DeviceChoice) -> CompactEncoder:
    """The shipped compact SARCLIP from `directory` (image weights, text weights, tokenizer)."""
    return load_compact_file(directory / WEIGHTS_FILE, directory, device)


def load_compact_file(weights: Path, text_directory: Path, device: DeviceChoice) -> CompactEncoder:
    """A compact SARCLIP from `weights`, with the text tower of `text_directory`."""
    import hashlib

    text = TextTower()
    state = load_file(str(text_directory / TEXT_FILE))
    text.load_state_dict({key: value.float() for key, value in state.items()}, strict=True)
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    encoder = CompactEncoder(load_model(weights), text, text_directory / TOKENIZER_FILE, device, digest)
    encoder.source = weights
    return encoder
