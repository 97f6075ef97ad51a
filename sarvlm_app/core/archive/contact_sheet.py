"""Hits on paper: their pictures in the scenes' own stretch with rank, score, scene, date and place (PNG or PDF)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, PngImagePlugin

from sarvlm_app import __version__
from sarvlm_app.core.archive.embed import guarded
from sarvlm_app.core.archive.hit_words import hit_lines, query_text, where_text
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.export.atomic import replace_when_done
from sarvlm_app.core.export.lettering import lettered, wrap
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import close_handles, open_scene
from sarvlm_app.core.thumbnails import hit_thumbnail

SHEETS: Final = (".png", ".pdf")
EDGE_PX: Final = 220
GAP_PX: Final = 18
MARGIN_PX: Final = 40
TEXT_PX: Final = 15
LINES: Final = 4
PAGE_COLUMNS: Final = 5
PAGE_ROWS: Final = 4
"""Of a page of a PDF, which is an A4 sheet upright."""
PAGE_DPI: Final = 151.4
"""So that the width of a page is that of the paper."""
MOST_COLUMNS: Final = 16
PAPER, INK, MUTED, LACKING = (255, 255, 255), (24, 28, 34), (96, 104, 116), (222, 225, 230)
SCORE = (156, 78, 0)

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A hit on the sheet.

    Attributes
    ----------
    picture : uint8 (h, w), or str
        Or why there is none.
    simulated : bool
    """

    hit: ArchiveHit
    picture: Pixels | str
    simulated: bool = False


def write_contact_sheet(answer: ArchiveAnswer, path: Path, *, archive: str = "", ctx: JobContext | None = None) -> None:
    """Write the hits of an answer as pictures: one sheet as ``.png``, pages of 20 as ``.pdf``.

    Parameters
    ----------
    answer : ArchiveAnswer
    path : Path
        Replaced when it exists.
    archive : str
        Name of the archive, for the head.
    ctx : JobContext, optional
        Told of each hit; a cancel leaves nothing behind.

    Raises
    ------
    StorageError
        The place cannot be written to.
    """
    cells = read_cells(answer, ctx or JobContext())
    if path.suffix.lower() == ".pdf":
        most = PAGE_COLUMNS * PAGE_ROWS
        parts = [cells[start : start + most] for start in range(0, max(1, len(cells)), most)]
        pages = [
            render_sheet(answer, part, archive, PAGE_COLUMNS, (number, len(parts)))
            for number, part in enumerate(parts, 1)
        ]
        with replace_when_done(path) as file:
            pages[0].save(
                file, format="PDF", save_all=True, append_images=pages[1:], resolution=PAGE_DPI, quality=90,
                title=_text(query_text(answer.query)), producer=f"SARVLM Desktop {__version__}",
            )  # fmt: skip
        return
    about = PngImagePlugin.PngInfo()
    about.add_itxt("Title", _text(query_text(answer.query)))
    about.add_itxt("Description", _text(f"{_count(answer)} of the archive {archive}. Model {answer.model_id}."))
    about.add_itxt("Software", f"SARVLM Desktop {__version__}")
    sheet = render_sheet(answer, cells, archive, columns_of(len(cells)))
    with replace_when_done(path) as file:
        sheet.save(file, format="PNG", pnginfo=about, compress_level=4)


def columns_of(count: int) -> int:
    """Columns of a sheet of so many hits, about as wide as it is high."""
    return min(MOST_COLUMNS, max(4, math.ceil(math.sqrt(1.25 * count))))


# ---- reading -----------------------------------------------------------------------------
def read_cells(answer: ArchiveAnswer, ctx: JobContext) -> list[Cell]:
    """The pictures of all hits; each scene is opened once, and one that cannot be read ends nothing."""
    scenes: dict[Path, list[ArchiveHit]] = {}
    for hit in answer.hits:
        scenes.setdefault(hit.scene, []).append(hit)
    cells: list[Cell] = []
    total = len(answer.hits)
    for path, hits in scenes.items():
        cells += _cells_of(path, hits, ctx, (len(cells), total))
    ctx.step(total, total, "Drawing the sheet")
    return sorted(cells, key=lambda cell: cell.hit.rank)


def _cells_of(path: Path, hits: Sequence[ArchiveHit], ctx: JobContext, done: tuple[int, int]) -> list[Cell]:
    """The hits of one scene; `done` is how many of all were read before."""
    ctx.step(*done, f"Reading {path.name}")
    if any(hit.missing for hit in hits) or not path.exists():
        return [Cell(hit, "The file is missing") for hit in hits]
    scene = guarded(str(path), partial(open_scene, path))
    if isinstance(scene, str):
        return [Cell(hit, scene) for hit in hits]
    cells = []
    try:
        for number, hit in enumerate(hits):
            ctx.step(done[0] + number, done[1], f"Reading {path.name}")
            picture = guarded(str(path), partial(hit_thumbnail, scene, hit.window, EDGE_PX))
            cells.append(Cell(hit, picture, scene.simulated))
    finally:
        close_handles(scene)
    return cells


# ---- drawing -----------------------------------------------------------------------------
def render_sheet(
    answer: ArchiveAnswer, cells: Sequence[Cell], archive: str, columns: int, page: tuple[int, int] | None = None
) -> Image.Image:
    """Draw a sheet.

    Parameters
    ----------
    answer : ArchiveAnswer
    cells : sequence of Cell
        Of this sheet.
    archive : str
    columns : int
    page : (int, int), optional
        Number of this sheet, and how many there are, each of A4 upright; else
        it is one sheet as high as it must be.
    """
    width = 2 * MARGIN_PX + columns * EDGE_PX + (columns - 1) * GAP_PX
    head = list(_head(answer, archive, page, width - 2 * MARGIN_PX))
    top = MARGIN_PX + sum(line.height for line in head) + GAP_PX
    high = EDGE_PX + LINES * _line(TEXT_PX) + GAP_PX
    height = top + math.ceil(len(cells) / columns) * high + MARGIN_PX // 2
    if page is not None:
        height = max(height, round(width * math.sqrt(2.0)))
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    y = MARGIN_PX
    for line in head:
        _write(draw, (MARGIN_PX, y), line.text, line.size, line.colour)
        y += line.height
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        _draw_cell(sheet, draw, (MARGIN_PX + column * (EDGE_PX + GAP_PX), top + row * high), cell)
    return sheet


@dataclass(frozen=True, slots=True)
class _HeadLine:
    text: str
    size: int
    colour: Colour

    @property
    def height(self) -> int:
        return _line(self.size)


def _head(answer: ArchiveAnswer, archive: str, page: tuple[int, int] | None, room: int) -> Iterator[_HeadLine]:
    """The question, the archive, and what was found in it."""
    yield from (_HeadLine(text, 26, INK) for text in _wrapped(query_text(answer.query), 26, room, most=3))
    found = [f"Archive {archive}"] if archive else []
    found += [_count(answer), f"0.50 is the background, 1.00 a sure match · {answer.model_id.partition('@')[0]}"]
    found += [f"page {page[0]} of {page[1]}"] if page is not None and page[1] > 1 else []
    within = where_text(answer.query.where)
    for text in (" · ".join(found), f"Within: {within}" if within else "", " ".join(answer.notes)):
        if text:
            yield from (_HeadLine(part, TEXT_PX, MUTED) for part in _wrapped(text, TEXT_PX, room, most=3))


def _count(answer: ArchiveAnswer) -> str:
    count = len(answer.hits)
    if not count:
        return f"Nothing stands out: the best place scores {answer.best:.2f}"
    return f"{count} {'hit' if count == 1 else 'hits'}" + (", the best of more" if answer.more else "")


def _draw_cell(sheet: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], cell: Cell) -> None:
    left, top = at
    frame = (left, top, left + EDGE_PX - 1, top + EDGE_PX - 1)
    if isinstance(cell.picture, str):
        draw.rectangle(frame, fill=LACKING)
        lines = _wrapped(cell.picture, TEXT_PX, EDGE_PX - 24, most=9)
        y = top + (EDGE_PX - len(lines) * _line(TEXT_PX)) // 2
        for number, text in enumerate(lines):
            _write(draw, (left + 12, y + number * _line(TEXT_PX)), text, TEXT_PX, INK)
    else:
        picture = Image.fromarray(cell.picture)
        if picture.size != (EDGE_PX, EDGE_PX):  # a hit of few pixels
            picture = picture.resize((EDGE_PX, EDGE_PX), Image.Resampling.NEAREST)
        sheet.paste(picture.convert("RGB"), (left, top))
    _draw_words(draw, (left, top + EDGE_PX + 4), cell)


def _draw_words(draw: ImageDraw.ImageDraw, at: tuple[int, int], cell: Cell) -> None:
    (left, y), hit = at, cell.hit
    title, facts, place = hit_lines(hit)
    score = f"{hit.score:.2f}"
    _, own = lettered(score, TEXT_PX)
    _write(draw, (left, y), f"{hit.rank}", TEXT_PX, INK, bold=True)
    _write(draw, (left + EDGE_PX - math.ceil(own.getlength(score)) - 1, y), score, TEXT_PX, SCORE, bold=True)
    facts = f"simulated · {facts}" if cell.simulated and "simulated" not in facts else facts
    for number, (text, colour) in enumerate(((title, INK), (facts, MUTED), (place, MUTED)), 1):
        short = _wrapped(text, TEXT_PX, EDGE_PX, most=1)[0]
        _write(draw, (left, y + number * _line(TEXT_PX)), short, TEXT_PX, colour)


def _line(size: int) -> int:
    return round(1.4 * size)


def _wrapped(text: str, size: int, room: int, *, most: int) -> list[str]:
    shown, own = lettered(text, size)
    return wrap(shown, own, room, most=most)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: Colour, *, bold: bool = False
) -> None:
    shown, own = lettered(text, size)
    draw.text(at, shown, font=own, fill=colour, stroke_width=0.4 if bold else 0, stroke_fill=colour)


def _text(value: str) -> str:
    """For what takes no bytes that are no text."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
