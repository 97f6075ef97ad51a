"""The contact sheet: pictures in true stretch, missing and damaged files told, names of every script, cancel."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sarvlm_app.core.archive.contact_sheet import (
    EDGE_PX,
    GAP_PX,
    LACKING,
    MARGIN_PX,
    columns_of,
    read_cells,
    render_sheet,
    write_contact_sheet,
)
from sarvlm_app.core.archive.hit_words import query_text, where_text
from sarvlm_app.core.archive.hits_file import write_hits_file
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveQuery, Where
from sarvlm_app.core.export.lettering import lettered
from sarvlm_app.core.jobs import JobCancelled, JobContext
from sarvlm_app.core.scene import open_scene
from sarvlm_app.core.thumbnails import hit_thumbnail
from sarvlm_app.errors import StorageError
from tests.core.archive.made import ask, chip, fill, geo_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    geo_scene(place / "S1A_20200101_Größe_港_vv.tif", 1, west=-120.0, north=35.0)
    for seed in range(3):
        chip(place / f"chip{seed}.tif", seed, bright=True)
    return place


@pytest.fixture(scope="module")
def answer(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> ArchiveAnswer:
    archive = tmp_path_factory.mktemp("held") / "a"
    fill(archive, folder)
    found = ask(archive, "bright things", negatives=("dark things",))
    assert len(found.hits) >= 4
    return found


def head_of(sheet: Image.Image, count: int, columns: int) -> int:
    """Row at which the first pictures begin."""
    rows = -(-count // columns)
    return sheet.height - MARGIN_PX // 2 - rows * (EDGE_PX + 4 * 21 + GAP_PX)


def test_pictures_are_those_of_the_scenes_own_stretch(answer: ArchiveAnswer, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    write_contact_sheet(answer, out, archive="held")
    with Image.open(out) as sheet:
        columns = columns_of(len(answer.hits))
        assert sheet.width == 2 * MARGIN_PX + columns * EDGE_PX + (columns - 1) * GAP_PX
        assert sheet.text["Title"] == "“bright things”, not “dark things”"  # type: ignore[attr-defined]
        top = head_of(sheet, len(answer.hits), columns)
        for number, hit in enumerate(answer.hits):
            row, column = divmod(number, columns)
            left, upper = MARGIN_PX + column * (EDGE_PX + GAP_PX), top + row * (EDGE_PX + 4 * 21 + GAP_PX)
            shown = np.asarray(sheet.crop((left, upper, left + EDGE_PX, upper + EDGE_PX)).convert("L"))
            pixels = hit_thumbnail(open_scene(hit.scene), hit.window, EDGE_PX)
            wanted = np.asarray(Image.fromarray(pixels).resize((EDGE_PX, EDGE_PX), Image.Resampling.NEAREST))
            assert np.array_equal(shown, wanted)
    assert list(tmp_path.iterdir()) == [out]


def test_missing_and_damaged_files_are_grey_and_say_so(answer: ArchiveAnswer, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0")
    gone = replace(answer.hits[0], scene=tmp_path / "gone.tif", missing=True)
    vanished = replace(answer.hits[1], scene=tmp_path / "vanished.tif")
    hits = (gone, vanished, replace(answer.hits[2], scene=bad), *answer.hits[3:])
    cells = read_cells(replace(answer, hits=hits), JobContext())
    assert [cell.hit for cell in cells] == list(hits)
    assert [isinstance(cell.picture, str) for cell in cells] == [True] * 3 + [False] * (len(hits) - 3)
    assert "missing" in str(cells[0].picture) and "bad.tif" in str(cells[2].picture)
    sheet = render_sheet(answer, cells, "held", 4)
    top = head_of(sheet, len(cells), 4)
    assert sheet.getpixel((MARGIN_PX + 3, top + 3)) == LACKING


def test_a_pdf_has_a_page_for_twenty_hits(answer: ArchiveAnswer, tmp_path: Path) -> None:
    many = tuple(replace(answer.hits[0], rank=rank) for rank in range(1, 42))
    steps: list[tuple[int, int]] = []
    ctx = JobContext(lambda done, total, _message: steps.append((done, total)))
    out = tmp_path / "sheet.PDF"
    write_hits_file(replace(answer, hits=many, more=True), out, archive="held", ctx=ctx)
    content = out.read_bytes()
    assert content.startswith(b"%PDF-") and content.count(b"/Type /Page\n") == 3
    boxes = {tuple(map(float, found)) for found in re.findall(rb"/MediaBox \[ *0 0 ([\d.]+) ([\d.]+) *\]", content)}
    ((width, height),) = boxes
    assert width == pytest.approx(595, abs=2) and height == pytest.approx(842, abs=2), "A4 in points"
    assert steps[-1] == (41, 41) and [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_cancel_leaves_nothing_and_the_old_file_as_it_was(answer: ArchiveAnswer, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    out.write_bytes(b"old")
    ctx = JobContext(lambda done, _total, _message: ctx.cancel() if done else None)
    with pytest.raises(JobCancelled):
        write_contact_sheet(answer, out, ctx=ctx)
    assert out.read_bytes() == b"old" and list(tmp_path.iterdir()) == [out]
    with pytest.raises(StorageError, match="cannot be written"):
        write_contact_sheet(replace(answer, hits=answer.hits[:1]), tmp_path / "none" / "sheet.png")
    with pytest.raises(StorageError, match=r"\.png or \.pdf"):
        write_hits_file(answer, tmp_path / "hits.doc")


def test_nothing_found_is_a_sheet_that_says_so(answer: ArchiveAnswer, tmp_path: Path) -> None:
    empty = replace(answer, hits=(), best=0.41)
    for ending in (".png", ".pdf"):
        write_contact_sheet(empty, tmp_path / f"none{ending}", archive="held")
    with Image.open(tmp_path / "none.png") as sheet:
        assert sheet.width > 900 and "0.41" in sheet.text["Description"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [0, 1, 20, 400])
def test_a_sheet_is_about_as_wide_as_high(count: int) -> None:
    assert 4 <= columns_of(count) <= 16 and columns_of(count) >= min(16, count**0.5)


@given(st.text(max_size=20))
def test_every_text_can_be_drawn(text: str) -> None:
    shown, font = lettered(text, 15)
    assert font.getlength(shown) >= 0 and "\n" not in shown
    assert all(not 0xD800 <= ord(letter) <= 0xDFFF for letter in shown)


def test_letters_that_no_font_has_are_plain_or_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_app.core.export.lettering.OTHERS", ())
    assert lettered("Größe Łódź São – 2 × 3", 15)[0] == "Grosse Lodz Sao - 2 x 3"
    assert lettered("港_1", 15)[0] == r"\u6e2f_1"
    assert lettered("a\udcff\tb\x00", 15)[0] == "a\\udcff b\\x00"
    assert lettered("plain", 15)[0] == "plain"


def test_what_was_asked_reads_as_a_sentence(answer: ArchiveAnswer) -> None:
    assert query_text(ArchiveQuery("ships", ("ice",))) == "“ships”, not “ice”"
    assert where_text(Where()) == "" and "HH" in where_text(Where((1, 2, 3, 4), polarisation="HH"))
