"""Captioned pictures for the contrastive and captioning losses: RSICD, or a table of the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.errors import QueryError
from sarvlm_training.evaluate.caption_table import read_caption_table

from .chips import read_grey, resize
from .samples import FloatImage

EDGE_PX = 128


class PictureSource(Protocol):
    """Draws captioned pictures; `place` is the place of each caption in `texts`."""

    texts: list[str]
    place: dict[str, int]

    def draw(self, rng: np.random.Generator, count: int) -> tuple[FloatImage, list[str]]: ...


class CaptionedPictures:
    """Grey pictures of 128 x 128 px with one or more captions each, held as 8 bits.

    They are turned and mirrored where the drawn caption names no side.

    Parameters
    ----------
    captions : mapping of Path to captions
        At least one picture.
    read : callable
        From the path of a picture to its amplitude float32 (h, w).

    Raises
    ------
    QueryError
        No caption holds a word.
    SceneError
        A picture cannot be read.
    """

    def __init__(self, captions: Mapping[Path, Sequence[str]], read: Callable[[Path], FloatImage] = read_grey) -> None:
        cleaned = {path: list(dict.fromkeys(filter(None, map(clean, own)))) for path, own in captions.items()}
        told = {path: own for path, own in cleaned.items() if own}
        if not told:
            raise QueryError(f"No caption of the {len(captions)} pictures holds a word; write some.")
        self.captions = list(told.values())
        self.images = np.stack([_square(read(path)) for path in told])
        self.texts = list(dict.fromkeys(text for own in self.captions for text in own))
        self.place = {text: i for i, text in enumerate(self.texts)}

    @classmethod
    def of_table(cls, table: Path, root: Path) -> CaptionedPictures:
        """Of a CSV file with the columns `imgpath` and `caption`; raises as `read_caption_table`."""
        return cls(read_caption_table(table, root))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[FloatImage, list[str]]:
        """Pictures float32 (count, 128, 128) and one true caption each."""
        picks = rng.integers(len(self.images), size=count)
        images = [np.rot90(self.images[i], int(rng.integers(4))) for i in picks]
        images = [image[:, ::-1] if rng.random() < 0.5 else image for image in images]
        texts = [str(rng.choice(self.captions[i])) for i in picks]
        both = zip(picks, images, texts, strict=True)
        images = [self.images[i] if turns_change(text) else image for i, image, text in both]
        return np.stack(images).astype(np.float32) + 1.0, texts


class PictureMix:
    """Several sources of captioned pictures in fixed shares.

    Parameters
    ----------
    parts : sequence of (source, share)
    """

    def __init__(self, parts: Sequence[tuple[PictureSource, float]]) -> None:
        self.parts = [part for part, _ in parts]
        weights = np.array([share for _, share in parts], float)
        self.weights = weights / weights.sum()
        self.texts = list(dict.fromkeys(text for part in self.parts for text in part.texts))
        self.place = {text: i for i, text in enumerate(self.texts)}

    def draw(self, rng: np.random.Generator, count: int) -> tuple[FloatImage, list[str]]:
        """Pictures float32 (count, 128, 128) and one caption each."""
        numbers = rng.multinomial(count, self.weights).tolist()
        drawn = [part.draw(rng, number) for part, number in zip(self.parts, numbers, strict=True) if number]
        return np.concatenate([images for images, _ in drawn]), [text for _, texts in drawn for text in texts]


def clean(caption: str) -> str:
    """A caption in lower case without stops and without blanks before commas."""
    words = re.sub(r"\s+([,.;])", r"\1", " ".join(caption.lower().split()))
    return words.rstrip(" .;,")


def turns_change(caption: str) -> bool:
    """Whether a caption names a side that turning the picture would change."""
    return bool(re.search(r"\b(left|right|upper|lower|top|bottom|above|below)\b", caption))


def _square(image: FloatImage) -> NDArray[np.uint8]:
    image = resize(image, EDGE_PX / min(image.shape))
    r, c = (image.shape[0] - EDGE_PX) // 2, (image.shape[1] - EDGE_PX) // 2
    image = image[r : r + EDGE_PX, c : c + EDGE_PX]
    return np.asarray(np.clip(image * (255.0 / max(float(image.max()), 1e-6)), 0, 255), np.uint8)


def distinct_words(texts: Sequence[str], least: int) -> list[str]:
    """Words that occur at least `least` times in `texts`."""
    from collections import Counter

    counts = Counter(word for text in texts for word in text.split())
    return [word for word, count in counts.items() if count >= least]
