"""What captions and facts of a crop may say: nothing of ground or kinds that nobody looked for."""

from __future__ import annotations

import numpy as np

from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.data.samples import CELLS, CROP_PX, POSITIVE, LabelMap, Sample
from sarvlm_training.data.steps import facts_of, seen_in

VOCABULARY = load_vocabulary()


def crop(
    absent: tuple[str, ...] = (), sea: float = 1.0, objects: list[tuple[str, float, float]] | None = None
) -> Sample:
    """A crop whose left share `sea` is sea, of which the groups of `absent` are known not to be there."""
    labels = LabelMap.knowing(VOCABULARY, *absent)
    labels.values[VOCABULARY.index["sea"], :, : round(CELLS * sea)] = POSITIVE
    return Sample(np.ones((CROP_PX, CROP_PX), np.float32), 2.0, 0.0, labels, objects=objects)


def told(sample: Sample) -> set[str]:
    rng = np.random.default_rng(0)
    return {key for _ in range(200) for key in facts_of(sample, rng)}


def test_shares_are_told_of_ground_that_is_known_everywhere() -> None:
    assert seen_in(crop(sea=1.0)).ground_known
    assert not seen_in(crop(sea=0.7)).ground_known
    assert seen_in(crop(sea=0.7)).cover[0][0] == "sea"


def test_no_ships_are_told_only_where_they_were_looked_for() -> None:
    assert seen_in(crop(("ship",), objects=[])).complete
    assert not seen_in(crop((), objects=[])).complete
    assert not seen_in(crop(("ship",), objects=None)).complete
    partly = crop(("ship",), objects=[])
    partly.labels.values[VOCABULARY.index["ship"], :4] = -1
    assert not seen_in(partly).complete


def test_none_of_a_kind_is_told_only_where_it_was_looked_for() -> None:
    assert told(crop(("ship",), objects=[])) == {"ship"}
    assert told(crop((), objects=[])) == set()
    assert told(crop(("ship",), objects=[("ship", 100.0, 100.0)])) == {"ship"}
    labels = crop(("ship", "vehicle"), objects=[])
    assert told(labels) == {"ship", "vehicle"}
    labels.labels.values[VOCABULARY.index["vehicle"], 3, 3] = POSITIVE
    assert told(labels) == {"ship"}
    assert facts_of(crop(("ship",), objects=[("ship", 9.0, 9.0)] * 3), np.random.default_rng(0)) == {"ship": 3}
