"""The filters written out pixel by pixel, as their papers have them: slow, and independent of the real ones."""

from __future__ import annotations

import numpy as np

from sarvlm_app.core.filters.lee_sigma import sigma_range


def _window(image, valid, row, col, radius):
    rows = slice(max(0, row - radius), row + radius + 1)
    cols = slice(max(0, col - radius), col + radius + 1)
    return image[rows, cols][valid[rows, cols]].astype(np.float64)


def _moments(values):
    return values.mean(), values.var(ddof=1) if values.size > 1 else 0.0


def _mmse(pixel, mean, variance, noise):
    if variance <= 0:
        return mean
    signal = max(0.0, (variance - mean**2 * noise) / (1 + noise))
    return mean + signal / variance * (pixel - mean)


def boxcar(image, valid, row, col, given):
    return _window(image, valid, row, col, given.size // 2).mean()


def lee(image, valid, row, col, given):
    values = _window(image, valid, row, col, given.size // 2)
    return _mmse(float(image[row, col]), *_moments(values), 1 / given.looks)


def gamma_map(image, valid, row, col, given):
    mean, variance = _moments(_window(image, valid, row, col, given.size // 2))
    pixel, cu = float(image[row, col]), 1 / np.sqrt(given.looks)
    ci = np.sqrt(variance) / mean
    if ci <= cu:
        return mean
    if ci >= np.sqrt(2) * cu:
        return pixel
    alpha = (1 + cu**2) / (ci**2 - cu**2)
    b = alpha - given.looks - 1
    return (b * mean + np.sqrt(mean**2 * b**2 + 4 * alpha * given.looks * mean * pixel)) / (2 * alpha)


def frost(image, valid, row, col, given):
    mean, variance = _moments(_window(image, valid, row, col, given.size // 2))
    total = weights = 0.0
    for y, x in _places(image.shape, row, col, given.size // 2):
        if valid[y, x]:
            weight = np.exp(-given.damping * variance / mean**2 * np.hypot(y - row, x - col))
            total, weights = total + weight * float(image[y, x]), weights + weight
    return total / weights


def lee_sigma(image, valid, row, col, given):
    pixel = float(image[row, col])
    if pixel >= given.strong:
        for y, x in _places(image.shape, row, col, 1):
            cluster = _window(image, valid, y, x, 1)
            if valid[y, x] and image[y, x] >= given.strong and np.sum(cluster >= given.strong) >= 5:
                return pixel
    guess = _mmse(pixel, *_moments(_window(image, valid, row, col, 1)), 1 / given.looks)
    low, high, std = sigma_range(given.looks, given.sigma)
    values = _window(image, valid, row, col, given.size // 2)
    values = values[(values >= np.float32(low * guess)) & (values <= np.float32(high * guess))]
    return _mmse(pixel, *_moments(values), std**2) if values.size else guess


def refined_lee(image, valid, row, col, given):
    m = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            y, x = row + 2 * (i - 1), col + 2 * (j - 1)
            m[i, j] = np.nan
            rows, cols = slice(max(0, y - 1), max(0, y + 2)), slice(max(0, x - 1), max(0, x + 2))
            if valid[rows, cols].any():
                m[i, j] = image[rows, cols][valid[rows, cols]].astype(np.float64).mean()
    m = np.where(np.isnan(m), m[1, 1], m)
    masks = [
        (m[:, 2].sum() - m[:, 0].sum(), (1, 2), (1, 0), lambda y, x: x),
        (m[0].sum() - m[2].sum(), (0, 1), (2, 1), lambda y, x: -y),
        (m[0, 1] + m[0, 2] + m[1, 2] - m[1, 0] - m[2, 0] - m[2, 1], (0, 2), (2, 0), lambda y, x: x - y),
        (m[0, 0] + m[0, 1] + m[1, 0] - m[1, 2] - m[2, 1] - m[2, 2], (0, 0), (2, 2), lambda y, x: -x - y),
    ]
    _, one, other, inside = max(masks, key=lambda mask: abs(mask[0]))
    sign = 1 if abs(m[one] - m[1, 1]) <= abs(m[other] - m[1, 1]) else -1
    values = [
        float(image[y, x])
        for y, x in _places(image.shape, row, col, 3)
        if valid[y, x] and sign * inside(y - row, x - col) >= 0
    ]
    return _mmse(float(image[row, col]), *_moments(np.array(values)), 1 / given.looks)


def _places(shape, row, col, radius):
    for y in range(max(0, row - radius), min(shape[0], row + radius + 1)):
        for x in range(max(0, col - radius), min(shape[1], col + radius + 1)):
            yield y, x


PLAIN = {
    "boxcar": boxcar, "lee": lee, "refined-lee": refined_lee, "lee-sigma": lee_sigma, "frost": frost,
    "gamma-map": gamma_map,
}  # fmt: skip


def filtered_plainly(image, valid, given):
    """A whole small image, 0 where not valid."""
    result = np.zeros(image.shape)
    for row, col in zip(*np.nonzero(valid), strict=True):
        result[row, col] = PLAIN[given.name](image, valid, row, col, given)
    return result
