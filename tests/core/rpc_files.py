"""A GeoTIFF that rational polynomials place on the ground."""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

from sarvlm_app.core.georef import RpcModel
from tests.core.geometries import SIZE, rpc_model
from tests.core.scene_files import speckle

MODEL = rpc_model(11.0, 47.0)


def as_rasterio(model: RpcModel) -> RPC:
    values = {entry.name: getattr(model, entry.name) for entry in fields(model)}
    return RPC(**{name: list(value) if isinstance(value, tuple) else value for name, value in values.items()})


def write_rpc(path: Path, model: RpcModel = MODEL) -> Path:
    """Speckle of `SIZE` with that model."""
    width, height = SIZE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1, dtype="float32") as out:
            out.rpcs = as_rasterio(model)
            out.write(speckle((height, width)), 1)
    return path
