"""Several looks at one picture: what they agree on stands, what one alone saw counts for less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.boxes import bbox_of, corners_from, polygon_iou, sides_px
from sarvlm_app.core.detection_looks import fused, magnified, matched
from sarvlm_app.core.detection_picture import detect_picture
from sarvlm_models.types import Detections, Float32
from tests.core.blob_detector import SHIP as BLOB
from tests.core.blob_detector import BlobDetector, add_hull, sea

NAMES = ("ship", "lorry")


def boxes(
    *rows: tuple[float, float, float, float, float], scores: tuple[float, ...], ids: tuple[int, ...] = ()
) -> Detections:
    """Detections from (col, row, length, width, angle) and scores."""
    corners = corners_from(*np.array(rows, float).reshape(-1, 5).T).astype(np.float32)
    classes = np.array(ids or [0] * len(rows), np.int32)
    return Detections(corners, bbox_of(corners), np.array(scores, np.float32), classes, NAMES, "m")


SHIP = (50.0, 40.0, 30.0, 8.0, 0.3)
OTHER = (150.0, 40.0, 30.0, 8.0, 0.3)


def test_looks_that_agree_change_nothing() -> None:
    one = boxes(SHIP, OTHER, scores=(0.9, 0.6), ids=(0, 1))
    both = fused([one, one])
    assert np.allclose(both.corners_px, one.corners_px, atol=1e-4) and np.allclose(both.bbox_px, one.bbox_px)
    assert np.allclose(both.scores, one.scores) and both.class_ids.tolist() == [0, 1]


def test_what_one_look_alone_saw_counts_for_its_share() -> None:
    first, second = boxes(SHIP, OTHER, scores=(0.8, 0.7)), boxes(SHIP, scores=(0.6,))
    both = fused([first, second])
    assert both.scores.tolist() == pytest.approx([0.7, 0.35])
    assert both.corners_px.mean(axis=1)[:, 0].tolist() == pytest.approx([50.0, 150.0])


def test_a_box_is_the_mean_by_scores_and_the_surer_look_names_it() -> None:
    first = boxes((50, 40, 30, 8, 0.1), scores=(0.25,), ids=(0,))
    second = boxes((52, 40, 34, 10, -0.1), scores=(0.75,), ids=(1,))
    both = fused([first, second])
    length, width, angle = (float(value[0]) for value in sides_px(both.corners_px))
    assert (length, width) == (pytest.approx(33.0, abs=1e-3), pytest.approx(9.5, abs=1e-3))
    assert angle == pytest.approx(np.pi - 0.0503, abs=2e-3)  # a quarter of the way from -0.1 to 0.1
    assert both.class_ids.tolist() == [1] and both.scores.tolist() == pytest.approx([0.5])


def test_three_looks_weigh_alike() -> None:
    parts = [boxes((50.0 + k, 40, 30, 8, 0.3), scores=(0.6,)) for k in range(3)]
    both = fused(parts)
    assert both.scores.tolist() == pytest.approx([0.6])
    assert both.corners_px.mean(axis=1)[0, 0] == pytest.approx(51.0, abs=1e-3)


def test_nothing_seen_is_nothing_found() -> None:
    none = Detections.empty(NAMES, "m")
    assert len(fused([none, none])) == 0
    assert fused([none, boxes(SHIP, scores=(0.8,))]).scores.tolist() == pytest.approx([0.4])


def harbour() -> Float32:
    pixels = sea(200, 220)
    for col, row, *hull in (SHIP, OTHER):
        add_hull(pixels, col, row, *hull)
    return pixels


def test_a_picture_of_unknown_spacing_is_looked_at_in_every_magnification() -> None:
    detector = BlobDetector(looks=(1.0, 1.25))
    found = detect_picture(harbour(), detector, (BLOB,), 0.1)
    assert [shape for shape, _ in detector.seen] == [(200, 220), (250, 275)]
    assert np.allclose(np.sort(found.corners_px.mean(axis=1), axis=0), [[50, 40], [150, 40]], atol=0.5)
    assert np.allclose(sides_px(found.corners_px)[0], 30, atol=1.5) and (found.scores > 0.75).all()


def test_a_known_spacing_needs_one_look() -> None:
    detector = BlobDetector(looks=(1.0, 1.25))
    detect_picture(harbour(), detector, (BLOB,), 0.1, spacing_m=10.0)
    assert [shape for shape, _ in detector.seen] == [(200, 220)]


def test_the_mean_over_looks_has_a_middle_of_its_own() -> None:
    plain = detect_picture(harbour(), BlobDetector(looks=(1.0, 1.25)), (BLOB,), 0.1).scores
    moved = detect_picture(harbour(), BlobDetector(looks=(1.0, 1.25), looks_middle=-1.0), (BLOB,), 0.1).scores
    assert np.allclose(np.log(moved / (1 - moved)), np.log(plain / (1 - plain)) + 1.0, atol=1e-4)


@pytest.mark.parametrize("zoom", [0.75, 1.0, 1.25, 1.5])
def test_a_magnified_window_keeps_its_level_and_place(zoom: float) -> None:
    image = magnified(harbour() ** 2, zoom)
    assert image.shape == (round(200 * zoom), round(220 * zoom)) and np.median(image) == pytest.approx(1.0)
    rows, cols = np.nonzero(image > 100)
    assert cols.mean() + 0.5 == pytest.approx(100 * zoom, abs=1.0) and rows.mean() + 0.5 == pytest.approx(
        40 * zoom, abs=1.0
    )


PLACES = st.lists(
    st.tuples(
        st.floats(0, 60), st.floats(0, 60), st.floats(6, 40), st.floats(3, 12), st.floats(0, 3.1), st.floats(0.01, 1)
    ),
    max_size=8,
)


@given(PLACES, PLACES)
def test_each_box_goes_with_one_of_the_other_look_at_most(
    a: list[tuple[float, ...]], b: list[tuple[float, ...]]
) -> None:
    first, second = (boxes(*(row[:5] for row in rows), scores=tuple(row[5] for row in rows)) for rows in (a, b))
    mine, theirs = matched(first.corners_px, second.corners_px)
    assert len(set(mine.tolist())) == len(mine) and len(set(theirs.tolist())) == len(theirs)
    assert (polygon_iou(first.corners_px[mine], second.corners_px[theirs]) >= 0.4).all()
    both = fused([first, second])
    assert len(both) == len(a) + len(b) - len(mine)
    assert both.scores.sum() == pytest.approx((first.scores.sum() + second.scores.sum()) / 2, rel=1e-5)
    assert (np.diff(both.scores) <= 0).all()
