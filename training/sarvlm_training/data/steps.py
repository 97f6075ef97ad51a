"""What one training step learns from: scene crops, chips and captioned pictures, with caption tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from sarvlm_models.caption_decoder import WordList, facts_text, training_tokens
from sarvlm_training.caption_words import nouns_of
from sarvlm_training.captions import Seen, SeenObject, spot_of, write_captions
from sarvlm_training.concepts import OWN_GROUP, Vocabulary

from .captioned import PictureSource
from .chip_batches import ChipBatch, ChipSource
from .mixture import Source, collate
from .samples import CELLS, CROP_PX, NEGATIVE, POSITIVE, FloatImage, Sample, amplitude_levels

KNOWN_SHARE = 0.98
"""Of a crop's cells, from which all of it counts as known."""
FACT_KEYS = ("ship", "aircraft", "vehicle", "storage_tank", "bridge")
"""What is counted before a caption is written."""
CAPTIONED_CHIPS = 8
MOST_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Tokens:
    """Caption tokens of some rows of a batch.

    Attributes
    ----------
    rows : int64 (k,)
    tokens : int64 (k, t), padded with 0
    first : int64 (k,)
        Where each caption begins.
    """

    rows: Tensor
    tokens: Tensor
    first: Tensor


Part = tuple[dict[str, Tensor] | None, Tokens | None]


@dataclass(frozen=True, slots=True)
class Step:
    """The parts of one step; a part that a recipe leaves out is None.

    `stream` is where the generator that drew it stood afterwards, as JSON.
    """

    scenes: dict[str, Tensor] | None = None
    scene_tokens: Tokens | None = None
    chips: dict[str, Tensor] | None = None
    chip_tokens: Tokens | None = None
    pictures: dict[str, Tensor] | None = None
    picture_tokens: Tokens | None = None
    stream: str = ""


@dataclass(slots=True)
class Steps(IterableDataset[Step]):
    """Endless steps.

    Attributes
    ----------
    vocabulary, words : what labels and tokens refer to.
    scenes, scene_shares, batch : sources of crops, their shares, crops a step.
    chips, chip_shares, chip_count : the same for chips; a step's chips are of one source.
    pictures, picture_count : captioned pictures.
    streams : `Step.stream` of the last steps of an earlier run, one a worker, the oldest first; to go on from.
    """

    vocabulary: Vocabulary
    words: WordList
    seed: int = 0
    scenes: Mapping[str, Source] = field(default_factory=dict)
    scene_shares: Mapping[str, float] = field(default_factory=dict)
    batch: int = 0
    chips: Mapping[str, ChipSource] = field(default_factory=dict)
    chip_shares: Mapping[str, float] = field(default_factory=dict)
    chip_count: int = 0
    pictures: PictureSource | None = None
    picture_count: int = 0
    streams: Sequence[str] = ()

    def __iter__(self) -> Iterator[Step]:
        worker = get_worker_info()
        number = worker.id if worker else 0
        rng = np.random.default_rng((self.seed, number))
        if self.streams:  # workers take turns, so the oldest of the last steps was drawn by the one whose turn it is
            rng.bit_generator.state = json.loads(self.streams[number])
        while True:
            step = self.draw(rng)
            yield replace(step, stream=json.dumps(rng.bit_generator.state))

    def draw(self, rng: np.random.Generator) -> Step:
        """One step."""
        scenes, scene_tokens = self._scenes(rng)
        chips, chip_tokens = self._chips(rng)
        pictures, picture_tokens = self._pictures(rng)
        return Step(scenes, scene_tokens, chips, chip_tokens, pictures, picture_tokens)

    def _scenes(self, rng: np.random.Generator) -> Part:
        if not (self.batch and self.scenes):
            return None, None
        names = _pick(self.scene_shares, rng, self.batch)
        samples = [self.scenes[name].draw(rng) for name in names]
        told = [(i, *told) for i, sample in enumerate(samples) if (told := self._tell(sample, rng))]
        return collate(samples), self._tokens(told)

    def _chips(self, rng: np.random.Generator) -> Part:
        if not (self.chip_count and self.chips):
            return None, None
        batch = self.chips[_pick(self.chip_shares, rng, 1)[0]].draw(rng, self.chip_count)
        told = [(i, "", self._name(batch, i, rng)) for i in range(min(CAPTIONED_CHIPS, len(batch.keys)))]
        arrays = {"relative": batch.relative, "ratio": batch.ratio, "labels": batch.labels}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        tensors["own"] = torch.tensor([self.vocabulary.index[key] for key in batch.keys])
        return tensors, self._tokens(told)

    def _pictures(self, rng: np.random.Generator) -> Part:
        if not (self.picture_count and self.pictures):
            return None, None
        images, texts = self.pictures.draw(rng, self.picture_count)
        relative, ratio = _levelled(images)
        tensors = {
            "relative": torch.from_numpy(relative)[:, None],
            "ratio": torch.from_numpy(ratio).reshape(-1, 1, 1, 1),
            "texts": torch.tensor([self.pictures.place[text] for text in texts]),
        }
        told = [(i, "", text) for i, text in enumerate(texts)]
        return tensors, self._tokens(told)

    def _tell(self, sample: Sample, rng: np.random.Generator) -> tuple[str, str] | None:
        """Facts and a true caption of a crop, or None where nothing is known."""
        seen = seen_in(sample)
        if sample.objects is None:
            found = write_captions(seen, rng, ("scene",))
            return ("", found[0]) if found else None
        known = rng.random() < 0.85
        kinds = ["counts", "counts", "absolute", "relative"] if known else ["general", "scene"]
        found = write_captions(seen, rng, [str(rng.choice(kinds))]) or write_captions(seen, rng, ("scene", "general"))
        return (facts_text(facts_of(sample, rng)) if known else "", found[0]) if found else None

    def _name(self, batch: ChipBatch, row: int, rng: np.random.Generator) -> str:
        key = batch.keys[row]
        concept = self.vocabulary.concepts[self.vocabulary.index[key]]
        nouns = nouns_of(self.vocabulary)
        if concept.group in ("vehicle", "aircraft", "ship", OWN_GROUP):
            seen = Seen((SeenObject(key, (0.3, 0.3, 0.7, 0.7)),), nouns=nouns)
        else:
            seen = Seen((), ((key, 1.0),), nouns=nouns)
        found = write_captions(seen, rng, ("general",)) or [str(rng.choice(list(concept.names)))]
        return found[0]

    def _tokens(self, told: Sequence[tuple[int, str, str]]) -> Tokens | None:
        if not told:
            return None
        rows = [training_tokens(self.words, facts, caption, MOST_TOKENS) for _, facts, caption in told]
        longest = max(len(tokens) for tokens, _ in rows)
        padded = [tokens + [0] * (longest - len(tokens)) for tokens, _ in rows]
        return Tokens(torch.tensor([i for i, _, _ in told]), torch.tensor(padded), torch.tensor([f for _, f in rows]))


def seen_in(sample: Sample) -> Seen:
    """What is known of a crop: its objects by their centres, and its land cover by labelled cells."""
    half = 4.0 / CROP_PX
    objects = [
        SeenObject(key, (col / CROP_PX - half, row / CROP_PX - half, col / CROP_PX + half, row / CROP_PX + half))
        for key, col, row in sample.objects or ()
    ]
    vocabulary = sample.labels.vocabulary
    cover = []
    for row in vocabulary.group_rows("cover").tolist():
        share = float((sample.labels.values[row] == 1).mean())
        if share >= 0.02:
            cover.append((vocabulary.concepts[row].key, share))
    general = {row for key, _ in cover for row in vocabulary.ancestors[key] if row != vocabulary.index[key]}
    special = [(key, share) for key, share in cover if vocabulary.index[key] not in general]
    everything = sample.complete is None
    complete = everything and sample.objects is not None and (bool(objects) or _is_absent(sample, "ship"))
    ground = sample.labels.values[vocabulary.group_rows("cover")] == POSITIVE
    ground_known = everything and float(ground.any(axis=0).mean()) >= KNOWN_SHARE
    nouns = nouns_of(vocabulary, sample.complete)
    return Seen(tuple(objects), tuple(special), _spot(sample, special), nouns, complete, ground_known)


def _is_absent(sample: Sample, key: str) -> bool:
    """Whether it is known of (almost) all of a crop that a concept is not there."""
    layer = sample.labels.values[sample.labels.vocabulary.index[key]]
    return bool((layer == NEGATIVE).mean() >= KNOWN_SHARE and not (layer == POSITIVE).any())


def _spot(sample: Sample, cover: list[tuple[str, float]]) -> str | None:
    """Part of the crop in which the second largest ground lies, if it lies in one."""
    if len(cover) < 2:
        return None
    second = sorted(cover, key=lambda entry: (-entry[1], entry[0]))[1][0]
    mask = sample.labels.values[sample.labels.vocabulary.index[second]] == 1
    assert mask.shape == (CELLS, CELLS)
    return spot_of(mask)


def facts_of(sample: Sample, rng: np.random.Generator) -> dict[str, int]:
    """How many of each counted kind a crop holds; kinds that are known not to be there are told now and then."""
    vocabulary = sample.labels.vocabulary
    counts = {key: 0 for key in FACT_KEYS if sample.complete is None or key in sample.complete}
    absent = {key for key in counts if _is_absent(sample, key)}
    for key, _, _ in sample.objects or ():
        for row in vocabulary.ancestors[key]:
            name = vocabulary.concepts[row].key
            if name in counts:
                counts[name] += 1
    return {key: count for key, count in counts.items() if count or (key in absent and rng.random() < 0.25)}


def _pick(shares: Mapping[str, float], rng: np.random.Generator, count: int) -> list[str]:
    weights = np.array(list(shares.values()), float)
    return [str(name) for name in rng.choice(list(shares), count, p=weights / weights.sum())]


def _levelled(images: FloatImage) -> tuple[FloatImage, FloatImage]:
    """Pictures (n, h, w) in their own medians, and their ratios (n,)."""
    levels = np.array([amplitude_levels(image) for image in images], np.float32)
    medians = np.maximum(levels[:, :1, None], np.float32(1e-6))
    return np.asarray(images / medians, np.float32), levels[:, 1]
