"""Labelled tables: files and arrays as amplitude, and sentences for what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sarvlm_app.core.jobs import JobContext
from sarvlm_app.errors import ModelError, QueryError, SceneError
from sarvlm_training.evaluate.chip_table import ChipSource, read_chip_table
from sarvlm_training.evaluate.features import BATCH, encode_pictures, picture_encoder
from sarvlm_training.evaluate.tables import read_rows, write_rows
from tests.core.fake_encoder import FakeEncoder
from tests.training.toy_encoder import ToyEncoder, grey_picture

IN_PHASE, QUADRATURE = np.random.default_rng(5).integers(-900, 900, (2, 3, 6, 5))
SCALE = np.array([0.5, 1.0, 2.0], np.float32)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def arrays(path: Path, **named: Any) -> Path:
    np.savez(path, **named)
    return path


@pytest.fixture
def chips(tmp_path: Path) -> Path:
    for level in (1, 2):
        grey_picture(tmp_path / "sub" / f"{level}.png", level)
    return written(tmp_path / "t.csv", "path,label,more\nsub/1.png,one,x\nsub/2.png, two ,\n")


def test_files_lie_beside_the_table_or_under_the_root(chips: Path, tmp_path: Path) -> None:
    for source in (ChipSource(chips), ChipSource(chips, tmp_path)):
        table = read_chip_table(source)
        assert table.names == ("sub/1.png", "sub/2.png") and table.labels == ("one", "two")
        assert [table.read(number).max() for number in range(2)] == [10, 20]


@pytest.mark.parametrize(
    "iq",
    [
        (IN_PHASE + 1j * QUADRATURE).astype(np.complex64),
        np.stack((IN_PHASE, QUADRATURE), 1).astype(np.int16),
        np.stack((IN_PHASE, QUADRATURE), 3).astype("f4"),
    ],
)
def test_arrays_of_every_form_give_the_scaled_modulus(tmp_path: Path, iq: np.ndarray) -> None:
    table = written(tmp_path / "t.csv", "row,class\n2,a\n0,b\n2,a\n")
    npz = arrays(tmp_path / "t.npz", iq=iq, scale=SCALE)
    found = read_chip_table(ChipSource(table, label_column="class", npz=npz))
    expected = np.hypot(IN_PHASE, QUADRATURE) * SCALE[:, None, None]
    assert found.labels == ("a", "b", "a")
    for number, row in enumerate((2, 0, 2)):
        assert found.read(number).dtype == np.float32
        assert np.allclose(found.read(number), expected[row], rtol=1e-5)


def test_arrays_without_a_scale_are_taken_as_they_are(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "row,label\n1,a\n")
    npz = arrays(tmp_path / "t.npz", iq=IN_PHASE + 1j * QUADRATURE)
    assert np.allclose(read_chip_table(ChipSource(table, npz=npz)).read(0), np.hypot(IN_PHASE, QUADRATURE)[1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\na,b\n", "needs the columns path and label, but has file, label"),
        ("", "but has none"),
        ("path,label\n", "has no rows"),
        ("path,label\n,b\n", "empty path in line 2"),
        ("path,label\nt.csv,\n", "empty label in line 2"),
        ("path,label\nt.csv\n", "empty label in line 2"),
        ('path,label\n"a,b\n', "is no CSV text"),
    ],
)
def test_a_wrong_table_gets_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    table = written(tmp_path / "t.csv", text)
    with pytest.raises(QueryError, match=words) as fault:
        read_chip_table(ChipSource(table))
    assert str(table) in str(fault.value)


def test_a_table_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        read_chip_table(ChipSource(tmp_path / "none.csv"))
    (tmp_path / "t.csv").write_bytes(b"path,label\n\xff\xfe,b\n")
    with pytest.raises(QueryError, match="no CSV text in UTF-8"):
        read_chip_table(ChipSource(tmp_path / "t.csv"))


def test_missing_files_are_counted(chips: Path, tmp_path: Path) -> None:
    (tmp_path / "sub/2.png").unlink()
    with pytest.raises(SceneError, match=r"2.png is not there \(1 of the 2 pictures"):
        read_chip_table(ChipSource(chips))


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"data": IN_PHASE}, r"no array “iq” \(it has data\)"),
        ({"iq": IN_PHASE}, "give complex"),
        ({"iq": IN_PHASE[:0] + 1j}, "give complex"),
        ({"iq": np.stack((IN_PHASE, QUADRATURE, QUADRATURE), 1)}, "give complex"),
        ({"iq": IN_PHASE + 1j, "scale": SCALE[:2]}, "give one for each"),
        ({"iq": np.array([{"a": 1}], dtype=object)}, "holds Python objects"),
    ],
)
def test_wrong_arrays_get_a_sentence(tmp_path: Path, named: dict[str, Any], words: str) -> None:
    table = written(tmp_path / "t.csv", "row,label\n0,a\n")
    with pytest.raises(QueryError, match=words) as fault:
        read_chip_table(ChipSource(table, npz=arrays(tmp_path / "x.npz", **named)))
    assert "x.npz" in str(fault.value)


def test_what_is_no_npz_gets_a_sentence(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "row,label\n0,a\n")
    np.save(tmp_path / "one.npy", IN_PHASE)
    whole = arrays(tmp_path / "x.npz", iq=IN_PHASE + 1j * QUADRATURE).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:-200])
    written(tmp_path / "text.npz", "hello")
    for name, words in {
        "none.npz": "cannot be read", "one.npy": "a single array", "cut.npz": "cannot be read", "text.npz": "cannot be",
    }.items():  # fmt: skip
        with pytest.raises(QueryError, match=words):
            read_chip_table(ChipSource(table, npz=tmp_path / name))


@pytest.mark.parametrize("row", ["3", "-1", "one", "0.0", "²"])
def test_rows_that_the_arrays_lack_get_a_sentence(tmp_path: Path, row: str) -> None:
    table = written(tmp_path / "t.csv", f"row,label\n{row},a\n")
    with pytest.raises(QueryError, match="in line 2, but .* has rows 0 to 2"):
        read_chip_table(ChipSource(table, npz=arrays(tmp_path / "x.npz", iq=IN_PHASE + 1j * QUADRATURE)))


def test_an_array_without_data_is_no_picture(tmp_path: Path) -> None:
    table = written(tmp_path / "t.csv", "row,label\n0,a\n1,a\n")
    iq = np.full((2, 4, 4), np.nan + 0j)
    iq[0, 0, 0] = 3 + 4j
    found = read_chip_table(ChipSource(table, npz=arrays(tmp_path / "x.npz", iq=iq)))
    assert found.read(0).max() == 5 and np.isfinite(found.read(0)).all()
    with pytest.raises(SceneError, match="Row 1 of .* holds no data"):
        found.read(1)


def test_pictures_are_encoded_in_batches_and_faults_are_kept_apart() -> None:
    def read(number: int) -> np.ndarray:
        if number % 5 == 0:
            raise SceneError(f"{number} is broken.")
        return np.full((4, 4), float(number), np.float32)

    model, steps = ToyEncoder(), []
    ctx = JobContext(lambda done, total, _what: steps.append((done, total)))
    found = encode_pictures(model, read, 90, None, ctx)
    assert model.batches == [BATCH, BATCH, 72 - 2 * BATCH]
    assert found.numbers == tuple(n for n in range(90) if n % 5) and list(found.faults) == list(range(0, 90, 5))
    assert np.allclose(found.vectors[2], model.encode_pictures([read(3)], None)[0])
    assert steps[-1] == (90, 90)


def test_large_pictures_make_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sarvlm_training.evaluate.features.BATCH_PX", 100)
    model = ToyEncoder()
    encode_pictures(model, lambda _number: np.ones((6, 10), np.float32), 5, None, JobContext())
    assert model.batches == [2, 2, 1]


def test_nothing_but_broken_pictures_is_a_fault() -> None:
    def read(number: int) -> np.ndarray:
        raise SceneError(f"{number} is broken; copy it again.")

    with pytest.raises(SceneError, match="None of the 3 pictures can be read; the first: 0 is broken"):
        encode_pictures(ToyEncoder(), read, 3, None, JobContext())


def test_an_encoder_of_windows_alone_is_refused() -> None:
    with pytest.raises(ModelError, match="no vectors of whole pictures"):
        picture_encoder(FakeEncoder())


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [("a, b", 'quoted "x"'), ("ä", "two\nlines")]
    write_rows(tmp_path / "t.csv", ("one", "two"), rows)
    assert [cells for _, cells in read_rows(tmp_path / "t.csv", ("one", "two"))] == rows
