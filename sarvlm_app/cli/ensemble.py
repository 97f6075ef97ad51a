"""`sarvlm ensemble`: one network between several fine-tunes."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.errors import ModelError

if TYPE_CHECKING:
    from sarvlm_models.api import DenseEncoder
    from sarvlm_training.ensemble import State
    from sarvlm_training.ensemble_files import Parent
    from sarvlm_training.sweep import Measure, Sweep


def ensemble(options: argparse.Namespace) -> int:
    """Average fine-tunes with a given alpha, alike, or with the alpha that a sweep chooses."""
    from sarvlm_training.ensemble import alpha_shares, average
    from sarvlm_training.ensemble_files import read_parents, require_other_file, write_ensemble

    began = time.perf_counter()
    out, paths = Path(options.out), [Path(options.first), *map(Path, options.others)]
    require_other_file(out, paths)
    require_places([out])
    measures = _measures(options.sweep) if options.sweep else []
    with Progress("Reading the models") as progress, _memory_in_words():
        parents = read_parents(paths)
        table = _swept(parents, measures, out, options.device, progress) if measures else None
        if table is not None:
            shares = alpha_shares(table.best.alpha, len(parents))
        elif options.alpha is not None:
            shares = alpha_shares(options.alpha, len(parents))
        else:
            shares = [1.0 / len(parents)] * len(parents)
        alpha = 1.0 - shares[0]
        progress.step(0, 1, f"Writing {out}")
        write_ensemble(out, average([parent.state for parent in parents], shares), parents, shares, alpha)
    result = _facts(out, alpha, parents, shares, table) | {"seconds": time.perf_counter() - began}
    if options.json:
        print_json(result)
    else:
        _print(result, table)
    return 0


@contextmanager
def _memory_in_words() -> Iterator[None]:
    """Running out of memory as a sentence."""
    from sarvlm_models.batches import is_out_of_memory

    try:
        yield
    except (MemoryError, RuntimeError) as fault:
        if isinstance(fault, RuntimeError) and not is_out_of_memory(fault):
            raise
        raise ModelError(
            "There is not enough memory to average these models; close other programs, or average fewer at once."
        ) from fault


def _measures(plan: Path) -> list[Measure]:
    from sarvlm_training.sweep_plan import read_plan

    planned = read_plan(plan)
    from sarvlm_training.sweep_measures import planned_measures

    return planned_measures(planned)


def _swept(parents: Sequence[Parent], measures: Sequence[Measure], out: Path, device: str, progress: Progress) -> Sweep:
    """The sweep from the first parent to the mean of the others, each candidate loaded as a user would."""
    from sarvlm_models.registry import load_encoder
    from sarvlm_training.ensemble import average
    from sarvlm_training.ensemble_files import write_ensemble
    from sarvlm_training.sweep import ALPHAS, sweep

    rest = average([parent.state for parent in parents[1:]])
    with tempfile.TemporaryDirectory(prefix="sarvlm-sweep-") as folder:
        place = Path(folder) / out.name  # what a checkpoint's name tells about it stays

        def encoder_of(state: State) -> DenseEncoder:
            write_ensemble(place, state, parents[:1], [1.0], 0.0)
            return load_encoder(str(place), device)

        return sweep(parents[0].state, rest, ALPHAS, measures, encoder_of, progress.step)


def _facts(
    out: Path, alpha: float, parents: Sequence[Parent], shares: Sequence[float], table: Sweep | None
) -> dict[str, Any]:
    """The answer as INTERFACE.md's conventions have it."""
    from sarvlm_models.checkpoints import file_sha256

    origin = [
        {"path": str(parent.path), "sha256": parent.sha256, "share": share}
        for parent, share in zip(parents, shares, strict=True)
    ]
    facts: dict[str, Any] = {"out": str(out), "sha256": file_sha256(out), "alpha": alpha, "parents": origin}
    if table is not None:
        rows = [{"alpha": row.alpha, "mean": row.mean, "measures": row.figures} for row in table.rows]
        facts |= {"sweep": rows, "mean": table.best.mean, "gain": table.gain}
    return facts


def _print(facts: dict[str, Any], table: Sweep | None) -> None:
    if table is not None:
        names = list(table.best.figures)
        print("  ".join(["alpha", *names, "mean"]))
        for row in table.rows:
            figures = [f"{row.figures[name]:{max(len(name), 6)}.4f}" for name in names]
            print("  ".join([f"{row.alpha:5.1f}", *figures, f"{row.mean:.4f}"]))
        gain = table.gain or 0.0
        print(f"Over the better parent: {gain:+.4f}" + ("" if gain > 0 else " (the ensemble does not help)"))
    for parent in facts["parents"]:
        print(f"{parent['share']:6.3f} of {parent['path']}")
    print(f"written to {facts['out']}")
