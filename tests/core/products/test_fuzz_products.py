"""Side files and HDF5 products with anything spoilt: they open, or are refused with one sentence."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.products.families import use, zipped
from tests.core.products.hdf5_files import write_cosmo, write_geocoded, write_rslc
from tests.core.products.radarsat_files import write_rcm, write_rs2
from tests.core.products.safe_files import Safe, write_safe
from tests.core.products.terrasar_files import write_product
from tests.core.products.test_terrasar import grid
from tests.core.products.vendor_files import (
    iceye_json,
    write_capella,
    write_iceye_cog,
    write_iceye_grd,
    write_iceye_slc,
    write_umbra,
)

WORDS = st.sampled_from(
    ["", "x", "-1", "0", "1", "NaN", "inf", "1e308", "-1e308", "1e-308", "9" * 30, "9" * 5000, "²", "٣", "3 2 1", "0 0",
     "../../etc/passwd", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2024-13-45T99:00:00", "90", "361", "<"]
)  # fmt: skip


def small_grd(folder: Path) -> Path:
    return write_safe(Safe(folder, width=60, height=40, polarisations=("VV",)))


def small_slc(folder: Path) -> Path:
    return write_safe(Safe(folder, level="SLC", swath="IW1", bursts=3, width=60, height=42, polarisations=("VV",)))


XML = {
    "annotation of a GRD": (
        lambda f: write_safe(Safe(f, width=60, height=40, polarisations=("VV",))),
        "annotation/s1*",
    ),
    "annotation of an SLC": (small_slc, "annotation/s1*"),
    "manifest": (small_grd, "manifest.safe"),
    "calibration": (small_slc, "annotation/calibration/calibration-*"),
    "noise": (small_slc, "annotation/calibration/noise-*"),
    "TerraSAR-X": (lambda f: write_product(f, grid=grid()).parent, "*.xml"),
    "TerraSAR-X, its grid": (lambda f: write_product(f, grid=grid()).parent, "ANNOTATION/GEOREF.xml"),
    "TerraSAR-X, the grid of a map": (lambda f: write_product(f, "GEC", grid=grid()).parent, "ANNOTATION/GEOREF.xml"),
    "RADARSAT-2": (lambda f: write_rs2(f, "SLC", ("HH",)), "product.xml"),
    "RADARSAT-2, a table": (lambda f: write_rs2(f, "SGF", ("HH",)), "lutBeta.xml"),
    "RCM": (lambda f: write_rcm(f, ("HH",)), "metadata/product.xml"),
    "RCM, its noise": (lambda f: write_rcm(f, ("HH",)), "metadata/calibration/noise*"),
    "ICEYE": (lambda f: write_iceye_grd(f).parent, "*.xml"),
}
_WHOLE: dict[str, Path] = {}


def copied(kind: str, write, factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of a product that is written once."""
    if kind not in _WHOLE:
        _WHOLE[kind] = write(factory.mktemp("whole"))
    folder = factory.mktemp("spoilt")
    if _WHOLE[kind].is_file():
        return Path(shutil.copytree(_WHOLE[kind].parent, folder / "there")) / _WHOLE[kind].name
    return Path(shutil.copytree(_WHOLE[kind], folder / _WHOLE[kind].name))


@pytest.mark.parametrize("kind", XML)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_xml_in_which_anything_is_spoilt(kind, tmp_path_factory, data):
    write, name = XML[kind]
    product = copied(kind, write, tmp_path_factory)
    file = next(product.glob(name))
    text = file.read_text()
    way = data.draw(st.sampled_from(["a word", "a word", "all of a tag", "drop a tag", "double a tag", "cut"]))
    if way == "a word":
        spans = [m.span(1) for m in re.finditer(r'>([^<>]+)<|="([^"]+)"', text) if (m.group(1) or "").strip()]
        start, end = data.draw(st.sampled_from(spans))
        text = text[:start] + data.draw(WORDS) + text[end:]
    elif way == "cut":
        text = text[: data.draw(st.integers(0, len(text)))]
    else:
        tag = data.draw(st.sampled_from(sorted(set(re.findall(r"<([A-Za-z0-9_:]+)[ >]", text)))))
        if way == "all of a tag":
            word = data.draw(WORDS)
            text = re.sub(rf"(<{tag}(?: [^<>]*)?>)[^<>]*<", lambda match: f"{match[1]}{word}<", text)
        else:
            again = {"drop a tag": 0, "double a tag": 2}[way]
            pattern = rf"<{tag}(?: [^<>]*)?>.*?</{tag}>"
            count = data.draw(st.integers(0, 1))
            text = re.sub(pattern, lambda match: match[0] * again, text, count=count, flags=re.DOTALL)
    file.write_text(text)
    use(product)


JSON = {
    "Capella SLC": lambda f: write_capella(f, "SLC"),
    "Capella GEO": write_capella,
    "ICEYE in JSON": lambda f: write_iceye_cog(f, iceye_json()),
    "Umbra": write_umbra,
}
VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(-5, 5), st.text(max_size=5),
    st.sampled_from([[], {}, [[]], [1, 2], 10**400, "9999-12-31T23:59:59Z", 1e-300, 1e9]),
)  # fmt: skip


@pytest.mark.parametrize("kind", JSON)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_json_in_which_anything_is_spoilt(kind, tmp_path_factory, data):
    path = copied(kind, JSON[kind], tmp_path_factory)
    file = next(path.parent.glob("*.json"))
    said = json.loads(file.read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        parent, key = data.draw(st.sampled_from(entries(said)))
        if data.draw(st.booleans()):
            parent[key] = data.draw(VALUES)
        else:
            del parent[key]
    file.write_text(json.dumps(said))
    use(path)


def entries(said) -> list[tuple[dict, str]]:
    """Every entry of every object, as the object and its key."""
    found = []
    for key, value in said.items() if isinstance(said, dict) else enumerate(said):
        if isinstance(said, dict):
            found.append((said, key))
        if isinstance(value, dict | list):
            found += entries(value)
    return found or [({"a": 1}, "a")]


HDF5 = {
    "NISAR RSLC": write_rslc,
    "NISAR GCOV": write_geocoded,
    "COSMO-SkyMed": write_cosmo,
    "ICEYE SLC": write_iceye_slc,
}
THINGS = st.sampled_from(
    [np.nan, np.inf, -1, 0, 1e308, 2**63 - 1, True, 1 + 2j, "x", "", b"\xff\xfe", "9999-12-31T23:59:59Z", np.array([]),
     np.array([1, 2, 3]), np.array([[1.0, np.nan]]), np.zeros((3, 3, 3)), np.arange(70.0)[::-1], np.ones(50),
     h5py.Empty("f8"), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])]
)  # fmt: skip


@pytest.mark.parametrize("kind", HDF5)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_hdf5_in_which_anything_is_spoilt(kind, tmp_path_factory, data):
    path = copied(kind, HDF5[kind], tmp_path_factory)
    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visit(names.append)
        attributes = [(name, key) for name in ["/", *sorted(names)] for key in sorted(file[name].attrs)]
        if attributes and data.draw(st.booleans()):
            name, key = data.draw(st.sampled_from(attributes))
            file[name].attrs[key] = data.draw(THINGS)
        else:
            spoil(file, data.draw(st.sampled_from(sorted(names))), data)
    use(path)


def spoil(file: h5py.File, name: str, data: st.DataObject) -> None:
    old = file[name][()] if isinstance(file[name], h5py.Dataset) else None
    del file[name]
    way = data.draw(st.sampled_from(["gone", "group", "itself", "huge", "long", "backwards", "a hole", "another"]))
    if way == "group":
        file.create_group(name)
    elif way == "itself":
        file[name] = h5py.SoftLink(f"/{name}")
    elif way == "huge":
        file.create_dataset(name, shape=(2**20, 2**20), dtype="c8", chunks=(64, 64))
    elif way == "long":
        file.create_dataset(name, shape=(2**33,), dtype="f8", chunks=(64,))
    elif way == "backwards" and isinstance(old, np.ndarray):
        file[name] = old[::-1]
    elif way == "a hole" and isinstance(old, np.ndarray) and old.dtype.kind == "f":
        old[tuple(size // 2 for size in old.shape)] = data.draw(st.sampled_from([np.nan, np.inf, 1e30, 0.0]))
        file[name] = old
    elif way == "another":
        file[name] = data.draw(THINGS)


@settings(max_examples=25, deadline=None)
@given(at=st.integers(0, 10**6), new=st.binary(min_size=1, max_size=4), keep=st.floats(0.05, 1.0) | st.just(1.0))
def test_an_archive_in_which_any_bytes_are_spoilt(tmp_path_factory, at, new, keep):
    path = copied("zip", lambda f: zipped(_of(f)), tmp_path_factory)
    content = bytearray(path.read_bytes())
    marks = [match.start() for match in re.finditer(rb"PK[\x01\x03\x05][\x02\x04\x06]", content)]
    place = marks[at % len(marks)] + at % 61
    content[place : place + len(new)] = new
    path.write_bytes(content[: int(len(content) * keep)])
    use(path)


def _of(folder: Path) -> Safe:
    safe = Safe(folder, width=60, height=40)
    write_safe(safe)
    return safe
