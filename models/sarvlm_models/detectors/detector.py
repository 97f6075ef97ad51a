"""SARDet and SARRot ready for use: windows to boxes, words to classes, weights from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from sarvlm_models.compact import TEXT_FILE, TOKENIZER_FILE
from sarvlm_models.preprocess import input_planes, p98_ratio, relative_amplitude
from sarvlm_models.text_tower import TextTower, load_tokenizer, tokenize
from sarvlm_models.types import Detections, DetectorSpec, Float32, SceneStats, StoredClass

from .extent import tightened
from .mirrored import COLS, seen_from
from .naming import PictureNamer
from .network import DEEPEST, DetectorConfig, DetectorNetwork, Found

if TYPE_CHECKING:
    from sarvlm_models.device import DeviceChoice

ARCHITECTURE: Final = "sardet-compact"
WEIGHTS_FILE: Final = "sardet-compact.safetensors"
WINDOW_PX, MARGIN_PX = 1024, 96
FINEST_SPACING_M: Final = 0.2
SHIP: Final = "ship"
"""The kind whose boxes are fitted."""
SAME_KIND: Final = 0.4
"""Cosine of two texts from which what they name is of one kind."""
MIRRORS: Final = ((COLS,),)
"""Mirror images that are looked at beside the window itself."""
MOST_BOXES: Final = 20_000
"""Boxes of one window that are looked at, the best first."""


class CompactDetector:
    """`Detector` over the compact tower.

    Parameters
    ----------
    network : DetectorNetwork
    text : TextTower
    tokenizer_path : Path
    device : DeviceChoice
    namer : PictureNamer or None
        Tells things of one kind apart; without it the network's own embedding does.
    about : mapping
        Of the weights' header: "classes", "kinds", "score" ("gain" and
        "middle" of the presence's logit, "looks" and "looks_middle" of
        `DetectorSpec`; all JSON), "sha256".
    """

    def __init__(self, network: DetectorNetwork, text: TextTower, tokenizer_path: Path, device: DeviceChoice,
                 about: Mapping[str, str], namer: PictureNamer | None = None) -> None:  # fmt: skip
        self._namer = namer
        self._device, self._dtype = torch.device(device.device), device.dtype
        self._network = network.to(self._device).to(memory_format=torch.channels_last).eval()
        self._text = text.to(self._device).eval()
        self._tokenizer = load_tokenizer(tokenizer_path)
        score: dict[str, Any] = json.loads(about.get("score", "{}"))
        self._gain, self._middle = score.get("gain", 1.0), score.get("middle", 0.0)
        digest, rows = about.get("sha256", ""), about.get("classes", "[]")
        self._spec = DetectorSpec(
            f"{ARCHITECTURE}@{digest[:12]}", WINDOW_PX, MARGIN_PX, FINEST_SPACING_M,
            stored_classes(rows), digest, "" if namer is None else namer.sha256,
            tuple(score.get("looks", (1.0,))), score.get("looks_middle", 0.0),
        )  # fmt: skip
        kinds: dict[str, list[str]] = json.loads(about.get("kinds", "{}"))
        general = [StoredClass(kind, tuple(words)) for kind, words in kinds.items()]
        self._kind_of = [str(row["kind"]) for row in json.loads(rows)] + list(kinds)
        self._known = self.class_vectors((*self._spec.classes, *general))

    @property
    def spec(self) -> DetectorSpec:
        """Windows, classes and identity of this detector."""
        return self._spec

    @torch.inference_mode()
    def class_vectors(self, classes: Sequence[StoredClass]) -> Float32:
        """Unit vectors float32 (k, d): the mean of the vectors of each class's words."""
        words = [word for one in classes for word in one.words]
        ids, mask = tokenize(self._tokenizer, words)
        vectors = self._network.text(self._text(ids.to(self._device), mask.to(self._device)).float())
        groups = vectors.split([len(one.words) for one in classes])
        return np.asarray(torch.stack([F.normalize(group.mean(0), dim=0) for group in groups]).cpu().numpy())

    @torch.inference_mode()
    def detect(self, intensity: Float32, stats: SceneStats, classes: Sequence[StoredClass], vectors: Float32,
               min_score: float) -> Detections:  # fmt: skip
        """Boxes in one window, best first; several may mean one object (see `Detector.detect`)."""
        height, width = intensity.shape
        padded = np.pad(intensity, ((0, -height % DEEPEST), (0, -width % DEEPEST)), mode="symmetric")
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            found = seen_from(self._network, self._planes(padded, stats), MIRRORS)
        present = ((found.presence[0] - self._middle) * self._gain).sigmoid()
        inside = (found.rotated[0, :, 0] < width) & (found.rotated[0, :, 1] < height)
        rows = ((present >= min_score) & inside).nonzero()[:, 0]
        named, which = self._named(found.embedding[0, rows], np.asarray(vectors, np.float32))
        scores = present[rows] * named
        order = scores.argsort(descending=True, stable=True)[:MOST_BOXES]
        order = order[scores[order] >= min_score]
        names = tuple(one.name for one in classes)
        return _detections(found, rows[order], scores[order], which[order], names, self._spec.model_id)

    def _named(self, embedding: Tensor, vectors: Float32) -> tuple[Tensor, Tensor]:
        """How surely each box is of a kind that was asked for (n,), and which of the texts it is.

        Without a namer the share of the best text of its kind counts too, half
        (as the geometric mean): of two words for a box neither takes away what
        it is, yet the clearer one ranks higher.
        """
        texts = np.concatenate((vectors, self._known[self._rivals(vectors)]))
        logits = self._network.logits(embedding, torch.from_numpy(texts).to(self._device))
        shares = logits.softmax(1)[:, : len(vectors)]
        best = shares.max(1)
        if self._namer is not None:
            return shares.sum(1), best.indices
        return (shares.sum(1) * best.values).sqrt(), best.indices

    def renamed(self, intensity: Float32, boxes: Detections, classes: Sequence[StoredClass]) -> Detections:
        """Boxes of one kind told apart by SARCLIP (see `BoxNamer`)."""
        if self._namer is None:
            return boxes
        return self._namer.renamed(intensity, boxes, classes, self.kinds(classes))

    def fitted(self, boxes: Detections, classes: Sequence[StoredClass]) -> Detections:
        """Ships without what labels add to their length (see `BoxFitter` and `extent`)."""
        are_ships = np.array([kind == SHIP for kind in self.kinds(classes)])
        return tightened(boxes, are_ships[boxes.class_ids])

    def kinds(self, classes: Sequence[StoredClass]) -> list[str]:
        """The kind of each class, by the known class or word that means most nearly the same."""
        nearest = (self.class_vectors(classes) @ self._known.T).argmax(axis=1)
        return [self._kind_of[row] for row in nearest.tolist()]

    def _rivals(self, vectors: Float32) -> NDArray[np.intp]:
        """What is known of kinds that were not asked for: boxes of those are not the answer."""
        likeness = vectors @ self._known.T
        nearest = likeness.argmax(axis=1)
        sure = likeness.max(axis=1) >= SAME_KIND
        asked = {self._kind_of[row] for row, is_sure in zip(nearest.tolist(), sure.tolist(), strict=True) if is_sure}
        return np.array([i for i, kind in enumerate(self._kind_of) if kind not in asked], np.intp)

    def _planes(self, intensity: Float32, stats: SceneStats) -> Tensor:
        relative = torch.from_numpy(relative_amplitude(intensity, stats)).to(self._device)[None, None]
        ratio = torch.full((1, 1, 1, 1), p98_ratio(stats), device=self._device)
        return input_planes(relative, ratio).contiguous(memory_format=torch.channels_last)


def _detections(found: Found, rows: Tensor, scores: Tensor, which: Tensor, names: tuple[str, ...],
                model_id: str) -> Detections:  # fmt: skip
    upright = found.upright[0, rows]
    box = torch.cat((upright[:, :2], upright[:, 2:] - upright[:, :2]), dim=1)
    arrays = (rotated_corners(found.rotated[0, rows]), box, scores)
    corners, boxes, values = (np.ascontiguousarray(a.cpu().numpy(), dtype=np.float32) for a in arrays)
    return Detections(corners, boxes, values, which.cpu().numpy().astype(np.int32), names, model_id)


def rotated_corners(boxes: Tensor) -> Tensor:
    """Corners (n, 4, 2) of rotated boxes (n, 5), clockwise on the screen; the first edge is along the length."""
    cos, sin = boxes[:, 4].cos(), boxes[:, 4].sin()
    along = torch.stack((cos, sin), dim=1) * boxes[:, 2:3] / 2
    across = torch.stack((-sin, cos), dim=1) * boxes[:, 3:4] / 2
    middle = boxes[:, :2]
    ends = (middle - along - across, middle + along - across, middle + along + across, middle - along + across)
    return torch.stack(ends, dim=1)


def stored_classes(text: str) -> tuple[StoredClass, ...]:
    """Classes from the JSON of a weight file's header."""
    return tuple(
        StoredClass(row["name"], tuple(row["words"]), tuple(row.get("spacing_m", (0.0, float("inf")))))
        for row in json.loads(text)
    )


def detector_metadata(
    config: DetectorConfig, classes: Sequence[tuple[StoredClass, str]], kinds: Mapping[str, Sequence[str]],
    extra: Mapping[str, str],
) -> dict[str, str]:  # fmt: skip
    """Safetensors metadata that makes a weight file tell what it is.

    Parameters
    ----------
    classes : sequence of (StoredClass, str)
        What is looked for where nothing is asked for, each with its kind.
    kinds : mapping of str to words
        General words of each kind.
    """
    rows: list[dict[str, Any]] = [
        {"name": one.name, "kind": kind, "words": list(one.words), "spacing_m": list(one.spacing_m)}
        for one, kind in classes
    ]
    told = {"config": asdict(config), "classes": rows, "kinds": {kind: list(words) for kind, words in kinds.items()}}
    return {"sarvlm_arch": ARCHITECTURE, **{key: json.dumps(value) for key, value in told.items()}, **extra}


def load_network(weights: Path) -> tuple[DetectorNetwork, dict[str, str]]:
    """The network that `weights` describes, loaded strictly, and the header."""
    with safe_open(str(weights), "pt") as file:
        about: dict[str, str] = file.metadata() or {}
    network = DetectorNetwork(DetectorConfig(**json.loads(about.get("config", "{}"))))
    network.load_state_dict({key: value.float() for key, value in load_file(str(weights)).items()}, strict=True)
    return network, about


def load_compact_detector(
    weights: Path, text_directory: Path, device: DeviceChoice, namer: PictureNamer | None = None
) -> CompactDetector:
    """A compact detector from `weights`, with the sentence encoder of `text_directory`."""
    network, about = load_network(weights)
    text = TextTower()
    state = load_file(str(text_directory / TEXT_FILE))
    text.load_state_dict({key: value.float() for key, value in state.items()}, strict=True)
    with weights.open("rb") as file:
        about["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return CompactDetector(network, text, text_directory / TOKENIZER_FILE, device, about, namer)
