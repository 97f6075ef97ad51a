"""The sources of training data that a recipe names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import ModelError
from sarvlm_models.caption_decoder import WordList

from .caption_words import PLACES, RELATIONS, nouns_of
from .captions import Seen, SeenObject, load_forms, sentences_for, write_captions
from .concepts import Vocabulary
from .data.captioned import CaptionedPictures, PictureMix, PictureSource, distinct_words
from .data.chip_batches import AircraftBatches, ChipSource, LandCoverBatches, MstarChips
from .data.chips import AircraftChips, LandCoverChips, MstarFields
from .data.mixture import Source
from .data.scenes import AircraftScenes, SentinelPairs, Ssdd
from .data.steps import Steps
from .data.user_data import UserData
from .evaluate.caption_table import read_caption_table
from .recipe import Recipe
from .validation import ssdd_training_ids

T = TypeVar("T")


def scene_sources(recipe: Recipe, vocabulary: Vocabulary) -> dict[str, Source]:
    """The sources of scene crops that the recipe's shares name.

    Raises
    ------
    ModelError
        A share names no source.
    """

    def simulated() -> Source:
        from .data.simulated import SimulatedScenes

        return SimulatedScenes(recipe.simulated or Path("runs/simulated"), vocabulary)

    makers: dict[str, Callable[[], Source]] = {
        "ssdd": lambda: Ssdd(recipe.data, vocabulary, ssdd_training_ids(recipe.data)),
        "mstar": lambda: MstarFields(recipe.data, vocabulary),
        "aircraft": lambda: AircraftChips(recipe.data, vocabulary),
        "landcover": lambda: LandCoverChips(recipe.data, vocabulary),
        "sentinel": lambda: SentinelPairs(recipe.data, vocabulary),
        "sentinel2": lambda: SentinelPairs(recipe.data, vocabulary, optical=True),
        "airports": lambda: AircraftScenes(recipe.data, vocabulary),
        "simulated": simulated,
    }
    return {name: _known(makers, name)() for name in recipe.shares}


def chip_sources(recipe: Recipe, vocabulary: Vocabulary) -> dict[str, ChipSource]:
    """The sources of whole chips that the recipe's chip shares name; raises ModelError as `scene_sources`."""
    scintillation, hidden = recipe.scintillation, recipe.hidden_parts
    makers: dict[str, Callable[[], ChipSource]] = {
        "mstar": lambda: MstarChips(recipe.data, vocabulary, scintillation.get("mstar", 0.0)),
        "aircraft": lambda: AircraftBatches(
            recipe.data, vocabulary, scintillation.get("aircraft", 0.0), hidden.get("aircraft", 0.0)
        ),
        "landcover": lambda: LandCoverBatches(recipe.data, vocabulary),
    }
    return {name: _known(makers, name)() for name in recipe.chip_shares}


def _known(makers: dict[str, T], name: str) -> T:
    if name not in makers:
        raise ModelError(f"There is no source of training data named {name!r}; known are {', '.join(makers)}.")
    return makers[name]


def captioned_pictures(recipe: Recipe, user: UserData | None = None) -> PictureSource | None:
    """RSICD, the table that the recipe names, or its sets of captions."""
    if not recipe.captioned:
        return None
    if user is not None and user.pictures:
        return PictureMix([(source, user.shares[name]) for name, source in user.pictures.items()])
    if recipe.pictures is not None:
        table = read_caption_table(recipe.pictures, recipe.pictures.parent)
        return CaptionedPictures(table, read_picture)
    return CaptionedPictures.of_table(recipe.data / "rsicd_optical/train.csv", recipe.data / "rsicd_optical")


def word_list(vocabulary: Vocabulary, pictures: PictureSource | None, user: UserData | None = None) -> WordList:
    """Every word that a caption may use: those of the forms and nouns, and those that pictures' captions use often.

    Of the user's own captions every word counts.
    """
    own = user is not None and user.pictures
    often = distinct_words(pictures.texts, 1 if own else 4) if pictures else []
    more = distinct_words(user.wording, 4) if user is not None else []
    return WordList.from_texts([*_written(vocabulary), *often, *more])


def _written(vocabulary: Vocabulary) -> Iterable[str]:
    forms = [form for kind in load_forms().values() for form in kind]
    nouns = nouns_of(vocabulary)
    yield from (form.replace("{", " ").replace("}", " ") for form in forms)
    yield from (word for pairs in nouns.counted.values() for pair in pairs for word in pair)
    yield from (name for names in nouns.cover.values() for name in names)
    yield from (text for texts in (*PLACES.values(), *RELATIONS.values()) for text in texts)
    rng = np.random.default_rng(0)
    for concept in vocabulary.concepts:
        yield from sentences_for(concept.key, vocabulary)
        for count in (1, 2, 5, 15):
            things = (SeenObject(concept.key, (0.1, 0.1, 0.2, 0.2)),) * count
            yield from write_captions(Seen(things, nouns=nouns), rng)


def make_steps(recipe: Recipe, vocabulary: Vocabulary, words: WordList, pictures: PictureSource | None,
               seed: int, user: UserData | None = None) -> Steps:  # fmt: skip
    """Everything that the recipe learns from."""
    own = user or UserData(vocabulary)
    shares = {**recipe.shares, **{name: own.shares[name] for name in own.scenes}}
    chip_shares = {**recipe.chip_shares, **{name: own.shares[name] for name in own.chips}}
    return Steps(
        vocabulary, words, seed, {**scene_sources(recipe, vocabulary), **own.scenes}, shares,
        recipe.batch if shares else 0, {**chip_sources(recipe, vocabulary), **own.chips}, chip_shares,
        recipe.chips if chip_shares else 0, pictures, recipe.captioned,
    )  # fmt: skip
