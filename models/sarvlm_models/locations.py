"""Where the weights that come with the application lie."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from sarvlm_app.errors import ModelError


def weights_dir() -> Path:
    """Folder of the shipped weights: of a frozen bundle, a checkout or an installed wheel.

    Raises
    ------
    ModelError
        None of the places has it: the installation is damaged.
    """
    for place in _places():
        if place.is_dir():
            return place
    raise ModelError(
        "The folder of the shipped weights is missing from this installation: install SARVLM Desktop again."
    )


def _places() -> list[Path]:
    places: list[Path] = []
    bundle = getattr(sys, "_MEIPASS", None)  # set by PyInstaller
    if bundle is not None:
        places += [Path(bundle, "sarvlm_app", "_resources", "weights"), Path(bundle, "resources", "weights")]
    places.append(Path(__file__).resolve().parents[2] / "resources" / "weights")  # models/sarvlm_models/ of a checkout
    spec = find_spec("sarvlm_app")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        places.append(Path(folder, "_resources", "weights"))
    return places
