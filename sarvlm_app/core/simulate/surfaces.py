"""Land-cover classes and how each scatters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Cover(IntEnum):
    """Land-cover classes; the value is the one in `SimulatedScene.landcover`."""

    SEA = 0
    LAKE = 1
    RIVER = 2
    BEACH = 3
    FIELD = 4
    GRASSLAND = 5
    FOREST = 6
    BARE_SOIL = 7
    DESERT = 8
    ROAD = 9
    RUNWAY = 10
    APRON = 11
    RESIDENTIAL = 12
    CITY = 13
    INDUSTRIAL = 14
    PORT = 15
    PIER = 16
    BREAKWATER = 17
    BRIDGE = 18
    PARKING = 19
    TANK_FARM = 20
    ROCK = 21


@dataclass(frozen=True, slots=True)
class Surface:
    """Mean backscatter and texture of a land-cover class.

    Attributes
    ----------
    name : str
    mean_db, spread_db : float
        Mean sigma nought and its standard deviation from scene to scene.
    order : float
        Order of the gamma texture at `grain_m`; small is spiky, large is smooth.
    grain_m : float
        Correlation length of the texture, metres.
    patch_db : float
        Standard deviation of the slow variation over some hundred metres.
    """

    name: str
    mean_db: float
    spread_db: float
    order: float
    grain_m: float
    patch_db: float


SURFACES: dict[Cover, Surface] = {
    Cover.SEA: Surface("sea", -18.5, 2.0, 30.0, 15.0, 0.7),
    Cover.LAKE: Surface("lake", -22.5, 1.5, 60.0, 15.0, 0.5),
    Cover.RIVER: Surface("river", -21.5, 1.5, 50.0, 15.0, 0.5),
    Cover.BEACH: Surface("beach", -15.5, 1.5, 20.0, 6.0, 0.8),
    Cover.FIELD: Surface("field", -11.0, 1.2, 14.0, 5.0, 0.4),
    Cover.GRASSLAND: Surface("grassland", -12.5, 1.2, 8.0, 6.0, 0.9),
    Cover.FOREST: Surface("forest", -8.0, 1.0, 3.0, 5.0, 0.7),
    Cover.BARE_SOIL: Surface("bare soil", -13.5, 1.5, 9.0, 8.0, 1.2),
    Cover.DESERT: Surface("desert", -16.5, 1.8, 9.0, 20.0, 1.6),
    Cover.ROAD: Surface("road", -19.0, 1.2, 25.0, 4.0, 0.3),
    Cover.RUNWAY: Surface("runway", -21.5, 1.0, 60.0, 5.0, 0.2),
    Cover.APRON: Surface("airport apron", -19.0, 1.2, 25.0, 5.0, 0.4),
    Cover.RESIDENTIAL: Surface("residential area", -9.0, 1.0, 1.2, 2.5, 0.9),
    Cover.CITY: Surface("city", -8.0, 1.0, 0.9, 2.5, 1.0),
    Cover.INDUSTRIAL: Surface("industrial area", -11.5, 1.2, 0.9, 2.5, 1.2),
    Cover.PORT: Surface("port", -12.0, 1.2, 0.9, 2.5, 1.0),
    Cover.PIER: Surface("pier", -11.0, 1.5, 1.2, 2.5, 0.8),
    Cover.BREAKWATER: Surface("breakwater", -5.0, 1.5, 1.2, 2.5, 0.6),
    Cover.BRIDGE: Surface("bridge", -7.0, 1.5, 1.5, 2.5, 0.4),
    Cover.PARKING: Surface("parking lot", -16.0, 1.2, 3.0, 2.5, 0.4),
    Cover.TANK_FARM: Surface("oil tank farm", -14.0, 1.2, 2.0, 2.5, 0.6),
    Cover.ROCK: Surface("rocky hills", -10.0, 1.2, 2.5, 7.0, 1.5),
}

LANDCOVER_NAMES: tuple[str, ...] = tuple(SURFACES[cover].name for cover in Cover)
WATER = (Cover.SEA, Cover.LAKE, Cover.RIVER)
