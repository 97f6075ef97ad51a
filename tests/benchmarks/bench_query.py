"""How long a question takes: the first, a repeated one, and a repeated one by the paper's crop method.

Run by ``make bench``, or as ``pytest -s tests/benchmarks/bench_query.py -o python_files='bench_*.py'``. Each
question goes through the command line, as a user's would, with an empty cache
folder of its own; the seconds are those that the answer reports, without the
start of Python and the loading of the model. The scene is the Sentinel-1 scene
of ../shared/data, or the simulated demo scene where that is not there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REAL_SCENE = Path("s1_scenes/S1A_20201107_los_angeles_vh.tif")
TEXT = "ships in the harbour"
REPEATS = 5
WANTED_RATIO = 30.0


def sarvlm(arguments: list[str], cache: Path) -> Any:
    """The JSON answer of one run of the command line."""
    environment = {
        **os.environ,
        "SARVLM_CACHE_DIR": str(cache),
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "models", "training")),
    }
    command = [sys.executable, "-m", "sarvlm_app", *arguments, "--json"]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def default_scene(folder: Path) -> Path:
    shared = Path(os.environ.get("SARVLM_SHARED", ROOT.parent / "shared" / "data")) / REAL_SCENE
    if shared.exists():
        return shared
    demo = folder / "demo.tif"
    sarvlm(["demo", str(demo)], folder / "cache")
    return demo


def total(answer: Any) -> float:
    return float(answer["seconds"]["total"])


def row(name: str, answer: Any) -> str:
    times = answer["seconds"]
    return f"{name:22} {total(answer):9.3f} s  (encode {times['encode']:.3f}, score {times['score']:.3f})"


def test_a_repeated_question_is_thirty_times_faster_than_the_crop_method(tmp_path: Path) -> None:
    cache, scene = tmp_path / "cache", default_scene(tmp_path)
    question = ["query", str(scene), TEXT]
    first = sarvlm(question, cache)
    repeated = sorted((sarvlm(question, cache) for _ in range(REPEATS)), key=total)
    crops = [sarvlm([*question, "--reference"], cache) for _ in range(2)][-1]
    usual = repeated[REPEATS // 2]
    ratio = total(crops) / total(usual)
    print(f"\n{scene.name}, {os.cpu_count()} cores, model {first['model']}")
    print(row("first question", first))
    print(row(f"repeated, median of {REPEATS}", usual))
    print(row("repeated, --reference", crops))
    print(f"{'reference / repeated':22} {ratio:9.1f} x  (wanted: at least {WANTED_RATIO:g})")
    print(f"{'first / repeated':22} {total(first) / total(usual):9.1f} x")
    print(f"{'reference / first':22} {total(crops) / total(first):9.1f} x")
    assert not first["cached"] and all(answer["cached"] for answer in repeated)
    assert ratio >= WANTED_RATIO
