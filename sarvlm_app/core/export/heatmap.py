"""The heat map as a GeoTIFF that lines up with its scene."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from rasterio.io import MemoryFile

from sarvlm_app import __version__
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.raster_geometry import raster_geometry
from sarvlm_app.core.query import Answer

SCORE_MEANING = "0..1; 0.5 is background"


def write_heatmap(answer: Answer, path: Path, weights_sha256: str) -> None:
    """Write the scores of `answer` as a single-band float32 GeoTIFF, one pixel a cell.

    NaN is no data. The scene's transform or ground control points are scaled
    to cells, so cell (r, c) lies where the scene's pixels [c * cell_px,
    (c + 1) * cell_px) x [r * cell_px, (r + 1) * cell_px) lie; the last cells
    may reach beyond the scene. Without georeference the transform maps cells
    to pixels of the scene (column, row) and there is no CRS.

    The file is made in memory and written by us, not by GDAL, whose drivers
    can end well on a full disk.

    Parameters
    ----------
    answer : Answer
    path : Path
        Replaced when it exists.
    weights_sha256 : str
        Hash of the weights that gave the answer, hexadecimal.

    Raises
    ------
    StorageError
        When the place cannot be written to.
    """
    content = _encode(answer, weights_sha256)
    with replace_when_done(path) as part:
        part.write_bytes(content)


def _encode(answer: Answer, weights_sha256: str) -> bytes:
    scene, scores = answer.scene, answer.heatmap.scores
    height, width = scores.shape
    profile = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "float32",
        "nodata": np.nan,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "predictor": 3,
        **raster_geometry(scene.georef, (scene.width, scene.height), answer.heatmap.cell_px, name=scene.name),
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(scores, 1)
            dataset.set_band_description(1, "score")
            dataset.update_tags(**_tags(answer, weights_sha256))
        return bytes(memory.read())


def _tags(answer: Answer, weights_sha256: str) -> dict[str, str]:
    scene, query = answer.scene, answer.query
    return {
        "QUERY": query.text,
        "NEGATIVES": json.dumps(query.negatives, ensure_ascii=False),
        "MODEL": query.model_id,
        "WEIGHTS_SHA256": weights_sha256,
        "THRESHOLD": f"{query.threshold:g}",
        "SCORE_MEANING": SCORE_MEANING,
        "CELL_PX": f"{answer.heatmap.cell_px:g}",
        "METHOD": f"crops of {', '.join(map(str, query.scales))} px" if query.scales else "dense features",
        "COMPLETE": "yes" if answer.complete else "no, the scene was not wholly encoded",
        "SCENE": scene.name,
        "SCENE_FINGERPRINT": scene.fingerprint,
        "SCENE_TIME": scene.acquired.isoformat() if scene.acquired else "",
        "BAND": str(answer.band),
        "SIMULATED": "yes" if scene.simulated else "no",
        "SOFTWARE": f"SARVLM Desktop {__version__}",
    }
