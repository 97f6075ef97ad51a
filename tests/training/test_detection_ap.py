"""Average precision: against pycocotools, and against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import corners_from, upright_corners
from sarvlm_training.evaluate.coco_api import UprightImage, upright_ap
from sarvlm_training.evaluate.detection_ap import Matches, coco_ap, rotated_ious, upright_ious, voc_ap


@st.composite
def pictures(draw):
    """A few images of two classes with found boxes about the true ones, crowds, ignored ones and equal scores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread, steps = draw(st.sampled_from([0.5, 3.0, 12.0])), draw(st.sampled_from([3, 40, 100_000]))
    images = []
    for _ in range(draw(st.integers(1, 5))):
        g, d = rng.integers(0, 6), rng.integers(0, 14)
        true = np.column_stack([rng.uniform(0, 90, (g, 2)), rng.uniform(4, 40, (g, 2))])
        about = (
            true[rng.integers(0, g, d)] if g else np.column_stack([rng.uniform(0, 90, (d, 2)), np.full((d, 2), 9.0)])
        )
        found = about + rng.normal(0, spread, (d, 4))
        found[:, 2:] = np.abs(found[:, 2:])
        crowd = rng.random(g) < 0.15
        images.append(
            UprightImage(
                found, rng.integers(0, steps, d) / steps, rng.integers(0, 2, d), true, rng.integers(0, 2, g), crowd,
                crowd | (rng.random(g) < 0.15),
            )
        )  # fmt: skip
    return images


def matches(image: UprightImage, category: int) -> Matches:
    own, true = image.classes == category, image.true_classes == category
    ious = upright_ious(image.found[own], image.true[true], image.crowd[true])
    return Matches(image.scores[own], ious, image.crowd[true], image.ignored[true])


@settings(max_examples=150, deadline=None)
@given(pictures(), st.sampled_from([1, 3, 100]))
def test_our_average_precision_of_upright_boxes_is_that_of_pycocotools(images, most):
    theirs = upright_ap(images, 2, most)
    for category in (0, 1):
        ours = coco_ap([matches(image, category) for image in images], most)
        assert ours.n == theirs[category].n
        assert np.allclose(ours.ap, theirs[category].ap, equal_nan=True, atol=1e-12)
        assert np.allclose(ours.recall, theirs[category].recall, equal_nan=True, atol=1e-12)


def voc_plainly(images: list[Matches], iou: float) -> tuple[float, float]:
    """As VOC's own evaluation code goes, box by box."""
    boxes = [(score, i, j) for i, image in enumerate(images) for j, score in enumerate(image.scores)]
    boxes.sort(key=lambda box: -box[0])
    n = sum(not flag for image in images for flag in image.ignored)
    seen: set[tuple[int, int]] = set()
    tp = fp = 0
    points = []
    for _, i, j in boxes:
        row = list(images[i].ious[j])
        best = max(range(len(row)), key=lambda k: row[k], default=None)
        if best is not None and row[best] >= iou:
            if images[i].ignored[best]:
                continue
            if (i, best) in seen:
                fp += 1
            else:
                seen.add((i, best))
                tp += 1
        else:
            fp += 1
        points.append((tp / n, tp / (tp + fp)))
    eleven = sum(max((p for r, p in points if r >= k / 10 - 1e-9), default=0.0) for k in range(11)) / 11
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(points):
        area += (recall - before) * max(p for _, p in points[place:])
        before = recall
    return eleven, area


@settings(max_examples=150, deadline=None)
@given(pictures())
def test_average_precision_of_voc_is_that_of_a_plain_loop(images):
    for category in (0, 1):
        each = [matches(image, category) for image in images]
        if all(image.ignored.all() for image in each):
            assert np.isnan(voc_ap(each)).all() and coco_ap(each).n == 0
        else:
            assert voc_ap(each) == pytest.approx(voc_plainly(each, 0.5), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(pictures())
def test_upright_boxes_measured_as_polygons_give_the_same(images):
    by_corners = []
    for image in images:
        true, crowd = upright_corners(image.true), image.crowd
        ious = rotated_ious(upright_corners(image.found), true, crowd)
        assert np.allclose(ious, upright_ious(image.found, image.true, crowd), atol=1e-8)
        by_corners.append(Matches(image.scores, ious, crowd, image.ignored))
    upright = [
        Matches(image.scores, upright_ious(image.found, image.true, image.crowd), image.crowd, image.ignored)
        for image in images
    ]
    assert np.allclose(coco_ap(by_corners).ap, coco_ap(upright).ap, equal_nan=True)


def test_overlap_of_rotated_boxes_is_that_of_shapely_and_of_crowds_over_the_box():
    rng = np.random.default_rng(0)
    found, true = (corners_from(*rng.uniform(0, 60, (2, n)), 30, 12, rng.uniform(0, 3, n)) for n in (7, 5))
    crowd = np.array([False, False, True, False, False])
    ious = rotated_ious(found, true, crowd)
    for i, a in enumerate(map(shapely.Polygon, found)):
        for j, b in enumerate(map(shapely.Polygon, true)):
            shared = a.intersection(b).area
            assert ious[i, j] == pytest.approx(shared / (a.area if crowd[j] else 2 * 360 - shared), abs=1e-8)
    assert rotated_ious(found, true[:0], crowd[:0]).shape == (7, 0)
    assert rotated_ious(found[:0], true, crowd).shape == (0, 5)


def one(scores: list[float], ious: list[list[float]]) -> Matches:
    table = np.array(ious, np.float64) if ious else np.zeros((0, 0))
    none = np.zeros(table.shape[1], bool)
    return Matches(np.array(scores), table, none, none)


def test_known_values():
    perfect = [one([0.9, 0.8], [[1, 0], [0, 1]]), one([], [])]
    assert coco_ap(perfect).ap.tolist() == [1.0] * 10 and voc_ap(perfect) == (1.0, 1.0)
    half = [one([0.9, 0.8], [[0.6, 0], [0, 0.3]])]
    found = coco_ap(half)
    assert found.ap[0] == pytest.approx(51 / 101) and found.ap[3] == 0 and found.recall[0] == 0.5
    assert voc_ap(half) == pytest.approx((6 / 11, 0.5))
    assert (
        coco_ap([one([], []), Matches(np.zeros(0), np.zeros((0, 1)), np.zeros(1, bool), np.zeros(1, bool))]).ap[0] == 0
    )
    # a second box on the same object is wrong by VOC, and takes the neighbour that it overlaps enough by COCO
    double = [one([0.9, 0.8], [[0.9, 0.6], [0.9, 0.6]])]
    assert voc_ap(double)[1] == pytest.approx(0.5) and coco_ap(double).ap[0] == pytest.approx(1.0)
