"""Captioned pictures for the contrastive and captioning losses: RSICD, or a table of the user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .chips import read_grey, resize, rows_of
from .samples import FloatImage

EDGE_PX = 128


class CaptionedPictures:
    """Grey pictures of 128 x 128 px with one or more captions each, held as 8 bits.

    Parameters
    ----------
    table : Path
        CSV with columns `imgpath` and `caption`.
    root : Path
        Folder that `imgpath` is relative to.

    Raises
    ------
    ValueError
        A column is missing, or no row can be used; names the first fault.
    """

    def __init__(self, table: Path, root: Path) -> None:
        rows = rows_of(table)
        if rows and not {"imgpath", "caption"} <= set(rows[0]):
            raise ValueError(f"{table} has the columns {', '.join(rows[0])}; it needs imgpath and caption.")
        by_path: dict[str, list[str]] = {}
        for row in rows:
            words = clean(row["caption"])
            if words and words not in by_path.setdefault(row["imgpath"], []):
                by_path[row["imgpath"]].append(words)
        by_path = {path: captions for path, captions in by_path.items() if captions}
        missing = [path for path in by_path if not (root / path).is_file()]
        if missing or not by_path:
            fault = f"{len(missing)} pictures are missing, first {root / missing[0]}" if missing else "no row has words"
            raise ValueError(f"{table}: {fault}; correct the table.")
        self.captions = list(by_path.values())
        self.images = np.stack([_square(root / path) for path in by_path])
        self.texts = list(dict.fromkeys(text for captions in self.captions for text in captions))
        self.place = {text: i for i, text in enumerate(self.texts)}

    def draw(self, rng: np.random.Generator, count: int) -> tuple[FloatImage, list[str]]:
        """Pictures float32 (count, 128, 128), turned and mirrored, and one caption each."""
        picks = rng.integers(len(self.images), size=count)
        images = [np.rot90(self.images[i], int(rng.integers(4))) for i in picks]
        images = [image[:, ::-1] if rng.random() < 0.5 else image for image in images]
        texts = [str(rng.choice(self.captions[i])) for i in picks]
        return np.stack(images).astype(np.float32) + 1.0, texts


def clean(caption: str) -> str:
    """A caption in lower case without stops and without blanks before commas."""
    words = re.sub(r"\s+([,.;])", r"\1", " ".join(caption.lower().split()))
    return words.rstrip(" .;,")


def turns_change(caption: str) -> bool:
    """Whether a caption names a side that turning the picture would change."""
    return bool(re.search(r"\b(left|right|upper|lower|top|bottom|above|below)\b", caption))


def _square(path: Path) -> NDArray[np.uint8]:
    image = read_grey(path)
    image = resize(image, EDGE_PX / min(image.shape))
    r, c = (image.shape[0] - EDGE_PX) // 2, (image.shape[1] - EDGE_PX) // 2
    image = image[r : r + EDGE_PX, c : c + EDGE_PX]
    return np.asarray(np.clip(image * (255.0 / max(float(image.max()), 1e-6)), 0, 255), np.uint8)


def distinct_words(texts: Sequence[str], least: int) -> list[str]:
    """Words that occur at least `least` times in `texts`."""
    from collections import Counter

    counts = Counter(word for text in texts for word in text.split())
    return [word for word, count in counts.items() if count >= least]
