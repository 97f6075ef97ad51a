"""What stands on the command line and has to be text."""

from __future__ import annotations

import argparse

from sarvlm_app.core.derived.calibrated import calibrated
from sarvlm_app.core.products.types import Scene
from sarvlm_app.core.radiometry import Calibration
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import QueryError, SceneError


def is_text(given: str) -> bool:
    """Whether all of it is text in the terminal's encoding; Python carries other bytes as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in given)


def require_text(given: str) -> None:
    """Refuse a question with bytes that are no text.

    Raises
    ------
    QueryError
    """
    if not is_text(given):
        raise QueryError("The question holds bytes that are no text in this terminal's encoding; type it in UTF-8.")


def open_given(name: str, part: str | None = None) -> Scene:
    """The scene of that name; of a product with several images the one named `part`.

    Raises
    ------
    SceneError
        It cannot be opened, or its name is no text, which GDAL does not take.
    """
    if not is_text(name):
        raise SceneError(f"{name} has a name that is no text in this system's encoding; rename the file.")
    return open_scene(name, part)


def open_wanted(name: str, options: argparse.Namespace) -> Scene:
    """The scene of that name as `--part`, `--calibrate` and `--remove-noise` want it.

    Raises
    ------
    SceneError
        It cannot be opened, has no such part, or cannot be calibrated so.
    QueryError
        Noise can only be removed with a calibration.
    """
    scene = open_given(name, options.part)
    if options.calibrate is not None:
        return calibrated(scene, Calibration(options.calibrate), remove_noise=options.remove_noise)
    if options.remove_noise:
        raise QueryError("--remove-noise needs a calibration; add --calibrate sigma0, beta0 or gamma0.")
    return scene
