"""Pictures that stand alone (chips, files of a table) as linear amplitude, at their full depth."""

from __future__ import annotations

from pathlib import Path

from sarvlm_app.core.radiometry import Float32, to_amplitude
from sarvlm_app.core.scene import close_handles, default_band, open_scene, read_chip
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window


def read_picture(path: Path) -> Float32:
    """A whole picture or raster file as linear amplitude.

    Parameters
    ----------
    path : Path
        PNG, JPEG, TIFF or another file that `open_scene` takes: 8 or 16 bit,
        float, complex, dB. Of several polarisations the first co-polarised
        one is taken; colours are read as luminance.

    Returns
    -------
    float32 (h, w)
        In the unit of the file; what the file does not say about its unit is
        assumed as for scenes. 0 where there is no data.

    Raises
    ------
    SceneError
        The file is missing, no image, damaged, or holds no data anywhere.
    """
    scene = open_scene(path)
    try:
        chip = read_chip(scene, Window(0, 0, scene.width, scene.height), default_band(scene))
    finally:
        close_handles(scene)
    if not chip.valid.any():
        raise SceneError(f"{path} holds no data, every pixel is no data, zero or NaN; copy it again or take it out.")
    return to_amplitude(chip.intensity)
