"""Products in folders that are added: each once, whatever its form."""

from __future__ import annotations

import json

import numpy as np

from sarvlm_app.core.archive.sources import collect
from tests.core.products.safe_files import Safe, write_safe


def test_products_are_taken_once_and_their_side_files_are_not(tmp_path):
    folder = write_safe(Safe(tmp_path, width=64, height=48))
    np.save(tmp_path / "amplitude.npy", np.ones((40, 50), np.float32))
    (tmp_path / "notes.json").write_text(json.dumps({"type": "Feature"}))
    (tmp_path / "readme.xml").write_text("<a/>")
    (tmp_path / "letter.txt").write_text("dear")
    found = [source.path for source in collect([tmp_path], recursive=True).sources]
    assert found == sorted([folder, tmp_path / "amplitude.npy"])
