"""Arrays of numbers that somebody saved: NumPy's .npy and .npz, MATLAB's .mat."""

from __future__ import annotations

from sarvlm_app.core.products.arrays.matlab import MatlabFamily
from sarvlm_app.core.products.arrays.numpy_files import NumpyFamily

__all__ = ["MatlabFamily", "NumpyFamily"]
