"""A second picture over the scene on the same canvas: the other scene, or the change; cut at the divider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.utils import Colormap
from vispy.visuals.filters import Clipper

from .change_colours import change_stops
from .plain_image import PlainImage

NAME = "Other scene"
_TALL = 1e6
_NOTHING = (0.02, 0.02, 0.04, 1.0)
"""Where the other scene holds no data, and it must not look as if this one went on."""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Values at the ends of the colour map; with a threshold it is the change's, in dB about 0, else greys."""

    limits: tuple[float, float]
    threshold: float | None = None


class SecondImage:
    """Puts one more image layer directly above the scene.

    Parameters
    ----------
    model : ViewerModel
    insert : callable
        The canvas's own way of adding a layer at a place.
    canvas : callable
        Gives napari's canvas, where the layer's visual is found to be cut.
    """

    def __init__(
        self, model: ViewerModel, insert: Callable[[int, PlainImage], None], canvas: Callable[[], Any]
    ) -> None:
        self._model, self._insert, self._canvas = model, insert, canvas
        self._layer: PlainImage | None = None
        self._clipper: Clipper | None = None

    @property
    def shown(self) -> bool:
        """Whether there is one."""
        return self._layer is not None

    def show(self, levels: Sequence[Any], cell: tuple[int, int], look: SecondLook) -> None:
        """Shows other levels (finest first), each pixel `cell` columns and rows of the scene."""
        self.clear()
        cols, rows = cell
        layer = PlainImage(
            list(levels) if len(levels) > 1 else levels[0],
            name=NAME,
            multiscale=len(levels) > 1,
            scale=(rows, cols),
            translate=((rows - 1) / 2, (cols - 1) / 2),
            contrast_limits=look.limits,
            colormap=_colormap(look),
            interpolation2d="nearest" if look.threshold is not None else "linear",
            blending="translucent",
        )
        self._insert(1, layer)
        self._layer = layer

    def set_look(self, look: SecondLook) -> None:
        """Changes limits and threshold."""
        layer = self._layer
        if layer is None:
            return
        low, high = look.limits
        if (low, high) != tuple(layer.contrast_limits):
            reach = high - low
            layer.contrast_limits_range = (low - reach, high + reach)
            layer.contrast_limits = (low, high)
        layer.colormap = _colormap(look)

    def set_opacity(self, opacity: float) -> None:
        """0 hides it without reading it again when it comes back."""
        if self._layer is not None and self._layer.opacity != opacity:
            self._layer.opacity = opacity

    def refresh(self) -> None:
        """Reads what is in view again."""
        if self._layer is not None:
            self._layer.refresh()

    def cut_at(self, x: float | None) -> None:
        """Shows it right of `x` screen pixels only; None shows all of it."""
        if self._layer is None:
            return
        canvas = self._canvas()
        if self._clipper is None:
            if x is None:
                return
            self._clipper = Clipper((0.0, -_TALL, _TALL, 2 * _TALL))
            canvas.layer_to_visual[self._layer].node.attach(self._clipper)
        left = -_TALL if x is None else x * canvas.native.devicePixelRatioF()
        self._clipper.bounds = (left, -_TALL, 2 * _TALL, 2 * _TALL)
        canvas.native.update()

    def clear(self) -> None:
        """Takes it away."""
        layer, self._layer, self._clipper = self._layer, None, None
        if layer is not None and layer in self._model.layers:
            self._model.layers.remove(layer)

    def shut_down(self) -> None:
        """The canvas goes."""
        self.clear()
        self._model = ViewerModel()
        self._insert = lambda _place, _layer: None
        self._canvas = lambda: None


def _colormap(look: SecondLook) -> Colormap:
    if look.threshold is None:
        grey = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
        return Colormap(grey, name="other scene", nan_color=_NOTHING)
    share = look.threshold / look.limits[1]
    controls, colours = change_stops(share)
    return Colormap(colours, controls=controls, name=f"change {share:.4f}", nan_color=(0.0, 0.0, 0.0, 0.0))
