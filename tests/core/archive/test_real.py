"""The shipped model on real pictures: what a person would expect."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sarvlm_app.core.archive.archive import Archive
from sarvlm_app.core.archive.ingest import AddRequest, add
from sarvlm_app.core.archive.search import ArchiveQuery, Example, Searching
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.scene import open_scene
from sarvlm_models.registry import load_encoder


@pytest.mark.shared
@pytest.mark.slow
def test_words_and_examples_find_their_kind_among_others(shared_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    sets = {"vehicle": "mstar_raw15/T62/*", "aircraft": "sar_acd/test/Boeing737/*"}
    for kind, pattern in sets.items():
        for number, path in enumerate(sorted(shared_data.glob(pattern))[:8]):
            shutil.copy(path, folder / f"{kind}{number}{path.suffix}")
    encoder = load_encoder(None, "cpu")
    add(tmp_path / "archive", AddRequest((folder,)), lambda: encoder, JobContext())  # type: ignore[arg-type,return-value]
    with Archive(tmp_path / "archive") as archive:
        searching = Searching(archive, encoder)  # type: ignore[arg-type]
        for text, kind in (("a military vehicle", "vehicle"), ("an aircraft", "aircraft")):
            hits = searching.search(ArchiveQuery(text)).hits
            assert len(hits) >= 6 and all(hit.scene.name.startswith(kind) for hit in hits)
        assert searching.search(ArchiveQuery("a birthday cake")).hits == ()
        like = Example(open_scene(folder / "aircraft0.jpg"))
        hits = searching.search(ArchiveQuery(examples=(like,))).hits
        assert hits[0].scene.name == "aircraft0.jpg" and all("aircraft" in hit.scene.name for hit in hits[:5])
