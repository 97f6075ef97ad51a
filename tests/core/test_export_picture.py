"""The annotated picture shows the scene, the heat map, the candidates and what was asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sarvlm_app.core.export.caption_strip import caption_strip, nice_length, verdict
from sarvlm_app.core.export.lettering import font, wrap
from sarvlm_app.core.export.picture import LONGEST_PX, picture_shape, render_picture, write_picture
from sarvlm_app.core.export.ramp import heat_colours, heat_opacity
from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.errors import StorageError
from sarvlm_models.types import Float32
from tests.core.export_answers import Place, gcp_georef, make_answer, make_scene, utm_georef, write_scene

STRETCH = Stretch(0.0, 40.0, "dB", "manual")


def sea(width: int, height: int) -> Float32:
    """Amplitude 10 (20 dB, mid grey under STRETCH), without data in the lower right corner."""
    values = np.full((height, width), 10.0, dtype=np.float32)
    values[-height // 4 :, -width // 4 :] = np.nan
    return values


def test_scene_keeps_its_shape_and_is_grey_where_nothing_stands_out() -> None:
    picture = np.asarray(render_picture(make_answer(make_scene(1200, 1000, utm_georef())), sea(1200, 1000), STRETCH))
    assert picture.shape[1] == 1200
    scene = picture[:1000]
    assert np.abs(scene[500, 600].astype(int) - 128).max() <= 1
    assert scene[990, 1190].max() < 30, "no data is dark"


def test_the_scene_is_read_reduced_where_no_values_are_given(tmp_path: Path) -> None:
    pixels = np.full((500, 3000), 40, dtype=np.uint8)
    pixels[:, :1500] = 200
    picture = np.asarray(render_picture(make_answer(write_scene(tmp_path / "s.tif", pixels))))
    assert picture.shape[1] == 2400
    assert picture[200, 600].min() > 200 and picture[200, 1800].max() < 60


def test_heat_is_drawn_above_the_threshold_only_and_where_it_lies() -> None:
    places = [Place(0.95, (400, 200, 160, 160)), Place(0.55, (800, 600, 160, 160))]
    answer = replace(make_answer(make_scene(1200, 1000), places, threshold=0.6), candidates=())
    scene = np.asarray(render_picture(answer, sea(1200, 1000), STRETCH))[:1000].astype(int)
    coloured = np.ptp(scene, axis=2) > 20
    rows, cols = np.nonzero(coloured)
    assert abs(cols.min() - 400) <= 8 and abs(cols.max() - 560) <= 8
    assert abs(rows.min() - 200) <= 8 and abs(rows.max() - 360) <= 8


def test_cells_that_reach_beyond_the_scene_do_not_shift_the_heat() -> None:
    """1001 px are 16 cells of 64 px that reach to 1024: the last one is cut, not squeezed."""
    answer = make_answer(make_scene(1001, 1001), [Place(0.95, (448, 448, 64, 64))], cell_px=64.0)
    answer = replace(answer, candidates=())
    scene = np.asarray(render_picture(answer, sea(1001, 1001), STRETCH))[:1001].astype(int)
    rows, cols = np.nonzero(np.ptp(scene, axis=2) > 20)
    assert abs((cols.min() + cols.max()) / 2 - 480) <= 2
    assert abs((rows.min() + rows.max()) / 2 - 480) <= 2


def test_candidates_are_circled() -> None:
    answer = make_answer(make_scene(1200, 1000), [Place(0.95, (400, 200, 80, 80))])
    plain = np.asarray(render_picture(replace(answer, candidates=()), sea(1200, 1000), STRETCH))
    marked = np.asarray(render_picture(answer, sea(1200, 1000), STRETCH))
    rows, cols = np.nonzero((plain != marked)[:1000].any(axis=2))
    assert 380 < cols.min() < 402 and 478 < cols.max() < 530
    assert 150 < rows.min() < 202 and 278 < rows.max() < 300


@given(width=st.integers(1, 60_000), height=st.integers(1, 60_000))
def test_picture_shape_is_bounded(width: int, height: int) -> None:
    rows, cols = picture_shape(width, height)
    assert 1 <= rows <= min(height, LONGEST_PX) and 1 <= cols <= min(width, LONGEST_PX)


@pytest.mark.parametrize("size", [(1, 1), (64, 48), (2400, 30), (40, 2400)])
def test_odd_scenes_are_drawn(size: tuple[int, int], tmp_path: Path) -> None:
    answer = make_answer(make_scene(*size, gcp_georef(*size), simulated=True), [Place(0.9, (0, 0, 1, 1))])
    write_picture(answer, tmp_path / "p.png", np.ones((size[1], size[0]), dtype=np.float32), STRETCH)
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.width >= 900


def test_a_simulated_scene_is_marked() -> None:
    answer = make_answer(make_scene(1200, 1000))
    real = np.asarray(render_picture(answer, sea(1200, 1000), STRETCH))
    simulated = replace(answer, scene=replace(answer.scene, simulated=True))
    marked = np.asarray(render_picture(simulated, sea(1200, 1000), STRETCH))
    assert (real[:60, :250] != marked[:60, :250]).any()


def test_the_png_tells_the_question(tmp_path: Path) -> None:
    answer = make_answer(make_scene(600, 500), text="piers – naïve")
    write_picture(answer, tmp_path / "p.png", sea(600, 500), STRETCH)
    with Image.open(tmp_path / "p.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.info["Title"] == "piers – naïve"
        assert "Nothing stands out" in picture.info["Description"]
    assert [p.name for p in tmp_path.iterdir()] == ["p.png"]


def test_a_missing_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        write_picture(make_answer(make_scene(600, 500)), tmp_path / "no" / "p.png", sea(600, 500), STRETCH)


def test_verdict_names_places_nothing_and_a_part() -> None:
    answer = make_answer(make_scene(), [Place(0.9, (8, 8, 8, 8))], threshold=0.65)
    assert verdict(answer) == "1 place stands out above 0.65."
    assert verdict(replace(answer, candidates=(), stands_out=False)) == "Nothing stands out above 0.65."
    assert "part of the scene" in verdict(replace(answer, complete=False))


def test_a_long_question_makes_the_strip_taller_not_wider() -> None:
    short = caption_strip(make_answer(make_scene()), 1000, 1.0)
    long = caption_strip(make_answer(make_scene(), text="ships near the quay " * 40), 1000, 1.0)
    assert long.width == short.width == 1000
    assert short.height < long.height < 2 * short.height


def test_letters_that_the_font_lacks_are_no_empty_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_app.core.export.lettering.OTHERS", ())
    accented, plain = (caption_strip(make_answer(make_scene(), text=text), 1000, 1.0) for text in ("naïve–", "naive-"))
    assert accented.tobytes() == plain.tobytes()


@given(words=st.lists(st.text(st.characters(codec="latin-1", exclude_categories=["C", "Z"]), min_size=1, max_size=90)))
def test_wrapped_lines_fit_and_lose_nothing(words: list[str]) -> None:
    small = font(13)
    lines = wrap(" ".join(words), small, 200.0, most=10_000)
    assert all(small.getlength(line) <= 200.0 for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(words)


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    lines = wrap("ships " * 100, font(13), 200.0, most=2)
    assert len(lines) == 2
    assert lines[-1].endswith("\u2026")
    assert font(13).getlength(lines[-1]) <= 200.0


@given(longest=st.floats(1e-3, 1e7))
def test_bar_lengths_are_round_and_fill_the_room(longest: float) -> None:
    length = nice_length(longest)
    assert 0.4 * longest <= length * (1 + 1e-9) and length <= longest * (1 + 1e-6)
    assert float(f"{length:.6e}"[0]) in (1, 2, 5)


def test_the_ramp_has_a_fixed_meaning() -> None:
    scores = np.array([np.nan, 0.0, 0.5, 0.59, 0.6, 0.8, 1.0], dtype=np.float32)
    colours = heat_colours(scores)
    assert (colours[:3] == colours[0]).all()
    assert (np.diff(colours[2:].astype(int).sum(axis=1)) > 0).all(), "brighter means a stronger match"
    opacity = heat_opacity(scores, np.float32(0.6).item())
    assert (opacity[:4] == 0).all() and (opacity[4:] > 0.4).all() and (np.diff(opacity[4:]) > 0).all()
