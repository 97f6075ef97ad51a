"""The vocabulary: every concept has words, every source names only concepts that are there."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sarvlm_app.core.simulate import LANDCOVER_NAMES
from sarvlm_training.concepts import Vocabulary, absent_phrases, load_vocabulary
from sarvlm_training.data.chips import ACD_KEYS, MSTAR_KEYS, TSX_KEYS, TSX_UNSURE, mstar_key
from sarvlm_training.data.scenes import REGION_KEYS, REGION_UNSURE
from sarvlm_training.data.simulated import COVER_KEYS, COVER_UNSURE, KIND_SHARES, OBJECT_KEYS, SEEN_BELOW_M
from sarvlm_training.validation import picture_groups


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


def test_every_concept_has_words_of_its_own(vocabulary: Vocabulary) -> None:
    assert len(vocabulary) == len(vocabulary.index) > 40
    for concept in vocabulary.concepts:
        assert concept.names and all(name == name.strip() and name for name in (*concept.names, *concept.phrases))


def test_parents_are_concepts_and_lead_to_an_end(vocabulary: Vocabulary) -> None:
    for concept in vocabulary.concepts:
        rows = vocabulary.ancestors[concept.key]
        assert vocabulary.index[concept.key] in rows and set(concept.parents) <= set(vocabulary.index)
        assert len(rows) == len(set(rows)) and list(rows) == sorted(rows)


def test_ancestors_climb_all_the_way(vocabulary: Vocabulary) -> None:
    keys = [concept.key for concept in vocabulary.concepts]
    for key, all_of in {"ship_moored": {"ship"}, "t72": {"tank", "vehicle"}, "b787": {"aircraft"}}.items():
        assert all_of <= {keys[row] for row in vocabulary.ancestors[key]}


def test_groups_part_the_vocabulary(vocabulary: Vocabulary) -> None:
    groups = sorted({concept.group for concept in vocabulary.concepts})
    rows = np.concatenate([vocabulary.group_rows(group) for group in groups])
    assert sorted(rows.tolist()) == list(range(len(vocabulary)))
    assert vocabulary.group_rows("no such group").size == 0


def test_wordings_stand_beside_their_concept(vocabulary: Vocabulary) -> None:
    texts, rows = vocabulary.wordings()
    assert len(texts) == len(rows) and set(rows.tolist()) == set(range(len(vocabulary)))
    assert not any("{" in text for text in texts)
    ship = {text for text, row in zip(texts, rows, strict=True) if row == vocabulary.index["ship"]}
    assert "ships" in ship and "a SAR image of ships" in ship


def test_no_wording_means_two_things(vocabulary: Vocabulary) -> None:
    texts, rows = vocabulary.wordings()
    owner: dict[str, int] = {}
    for text, row in zip(texts, rows.tolist(), strict=True):
        other = owner.setdefault(text.casefold(), row)
        related = row in vocabulary.ancestors[vocabulary.concepts[other].key] or (
            other in vocabulary.ancestors[vocabulary.concepts[row].key]
        )
        assert related, text


def test_absent_phrases_are_no_wordings_of_what_is_taught(vocabulary: Vocabulary) -> None:
    absent = absent_phrases()
    assert len(absent) == len(set(absent)) > 50
    assert not {text.casefold() for text in absent} & {text.casefold() for text in vocabulary.wordings()[0]}


def test_the_tables_of_all_sources_name_concepts(vocabulary: Vocabulary) -> None:
    named = {*ACD_KEYS.values(), *TSX_KEYS.values(), *REGION_KEYS.values(), *COVER_KEYS.values(), *OBJECT_KEYS.values()}
    targets = ("2S1", "D7", "T72", "T62", "BMP2", "BRDM2", "BTR60", "BTR70", *MSTAR_KEYS)
    named |= {mstar_key(target) for target in targets}
    for table in (TSX_UNSURE, REGION_UNSURE, COVER_UNSURE):
        named |= {*table, *(key for keys in table.values() for key in keys)}
    assert named | set(SEEN_BELOW_M) <= set(vocabulary.index)
    assert set(COVER_KEYS) <= set(LANDCOVER_NAMES)
    assert sum(KIND_SHARES.values()) == pytest.approx(1.0)


def test_the_regions_drawn_by_hand_are_rectangles_of_some_size() -> None:
    text = resources.files("sarvlm_training.data").joinpath("s1_regions.json").read_text(encoding="utf-8")
    table = json.loads(text)
    assert set(table["validation"]) < set(table["pairs"])
    for name, entry in table["pairs"].items():
        for rectangles in entry["regions"].values():
            for c0, r0, c1, r1 in rectangles:
                assert 0 <= c0 < c1 and 0 <= r0 < r1, name


def test_look_alike_pictures_share_a_group(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, other = (rng.integers(0, 255, (64, 64)).astype(np.float32) for _ in range(2))
    pictures = [first, other, np.clip(first * 0.5 + 20 + rng.normal(0, 1, first.shape), 0, 255), np.full((64, 64), 9.0)]
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path, picture in zip(paths, pictures, strict=True):
        Image.fromarray(np.kron(picture, np.ones((2, 2))).astype(np.uint8)).save(path)
    groups = picture_groups(paths)
    assert groups[0] == groups[2] and len(set(groups)) == 3


def test_the_words_of_the_unseen_measures_are_never_taught(vocabulary: Vocabulary, repo_root: Path) -> None:
    files = sorted((repo_root / "training/sarvlm_training/recipes/names").glob("*-unseen.json"))
    unseen = [words.casefold() for file in files for words in json.loads(file.read_text()).values()]
    assert len(unseen) > 20
    taught = {text.casefold() for text in vocabulary.wordings()[0]}
    assert not [words for words in unseen for text in taught if words in text]


def test_evaluated_classes_are_described_in_many_ways(vocabulary: Vocabulary) -> None:
    vehicles = {mstar_key(name) for name in ("2S1", "D7", "T72", "T62", "BMP2", "BRDM2", "BTR60", "BTR70")}
    vehicles |= {"zil131", "zsu234"}
    others = {*ACD_KEYS.values(), *TSX_KEYS.values(), "ship", "harbour", "sea"}
    for concept in vocabulary.concepts:
        least = 25 if concept.key in vehicles else 12 if concept.key in others else 1
        assert len(concept.phrases) >= least, concept.key
