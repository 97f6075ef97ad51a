"""The users' sets of a recipe, read and made into sources of training data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sarvlm_app.core.importing.json_files import read_json
from sarvlm_app.core.pictures import read_picture
from sarvlm_app.errors import ModelError, QueryError, SceneError
from sarvlm_training.concepts import Vocabulary
from sarvlm_training.evaluate.caption_table import read_caption_table

from .captioned import CaptionedPictures, PictureSource
from .chip_batches import ChipSource
from .chips import mstar_key
from .labelled import Labelled, classes_of
from .mixture import Source
from .read_geojson import read_geojson_places
from .read_places import read_carabas, read_coco_places, read_dota_places, read_folders, read_opensarship
from .split import groups_of, held_back, held_of_each
from .user_chips import UserChips
from .user_places import UserPlaces
from .user_sets import CHIPS, PLACES, UserSet
from .user_words import read_lexicon

MSTAR_TARGETS: Final = ("2S1", "BMP2", "BRDM2", "BTR60", "BTR70", "D7", "T62", "T72", "ZIL131", "ZSU234")
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    # Sentinel-1 chips; the AIS types beside cargo and tanker are too few to tell apart
    "opensarship": {
        "words": {
            "Cargo": ("cargo ship", "freighter", "merchant ship carrying goods", "bulk carrier or container ship"),
            "Tanker": ("tanker", "oil tanker", "tank ship", "chemical or gas tanker"),
        },
        "is_a": {"Cargo": "ship", "Tanker": "ship"},
        "concepts": {"Other Type": "ship", "Tug": "ship", "Search": "ship", "Law Enforcement": "ship"},
        "absent": ("vehicle", "aircraft"),
        "spacing_m": 10.0,
    },
    # three types of terrain lorry under trees, which 2.5 m of resolution do not tell apart
    "carabas": {
        "concepts": {"TGB11": "wheeled", "TGB30": "wheeled", "TGB40": "wheeled"},
        "complete": ("vehicle",),
        "absent": ("ship", "aircraft"),
    },
    # the boxes are those of whole chips of 128 px, of which the vehicle fills the middle
    "mstar_scenes": {
        "concepts": {target: mstar_key(target) for target in MSTAR_TARGETS},
        "complete": ("vehicle",),
        "absent": ("ship", "aircraft"),
        "core": 0.35,
    },
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a set holds; one of the last four is filled, by its kind."""

    set: UserSet
    places: Sequence[Labelled] = ()
    chips: Sequence[tuple[Path, str]] = ()
    captions: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)
    wording: Sequence[str] = ()

    @property
    def paths(self) -> list[Path]:
        """Its picture files, in order."""
        return [one.path for one in self.places] or [path for path, _ in self.chips] or list(self.captions)

    @property
    def classes(self) -> list[str]:
        """The classes of its marks or chips, in order of name."""
        return classes_of(self.places) or sorted({label for _, label in self.chips})

    def parts(self) -> tuple[Content, Content]:
        """What is trained on, and what the set keeps back."""
        groups = groups_of(self.paths, self.set.scene_of) if self.set.held else []
        if self.chips:
            labels = [label for _, label in self.chips] if self.set.held else []
            held = held_of_each(groups, labels, self.set.held, self.set.seed)
        else:
            held = held_back(groups, self.set.held, self.set.seed)
        if self.set.held and not held:
            raise ModelError(
                f"The pictures of the set {self.set.name!r} are all of one scene or look alike, so that none can be "
                "kept back; set held = 0, or give more."
            )
        train, back = (self._of([i for i in range(len(self.paths)) if (i in held) == kept]) for kept in (False, True))
        return train, back

    def _of(self, numbers: Sequence[int]) -> Content:
        captions = list(self.captions.items())
        return replace(
            self,
            places=[self.places[i] for i in numbers] if self.places else (),
            chips=[self.chips[i] for i in numbers] if self.chips else (),
            captions=dict(captions[i] for i in numbers) if captions else {},
        )


@dataclass(frozen=True, slots=True)
class UserData:
    """Sources by the name of their set, with their shares.

    Attributes
    ----------
    vocabulary : Vocabulary
        With the concepts that the sets bring along.
    wording : sequence of str
        Texts whose words the captioner shall know.
    """

    vocabulary: Vocabulary
    scenes: Mapping[str, Source] = field(default_factory=dict)
    chips: Mapping[str, ChipSource] = field(default_factory=dict)
    pictures: Mapping[str, PictureSource] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    wording: Sequence[str] = ()


def read_content(given: UserSet) -> Content:
    """The files of a set.

    Raises
    ------
    QueryError, SceneError
        They cannot be used; says which and why.
    """
    one = with_preset(given)
    root = one.folder
    if one.kind == "captions":
        return Content(one, captions=_read_captions(one.path, root))
    if one.kind == "wording":
        return Content(one, wording=list(_texts_in(one.path)))
    if one.kind == "folders":
        return Content(one, chips=list(read_folders(one.path)))
    if one.kind == "opensarship":
        return Content(one, chips=read_opensarship(_table(one.path, "ships.csv"), root))
    if one.kind == "carabas":
        return Content(one, places=read_carabas(_table(one.path, "targets.csv"), root))
    if one.kind == "dota":
        return Content(one, places=read_dota_places(*_dota_folders(one)))
    if one.kind == "geojson":
        return Content(one, places=read_geojson_places(one.path, root, one.label))
    return Content(one, places=read_coco_places(_table(one.path, "train.json"), root))


def with_preset(one: UserSet) -> UserSet:
    """A set with what is known of the shared set of its kind, where the recipe does not say otherwise."""
    known = {key: value for key, value in PRESETS.get(one.kind, {}).items() if not _is_given(one, key)}
    return replace(one, **known)


def _is_given(one: UserSet, key: str) -> bool:
    return bool(getattr(one, key) != getattr(UserSet(one.kind, one.path), key))


def _table(path: Path, name: str) -> Path:
    return path / name if path.is_dir() else path


def _dota_folders(one: UserSet) -> tuple[Path, Path]:
    """The folders of label files and of pictures; `path` may hold both as labelTxt and images."""
    labels, pictures = one.path / "labelTxt", one.path / "images"
    if one.root is None and labels.is_dir() and pictures.is_dir():
        return labels, pictures
    return one.path, one.folder


def _read_captions(path: Path, root: Path) -> dict[Path, tuple[str, ...]]:
    """Captions of a CSV file `imgpath,caption`, or of a COCO captions file."""
    if path.suffix.lower() != ".json":
        return read_caption_table(path, root)
    content = read_json(path)
    images, notes = (content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations"))
    if not isinstance(images, list) or not isinstance(notes, list):
        raise QueryError(f"{path} is no COCO captions file; give one with images and annotations.")
    try:
        files = {image["id"]: root / image["file_name"] for image in images}
        told: dict[Path, list[str]] = {}
        for note in notes:
            told.setdefault(files[note["image_id"]], []).append(note["caption"].strip())
    except (KeyError, TypeError, AttributeError) as fault:
        raise QueryError(
            f"{path} has an image or a caption that lacks something ({fault}); correct the file."
        ) from fault
    empty = next((file for file, own in told.items() if not all(own)), None)
    if empty is not None or not told:
        where = f"an empty caption of {empty}" if empty is not None else "no captions"
        raise QueryError(f"{path} has {where}; write it or take it out.")
    missing = [file for file in told if not file.is_file()]
    if missing:
        raise SceneError(f"{missing[0]} is not there ({len(missing)} of the {len(told)} pictures of {path} are not).")
    return {file: tuple(own) for file, own in told.items()}


def _texts_in(path: Path) -> Iterable[str]:
    """All texts of a JSON file, or the lines of a text file."""
    if path.suffix.lower() == ".json":
        yield from _texts_of(read_json(path))
        return
    try:
        yield from path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise QueryError(f"{path} cannot be read as text ({fault}); give a text or JSON file in UTF-8.") from fault


def _texts_of(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts_of(inner)


def read_user_data(sets: Sequence[UserSet], base: Vocabulary) -> UserData:
    """All sets of a recipe as sources of what they do not keep back.

    Raises
    ------
    SarvlmError
        A set cannot be used; says which file and why.
    """
    contents = [read_content(one) for one in sets]
    lexicon = read_lexicon(base, [(c.set, c.classes) for c in contents if c.set.kind in (*CHIPS, *PLACES)])
    scenes: dict[str, Source] = {}
    chips: dict[str, ChipSource] = {}
    pictures: dict[str, PictureSource] = {}
    for content in contents:
        one, (train, _) = content.set, content.parts()
        if one.kind in PLACES:
            scenes[one.name] = UserPlaces(one, train.places, lexicon.keys[one.name], lexicon.vocabulary)
        elif one.kind in CHIPS:
            chips[one.name] = UserChips(one, train.chips, lexicon.keys[one.name], lexicon.vocabulary)
        elif train.captions:
            pictures[one.name] = CaptionedPictures(train.captions, read_picture)
    wording = [text for content in contents for text in content.wording]
    shares = {one.name: one.share for one in sets}
    return UserData(lexicon.vocabulary, scenes, chips, pictures, shares, wording)
