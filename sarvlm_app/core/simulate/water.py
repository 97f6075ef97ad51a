"""Sea surface, shore lines, rivers and what is built along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .canvas import Canvas, Float32
from .noise import fractal_field, gaussian_field, wave_field
from .shapes import Float64
from .surfaces import Cover


def ruffle_sea(canvas: Canvas) -> None:
    """Swell, wind streaks and calm patches on the sea that is there now."""
    rng, shape, spacing = canvas.rng, canvas.shape, canvas.spacing
    gain = np.zeros(shape, np.float32)
    wind = float(rng.uniform(0, np.pi))
    swell = rng.uniform(70, 280)
    if swell > 3 * spacing and rng.random() < 0.6:
        gain += np.float32(rng.uniform(0.2, 1.1)) * wave_field(shape, swell / spacing, wind + rng.normal(0, 0.4), rng)
    if rng.random() < 0.6:
        streak = rng.uniform(40, 150) / spacing
        gain += np.float32(rng.uniform(0.2, 0.8)) * gaussian_field(
            shape, max(streak, 0.8), rng, stretch=8.0, angle=wind
        )
    if rng.random() < 0.45:
        calm = fractal_field(shape, rng.uniform(600, 4000) / spacing, rng, slope=3.6, finest_px=60 / spacing)
        edge, depth = rng.uniform(0.6, 1.8), rng.uniform(2, 7)
        gain -= np.float32(depth) / (1 + np.exp(np.clip((edge - calm) * 8, -30, 30)))
    if rng.random() < 0.4:
        gain += np.float32(rng.uniform(0.5, 2.0)) * gaussian_field(shape, max(shape) * 0.4, rng)
    sea = canvas.cover == Cover.SEA
    canvas.gain_db[sea] += gain[sea]


def coast_distance(canvas: Canvas, water_share: float, towards_deg: float, roughness: float) -> Float32:
    """Metres inland (negative at sea) of a ragged shore, float32 (h, w).

    Parameters
    ----------
    water_share : float
        Part of the scene that lies at sea, 0..1.
    towards_deg : float
        Heading from land to sea.
    roughness : float
        Amplitude of bays and headlands as a share of the scene; 0 is straight.
    """
    x, y = canvas.grid()
    angle = np.deg2rad(towards_deg)
    inland = -(x * np.float32(np.sin(angle)) - y * np.float32(np.cos(angle)))
    field = np.broadcast_to(inland, canvas.shape).astype(np.float32)
    if roughness > 0:
        longest = float(canvas.rng.uniform(0.2, 0.8)) * max(canvas.shape)
        amplitude = np.float32(roughness * canvas.size_m.min())
        field = field + amplitude * fractal_field(
            canvas.shape, longest, canvas.rng, slope=canvas.rng.uniform(3.2, 4.2), finest_px=20 / canvas.spacing
        )
    return np.asarray(field - np.quantile(field[::4, ::4], water_share), dtype=np.float32)


def lay_sea(canvas: Canvas, inland: Float32, beach_m: float) -> None:
    """Flood what lies seaward and put a beach of about this width along the shore."""
    sea = inland < 0
    canvas.flood(sea, Cover.SEA)
    if beach_m <= 0 or sea.all() or not sea.any():
        return
    reach = np.asarray(ndimage.distance_transform_edt(~sea), np.float32) * np.float32(canvas.spacing)
    width = beach_m * np.exp(0.6 * gaussian_field(canvas.shape, 200 / canvas.spacing, canvas.rng))
    strip = ~sea & (reach < width)
    canvas.flood(strip, Cover.BEACH)
    surf = sea & (ndimage.binary_dilation(strip, iterations=max(1, int(12 / canvas.spacing))))
    canvas.gain_db[surf] += np.float32(canvas.rng.uniform(0, 5))


def lay_lakes(canvas: Canvas, share: float, on: tuple[Cover, ...]) -> None:
    """Lakes in the hollows of a fractal field, about `share` of the scene."""
    longest = canvas.rng.uniform(300, 1500) / canvas.spacing
    hollow = fractal_field(canvas.shape, longest, canvas.rng, slope=3.6, finest_px=30 / canvas.spacing)
    lake = (hollow < np.quantile(hollow[::4, ::4], share)) & np.isin(canvas.cover, on) & ~canvas.taken
    canvas.flood(lake, Cover.LAKE)
    canvas.taken |= lake


@dataclass(frozen=True, slots=True)
class Course:
    """A winding line across the scene, given along a straight axis.

    Attributes
    ----------
    along, offset : float64 (k,)
        Metres along the axis and to its right.
    origin : float64 (2,)
    heading_deg : float
    """

    along: Float64
    offset: Float64
    origin: Float64
    heading_deg: float

    @classmethod
    def draw(cls, canvas: Canvas, bend: float, heading_deg: float, through: Float64) -> Course:
        """A course of gentle bends; `bend` is their amplitude as a share of the scene."""
        rng, reach = canvas.rng, float(np.hypot(*canvas.size_m))
        along = np.linspace(-reach, reach, 800)
        offset = np.zeros_like(along)
        for _ in range(4):
            period = reach * rng.uniform(0.25, 1.4)
            offset += rng.normal(0, 0.5) * period / reach * np.sin(2 * np.pi * along / period + rng.uniform(0, 6.3))
        return cls(along, offset * bend * reach, through, heading_deg)

    def point(self, along: float) -> tuple[Float64, float]:
        """Scene metres of the course at an axis position, and its heading there in degrees."""
        offset = float(np.interp(along, self.along, self.offset))
        slope = (np.interp(along + 5, self.along, self.offset) - np.interp(along - 5, self.along, self.offset)) / 10
        angle = np.deg2rad(self.heading_deg)
        ahead, side = np.array([np.sin(angle), -np.cos(angle)]), np.array([np.cos(angle), np.sin(angle)])
        return self.origin + along * ahead + offset * side, float(self.heading_deg + np.degrees(np.arctan(slope)))

    def distance(self, canvas: Canvas) -> tuple[Float32, Float32]:
        """Distance of every pixel from the course and its axis position, metres, float32 (h, w) each."""
        x, y = canvas.grid()
        dx, dy = x - np.float32(self.origin[0]), y - np.float32(self.origin[1])
        angle = np.deg2rad(self.heading_deg)
        s = (dx * np.sin(angle) - dy * np.cos(angle)).astype(np.float32)
        t = (dx * np.cos(angle) + dy * np.sin(angle)).astype(np.float32)
        position = (s - self.along[0]) / (self.along[1] - self.along[0])
        low = np.clip(position.astype(np.intp), 0, self.along.size - 2)
        slope = np.diff(self.offset) / np.diff(self.along)
        centre = self.offset[low] + (s - self.along[low]) * slope[low]
        return (np.abs(t - centre) / np.sqrt(1 + slope[low] ** 2)).astype(np.float32), s


def lay_river(canvas: Canvas, course: Course, width: float) -> None:
    """A river of about this width, with banks of trees in places."""
    away, along = course.distance(canvas)
    half = width / 2 * (1 + 0.2 * np.sin(along / (6 * width) + canvas.rng.uniform(0, 6)))
    river = (away < half) & ~np.isin(canvas.cover, (Cover.SEA,))
    canvas.flood(river, Cover.RIVER)
    canvas.taken |= away < half + 15
    trees = (away >= half) & (away < half + canvas.rng.uniform(8, 30)) & ~river & (canvas.cover != Cover.SEA)
    wooded = gaussian_field(canvas.shape, 150 / canvas.spacing, canvas.rng) > canvas.rng.uniform(-0.5, 1.5)
    grow = trees & wooded
    canvas.cover[grow] = Cover.FOREST
    canvas.height[grow] = 9.0


def lay_road(canvas: Canvas, course: Course, width: float) -> None:
    """A road on land; it leaves water alone."""
    away, _ = course.distance(canvas)
    road = (away < max(width / 2, 0.52 * canvas.spacing)) & ~np.isin(canvas.cover, (Cover.SEA, Cover.RIVER, Cover.LAKE))
    canvas.flood(road, Cover.ROAD)
    canvas.taken |= road
