"""`[[set]]` tables, the classes of a set as concepts, and what is kept back."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.errors import ModelError, SceneError
from sarvlm_training.caption_words import nouns_of
from sarvlm_training.captions import Seen, SeenObject, write_captions
from sarvlm_training.concepts import OWN_GROUP, load_vocabulary
from sarvlm_training.data.split import ALIKE, groups_of, held_back, held_of_each, look_alikes
from sarvlm_training.data.user_sets import UserSet, read_sets
from sarvlm_training.data.user_words import Lexicon, read_lexicon
from sarvlm_training.recipe import Recipe, read_recipe
from tests.training.user_files import picture_with, save_png

BASE = load_vocabulary()


# ---- tables ----------------------------------------------------------------------------
def test_a_table_becomes_a_set() -> None:
    text = """
        [[set]]
        kind = "coco"
        path = "harbour/coco.json"
        share = 2
        complete = "ship"
        [set.words]
        "fishing boat" = ["fishing boat", "trawler"]
        ferry = "car ferry"
        [[set]]
        kind = "folders"
        path = "chips"
        name = "mine"
    """
    first, second = read_sets(tomllib.loads(text)["set"], Path("r.toml"))
    assert first == UserSet(
        "coco", Path("harbour/coco.json"), name="coco 1", share=2.0, complete=("ship",),
        words={"fishing boat": ("fishing boat", "trawler"), "ferry": ("car ferry",)},
    )  # fmt: skip
    assert second.name == "mine" and first.folder == Path("harbour")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"path": "x"}, "set 1 has no kind; give kind"),
        ({"kind": "coco"}, "has no path"),
        ({"kind": "voc", "path": "x"}, "kind = 'voc' is none of"),
        ({"kind": "coco", "path": 3}, "path = 3 is not a text"),
        ({"kind": "coco", "path": "x", "sahre": 1}, "no setting named 'sahre'; known are absent"),
        ({"kind": "coco", "path": "x", "share": "much"}, "share = 'much' is not a number"),
        ({"kind": "coco", "path": "x", "share": True}, "is not a number"),
        ({"kind": "coco", "path": "x", "share": 0}, "share = 0.0 is not above 0"),
        ({"kind": "coco", "path": "x", "share": float("nan")}, "is not above 0"),
        ({"kind": "coco", "path": "x", "held": 1.0}, "held = 1.0 does not lie"),
        ({"kind": "coco", "path": "x", "seed": 0.5}, "seed = 0.5 is not a whole number"),
        ({"kind": "coco", "path": "x", "exhaustive": "no"}, "is not true or false"),
        ({"kind": "coco", "path": "x", "turns": "up"}, "turns = 'up' is none of all, mirror, none"),
        ({"kind": "coco", "path": "x", "scene_of": "("}, "no regular expression"),
        ({"kind": "coco", "path": "x", "scene_of": "abc"}, "regular expression with a group"),
        ({"kind": "coco", "path": "x", "words": {"a": []}}, "is not a text or a list of texts"),
        ({"kind": "coco", "path": "x", "is_a": ["ship"]}, "is not a table of classes"),
    ],
)
def test_what_is_wrong_with_a_table_is_told(table: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=r"r\.toml, set 1") as fault:
        read_sets([table], Path("r.toml"))
    assert told in str(fault.value)


def test_sets_have_names_of_their_own() -> None:
    tables = [{"kind": "coco", "path": "x", "name": "a"}, {"kind": "dota", "path": "y", "name": "a"}]
    with pytest.raises(ModelError, match="two sets are named 'a'"):
        read_sets(tables, Path("r.toml"))
    with pytest.raises(ModelError, match=r"write each set under \[\[set\]\]"):
        read_sets({"kind": "coco"}, Path("r.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps = 'many'\n[shares]\nssdd = 1", "steps = 'many' is not a whole number"),
        ("steps = true\n[shares]\nssdd = 1", "steps = True is not a whole number"),
        ("rate = '1e-3'\n[shares]\nssdd = 1", "rate = '1e-3' is not a number"),
        ("out = 3\n[shares]\nssdd = 1", "out = 3 is not a text that names a place"),
        ("shares = 'ssdd'", "is not a table of numbers"),
        ("[shares]\nssdd = 'half'", "is not a table of numbers"),
        ("[shares]\nssdd = -1", "shares.ssdd = -1 is not above 0"),
        ("[chip_shares]\nmstar = 1\n[scintillation]\nmstar = 1.5", "scintillation.mstar = 1.5 is out of range"),
        ("[chip_shares]\nmstar = 1\n[hidden_parts]\nmstar = 0.5", "hidden_parts.mstar does nothing; give a share of"),
        ("stepz = 3\n[shares]\nssdd = 1", "no setting named 'stepz'"),
        ("steps = -1\n[shares]\nssdd = 1", "steps = -1 is too low; give at least 0"),
        ("average = 1.5\n[shares]\nssdd = 1", "average = 1.5 is out of range"),
        ("rate = nan\n[shares]\nssdd = 1", "rate = nan is out of range"),
        ("precision = 'half'\n[shares]\nssdd = 1", "precision = 'half' is unknown; use one of"),
        ("device = 'gpu'\n[shares]\nssdd = 1", "device = 'gpu' is unknown; use auto"),
        ("steps = 5", "names nothing to learn from"),
        ("steps = = 5", "is no valid TOML"),
        ("[[set]]\nkind = 'folders'\npath = 'x'", "kind folders and chips = 0; say how many a step"),
        ("[[set]]\nkind = 'captions'\npath = 'x.csv'", "kind captions and captioned = 0"),
        ("[shares]\nssdd = 1\n[[set]]\nkind = 'coco'\npath = 'x'\nname = 'ssdd'", "has the name of a shared source"),
        ("captioned = 1\npictures = 'y.csv'\n[[set]]\nkind = 'captions'\npath = 'x.csv'", "name them in one place"),
    ],
)
def test_a_recipe_that_cannot_be_used_says_what_to_correct(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(text)
    with pytest.raises(ModelError) as fault:
        read_recipe(file, [])
    assert told in str(fault.value) and str(file) in str(fault.value)


def test_overrides_are_toml_or_plain_words(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text("steps = 5\n[shares]\nssdd = 1.0\n")
    recipe = read_recipe(file, ["batch=3", 'out="x/y"', "data=some where"])
    assert (recipe.steps, recipe.batch, recipe.out, recipe.data) == (5, 3, Path("x/y"), Path("some where"))
    for wrong, told in (("stepz=3", "no setting named"), ("batch", "gives no value"), ("batch=x", "whole number")):
        with pytest.raises(ModelError, match=told):
            read_recipe(file, [wrong])
    with pytest.raises(ModelError, match=r"cannot be read \(No such file"):
        read_recipe(tmp_path / "no.toml", [])


# ---- the page of the manual ------------------------------------------------------------
def test_every_example_of_the_manual_reads(repo_root: Path, tmp_path: Path) -> None:
    page = (repo_root / "docs/training.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    kinds = []
    for number, example in enumerate(examples):
        file = tmp_path / f"{number}.toml"
        file.write_text(example, encoding="utf-8")
        kinds += [one.kind for one in read_recipe(file, []).sets]
    assert {"captions", "folders", "coco", "dota", "geojson"} <= set(kinds)


def test_the_manual_names_every_setting_and_no_other(repo_root: Path) -> None:
    page = (repo_root / "docs/training.md").read_text(encoding="utf-8")
    recipe, sets = ({f.name: f.default for f in fields(kind)} for kind in (Recipe, UserSet))
    missing = {
        n for n in {**recipe, **sets} if f"`{n}`" not in page and f"{n} =" not in page and not n.endswith("_weight")
    }
    assert missing <= {"text", "sets"}
    first_column = re.findall(r"^\| (`[^|]*`) \|", page, re.MULTILINE)
    named = {name for cell in first_column for name in re.findall(r"`([a-z_]+)`", cell)}
    assert named <= {*recipe, *sets, "_weight"}
    assert {recipe["rate"], recipe["backbone_rate"], recipe["steps"], recipe["keep_every"]} == {1e-3, 5e-4, 3000, 250}


# ---- classes as concepts ---------------------------------------------------------------
def lexicon_of(*classes: str, **more: Any) -> Lexicon:
    return read_lexicon(BASE, [(UserSet("coco", Path("x"), name="s", **more), classes)])


def test_classes_that_are_concepts_take_their_words() -> None:
    lexicon = lexicon_of("Ship", "storage_tank", "Storage-Tank!", "airplane", "T72")
    keys = lexicon.keys["s"]
    assert (keys["Ship"], keys["airplane"], keys["T72"]) == ("ship", "aircraft", "t72")
    # two classes of one set that would be the same are told apart, as kinds of it
    assert len({keys["storage_tank"], keys["Storage-Tank!"]} - {"storage_tank"}) >= 1
    assert lexicon_of("ship", "forest").vocabulary is BASE


def test_other_classes_become_concepts_with_the_users_words(tmp_path: Path) -> None:
    names = tmp_path / "NAMES.json"
    names.write_text(json.dumps({"ferry": ["car ferry", "ferries"], "crane": "harbour crane"}))
    lexicon = lexicon_of(
        "fishing_boat", "ferry", "crane", "vineyard", "moored ship", "water tank", names=names,
        words={"fishing_boat": ("trawler", "Fishing boat")}, is_a={"ferry": "ship", "vineyard": "field"},
    )  # fmt: skip
    vocabulary, keys = lexicon.vocabulary, lexicon.keys["s"]
    assert vocabulary.concepts[: len(BASE)] != () and [c.key for c in vocabulary.concepts[: len(BASE)]] == list(
        BASE.index
    )
    found = {label: vocabulary.concepts[vocabulary.index[key]] for label, key in keys.items()}
    assert found["fishing_boat"].names == ("trawler", "Fishing boat") and found["fishing_boat"].parents == ("ship",)
    assert (
        found["ferry"].nouns == (("car ferry", "car ferries"), ("ferry", "ferries")) and found["ferry"].group == "ship"
    )
    assert found["crane"].group == OWN_GROUP and found["crane"].names == ("harbour crane",)
    assert found["vineyard"].group == "cover" and found["vineyard"].ground and not found["vineyard"].nouns
    assert found["moored ship"].parents == ("ship",) and found["water tank"].parents == ()
    ship = vocabulary.concepts[vocabulary.index["ship"]]
    assert "trawler" not in ship.names and "vessel" in ship.names
    never = vocabulary.never_together()
    crane, t72 = vocabulary.index[keys["crane"]], vocabulary.index["t72"]
    assert not never[crane, t72] and never[vocabulary.index["ship"], t72]


def test_words_of_a_class_are_those_of_no_other_concept() -> None:
    vocabulary = lexicon_of(
        "cargo ship", "tanker", words={"cargo ship": ("cargo ship",), "tanker": ("tanker",)}
    ).vocabulary
    for word in ("cargo ship", "tanker"):
        assert [c.key for c in vocabulary.concepts if word in c.names] == [word.replace(" ", "_")]
        assert "ship" in {vocabulary.concepts[row].key for row in vocabulary.ancestors[word.replace(" ", "_")]}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"words": {"boat": ("x",)}}, "has no class 'boat', which words names; its classes are ferry"),
        ({"concepts": {"ferry": "spaceship"}}, "names 'spaceship' in concepts, which is no concept"),
        ({"is_a": {"ferry": "spaceship"}}, "names 'spaceship' in is_a"),
        ({"complete": ("boats",)}, "names 'boats' in complete"),
        ({"absent": ("boats",)}, "names 'boats' in absent"),
    ],
)
def test_settings_of_classes_that_are_not_there_are_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError) as fault:
        lexicon_of("ferry", **more)
    assert told in str(fault.value)
    lexicon_of("ferry", absent=("vehicle", "bridge"), complete=("ship",))


def test_sets_share_a_concept_only_if_they_agree_about_it() -> None:
    one, other = UserSet("coco", Path("x"), name="a"), UserSet("coco", Path("x"), name="b", ground=("crane",))
    lexicon = read_lexicon(BASE, [(one, ["crane"]), (one, ["crane"])])
    assert len(lexicon.vocabulary) == len(BASE) + 1
    with pytest.raises(ModelError, match="differ about 'crane'"):
        read_lexicon(BASE, [(one, ["crane"]), (other, ["crane"])])


def test_captions_say_a_general_word_only_where_all_of_its_kind_are_known() -> None:
    vocabulary = lexicon_of("ferry", "crane", is_a={"ferry": "ship"}).vocabulary
    objects = [SeenObject("ferry", (0.1 * i, 0.4, 0.1 * i + 0.05, 0.45)) for i in range(3)]
    told = {}
    for complete in (frozenset({"ferry"}), frozenset({"ferry", "ship"})):
        seen = Seen(objects, [("sea", 0.7)], nouns=nouns_of(vocabulary, complete), complete=False, ground_known=False)
        rng = np.random.default_rng(0)
        told[complete] = " / ".join(s for _ in range(150) for s in write_captions(seen, rng))
    few, all_ships = told.values()
    assert "ferries" in few and not any(word in few for word in ("ships", "vessels", "boats"))
    assert "ferries" in all_ships and "ships" in all_ships
    assert not any(word in few for word in ("percent", "without", "only", "no ship", "nothing"))


# ---- what is kept back -----------------------------------------------------------------
@settings(max_examples=60)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.02, 0.6), st.integers(0, 99))
def test_whole_groups_are_kept_back_near_the_share_and_by_the_seed(groups: list[int], share: float, seed: int) -> None:
    held = held_back(groups, share, seed)
    assert held == held_back(groups, share, seed)
    kept = set(range(len(groups))) - held
    assert kept and not {groups[i] for i in held} & {groups[i] for i in kept}
    assert bool(held) == (len(set(groups)) > 1)
    largest = max(map(groups.count, groups))
    assert len(held) <= max(2 * share * len(groups), min(map(groups.count, groups))) + 1e-9
    assert len(held) >= min(share * len(groups) - largest, 0) and not held_back(groups, 0.0, seed)


def test_of_every_class_that_has_two_groups_one_stays_and_one_is_kept_back() -> None:
    groups = [0, 0, 2, 3, 4, 4, 6, 7, 8]
    labels = ["a", "a", "a", "a", "b", "b", "c", "c", "a"]
    for seed in range(20):
        held = held_of_each(groups, labels, 0.3, seed)
        assert not {groups[i] for i in held} & {groups[i] for i in range(9) if i not in held}
        assert {labels[i] for i in held} == {"a", "c"}
        assert {labels[i] for i in range(9) if i not in held} == {"a", "b", "c"}
    assert held_of_each([0, 0, 2], ["a", "b", "b"], 0.5, 0) == set()


def test_look_alikes_and_pictures_of_one_scene_are_one_group(tmp_path: Path) -> None:
    first = picture_with([(20, 20, 60, 60)], seed=1)
    brighter = np.clip(first.astype(int) + 9, 0, 255).astype(np.uint8)
    others = [picture_with([(200, 180, 70, 40)], seed=2), picture_with([(100, 30, 20, 200)], seed=3)]
    names = ("a_0.png", "b_0.png", "a_1.png", "c_7.png")
    paths = [save_png(tmp_path / n, image) for n, image in zip(names, (first, brighter, *others), strict=True)]
    alone = groups_of(paths)
    assert alone[0] == alone[1] and len(set(alone)) == 3
    by_scene = groups_of(paths, r"([a-z]+)_\d")
    assert by_scene[0] == by_scene[1] == by_scene[2] != by_scene[3]
    broken = tmp_path / "d.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(SceneError, match=r"d\.png"):
        groups_of([broken])


def test_look_alikes_are_found_beyond_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_training.data.split.BLOCK", 3)
    rng = np.random.default_rng(0)
    thumbs = [rng.normal(size=256).astype(np.float32) for _ in range(8)]
    thumbs[7] = thumbs[1]
    standard = [(t - t.mean()) / t.std() for t in thumbs]
    assert look_alikes([*standard, None]) == [(1, 7)] and ALIKE < 1
