"""Crops and chips of users' sets: labels lie where the pixels are, and nothing is said that the labels do not tell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import ModelError, SceneError
from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.data.captioned import CaptionedPictures, PictureMix
from sarvlm_training.data.labelled import Labelled, Mark, box_corners
from sarvlm_training.data.samples import CROP_PX, IGNORE, NEGATIVE, POSITIVE, Sample, cell_mean
from sarvlm_training.data.steps import Steps, facts_of, seen_in
from sarvlm_training.data.user_chips import UserChips
from sarvlm_training.data.user_data import UserData, read_content, read_user_data
from sarvlm_training.data.user_places import UserPlaces
from sarvlm_training.data.user_sets import UserSet
from sarvlm_training.recipe import Recipe
from sarvlm_training.sources import captioned_pictures, make_steps, word_list
from tests.training.user_files import (
    Box,
    picture_with,
    save_png,
    write_captions,
    write_chips,
    write_coco,
    write_geojson,
    write_scene,
)

BASE = load_vocabulary()


def places_of(folder: Path, pictures: list[list[tuple[str, Box]]], **more: Any) -> tuple[UserPlaces, UserData]:
    one = UserSet("coco", write_coco(folder, pictures), name="mine", **more)
    data = read_user_data([one], BASE)
    source = data.scenes["mine"]
    assert isinstance(source, UserPlaces)
    return source, data


def layer(sample: Sample, key: str) -> np.ndarray:
    return sample.labels.values[sample.labels.vocabulary.index[key]]


# ---- crops -------------------------------------------------------------------------------
@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 999), turns=st.sampled_from(["all", "mirror", "none"]), rescale=st.booleans(),
    box=st.tuples(st.integers(40, 220), st.integers(40, 190), st.integers(24, 60), st.integers(24, 60)),
)  # fmt: skip
def test_labels_lie_where_the_bright_boxes_are(
    tmp_path_factory: pytest.TempPathFactory, seed: int, turns: str, rescale: bool, box: tuple[int, int, int, int]
) -> None:
    source, _ = places_of(
        tmp_path_factory.mktemp("coco"), [[("ferry", tuple(map(float, box)))]], turns=turns, rescale=rescale,
        is_a={"ferry": "ship"},
    )  # fmt: skip
    sample = source.draw(np.random.default_rng(seed))
    assert sample.relative.shape == (CROP_PX, CROP_PX) and sample.relative.dtype == np.float32
    brightness = cell_mean(sample.relative)
    ferry, ship = layer(sample, "ferry"), layer(sample, "ship")
    level = float(np.median(brightness))
    known = ferry != IGNORE
    assert (brightness[(ferry == POSITIVE)] > level).all() and (brightness[ferry == NEGATIVE] < 2 * level).all()
    full = known & (brightness > 0.9 * brightness.max()) & (brightness > 1.5 * level)
    assert (ferry[full] == POSITIVE).all()
    assert ((ship == POSITIVE) == (ferry == POSITIVE)).all() and not (ship == NEGATIVE).any()
    for key, col, row in sample.objects or ():
        assert key == "ferry" and ferry[int(row // 8), int(col // 8)] == POSITIVE


def test_what_is_absent_what_is_unknown_and_what_is_counted(tmp_path: Path) -> None:
    boxes = [
        ("ferry", (40.0, 40.0, 40.0, 24.0)),
        ("buoy", (120.0, 120.0, 4.0, 4.0)),
        ("moorland", (160.0, 0.0, 90.0, 250.0)),
    ]
    more = {"is_a": {"ferry": "ship"}, "ground": ("moorland",), "absent": ("vehicle", "bridge")}
    source, _ = places_of(tmp_path / "a", [boxes], **more)
    sample = source.crop(source.places[0], (0, 0))
    assert layer(sample, "ferry")[6, 6] == POSITIVE == layer(sample, "ship")[6, 6]
    assert layer(sample, "ferry")[20, 2] == NEGATIVE and layer(sample, "ship")[20, 2] == IGNORE
    assert layer(sample, "buoy")[15, 15] == POSITIVE and (layer(sample, "buoy") == POSITIVE).sum() == 1
    assert layer(sample, "buoy")[6, 6] == NEGATIVE == layer(sample, "ferry")[15, 15]
    assert layer(sample, "moorland")[10, 25] == POSITIVE and layer(sample, "moorland")[10, 4] == IGNORE
    for key in ("vehicle", "t72", "bridge"):
        assert (layer(sample, key) == NEGATIVE).all()
    assert (layer(sample, "forest") == IGNORE).all()
    assert [(key, col, row) for key, col, row in sample.objects or ()] == [("ferry", 60, 52), ("buoy", 122, 122)]
    assert sample.complete == {"ferry", "buoy"} and facts_of(sample, np.random.default_rng(0)) == {}
    whole, _ = places_of(tmp_path / "b", [boxes], complete=("ship",), **more)
    sample = whole.crop(whole.places[0], (0, 0))
    assert layer(sample, "ship")[20, 2] == NEGATIVE and facts_of(sample, np.random.default_rng(0)) == {"ship": 1}
    some, _ = places_of(tmp_path / "c", [boxes], exhaustive=False, **more)
    sample = some.crop(some.places[0], (0, 0))
    assert sample.objects is None and layer(sample, "ferry")[20, 2] == IGNORE
    assert layer(sample, "ferry")[6, 6] == POSITIVE


def test_only_the_core_of_a_box_is_sure_and_crowds_are_not_counted(tmp_path: Path) -> None:
    path = write_coco(tmp_path, [[("ferry", (32.0, 32.0, 96.0, 96.0)), ("ferry", (160.0, 160.0, 64.0, 64.0))]])
    content = json.loads(path.read_text())
    content["annotations"][1]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    source = read_user_data([UserSet("coco", path, name="mine", core=0.4)], BASE).scenes["mine"]
    assert isinstance(source, UserPlaces)
    sample = source.crop(source.places[0], (0, 0))
    ferry = layer(sample, "ferry")
    assert ferry[9, 9] == POSITIVE and ferry[4, 4] == ferry[15, 9] == IGNORE and ferry[2, 2] == NEGATIVE
    assert ferry[24, 24] == IGNORE and sample.objects is None


def test_beyond_the_border_and_without_data_nothing_is_known(tmp_path: Path) -> None:
    small = picture_with([(20, 20, 30, 30)], (150, 290)).astype(np.float32)
    small[200:240, 40:80] = np.nan
    scene = write_scene(tmp_path / "s.tif", small)
    mark = Mark("ferry", box_corners(20, 20, 30, 30))
    one = UserSet("geojson", tmp_path, name="mine")
    vocabulary = read_user_data(
        [UserSet("coco", write_coco(tmp_path / "c", [[("ferry", (9.0, 9.0, 9.0, 9.0))]]))], BASE
    ).vocabulary
    source = UserPlaces(one, [Labelled(scene, (mark,))], {"ferry": "ferry"}, vocabulary)
    assert source.places[0].spacing_m == pytest.approx(5.0, rel=0.01)
    sample = source.crop(source.places[0], (20, 0))
    assert sample.relative.shape == (CROP_PX, CROP_PX) and np.isfinite(sample.relative).all()
    assert (sample.labels.values[:, :, 19:] == IGNORE).all() and sample.objects is None
    assert (sample.labels.values[:, 24:27, 6:9] == IGNORE).all() and layer(sample, "ferry")[29, 2] == NEGATIVE


def test_points_and_a_kind_of_the_same_set(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.tif", picture_with([]))
    georef = open_scene(scene).georef
    assert georef is not None
    point = {"type": "Point", "coordinates": [float(value) for value in georef.to_lonlat(100.0, 60.0)]}
    write_geojson(tmp_path / "s.geojson", [({"label": "ship"}, point)])
    one = UserSet("geojson", tmp_path, name="mine")
    lexicon = read_user_data([one, UserSet("coco", write_coco(tmp_path / "c", [[("ferry", (9.0, 9.0, 9.0, 9.0))]]),
                                           is_a={"ferry": "ship"})], BASE).vocabulary  # fmt: skip
    source = UserPlaces(one, read_content(one).places, {"ship": "ship", "ferry": "ferry"}, lexicon)
    sample = source.crop(source.places[0], (0, 0))
    assert layer(sample, "ship")[7, 12] == POSITIVE and layer(sample, "ship")[7, 14] == IGNORE
    assert layer(sample, "ferry")[7, 12] == IGNORE  # the ship may be a ferry
    assert layer(sample, "ship")[20, 20] == layer(sample, "ferry")[20, 20] == NEGATIVE


def test_equal_draws_are_equal_and_rare_classes_are_aimed_at(tmp_path: Path) -> None:
    ships = [("ship", (30.0 + 30 * i, 30.0, 16.0, 8.0)) for i in range(7)]
    source, _ = places_of(tmp_path, [ships, ships, [("crane", (140.0, 200.0, 12.0, 12.0))]], rescale=True)
    one, other = (source.draw(np.random.default_rng(5)) for _ in range(2))
    assert (one.relative == other.relative).all() and (one.labels.values == other.labels.values).all()
    rng = np.random.default_rng(0)
    cranes = sum((layer(source.draw(rng), "crane") == POSITIVE).any() for _ in range(30))
    assert cranes >= 8


def test_captions_of_crops_are_true_to_the_boxes(tmp_path: Path) -> None:
    marks = [("ferry", (30.0 + 60 * i, 40.0, 20.0, 10.0)) for i in range(3)] + [("crane", (60.0, 200.0, 12.0, 12.0))]
    source, data = places_of(tmp_path, [marks], turns="none", is_a={"ferry": "ship"})
    sample = source.crop(source.places[0], (0, 0))
    seen = seen_in(sample)
    assert not seen.complete and sorted(thing.key for thing in seen.objects) == ["crane", "ferry", "ferry", "ferry"]
    words = word_list(data.vocabulary, None, data)
    steps = Steps(data.vocabulary, words, 0, data.scenes, data.shares, batch=1)
    told = ""
    for seed in range(40):
        tokens = steps.draw(np.random.default_rng(seed)).scene_tokens
        assert tokens is not None
        told += " / " + " ".join(words.words[i] for i in tokens.tokens[0].tolist())
    assert "ferries" in told and "crane" in told and "<unk>" not in told
    assert "ships" not in told and "ship 0" not in told and "aircraft 0" not in told


def test_sets_that_cannot_teach_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="has a mark; label some first"):
        places_of(tmp_path / "a", [[], []])
    with pytest.raises(SceneError, match="of one class only"):
        read_user_data([UserSet("folders", write_chips(tmp_path / "b", ["ferry"]), name="mine")], BASE)
    black = save_png(tmp_path / "c/01.png", np.zeros((64, 64), np.uint8))
    write_coco(tmp_path / "c", [[("ferry", (5.0, 5.0, 9.0, 9.0))]])
    save_png(black, np.zeros((64, 64), np.uint8))
    with pytest.raises(SceneError, match=r"01\.png holds no data"):
        read_user_data([UserSet("coco", tmp_path / "c/coco.json")], BASE)
    alike = tmp_path / "d"
    for name in ("x", "y"):
        save_png(alike / name / "0.png", picture_with([(3, 3, 9, 9)], (40, 40)))
    with pytest.raises(ModelError, match="none can be kept back; set held = 0"):
        read_user_data([UserSet("folders", alike, held=0.3)], BASE)


# ---- chips -------------------------------------------------------------------------------
def test_chips_show_their_class_and_no_other_of_the_set(tmp_path: Path) -> None:
    classes = ["ferry", "tug", "forest"]
    one = UserSet("folders", write_chips(tmp_path, classes), name="mine", is_a={"ferry": "ship"}, absent=("aircraft",))
    data = read_user_data([one], BASE)
    source, vocabulary = data.chips["mine"], data.vocabulary
    batch = source.draw(np.random.default_rng(0), 9)
    assert batch.relative.shape[:2] == (9, 1) and min(batch.relative.shape[2:]) >= 32 and len(set(batch.keys)) == 3
    for labels, key in zip(batch.labels, batch.keys, strict=True):
        value = {concept.key: int(labels[row]) for row, concept in enumerate(vocabulary.concepts)}
        assert value[key] == POSITIVE and all(value[other] == NEGATIVE for other in {*classes} - {key})
        assert value["ship"] == (POSITIVE if key == "ferry" else IGNORE)
        assert value["a320"] == NEGATIVE and value["t72"] == IGNORE
    again = source.draw(np.random.default_rng(0), 9)
    assert (again.relative == batch.relative).all() and again.keys == batch.keys
    steps = Steps(
        vocabulary, word_list(vocabulary, None, data), 0, chips=data.chips, chip_shares=data.shares, chip_count=9
    )
    assert steps.draw(np.random.default_rng(1)).chips is not None


def test_chips_beyond_the_memory_that_is_allowed_are_read_when_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = UserSet("folders", write_chips(tmp_path, ["ferry", "tug"]), name="mine")
    all_held = read_user_data([one], BASE).chips["mine"].draw(np.random.default_rng(3), 4)
    monkeypatch.setattr("sarvlm_training.data.user_chips.HELD_BYTES", 20_000)
    source = read_user_data([one], BASE).chips["mine"]
    assert isinstance(source, UserChips) and 0 < len(source.held) < 8
    assert (source.draw(np.random.default_rng(3), 4).relative == all_held.relative).all()


# ---- captioned pictures ------------------------------------------------------------------
def test_pictures_whose_captions_name_a_side_are_not_turned(tmp_path: Path) -> None:
    path = save_png(tmp_path / "a.png", picture_with([(0, 0, 40, 60)], (128, 128)))
    told = CaptionedPictures({path: ("a ship in the upper left",)})
    free = CaptionedPictures({path: ("a ship",)})
    rng = np.random.default_rng(0)
    for image in told.draw(rng, 8)[0]:
        assert image[:40, :30].mean() > 3 * image[80:, 80:].mean()
    assert len({image.tobytes() for image in free.draw(rng, 30)[0]}) == 8


def test_sets_of_captions_are_mixed_in_their_shares_and_every_word_is_known(tmp_path: Path) -> None:
    sets = [
        UserSet(
            "captions", write_captions(tmp_path / f"{n}", [(f"{n}.png", f"a {word} here .")]), name=word, share=share
        )
        for n, (word, share) in enumerate([("zeppelin", 3.0), ("windmill", 1.0)])
    ]
    data = read_user_data(sets, BASE)
    recipe = Recipe(captioned=8, sets=tuple(sets))
    pictures = captioned_pictures(recipe, data)
    assert isinstance(pictures, PictureMix)
    images, texts = pictures.draw(np.random.default_rng(0), 40)
    assert images.shape == (40, 128, 128) and 22 <= texts.count("a zeppelin here") <= 38 and len(texts) == 40
    words = word_list(data.vocabulary, pictures, data)
    assert {"zeppelin", "windmill"} <= set(words.words)
    steps = make_steps(recipe, data.vocabulary, words, pictures, 0, data)
    step = steps.draw(np.random.default_rng(0))
    assert step.pictures is not None and len(step.pictures["relative"]) == 8


def test_words_of_written_texts_are_known_to_the_captioner(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps(["archipelagic terrain"] * 4 + ["unrepeatedly said"]))
    data = read_user_data([UserSet("wording", tmp_path / "t.json")], BASE)
    words = set(word_list(data.vocabulary, None, data).words)
    assert "archipelagic" in words and "unrepeatedly" not in words


# ---- the shared sets without an adapter of their own ------------------------------------------
@pytest.mark.shared
def test_ships_of_opensarship_by_their_ais_type(shared_data: Path) -> None:
    data = read_user_data([UserSet("opensarship", shared_data / "opensarship", name="s", held=0.2)], BASE)
    batch = data.chips["s"].draw(np.random.default_rng(0), 32)
    assert {"cargo", "tanker"} <= set(batch.keys) <= {"cargo", "tanker", "ship"}
    assert (batch.labels[:, data.vocabulary.index["ship"]] == POSITIVE).all()


@pytest.mark.shared
def test_vehicles_of_carabas_under_the_trees(shared_data: Path) -> None:
    source = read_user_data([UserSet("carabas", shared_data / "carabas_vhf", name="s")], BASE).scenes["s"]
    assert isinstance(source, UserPlaces) and [len(place.marks) for place in source.places] == [25, 25, 25]
    found = [
        source.crop(place, (int(place.extents[0, 1]) - 60, int(place.extents[0, 0]) - 60)) for place in source.places
    ]
    for sample in found:
        there = layer(sample, "vehicle") == POSITIVE
        assert there.any() and cell_mean(sample.relative)[there].mean() > 1.5 and sample.objects
        assert 0.9 < sample.spacing_m < 1.1 and facts_of(sample, np.random.default_rng(0))["vehicle"] == len(
            sample.objects
        )


@pytest.mark.shared
def test_vehicles_of_the_mstar_scenes(shared_data: Path) -> None:
    content = read_content(UserSet("mstar_scenes", shared_data / "mstar_scenes", name="s"))
    few = replace(content, places=content.places[:4])
    source = UserPlaces(few.set, few.places, few.set.concepts, BASE)
    samples = [source.draw(np.random.default_rng(n)) for n in range(12)]
    assert any((layer(sample, "vehicle") == POSITIVE).any() for sample in samples)
    assert all(((layer(s, "tank") == POSITIVE) <= (layer(s, "vehicle") == POSITIVE)).all() for s in samples)
