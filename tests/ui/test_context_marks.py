"""What context files look like on the map: lines cut to the view, hulls to scale, many things plainly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from sarvlm_app.core.context.data import ContextData, Raster, Ship, Spots
from sarvlm_app.core.context.layers import ContextLayer, Reading, Style
from sarvlm_app.core.context.strokes import Strokes
from sarvlm_app.ui.viewer.context_marks import ContextMarks, hull_of, line_pieces, ship_words
from sarvlm_app.ui.viewer.geometry import Camera

CAMERA = Camera(100.0, 80.0, 2.0, 200, 160)
"""Shows columns 50..150 and rows 40..120."""
RED = Style("#ff0000", opacity=1.0)


def ship(place=(100.0, 80.0), **known):
    plain = {
        "mmsi": 211, "name": "", "ahead": None, "axis": None, "speed_kn": None, "course_deg": None,
        "heading_deg": None, "length_m": None, "width_m": None, "kind": "", "gap_s": 60.0, "between": True,
    }  # fmt: skip
    return Ship(place=place, **(plain | known))


def drawn(data, style=RED, marks=None):
    """Red, green, blue and opacity (160, 200, 4) of a layer drawn on nothing."""
    marks = marks or ContextMarks()
    marks.layers = [ContextLayer(1, Path("a.gpkg"), style, Reading.READY, data)]
    image = QImage(200, 160, QImage.Format.Format_RGBA8888)
    image.fill(0)
    painter = QPainter(image)
    marks.draw(painter, CAMERA)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(160, 200, 4).astype(float)


def test_lines_are_cut_to_the_view_and_keep_their_breaks(qapp):
    far = np.array([(0.0, 0.0), (10.0, 10.0), (1e7, 10.0)])
    through = np.array([(0.0, 80.0), (60.0, 80.0), (140.0, 80.0), (1e6, 80.0)])
    pieces = line_pieces(Strokes.of([far, through, through + (0, 10)], [0, 1, 2]), CAMERA)
    assert [piece.count() for piece in pieces] == [4, 4]
    assert max(abs(point.x()) for piece in pieces for point in piece) <= 30_000
    picture = drawn(ContextData((Strokes.of([through], [0]),)))
    assert picture[80, 20, 3] > 200 and picture[80, 180, 3] > 200 and picture[60, :, 3].max() == 0


def test_a_hull_is_drawn_to_scale_and_never_too_small(qapp):
    wide = hull_of(CAMERA, ship(axis=(110.0, 80.0), length_m=300.0, width_m=50.0)).boundingRect()
    assert (wide.width(), wide.height()) == pytest.approx((60.0, 10.0))  # 100 m are 20 px of the screen
    small = hull_of(CAMERA, ship(axis=(100.0, 70.0), length_m=10.0)).boundingRect()
    assert small.height() == pytest.approx(15.0)
    assert hull_of(CAMERA, ship()).boundingRect().width() == pytest.approx(12.0)


def test_what_is_hidden_is_not_drawn_and_opacity_is_kept(qapp):
    raster = ContextData(raster=Raster(np.full((80, 100, 4), 255, np.uint8), 2.0))
    assert drawn(raster)[..., 3].min() == 255
    assert drawn(raster, Style(opacity=0.5))[80, 100, 3] == pytest.approx(128, abs=2)
    assert drawn(raster, Style(visible=False)).max() == 0


@pytest.mark.parametrize("many", [40, 900])
def test_places_and_ships_are_seen_however_many(qapp, many):
    xy = np.stack([np.linspace(52, 148, many), np.full(many, 60.0)], axis=1)
    spots = ContextData(spots=Spots.of(xy, list(range(many))), names=("",) * many)
    ships = ContextData(ships=tuple(ship((float(x), 60.0)) for x, _ in xy))
    for data in (spots, ships):
        line = drawn(data)[40]
        assert (line[10:190, 0] > 150).mean() > 0.3 and drawn(data)[110].max() == 0


def test_the_nearest_thing_within_reach_is_named(qapp):
    marks = ContextMarks()
    data = ContextData(
        (Strokes.of([np.array([(60.0, 100.0), (140.0, 100.0)])], [0]),),
        Spots.of(np.array([(100.0, 90.0), (104.0, 90.0)]), [1, 2]),
        (ship((60.0, 60.0), name="NORTH STAR", length_m=150.0, speed_kn=9.0, between=False),), None,
        ("coast", "one", "two"),
    )  # fmt: skip
    drawn(data, marks=marks)
    assert marks.name_at(CAMERA, 100.5, 90.0) == "one" and marks.name_at(CAMERA, 103.0, 90.0) == "two"
    assert marks.name_at(CAMERA, 80.0, 101.0) == "coast"
    assert marks.name_at(CAMERA, 61.0, 60.0) == "NORTH STAR · 150 m · 9.0 kn · carried on 60 s"
    assert marks.name_at(CAMERA, 140.0, 60.0) == ""
    assert ship_words(ship()) == "MMSI 211 · between reports"
