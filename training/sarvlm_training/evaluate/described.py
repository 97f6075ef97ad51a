"""Captions of picture files, and the measures that need them: words against references, numbers against boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sarvlm_app.core.captioning import PictureCaption, caption_picture
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.core.query import TextVectors
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_models.api import Captioner, DenseEncoder

from .captions import CaptionScores, Written, score_captions
from .coco_boxes import BoxedImage, BoxedImages
from .count_nouns import Lexicon
from .count_scores import CountedPicture, CountScores, score_counts
from .counts import read_counts
from .meteor import find_meteor


@dataclass(frozen=True, slots=True)
class Describing:
    """Who describes pictures, and how.

    Attributes
    ----------
    captioner : Captioner
    encoder : DenseEncoder
        By which things are counted.
    beams : int or None
        Captions followed at a time; None is what suits the model.
    """

    captioner: Captioner
    encoder: DenseEncoder
    beams: int | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What was said of the pictures that could be read, and what is wrong with the others."""

    captions: dict[Path, PictureCaption]
    faults: dict[Path, str]

    @property
    def empty(self) -> int:
        """How many captions have no words."""
        return sum(not found.text for found in self.captions.values())


def describe(paths: Sequence[Path], how: Describing, ctx: JobContext) -> Described:
    """Captions of picture files.

    Parameters
    ----------
    ctx : JobContext
        Told of each picture; the place to cancel.

    Raises
    ------
    SceneError
        Not a single picture can be read.
    """
    texts = TextVectors(how.encoder)
    captions: dict[Path, PictureCaption] = {}
    faults: dict[Path, str] = {}
    for done, path in enumerate(paths):
        ctx.step(done, len(paths), "Describing pictures")
        try:
            amplitude = read_picture(path)
        except SceneError as fault:
            faults[path] = str(fault)
            continue
        captions[path] = caption_picture(amplitude, how.captioner, how.encoder, texts, how.beams)
    if not captions:
        raise SceneError(f"None of the {len(paths)} pictures can be read; the first: {next(iter(faults.values()))}")
    return Described(captions, faults)


def evaluate_captions(
    references: Mapping[Path, tuple[str, ...]], how: Describing, ctx: JobContext
) -> tuple[CaptionScores, Described]:
    """Measures of the captions of pictures (at least one) against what people wrote of them."""
    found = describe(list(references), how, ctx)
    ctx.step(message="Scoring captions")
    written = [Written(said.said.raw, said.text, references[path]) for path, said in found.captions.items()]
    return score_captions(written, find_meteor()), found


@dataclass(frozen=True, slots=True)
class CountsFound:
    """Measures of numbers in captions, the captions, and how many images were left out for crowds in them."""

    scores: CountScores
    described: Described
    crowded: int


def evaluate_counts(
    data: BoxedImages, words: Mapping[str, Sequence[str]], how: Describing, ctx: JobContext
) -> CountsFound:
    """Whether captions of images state how many objects of each class there are.

    Parameters
    ----------
    data : BoxedImages
        Images with a crowd box are left out: nobody knows the number.
    words : mapping of class name to its words
    how : Describing
    ctx : JobContext

    Raises
    ------
    QueryError
        Every image has a crowd.
    SceneError
        Not a single image can be read.
    """
    images = [image for image in data.images if not any(box.crowd for box in image.boxes)]
    if not images:
        raise QueryError("Every image has a box that stands for many objects (iscrowd); give images with single boxes.")
    found = describe([image.path for image in images], how, ctx)
    lexicon = Lexicon(words)
    pictures = [
        CountedPicture(_truth(image, data.categories), read_counts(found.captions[image.path].text, lexicon))
        for image in images
        if image.path in found.captions
    ]
    return CountsFound(score_counts(pictures, list(words)), found, len(data.images) - len(images))


def _truth(image: BoxedImage, categories: Mapping[int, str]) -> dict[str, int]:
    counted = Counter(categories[box.category] for box in image.boxes)
    return {name: counted[name] for name in categories.values()}
