"""The archive's figures: how well class words find, how fast it adds and searches, each beside a plain way.

Run one part by ``python tests/benchmarks/bench_archive.py words|ingest|search [--rows N]``. The data come from
../shared/data and go to a temporary folder. `words` counts the share of right hits among the first ten for the words
of every class over one archive of all held sets. `ingest` embeds a scene's tiles by the archive and by a loop that
encodes one tile after the other with the same model; it counts processor seconds, which other programs do not touch.
`search` asks a store of N vectors of length 512, made from real ones by a fixed rotation and noise, and holds its
answers against plain FAISS flat (and NumPy) over the same.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models"), str(ROOT / "training")]
SHARED = Path(os.environ.get("SARVLM_SHARED", ROOT.parent / "shared" / "data"))
DIM = 512
WORDS = {
    "2S1 self-propelled howitzer": ("2S1",), "BRDM-2 armoured reconnaissance vehicle": ("BRDM2",),
    "BTR-60 armoured personnel carrier": ("BTR60",), "D7 bulldozer": ("D7",), "T-62 main battle tank": ("T62",),
    "ZIL-131 truck": ("ZIL131",), "ZSU-23-4 self-propelled anti-aircraft gun": ("ZSU234",),
    "Airbus A220": ("A220",), "Airbus A320 or A321": ("A320-A321",), "Airbus A330": ("A330",), "ARJ21": ("ARJ21",),
    "Boeing 737": ("Boeing737",), "Boeing 787": ("Boeing787",),
    "farm fields": ("agriculture",), "stacked containers": ("container",), "forest": ("forest",),
    "industrial buildings": ("industrialbuilding",), "residential area": ("residential",),
    "skyscrapers": ("skyscraper",), "storage tanks": ("storagetank",), "water": ("water", "ship", "sentinel"),
    "a ship": ("ship",), "an aircraft": ("A220", "A320-A321", "A330", "ARJ21", "Boeing737", "Boeing787", "airfield"),
    "a military vehicle": ("2S1", "BRDM2", "BTR60", "D7", "T62", "ZIL131", "ZSU234", "field"),
}  # fmt: skip
ABSENT = ("a birthday cake", "a giraffe", "an orchestra", "a volcano", "a violin", "icebergs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("words", "ingest", "search", "ask"))
    parser.add_argument("--each", type=int, default=25, help="pictures of a class")
    parser.add_argument("--rows", type=int, default=1_000_000, help="vectors of the store")
    parser.add_argument("--store", type=Path, help="(of ask)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sarvlm-bench-") as folder:
        parts: dict[str, Callable[[], None]] = {
            "words": lambda: words(Path(folder), options.each),
            "ingest": lambda: ingest(Path(folder)),
            "search": lambda: search(Path(folder), options.rows),
            "ask": lambda: ask(options.store),
        }
        parts[options.part]()


# -- words


def held_pictures(each: int) -> Iterator[tuple[str, Path | np.ndarray]]:
    """(class, picture) of the test parts, up to `each` of a class."""
    rng = random.Random(3)
    for table, column in (("mstar_raw15/test.csv", "target"), ("sar_acd/test.csv", "aircraft")):
        for row in some(table, column, each, rng):
            yield row[column], SHARED / Path(table).parent / row["path"]
    arrays = np.load(SHARED / "tsx_landcover/test.npz")
    for row in some("tsx_landcover/test.csv", "class", each, rng):
        number = int(row["row"])
        iq = arrays["iq"][number].astype(np.float32) * arrays["scale"][number]
        iq = iq if iq.shape[-1] == 2 else np.moveaxis(iq, 0, -1)
        yield row["class"], np.hypot(iq[..., 0], iq[..., 1])
    images = json.loads((SHARED / "ssdd/train.json").read_text())["images"]
    for image in rng.sample(images, 2 * each):
        yield "ship", SHARED / "ssdd" / image["file_name"]
    for name, pattern, most in (
        ("airfield", "sar_aircraft_sample/*.jpg", 3), ("field", "mstar_scenes/test/*", 8),
        ("sentinel", "s1s2_pairs/sar/*", 8),
    ):  # fmt: skip
        for path in sorted(SHARED.glob(pattern))[:most]:
            yield name, path


def some(table: str, column: str, each: int, rng: random.Random) -> list[dict[str, str]]:
    with (SHARED / table).open() as file:
        rows = list(csv.DictReader(file))
    rng.shuffle(rows)
    kinds = sorted({row[column] for row in rows})
    return [row for kind in kinds for row in [row for row in rows if row[column] == kind][:each]]


def words(folder: Path, each: int) -> None:
    from sarvlm_app.core.archive.archive import Archive
    from sarvlm_app.core.archive.search import ArchiveQuery, Example, Searching
    from sarvlm_app.core.scene import open_scene

    labels: dict[str, str] = {}
    (folder / "data").mkdir()
    for number, (label, picture) in enumerate(held_pictures(each)):
        if isinstance(picture, Path):
            place = folder / "data" / f"{number:05d}{picture.suffix}"
            place.symlink_to(picture)
        else:
            place = folder / "data" / f"{number:05d}.tif"
            Image.fromarray(picture).save(place)
        labels[place.name] = label
    report = fill(folder / "archive", folder / "data")
    print(f"{report.added} files, {report.tiles} tiles, {len(report.faults)} faults")
    with Archive(folder / "archive") as archive:
        searching = Searching(archive, provided()())
        print("background", {kind: round(level, 2) for kind, level in searching._levels.items()})
        precisions = []
        for text, right in WORDS.items():
            hits = searching.search(ArchiveQuery(text, top=10)).hits
            good = [labels[hit.scene.name] in right for hit in hits]
            precisions.append(sum(good) / max(1, len(good)))
            wrong = sorted({labels[hit.scene.name] for hit, ok in zip(hits, good, strict=True) if not ok})
            print(f"{text:42} {sum(good):2d} of {len(good):2d}  {hits[0].score if hits else 0:.2f}  {' '.join(wrong)}")
        print(f"mean precision@10 of the words {np.mean(precisions):.3f}")
        for text in ABSENT:
            answer = searching.search(ArchiveQuery(text))
            print(f"absent: {text:34} {len(answer.hits)} hits, best {answer.best:.2f}")
        alike = []
        for label in sorted({name for names in WORDS.values() for name in names}):
            place = next(folder / "data" / name for name, own in labels.items() if own == label)
            hits = searching.search(ArchiveQuery(examples=(Example(open_scene(place)),), top=11)).hits
            others = [hit for hit in hits if hit.scene.name != place.name][:10]
            share = np.mean([labels[hit.scene.name] == label for hit in others]) if others else 0.0
            alike.append(share)
            print(f"like a chip of {label:22} {share:.2f} of {len(others)}")
        print(f"mean precision@10 by example {np.mean(alike):.3f}")


def provided() -> Any:
    from sarvlm_app.cli.archive import Provider
    from sarvlm_app.paths import data_dir

    return Provider(None, "cpu", str(data_dir()))


def fill(archive: Path, *paths: Path) -> Any:
    from sarvlm_app.core.archive.ingest import AddRequest, add
    from sarvlm_app.core.jobs import JobContext

    return add(archive, AddRequest(tuple(paths)), provided(), JobContext())


# -- ingest


def ingest(folder: Path) -> None:
    from sarvlm_app.core.archive.embed import Manifest, ManifestItem, embed_shard, header_of
    from sarvlm_app.core.archive.shard import from_parquet
    from sarvlm_app.core.scene import default_band, open_scene, read_chip, scene_stats
    from sarvlm_models.types import Window

    encoder = provided()()
    scene = open_scene(piece_of_a_scene(folder))
    band = default_band(scene)
    warm = np.random.default_rng(0).exponential(1.0, (1024, 1024)).astype(np.float32)
    encoder.encode_patches(warm, scene_stats(scene, band), 8.3)
    manifest = Manifest(header_of(encoder.spec), (ManifestItem(str(scene.path)),))
    began = time.process_time()
    shard = from_parquet(embed_shard(manifest, lambda: encoder))
    own = time.process_time() - began
    windows = sorted({tuple(window) for window in shard.windows.tolist()})
    spacing = float(np.sqrt(np.prod(scene.spacing_m or (10.0, 10.0))))
    for window in windows[:2]:  # the loop's shapes are warm as well
        encoder.encode_chips([read_chip(scene, Window(*window), band).intensity], scene_stats(scene, band), spacing)
    began = time.process_time()
    for window in windows:
        chip = read_chip(scene, Window(*window), band)
        encoder.encode_chips([chip.intensity], scene_stats(scene, band), spacing)
    loop = time.process_time() - began
    print(
        f"{len(windows)} tiles, {len(shard)} vectors: archive {own:.2f} s, one by one {loop:.2f} s, "
        f"{loop / own:.1f} times"
    )


def piece_of_a_scene(folder: Path) -> Path:
    """1792 x 1792 px of the Los Angeles scene, with its georeference."""
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(SHARED / "s1_scenes/S1A_20201107_los_angeles_vh.tif") as source:
        window = Window(400, 3200, 1792, 1792)
        profile = {**source.profile, "width": 1792, "height": 1792, "transform": source.window_transform(window)}
        with rasterio.open(folder / "S1A_20201107_piece_vh.tif", "w", **profile) as out:
            out.write(source.read(window=window))
    return folder / "S1A_20201107_piece_vh.tif"


# -- search


@lru_cache(maxsize=1)
def real_vectors(folder: Path) -> np.ndarray:
    """Vectors of chips and of a scene's patches, float32 (n, 128)."""
    from sarvlm_app.core.radiometry import to_amplitude
    from sarvlm_app.core.scene import default_band, open_scene, read_chip, scene_stats
    from sarvlm_models.types import Window

    encoder, scene = provided()(), open_scene(piece_of_a_scene(folder))
    band = default_band(scene)
    chip = read_chip(scene, Window(0, 0, 1792, 1024), band)
    patches = encoder.encode_patches(chip.intensity, scene_stats(scene, band), 8.3)
    flat = patches.reshape(-1, patches.shape[-1]).astype(np.float32)
    paths = [path for label, path in held_pictures(12) if isinstance(path, Path)][:150]
    pictures = [np.asarray(Image.open(path).convert("F"), np.float32) for path in paths]
    small = [to_amplitude(picture**2) for picture in pictures if max(picture.shape) <= 256]
    return np.concatenate((flat, encoder.encode_pictures(small, None)))


def many(folder: Path, rows: int, seed: int = 0) -> Iterator[np.ndarray]:
    """`rows` unit vectors float16 (n, 512) at a time: real ones, resampled, rotated into 512 axes, with noise."""
    rng = np.random.default_rng(1)
    real = real_vectors(folder)
    turn = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][: real.shape[1]].astype(np.float32)
    rng = np.random.default_rng(seed)
    for start in range(0, rows, 50_000):
        count = min(50_000, rows - start)
        vectors = real[rng.integers(0, len(real), count)] @ turn
        vectors += (0.35 / np.sqrt(DIM)) * rng.standard_normal((count, DIM), np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        yield vectors.astype(np.float16)


def payload(vectors: np.ndarray, first: int) -> Any:
    from sarvlm_app.core.archive.store import Rows

    n = len(vectors)
    rng = np.random.default_rng(first)
    west, south = rng.uniform(-180, 178, n), rng.uniform(-80, 79, n)
    boxes = np.column_stack((west, south, west + 0.1, south + 0.1)).astype(np.float32)
    ids = np.arange(first, first + n)
    times = rng.integers(1_400_000_000, 1_700_000_000, n)
    return Rows(ids, vectors, ids // 50, boxes, times, ["Sentinel-1"] * n, ["VV"] * n)


def search(folder: Path, rows: int) -> None:
    """Build the store, ask it in a process of its own, add a thousand, and compare with plain ways."""
    from sarvlm_app.core.archive.faiss_store import FaissStore

    began = time.perf_counter()
    stacked = np.concatenate(list(many(folder, rows)))
    questions = np.concatenate(list(many(folder, 50, seed=9))).astype(np.float32)
    np.save(folder / "questions.npy", questions)
    print(f"{rows} vectors made in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter(), time.process_time()
    store = FaissStore(folder / "store", DIM, writable=True)
    store.upsert([("all", payload(stacked, 0))])
    print(
        f"built in {time.perf_counter() - began[0]:.0f} s ({time.process_time() - began[1]:.0f} s of the processor)",
        flush=True,
    )
    np.save(folder / "truth.npy", flat_search(stacked, questions))
    began = time.perf_counter()
    more = payload(np.concatenate(list(many(folder, 1000, seed=5))), rows)
    made = time.perf_counter()
    store.upsert([("more", more)])
    print(f"1000 more: {time.perf_counter() - made:.3f} s (made in {made - began:.1f} s)")
    found = store.search(more.vectors[3].astype(np.float32), 1)[0]
    assert found.ids.tolist() == [rows + 3], "searchable at once"
    del store, stacked
    command = [sys.executable, __file__, "ask", "--store", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT)


def flat_search(stacked: np.ndarray, questions: np.ndarray) -> np.ndarray:
    """The true nearest hundred by plain FAISS flat, block by block; with the times of it and of NumPy."""
    import faiss

    best: list[np.ndarray] = [np.full((len(questions), 100), -np.inf, np.float32)]
    ids: list[np.ndarray] = [np.full((len(questions), 100), -1)]
    spent = {"FAISS flat": 0.0, "NumPy": 0.0}
    for start in range(0, len(stacked), 100_000):
        block = stacked[start : start + 100_000].astype(np.float32)
        index = faiss.IndexFlatIP(DIM)
        index.add(block)
        began = time.perf_counter()
        index.search(questions[:1], 100)
        spent["FAISS flat"] += time.perf_counter() - began
        began = time.perf_counter()
        np.argpartition(-(block @ questions[0]), 100)
        spent["NumPy"] += time.perf_counter() - began
        scores, found = index.search(questions, 100)
        best.append(scores)
        ids.append(found + start)
    scores, numbers = np.concatenate(best, axis=1), np.concatenate(ids, axis=1)
    order = np.argsort(-scores, axis=1)[:, :100]
    for name, seconds in spent.items():
        print(
            f"{name}: {1000 * seconds:.0f} ms a question over {len(stacked)} float32 vectors, "
            f"{4e-9 * stacked.size:.1f} GB"
        )
    return np.take_along_axis(numbers, order, axis=1)


def ask(folder: Path) -> None:
    """In a process of its own, whose memory is its own: times, recall, memory."""
    from sarvlm_app.core.archive.faiss_store import FaissStore
    from sarvlm_app.core.archive.store import Filter

    before = peak_gb()
    store = FaissStore(folder / "store", DIM, writable=False)
    questions, truth = np.load(folder / "questions.npy"), np.load(folder / "truth.npy")
    wanted = Filter(bbox=(-60.0, -40.0, 60.0, 60.0), after=1_450_000_000, before=1_650_000_000)
    for name, condition in (("plain", None), ("area and dates", wanted)):
        store.search(questions[:1], 100, condition)
        wall, own, recall = [], [], []
        for question, right in zip(questions, truth, strict=True):
            began = time.perf_counter(), time.process_time()
            found = store.search(question, 100, condition)[0]
            wall.append(time.perf_counter() - began[0])
            own.append(time.process_time() - began[1])
            recall.append(len(set(found.ids.tolist()) & set(right.tolist())) / len(right))
        said = f", recall@100 {np.mean(recall):.4f}" if condition is None else ""
        print(
            f"{name}: median {1000 * np.median(wall):.1f} ms, {1000 * np.median(own):.1f} ms of the processor{said}, "
            f"fastest {1000 * min(wall):.1f} ms"
        )
    print(f"memory {peak_gb():.2f} GB at most, {peak_gb() - before:.2f} GB of it for the store")


def peak_gb() -> float:
    """The most memory that this process has had (of itself: getrusage tells that of its parent as well)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1e6


if __name__ == "__main__":
    main()
