"""Scores mean the same in every archive: 0.5 is its background, and parts of a question weigh as they are told to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.archive.scoring import (
    BACKGROUND_COSINE,
    SAME_LOGIT,
    Like,
    Words,
    background_of,
    combined,
    margins,
    score_of,
)
from sarvlm_app.core.query import Prompts, relative_scores

DIM = 8


def units(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(bias=st.one_of(st.none(), st.floats(-8, 2)), rivals=st.integers(0, 4), seed=st.integers(0, 50))
def test_margins_are_the_logits_of_a_scenes_scores(bias: float | None, rivals: int, seed: int) -> None:
    vectors, texts = units(20, seed), units(1 + rivals, seed + 1)
    prompts = Prompts(texts[0], texts[1:], 15.0, bias)
    cosines = vectors @ texts.T
    np.testing.assert_allclose(
        score_of(margins(vectors, prompts)), relative_scores(cosines[:, 0], cosines[:, 1:], prompts), atol=1e-5
    )


def test_the_background_of_an_archive_is_where_a_half_lies() -> None:
    vectors, texts = units(30), units(3, 4)
    prompts = Prompts(texts[0], texts[1:], 15.0, -5.0)
    plain = margins(vectors, prompts)
    words = Words(prompts, {"whole": float(plain[7])})
    assert score_of(words.logits("whole", vectors))[7] == pytest.approx(0.5)
    assert (np.argsort(words.logits("whole", vectors)) == np.argsort(plain)).all()


def test_an_example_is_sure_of_itself_and_stands_out_from_the_sample() -> None:
    sample, own = units(500, 3), units(1, 9)
    level = background_of(own, sample)
    assert BACKGROUND_COSINE[0] <= level <= BACKGROUND_COSINE[1]
    like = Like({"whole": own}, {"whole": level})
    assert like.logits("whole", own)[0] == pytest.approx(SAME_LOGIT, abs=1e-4)
    assert (score_of(like.logits("whole", sample)) > 0.5).mean() < 0.2
    assert len(like.questions("ground")) == 0
    assert background_of(own, np.zeros((0, DIM), np.float32)) == BACKGROUND_COSINE[0]


def test_a_mixture_is_the_weighted_mean_and_what_is_not_wanted_lowers_it() -> None:
    vectors, one, other = units(40), units(1, 1), units(1, 2)
    first, second = Like({"whole": one}, {}, 0.75), Like({"whole": other}, {}, 0.25)
    expected = 0.75 * first.logits("whole", vectors) + 0.25 * second.logits("whole", vectors)
    np.testing.assert_allclose(combined([first, second], "whole", vectors), expected, rtol=1e-4, atol=1e-5)
    against = Like({"whole": other}, {}, -1.0)
    lowered = combined([first, against], "whole", vectors)
    alone = combined([first], "whole", vectors)
    near = against.logits("whole", vectors) > 0
    assert near.any() and (lowered[near] < alone[near]).all() and (lowered[~near] == alone[~near]).all()
