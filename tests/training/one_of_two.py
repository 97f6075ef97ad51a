"""One of two processes of a tiny run: ``python one_of_two.py SCENES OUT``, with the variables that torchrun sets."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "models"), str(ROOT / "training")]

from sarvlm_training.finetune import Run, train  # noqa: E402
from tests.training.tiny import tiny_recipe, use_few_words  # noqa: E402


def main(scenes: Path, out: Path) -> None:
    use_few_words(pytest.MonkeyPatch())
    rank, real = os.environ["RANK"], Run.advance

    def advance(run: Run, *given: object) -> dict[str, float]:
        losses = real(run, *given)  # type: ignore[arg-type]
        told = hashlib.sha256()
        for name, value in run.learner.named_parameters():
            told.update(name.encode() + value.detach().numpy().tobytes())
        for value in run.learner.sarclip.image.head.buffers():
            told.update(value.numpy().tobytes())
        with (out.parent / f"rank{rank}.txt").open("a") as file:
            file.write(f"{told.hexdigest()} {losses['place']:.6f}\n")
        return losses

    Run.advance = advance  # type: ignore[method-assign, assignment]
    torch.set_num_threads(1)
    train(tiny_recipe(scenes, out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
