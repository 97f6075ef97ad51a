"""The scene while it is being laid out: surfaces, heights, scatterers, truth.

Everything here is in metres from the top left corner, lit from the left;
`scene.py` mirrors the finished picture for a left-looking sensor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .shapes import Float64, polygon_mask
from .spec import SimulationSpec, TruthObject
from .surfaces import Cover

Float32 = NDArray[np.float32]
#: Classes that belong to one object and go with it.
BUILT = (Cover.BRIDGE, Cover.PIER, Cover.BREAKWATER, Cover.RUNWAY)


@dataclass(slots=True)
class Canvas:
    """Working state of one scene.

    Attributes
    ----------
    incidence : float
        Incidence angle, radians.
    delay_s : float
        Slant range over platform speed: a target that moves in range at v is
        imaged v times this off along azimuth.
    cover : uint8 (h, w)
        `Cover` of each pixel.
    gain_db : float32 (h, w)
        Departure of a pixel's backscatter from its class mean.
    extra : float32 (h, w)
        Linear backscatter of objects, added to the ground's.
    height : float32 (h, w)
        Metres above the ground: layover and shadow come from it.
    taken : bool (h, w)
        Ground that holds something already.
    """

    spec: SimulationSpec
    rng: np.random.Generator
    incidence: float
    delay_s: float
    cover: NDArray[np.uint8]
    gain_db: Float32
    extra: Float32
    height: Float32
    taken: NDArray[np.bool_]
    points: list[Float64] = field(default_factory=list)
    rcs: list[Float64] = field(default_factory=list)
    objects: list[TruthObject] = field(default_factory=list)

    @classmethod
    def blank(cls, spec: SimulationSpec, rng: np.random.Generator, ground: Cover) -> Canvas:
        """An even surface of one class."""
        shape = (spec.height, spec.width)
        gain, extra, height = (np.zeros(shape, np.float32) for _ in range(3))
        cover = np.full(shape, ground, np.uint8)
        incidence, delay = float(np.deg2rad(rng.uniform(24, 46))), float(rng.uniform(15, 115))
        return cls(spec, rng, incidence, delay, cover, gain, extra, height, np.zeros(shape, bool))

    @property
    def shape(self) -> tuple[int, int]:
        return self.spec.height, self.spec.width

    @property
    def size_m(self) -> Float64:
        """Width and height of the scene in metres."""
        return np.array([self.spec.width, self.spec.height]) * self.spec.spacing_m

    @property
    def spacing(self) -> float:
        return self.spec.spacing_m

    def grid(self) -> tuple[Float32, Float32]:
        """Pixel centres in metres: x (1, w) and y (h, 1)."""
        x = (np.arange(self.spec.width, dtype=np.float32) + 0.5) * np.float32(self.spacing)
        y = (np.arange(self.spec.height, dtype=np.float32) + 0.5) * np.float32(self.spacing)
        return x[None, :], y[:, None]

    def layover_m(self, height: float) -> float:
        """How far a point at this height is imaged towards the sensor, metres."""
        return float(height / np.tan(self.incidence))

    def mask(self, outline: Float64) -> tuple[slice, slice, NDArray[np.bool_]] | None:
        """Pixels of an outline in metres, or None outside the scene."""
        return polygon_mask(outline / self.spacing, self.shape)

    def clear(self, area: NDArray[np.bool_]) -> None:
        """Take away all that stands on an area, bool (h, w), and the whole of what reaches well into it."""
        area = area | self._forget(area)
        self.height[area] = 0.0
        self.extra[area] = 0.0
        self.gain_db[area] = 0.0
        if self.points:
            xy, rcs = np.concatenate(self.points), np.concatenate(self.rcs)
            keep = ~self._inside(area, xy)
            self.points, self.rcs = [xy[keep]], [rcs[keep]]

    def _forget(self, area: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Strike objects that reach into an area from the truth; where they stood, bool (h, w)."""
        gone = np.zeros(self.shape, bool)
        if not self.objects:
            return gone
        sizes = np.array([len(thing.polygon_px) for thing in self.objects])
        corners = np.concatenate([thing.polygon_px for thing in self.objects]) * self.spacing
        share = np.bincount(np.repeat(np.arange(sizes.size), sizes), self._inside(area, corners), sizes.size) / sizes
        for thing, drowned in zip(self.objects, share, strict=True):
            found = polygon_mask(thing.polygon_px, self.shape) if drowned >= 0.3 else None
            if found is not None:
                gone[found[0], found[1]] |= found[2]
        self.cover[gone & np.isin(self.cover, BUILT)] = Cover.GRASSLAND
        self.objects = [thing for thing, drowned in zip(self.objects, share, strict=True) if drowned < 0.3]
        return gone

    def clear_outline(self, outline: Float64) -> None:
        """`clear` inside an outline in metres."""
        found = self.mask(outline)
        if found is not None:
            rows, cols, inside = found
            area = np.zeros(self.shape, bool)
            area[rows, cols] = inside
            self.clear(area)

    def _inside(self, area: NDArray[np.bool_], xy: Float64) -> NDArray[np.bool_]:
        px = np.floor(xy / self.spacing).astype(np.intp)
        ok = (px >= 0).all(1) & (px[:, 0] < self.shape[1]) & (px[:, 1] < self.shape[0])
        safe = np.where(ok[:, None], px, 0)
        return np.asarray(ok & area[safe[:, 1], safe[:, 0]])

    def flood(self, area: NDArray[np.bool_], cover: Cover) -> None:
        """Clear an area and give it a class."""
        self.clear(area)
        self.cover[area] = cover

    def paint(self, outline: Float64, cover: Cover, gain_db: float = 0.0) -> None:
        """Give an area a class (and its level above the class mean); it is flat and taken afterwards."""
        found = self.mask(outline)
        if found is None:
            return
        rows, cols, inside = found
        self.cover[rows, cols][inside] = cover
        self.gain_db[rows, cols][inside] = gain_db
        self.height[rows, cols][inside] = 0.0
        self.taken[rows, cols][inside] = True

    def raise_to(self, outline: Float64, height: float, extra: float) -> None:
        """Put a flat-topped body on an outline; `extra` is its linear backscatter."""
        found = self.mask(outline)
        if found is None:
            return
        rows, cols, inside = found
        self.height[rows, cols][inside] = height
        self.extra[rows, cols][inside] = extra
        self.gain_db[rows, cols][inside] = -6.0
        self.taken[rows, cols][inside] = True

    def raise_boxes(self, centre: Float64, size: Float64, heading_deg: Float64, extra: Float64) -> None:
        """`raise_to` for many boxes at once.

        Parameters
        ----------
        centre : float64 (n, 2)
        size : float64 (n, 3)
            Length, width and height in metres.
        heading_deg, extra : float64 (n,)
        """
        reach = np.ceil(np.hypot(size[:, 0], size[:, 1]) / 2 / self.spacing + 1).astype(np.intp)
        for radius in np.unique(reach):
            group = np.flatnonzero(reach == radius)
            steps = np.arange(-radius, radius + 1)
            room = max(1, 1_000_000 // steps.size**2)
            for first in range(0, group.size, room):
                self._raise_group(group[first : first + room], steps, (centre, size, heading_deg, extra))

    def _raise_group(self, which: NDArray[np.intp], steps: NDArray[np.intp], boxes: tuple[Float64, ...]) -> None:
        centre, size, heading, extra = (part[which] for part in boxes)
        home = np.floor(centre / self.spacing).astype(np.intp)
        col, row = home[:, :1, None] + steps[None, None, :], home[:, 1:, None] + steps[None, :, None]
        dx, dy = (col + 0.5) * self.spacing - centre[:, :1, None], (row + 0.5) * self.spacing - centre[:, 1:, None]
        angle = np.deg2rad(heading)[:, None, None]
        along, across = dx * np.sin(angle) - dy * np.cos(angle), dx * np.cos(angle) + dy * np.sin(angle)
        inside = (np.abs(along) <= size[:, 0, None, None] / 2) & (np.abs(across) <= size[:, 1, None, None] / 2)
        inside &= (col >= 0) & (row >= 0) & (col < self.shape[1]) & (row < self.shape[0])
        owner, _, _ = np.nonzero(inside)
        flat = (row * self.shape[1] + col)[inside]
        self.height.reshape(-1)[flat] = size[owner, 2]
        self.extra.reshape(-1)[flat] = extra[owner]
        self.gain_db.reshape(-1)[flat] = -6.0
        self.taken.reshape(-1)[flat] = True

    def stroke(self, line: Float64, width: float, cover: Cover) -> None:
        """Paint a polyline (k, 2) of some width, at least one pixel wide."""
        width = max(width, 1.05 * self.spacing)
        for start, end in zip(line[:-1], line[1:], strict=True):
            step = end - start
            length = float(np.hypot(*step))
            if length == 0.0:
                continue
            side = np.array([-step[1], step[0]]) / length * width / 2
            grow = step / length * width * 0.3
            self.paint(
                np.array([start - grow + side, end + grow + side, end + grow - side, start - grow - side]), cover
            )

    def free(self, outline: Float64, *, on: tuple[Cover, ...] | None = None, inside: bool = True) -> bool:
        """Whether an area holds nothing yet, is of the classes `on` and (if asked) lies wholly in the scene."""
        if inside and ((outline < 0).any() or (outline > self.size_m).any()):
            return False
        found = self.mask(outline)
        if found is None:
            return False
        rows, cols, within = found
        if not within.any() or self.taken[rows, cols][within].any():
            return False
        return on is None or bool(np.isin(self.cover[rows, cols][within], on).all())

    def reserve(self, outline: Float64) -> None:
        """Keep later objects off an area."""
        found = self.mask(outline)
        if found is not None:
            rows, cols, inside = found
            self.taken[rows, cols][inside] = True

    def scatter(self, xy: Float64, rcs: Float64) -> None:
        """Add point scatterers at (n, 2) metres with radar cross sections (n,) in square metres."""
        if len(xy):
            self.points.append(np.asarray(xy, np.float64))
            self.rcs.append(np.broadcast_to(np.asarray(rcs, np.float64), (len(xy),)))

    def record(self, label: str, outline: Float64, size_m: tuple[float, float], heading: float | None) -> None:
        """Add to the truth what can be seen of an object; nothing where its centre lies outside."""
        centre = outline.mean(0)
        if (centre < 0).any() or (centre > self.size_m).any():
            return
        if np.ptp(outline, axis=0).max() < 1.5 * self.spacing:
            return
        turned = None if heading is None else float(heading % 360.0)
        self.objects.append(TruthObject(label, outline / self.spacing, float(size_m[0]), float(size_m[1]), turned))
