"""Readers of labelled pictures: COCO, DOTA, and the shared sets that come in forms of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.importing.dota import dota_text_lines, parse_dota
from sarvlm_app.errors import QueryError, SceneError
from sarvlm_training.evaluate.coco_boxes import read_coco
from sarvlm_training.evaluate.tables import read_rows

from .labelled import Labelled, Mark, box_corners, joined

PICTURES: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".ntf", ".nitf")


def read_coco_places(path: Path, root: Path) -> list[Labelled]:
    """Pictures of a COCO file; outlines are the largest polygon of `segmentation`, else `bbox`.

    Raises
    ------
    QueryError, SceneError
        As `read_coco`.
    """
    coco = read_coco(path, root)
    return [
        Labelled(
            image.path,
            tuple(
                Mark(coco.categories[box.category], _outline(box.polygons, box.bbox), box.crowd)
                for box in image.boxes
                if box.polygons or min(box.bbox[2:]) > 0
            ),
        )
        for image in coco.images
    ]


def _outline(polygons: tuple[np.ndarray, ...], bbox: tuple[float, float, float, float]) -> np.ndarray:
    largest = joined(polygons)
    return box_corners(*bbox) if largest is None else largest


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, in order of name.

    Raises
    ------
    SceneError
        The folder is not there or holds none.
    """
    if not folder.is_dir():
        raise SceneError(f"{folder} is not a folder; name the one with the pictures.")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise SceneError(f"{folder} holds no pictures ({', '.join(PICTURES)}); name the folder that does.")
    return found


def read_dota_places(path: Path, root: Path) -> list[Labelled]:
    """Pictures of a folder `root` with a DOTA text file `NAME.txt` each in the folder `path`.

    Raises
    ------
    QueryError
        A picture has no file, or a line of one is not eight coordinates, a class and 0 or 1.
    SceneError
        There are no pictures.
    """
    return [_dota(picture, path / f"{picture.stem}.txt") for picture in pictures_in(root)]


def _dota(picture: Path, file: Path) -> Labelled:
    try:
        lines = dota_text_lines(file)
    except OSError as fault:
        raise QueryError(
            f"{file} cannot be read ({fault.strerror}), but {picture} is there; "
            "give every picture its file, an empty one where it shows nothing."
        ) from fault
    found = parse_dota(lines, file)
    marks = tuple(Mark(each.label, each.corners, each.difficult > 0) for each in found.lines)
    return Labelled(picture, marks, found.spacing_m)


def read_carabas(path: Path, root: Path) -> list[Labelled]:
    """The CARABAS-II images of `targets.csv` with the boxes of their vehicles.

    Raises
    ------
    QueryError
        The table cannot be used.
    """
    by_file: dict[str, list[Mark]] = {}
    columns = ("file", "vehicle", "xmin_px", "ymin_px", "xmax_px", "ymax_px")
    for line, (name, label, *box) in read_rows(path, columns):
        try:
            x0, y0, x1, y1 = map(float, box)
        except ValueError as fault:
            raise QueryError(f"{path} has a box that is no numbers in line {line}; correct it.") from fault
        by_file.setdefault(name, []).append(Mark(label, box_corners(x0, y0, x1 - x0, y1 - y0)))
    return [Labelled(root / name, tuple(marks)) for name, marks in by_file.items()]


def read_opensarship(path: Path, root: Path) -> list[tuple[Path, str]]:
    """Ship chips of `ships.csv` with their AIS type; raises QueryError as `read_rows`."""
    return [(root / name, kind) for _, (name, kind) in read_rows(path, ("path", "type"))]


def read_folders(path: Path) -> Iterator[tuple[Path, str]]:
    """Pictures of the folders in `path`; the name of a folder is the class of what is in it.

    Raises
    ------
    SceneError
        There are no folders, or one holds no pictures.
    """
    folders = sorted(inner for inner in path.iterdir() if inner.is_dir()) if path.is_dir() else []
    if not folders:
        raise SceneError(f"{path} holds no folders; put the chips of each class into a folder of its name there.")
    for folder in folders:
        for picture in pictures_in(folder):
            yield picture, folder.name
