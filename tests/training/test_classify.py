"""Zero-shot classification: figures counted by hand, vectors of classes, templates and words for labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_training.evaluate.chip_table import ChipTable
from sarvlm_training.evaluate.classify import Classified, Zeroshot, classify
from sarvlm_training.evaluate.prompts import TEMPLATE_SETS, class_vectors, read_label_words, read_templates
from tests.training.toy_encoder import ToyEncoder, level_vector

FOUR = ("a", "b", "c", "d")


def answers(scores: list[list[float]], truth: list[int], classes: tuple[str, ...] = FOUR) -> Classified:
    numbers = tuple(range(len(truth)))
    return Classified(classes, numbers, np.array(truth, np.int64), np.array(scores, np.float32), {})


def test_figures_of_five_pictures_by_hand() -> None:
    found = answers(
        [
            [0.9, 0.1, 0.2, 0.3],  # a: first
            [0.8, 0.1, 0.5, 0.6],  # b: last
            [0.1, 0.7, 0.2, 0.3],  # b: first
            [0.3, 0.9, 0.8, 0.1],  # c: second
            [0.5, 0.4, 0.2, 0.1],  # a: first
        ],
        [0, 1, 1, 2, 0],
    )
    assert found.ranks.tolist() == [1, 4, 1, 2, 1]
    accuracy = found.accuracy()
    assert accuracy.top1 == pytest.approx(3 / 5) and accuracy.top3 == pytest.approx(4 / 5) and accuracy.top5 is None
    assert accuracy.per_class == {"a": 1.0, "b": 0.5, "c": 0.0}
    assert accuracy.mean_per_class == pytest.approx(0.5)
    assert accuracy.support == {"a": 2, "b": 2, "c": 1, "d": 0}
    assert (accuracy.n, accuracy.ties) == (5, 0)
    assert found.confusion.tolist() == [[2, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_equal_scores_are_told_and_the_first_class_stands_first() -> None:
    found = answers([[0.5, 0.5, 0.1, 0.0], [0.5, 0.5, 0.1, 0.0]], [0, 1])
    assert found.ranks.tolist() == [1, 2] and found.predicted.tolist() == [0, 0]
    assert found.accuracy().ties == 2 and found.accuracy().top1 == 0.5


@pytest.mark.parametrize(("count", "top3", "top5"), [(2, False, False), (3, True, False), (5, True, True)])
def test_depths_that_every_answer_would_reach_are_not_claimed(count: int, top3: bool, top5: bool) -> None:
    accuracy = answers([[float(i) for i in range(count)]], [0], tuple("abcde"[:count])).accuracy()
    assert (accuracy.top3 is not None, accuracy.top5 is not None) == (top3, top5)


@settings(deadline=None)
@given(arrays.arrays(np.float32, (7, 4), elements=st.sampled_from([0.0, 0.25, 0.5])), st.data())
def test_the_rank_is_that_in_a_stable_order(scores: np.ndarray, data: st.DataObject) -> None:
    truth = data.draw(st.lists(st.integers(0, 3), min_size=7, max_size=7))
    found = Classified(FOUR, tuple(range(7)), np.array(truth, np.int64), scores, {})
    order = np.argsort(-scores, axis=1, kind="stable")
    assert found.ranks.tolist() == [1 + list(row).index(own) for row, own in zip(order, truth, strict=True)]
    assert ((found.ranks == 1) == (found.predicted == truth)).all()
    assert found.confusion.sum() == 7


def test_a_class_vector_is_the_mean_of_unit_vectors_brought_to_unit_length() -> None:
    model = ToyEncoder()
    (vector,) = class_vectors(model, {"x": ("level 1", "level 4")}, ("{}", "a picture of {}."))
    assert model.texts == ["level 1", "a picture of level 1.", "level 4", "a picture of level 4."]
    mean = (level_vector(1) + level_vector(4)) / 2
    assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def table_of(levels: list[float], labels: list[str]) -> ChipTable:
    def read(number: int) -> np.ndarray:
        if levels[number] < 0:
            raise SceneError(f"picture {number} is broken; copy it again.")
        return np.full((8, 8), 10 * levels[number], np.float32)

    return ChipTable(tuple(f"{n}.png" for n in range(len(levels))), tuple(labels), read)


def test_a_table_is_classified_among_all_names() -> None:
    words = {"one": ("level 1",), "four": ("level 4",), "nine": ("level 9",)}
    table = table_of([1, 4.2, 8, 3.5], ["one", "four", "one", "four"])
    model = ToyEncoder()
    found = classify(model, table, Zeroshot(words, ("{}",), 0.5), JobContext())
    assert [found.classes[i] for i in found.predicted] == ["one", "four", "nine", "four"]
    assert found.accuracy().top1 == 0.75 and model.spacings == [0.5]


def test_pictures_are_named_by_what_sets_them_off() -> None:
    class Contrasted(ToyEncoder):
        """Says of every picture that it is three levels up."""

        def standing_out(self, vectors: np.ndarray) -> np.ndarray:
            return np.roll(vectors, 3, axis=1)

    words = {"one": ("level 1",), "four": ("level 4",), "seven": ("level 7",)}
    found = classify(Contrasted(), table_of([1, 4], ["four", "seven"]), Zeroshot(words, ("{}",)), JobContext())
    assert found.accuracy().top1 == 1.0


def test_a_broken_picture_is_told_and_counts_nowhere() -> None:
    words = {"one": ("level 1",), "four": ("level 4",)}
    table = table_of([1, -1, 4], ["one", "one", "four"])
    found = classify(ToyEncoder(), table, Zeroshot(words, ("{}",)), JobContext())
    assert found.numbers == (0, 2) and list(found.faults) == [1] and "picture 1" in found.faults[1]
    accuracy = found.accuracy()
    assert (accuracy.n, accuracy.top1, accuracy.support) == (2, 1.0, {"one": 1, "four": 1})


@pytest.mark.parametrize(("name", "count"), list(zip(TEMPLATE_SETS, (9, 9, 15, 5, 1), strict=True)))
def test_the_sets_of_templates_have_the_sizes_of_the_paper(name: str, count: int) -> None:
    templates = read_templates(name)
    assert len(templates) == len(set(templates)) == count
    assert all(template.count("{}") == 1 for template in templates)


def test_templates_that_the_paper_quotes() -> None:
    assert read_templates("simple") == ("a photo of {}.",)
    quoted = {"this is an SAR image of {} .", "an SAR image shows {} .", "the SAR image contains a scene with {} ."}
    assert quoted <= set(read_templates("isprs"))
    assert set(read_templates("sar_opt")) == set(read_templates("sar")) | set(read_templates("optical"))


def test_templates_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(["{} here", "no {}"]))
    assert read_templates(str(path)) == ("{} here", "no {}")


@pytest.mark.parametrize(
    ("content", "words"),
    [("[]", "holds no list"), ('{"a": 1}', "holds no list"), ('["a SAR image"]', "without {}"), ("[3]", "without {}"),
     ("[", "holds no JSON")],
)  # fmt: skip
def test_wrong_templates_get_a_sentence(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "own.json"
    path.write_text(content)
    with pytest.raises(QueryError, match=words) as fault:
        read_templates(str(path))
    assert "own.json" in str(fault.value)


def test_unknown_templates_get_the_list() -> None:
    with pytest.raises(QueryError, match="use one of sar, optical, sar_opt, isprs, simple"):
        read_templates("radar")


def test_words_for_labels(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"b": "bear", "a": ["ant", " wasp "], "z": "zebra"}))
    assert read_label_words(path, ["a", "b"], Path("t.csv")) == {"b": ("bear",), "a": ("ant", "wasp"), "z": ("zebra",)}
    assert read_label_words(None, ["T_72", "a", "T_72"], Path("t.csv")) == {"T_72": ("T_72",), "a": ("a",)}
    with pytest.raises(QueryError, match=r"no words for “c”, “d”, which t.csv has"):
        read_label_words(path, ["a", "d", "c"], Path("t.csv"))


@pytest.mark.parametrize("value", ["", [], [""], [1], 3, None, {}])
def test_labels_without_words_are_refused(tmp_path: Path, value: object) -> None:
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"a": value}))
    with pytest.raises(QueryError, match="no words for “a”"):
        read_label_words(path, ["a"], Path("t.csv"))
