"""From a laid out canvas to a speckled picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .canvas import Canvas, Float32
from .noise import gaussian_field, to_gamma
from .surfaces import SURFACES, Cover

Complex64 = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Response:
    """The sensor's impulse response as a separable spectral window.

    Attributes
    ----------
    band : (azimuth, range)
        Share of the sampled bandwidth that holds signal; 1 / band is the
        resolution in pixels.
    pedestal : float
        1 is an even spectrum (a sinc, first sidelobe -13 dB); 0.54 is Hamming.
    """

    band: tuple[float, float]
    pedestal: float

    @classmethod
    def draw(cls, spacing_m: float, rng: np.random.Generator) -> Response:
        """A response such as products of this spacing have."""
        low, high = (0.5, 0.62) if spacing_m >= 8 else (0.6, 0.9)
        band = (float(rng.uniform(low, high)), float(rng.uniform(low, high)))
        return cls(band, float(rng.choice([1.0, 0.8, 0.6, 0.54])))

    def window(self, count: int, axis: int) -> Float32:
        """Spectral weights of one axis (FFT order), scaled so that white noise keeps its power."""
        k = np.fft.fftfreq(count)
        half = self.band[axis] / 2
        weight = np.where(np.abs(k) <= half, self.pedestal + (1 - self.pedestal) * np.cos(np.pi * k / half), 0.0)
        return np.asarray(weight / np.sqrt(np.mean(weight**2)), dtype=np.float32)

    def peak(self, count: int, axis: int) -> float:
        """Amplitude at the centre of the response to a unit impulse."""
        return float(self.window(count, axis).mean())


def class_levels(rng: np.random.Generator) -> Float32:
    """Mean linear backscatter of each class in this scene, float32 (classes,)."""
    contrast = rng.uniform(0.8, 1.2)
    shift = rng.normal(0.0, 1.0)
    level = [
        -12.0 + contrast * (s.mean_db + 12.0) + shift + s.spread_db * float(np.clip(rng.normal(), -1.5, 1.5))
        for s in (SURFACES[cover] for cover in Cover)
    ]
    return np.asarray(10.0 ** (np.array(level) / 10.0), np.float32)


def _textured(canvas: Canvas) -> Float32:
    """Mean backscatter of ground and bodies with gamma texture and slow variation by class."""
    rng, spacing = canvas.rng, canvas.spacing
    fine = {g: gaussian_field(canvas.shape, g / spacing, rng) for g in (2.5, 7.0)}
    slow = gaussian_field(canvas.shape, rng.uniform(60, 400) / spacing, rng)
    strength = rng.uniform(0.6, 1.3)
    texture = np.ones(canvas.shape, np.float32)
    for value in np.unique(canvas.cover):
        surface = SURFACES[Cover(value)]
        here = canvas.cover == value
        # a resolution cell averages over the grains in it
        order = surface.order / strength**2 * min(1.0 + (spacing / surface.grain_m) ** 2, 8.0)
        grain = fine[2.5] if surface.grain_m < 5.0 else fine[7.0]
        swing = np.float32(surface.patch_db * strength * np.log(10.0) / 10.0)
        texture[here] = to_gamma(grain[here], order) * np.exp(swing * slow[here])
    sigma = class_levels(rng)[canvas.cover] * texture
    sigma *= np.exp(canvas.gain_db * np.float32(np.log(10.0) / 10.0))
    body = canvas.extra > 0
    sigma[body] += canvas.extra[body] * to_gamma(fine[2.5][body], 1.2)
    return sigma


def _lit(canvas: Canvas, height: Float32) -> Float32:
    """Share of each pixel that is outside the radar shadow of what stands to the left, 0..1."""
    x = np.arange(height.shape[1], dtype=np.float32) * np.float32(canvas.spacing)
    across = x * np.float32(np.cos(canvas.incidence)) + height * np.float32(np.sin(canvas.incidence))
    horizon = np.maximum.accumulate(across, axis=1)
    depth = (horizon - across) / np.float32(canvas.spacing * np.cos(canvas.incidence))
    return np.asarray(np.clip(1.0 - depth, 0.0, 1.0), dtype=np.float32)


def _lay_over(canvas: Canvas, sigma: Float32, height: Float32) -> Float32:
    """Move the backscatter of raised ground towards the sensor."""
    rows, cols = np.nonzero(height > 0.35 * canvas.spacing * np.tan(canvas.incidence))
    if rows.size == 0:
        return sigma
    top = height[rows, cols]
    beyond = height.shape[1] - canvas.shape[1]
    wood = np.pad(canvas.cover == Cover.FOREST, ((0, 0), (0, beyond)), mode="symmetric")[rows, cols]
    # crowns scatter from their whole depth
    top = np.where(wood, top * (1.0 - 0.5 * canvas.rng.random(top.size, dtype=np.float32) ** 2), top)
    shift = top / (np.tan(canvas.incidence) * canvas.spacing)
    whole = np.floor(shift).astype(np.intp)
    part = shift - whole
    flat, moved = rows * sigma.shape[1], np.zeros(sigma.size)
    values = sigma[rows, cols]
    out = sigma.copy()
    out[rows, cols] = 0.0
    for offset, weight in ((whole, 1 - part), (whole + 1, part)):
        target = cols - offset
        keep = target >= 0
        moved += np.bincount(flat[keep] + target[keep], (values * weight)[keep], sigma.size)
    _cover_trees(canvas, rows, cols, whole)
    return out + moved.reshape(sigma.shape).astype(np.float32)


def _cover_trees(canvas: Canvas, rows: NDArray[np.intp], cols: NDArray[np.intp], whole: NDArray[np.intp]) -> None:
    """Forest appears where its crowns are imaged."""
    seen = cols < canvas.shape[1]
    rows, cols, whole = rows[seen], cols[seen], whole[seen]
    trees = (canvas.cover[rows, cols] == Cover.FOREST) & (cols >= whole) & (whole > 0)
    target = (rows[trees], cols[trees] - whole[trees])
    ground = np.isin(canvas.cover[target], (Cover.FIELD, Cover.GRASSLAND, Cover.ROAD, Cover.BARE_SOIL))
    canvas.cover[target[0][ground], target[1][ground]] = Cover.FOREST


def backscatter(canvas: Canvas) -> Float32:
    """Mean backscatter of every pixel, without noise and points: float32 (h, w), linear."""
    sigma = _textured(canvas)
    if not canvas.height.any():
        return sigma
    # what stands beyond the far edge of the picture is imaged inside it
    reach = canvas.layover_m(float(np.quantile(canvas.height[:, -1], 0.9))) / canvas.spacing
    beyond = int(min(np.ceil(1.5 * reach), canvas.shape[1] // 2))
    sigma = np.pad(sigma, ((0, 0), (0, beyond)), mode="symmetric")
    height = np.pad(canvas.height, ((0, 0), (0, beyond)), mode="symmetric")
    sigma *= _lit(canvas, height)
    return _lay_over(canvas, sigma, height)[:, : canvas.shape[1]]


def look_weights(looks: float) -> NDArray[np.float64]:
    """Weights of independent looks whose average has `looks` equivalent looks.

    The last look counts less where the number is not whole.
    """
    count = int(np.ceil(looks - 1e-9))
    weights = np.ones(count)
    full = count - 1
    if full and looks < count:
        # (full + x)^2 = looks (full + x^2)
        a, b, c = 1 - looks, 2.0 * full, full * (full - looks)
        weights[-1] = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
    return np.asarray(weights / weights.sum())


def _lanczos(offset: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(offset) < 3, np.sinc(offset) * np.sinc(offset / 3), 0.0)


@dataclass(frozen=True, slots=True)
class _Points:
    """Scatterers ready to be placed: flat index, weight and the scatterer each weight belongs to."""

    index: NDArray[np.intp]
    weight: NDArray[np.float64]
    owner: NDArray[np.intp]
    count: int

    def draw(self, size: int, rng: np.random.Generator) -> Complex64:
        phase = np.exp(2j * np.pi * rng.random(self.count))[self.owner] * self.weight
        real = np.bincount(self.index, phase.real, size)
        return np.asarray(real + 1j * np.bincount(self.index, phase.imag, size), np.complex64)


def _prepare_points(canvas: Canvas, response: Response, padded: tuple[int, int]) -> _Points | None:
    """Sub-pixel placement by a 6 x 6 Lanczos kernel for bright ones, nearest pixel for the rest."""
    if not canvas.points:
        return None
    xy = np.concatenate(canvas.points) / canvas.spacing - 0.5
    cell = canvas.spacing**2 / (response.band[0] * response.band[1])
    peak = response.peak(padded[0], 0) * response.peak(padded[1], 1)
    amplitude = np.sqrt(np.concatenate(canvas.rcs) / cell) / peak
    near = np.round(xy).astype(np.intp)
    inside = (near >= 0).all(1) & (near[:, 0] < canvas.shape[1]) & (near[:, 1] < canvas.shape[0])
    xy, near, amplitude = xy[inside], near[inside], amplitude[inside]
    order = np.argsort(-amplitude, kind="stable")
    bright, dim = order[:12000], order[12000:]
    taps = np.arange(-2, 4)
    base = np.floor(xy[bright]).astype(np.intp)
    col, row = base[:, :1] + taps, base[:, 1:] + taps
    weight = _lanczos(row - xy[bright, 1:])[:, :, None] * _lanczos(col - xy[bright, :1])[:, None, :]
    weight = weight * amplitude[bright, None, None]
    index = (row % padded[0])[:, :, None] * padded[1] + (col % padded[1])[:, None, :]
    owner = np.broadcast_to(bright[:, None, None], index.shape)
    return _Points(
        np.concatenate([index.ravel(), near[dim, 1] * padded[1] + near[dim, 0]]),
        np.concatenate([weight.ravel(), amplitude[dim]]),
        np.concatenate([owner.ravel(), dim]),
        len(amplitude),
    )


def render(canvas: Canvas) -> Float32:
    """The picture: coherent clutter and points through the impulse response, looks averaged.

    Returns
    -------
    float32 (h, w), linear intensity with the noise floor.
    """
    rng, (rows, cols) = canvas.rng, canvas.shape
    sigma = backscatter(canvas) + np.float32(10.0 ** (canvas.spec.noise_floor_db / 10.0))
    response = Response.draw(canvas.spacing, rng)
    padded = (fft.next_fast_len(rows + 48), fft.next_fast_len(cols + 48))
    shape = np.zeros(padded, np.float32)
    shape[:rows, :cols] = np.sqrt(sigma / 2)
    # the margins carry clutter too, so that edges of the picture do not fade
    shape[rows:, :cols] = shape[rows - 1, :cols]
    shape[:, cols:] = shape[:, cols - 1 : cols]
    points = _prepare_points(canvas, response, padded)
    weight_rows, weight_cols = response.window(padded[0], 0)[:, None], response.window(padded[1], 1)[None, :]
    picture = np.zeros((rows, cols), np.float32)
    for weight in look_weights(canvas.spec.looks):
        field = rng.standard_normal((*padded, 2), dtype=np.float32).view(np.complex64)[..., 0]
        field *= shape
        if points is not None:
            field += points.draw(field.size, rng).reshape(padded)
        spectrum = fft.fft2(field, overwrite_x=True)
        spectrum *= weight_rows
        spectrum *= weight_cols
        image = fft.ifft2(spectrum, overwrite_x=True)[:rows, :cols]
        picture += np.float32(weight) * (image.real**2 + image.imag**2)
    return picture
