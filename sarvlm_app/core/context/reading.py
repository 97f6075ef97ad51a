"""One door for context files: what kind each is, and what of it lies in a scene."""

from __future__ import annotations

from pathlib import Path

from sarvlm_app.core.context.ais import read_ais
from sarvlm_app.core.context.data import ContextData
from sarvlm_app.core.context.ground import ground_of
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.products.types import Scene
from sarvlm_app.errors import QueryError

TABLES = (".csv", ".tsv", ".txt")
TILES = (".mbtiles",)
DEFAULT_MINUTES = 30.0


def read_context(scene: Scene, path: Path, ctx: JobContext, minutes: float = DEFAULT_MINUTES) -> ContextData:
    """What a file holds of the ground of a scene, in its pixels. Nothing is fetched from anywhere.

    Parameters
    ----------
    path : Path
        GeoPackage, GeoJSON, shapefile or another vector file of GDAL; MBTiles; a CSV table of AIS reports.
    minutes : float
        AIS only: how long before and after the acquisition.

    Raises
    ------
    QueryError
        One sentence: no georeference, unreadable, empty, no reference system, columns not recognised.
    JobCancelled
        At the next step after a cancel.
    """
    ground = ground_of(scene)
    text = str(path)
    if text.startswith("/vsi") or "://" in text:
        raise QueryError(f"{text} is not a local file; copy it to this computer and add it from there.")
    if not path.exists():
        raise QueryError(f"{path} does not exist; check the name and that its disk is mounted.")
    if path.is_file() and path.stat().st_size == 0:
        raise QueryError(f"{path} is empty; copy or download it again.")
    # the readers of vector files bring pandas along, which would cost every start of the window a quarter of a second
    from sarvlm_app.core.context.tiles import read_tiles
    from sarvlm_app.core.context.vectors import read_vectors

    ending = path.suffix.lower()
    if ending in TABLES:
        return read_ais(path, ground, minutes, ctx)
    if ending in TILES:
        return read_tiles(path, ground, ctx)
    return read_vectors(path, ground, ctx)
