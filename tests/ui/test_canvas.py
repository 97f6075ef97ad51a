"""The canvas adapter and the guard against OpenGL programs deleted while in use."""

import numpy as np
import pytest

from sarvlm_app.ui.viewer.overlay import Frame
from sarvlm_models.types import Heatmap, TextQuery, Window


@pytest.fixture
def canvas(qapp, qtbot):
    from sarvlm_app.ui.viewer.canvas import SceneCanvas

    canvas = SceneCanvas(fly_ms=0)
    canvas.resize(600, 500)
    canvas.show()
    qtbot.waitExposed(canvas)
    yield canvas
    canvas.shut_down()
    canvas.close()


def gradient_scene(width=1200, height=900):
    from sarvlm_app.ui.viewer.canvas import SceneImage

    full = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    return SceneImage([full, np.ascontiguousarray(full[::2, ::2])], width, height, (0.0, 1.0))


def mean_levels(canvas):
    """Mean grey of the left and of the right third of what is drawn."""
    image = canvas.grab().toImage()
    width, height = image.width(), image.height()
    grey = [
        [image.pixelColor(x, y).value() for x in range(x0, x1, 7) for y in range(height // 3, 2 * height // 3, 7)]
        for x0, x1 in ((20, width // 3), (2 * width // 3, width - 20))
    ]
    return [float(np.mean(values)) for values in grey]


def test_the_scene_is_drawn_and_fitted(canvas, qtbot):
    canvas.show_scene(gradient_scene())
    qtbot.waitUntil(lambda: mean_levels(canvas)[1] > 130, timeout=8_000)
    dark, bright = mean_levels(canvas)
    assert dark < 110
    camera = canvas.camera()
    assert (camera.col, camera.row) == pytest.approx((600, 450))
    assert canvas.visible_window().width == 1200


def test_flying_centres_the_place(canvas):
    canvas.show_scene(gradient_scene())
    canvas.fly_to(300.0, 200.0, 40.0)
    camera = canvas.camera()
    assert (camera.col, camera.row) == pytest.approx((300, 200))
    assert camera.zoom > 0.5


def test_a_frame_is_drawn_about_its_window_and_stays_when_the_scene_is_shown_again(canvas):
    canvas.show_scene(gradient_scene())
    canvas.look_at(600, 450, 1.0)
    canvas.show_frame(Frame(Window(500, 400, 200, 100), "Region"))
    camera, overlay = canvas.camera(), canvas.overlay
    drawn = overlay.grab().toImage()

    def blue(col, row):
        x, y = camera.to_screen(col, row)
        colours = [drawn.pixelColor(round(x) + dx, round(y) + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        return max(colour.blue() - colour.red() for colour in colours) > 80

    assert all(blue(*edge) for edge in ((500, 450), (700, 450), (600, 400), (600, 500)))
    assert not blue(600, 450)
    canvas.show_frame(Frame(Window(0, 0, 100, 100)))
    canvas.show_scene(None)
    canvas.show_scene(gradient_scene())
    assert overlay.state.frame is not None


def test_the_heat_map_lies_on_its_cells(canvas):
    canvas.show_scene(gradient_scene())
    scores = np.full((113, 150), 0.5, np.float32)
    canvas.show_heatmap(Heatmap(scores, 8.0, TextQuery("x")), 0.6)
    layer = canvas._heat
    assert tuple(layer.scale) == (8, 8)
    assert tuple(layer.translate) == (3.5, 3.5)
    assert tuple(layer.contrast_limits) == (0.5, 1.0)
    centres = np.asarray(layer.extent.world) + 0.5  # of the first and last cell, from the outer corner of the scene
    assert centres.tolist() == [[4, 4], [900, 1196]]


def test_another_scene_takes_the_old_answer_away(canvas):
    canvas.show_scene(gradient_scene())
    canvas.show_heatmap(Heatmap(np.full((10, 10), 0.9, np.float32), 8.0, TextQuery("x")), 0.6)
    canvas.show_scene(gradient_scene(300, 200))
    assert canvas.layer_names == ("SAR",)
    canvas.show_scene(None)
    assert canvas.layer_names == ()


def test_the_guard_keeps_opengl_programs(qapp):
    from vispy.gloo.glir import GlirProgram

    from sarvlm_app.ui.viewer.gl_guard import gl_guard_installed, install_gl_guard

    install_gl_guard()
    install_gl_guard()
    assert gl_guard_installed()
    assert GlirProgram.delete(object()) is None


def test_adding_and_removing_shapes_does_not_crash(canvas, qtbot):
    """Without the guard this ends in glDrawArrays (napari/napari#8471)."""
    from napari.layers import Shapes

    canvas.show_scene(gradient_scene())
    boxes = [np.array([[k, k], [k, k + 20], [k + 20, k + 20], [k + 20, k]], float) for k in range(0, 200, 20)]
    for _ in range(4):
        layer = Shapes(boxes, shape_type="polygon")
        canvas._model.layers.append(layer)
        canvas.grab()
        canvas._model.layers.remove(layer)
        canvas.grab()
    assert canvas.layer_names == ("SAR",)
