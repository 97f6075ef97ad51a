"""What a simulated scene is asked to be, and what it turns out to hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarvlm_app.errors import SceneError

KINDS = (
    "harbour", "open_sea", "coast", "farmland", "forest", "desert",
    "city", "industrial", "airport", "river", "vehicles", "mixed",
)  # fmt: skip

#: Pixel spacing (m), equivalent number of looks and noise floor (dB) of typical products.
PRESETS: dict[str, tuple[float, float, float]] = {
    "sentinel1": (10.0, 4.4, -23.0),
    "terrasar": (3.0, 3.0, -22.0),
    "spotlight": (1.0, 1.5, -21.0),
    "vehicle": (0.3, 1.0, -20.0),
}


def _check(ok: bool, given: str, allowed: str) -> None:
    if not ok:
        raise SceneError(f"The scene cannot be simulated with {given}: choose {allowed}.")


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """All that decides a simulated scene; equal specs give equal scenes.

    Attributes
    ----------
    width, height : int
        Pixels, at least 32 along each edge.
    spacing_m : float
        Ground metres per pixel in both directions, 0.1 to 100.
    kind : str
        One of `KINDS`.
    looks : float
        Equivalent number of looks, 1 to 64; 1 is single-look speckle.
    noise_floor_db : float
        Noise-equivalent sigma nought in dB, -60 to 0.
    look : str
        "right": lit from the left side of the picture; "left": from the right.
    seed : int
        Not negative.
    """

    width: int
    height: int
    spacing_m: float
    kind: str
    looks: float
    noise_floor_db: float
    look: str
    seed: int

    def __post_init__(self) -> None:
        _check(self.width >= 32 and self.height >= 32, f"{self.width} x {self.height} px", "at least 32 x 32")
        _check(0.1 <= self.spacing_m <= 100.0, f"a pixel spacing of {self.spacing_m} m", "0.1 to 100 m")
        _check(self.kind in KINDS, f"the kind '{self.kind}'", ", ".join(KINDS))
        _check(1.0 <= self.looks <= 64.0, f"{self.looks} looks", "1 to 64")
        _check(-60.0 <= self.noise_floor_db <= 0.0, f"a noise floor of {self.noise_floor_db} dB", "-60 to 0 dB")
        _check(self.look in ("right", "left"), f"the look direction '{self.look}'", "right or left")
        _check(self.seed >= 0, f"the seed {self.seed}", "0 or more")


@dataclass(frozen=True, slots=True)
class TruthObject:
    """One object as it appears in the picture.

    Attributes
    ----------
    label : str
        Plain words: "ship", "moored ship", "storage tank", "bridge", ...
    polygon_px : float64 (k, 2)
        Outline as (col, row), not closed; tall objects include their layover.
    length_m, width_m : float
        True size of the object on the ground, metres.
    heading_deg : float or None
        Clockwise from the top of the picture; None where it has no direction.
    """

    label: str
    polygon_px: NDArray[np.float64]
    length_m: float
    width_m: float
    heading_deg: float | None

    def __post_init__(self) -> None:
        shape = self.polygon_px.shape
        if len(shape) != 2 or shape[1] != 2 or shape[0] < 3:
            raise ValueError(f"TruthObject.polygon_px: expected (k >= 3, 2), got {shape}")
        self.polygon_px.setflags(write=False)


@dataclass(frozen=True, slots=True)
class SimulatedScene:
    """A simulated picture with its exact truth.

    Attributes
    ----------
    intensity : float32 (h, w)
        Linear, like sigma nought; the noise floor is included.
    landcover : uint8 (h, w)
        Index into `landcover_names`.
    """

    intensity: NDArray[np.float32]
    landcover: NDArray[np.uint8]
    landcover_names: tuple[str, ...]
    objects: tuple[TruthObject, ...]
    spec: SimulationSpec

    def __post_init__(self) -> None:
        if self.intensity.shape != self.landcover.shape or self.intensity.ndim != 2:
            raise ValueError(f"SimulatedScene: {self.intensity.shape} intensity, {self.landcover.shape} land cover")
        self.intensity.setflags(write=False)
        self.landcover.setflags(write=False)


def preset_spec(preset: str, kind: str, size: int = 1024, seed: int = 0) -> SimulationSpec:
    """A square right-looking scene of `size` px with the values of a preset.

    Raises
    ------
    SceneError
        Where the preset or the kind is unknown.
    """
    _check(preset in PRESETS, f"the preset '{preset}'", ", ".join(PRESETS))
    spacing, looks, floor = PRESETS[preset]
    return SimulationSpec(size, size, spacing, kind, looks, floor, "right", seed)
