"""Two processes train one network, as torchrun starts them: each on crops of its own, with the mean of gradients."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.test_finetune import encoder_and_captioner

SCRIPT = Path(__file__).with_name("one_of_two.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="gloo by environment variables")
def test_two_processes_keep_equal_weights_and_write_once(small_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    common = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()),
"OMP_NUM_THREADS": "1"}  # fmt: skip
    command = [sys.executable, str(SCRIPT), str(small_scenes), str(out)]
    running = [
        subprocess.Popen(command, env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for rank in range(2)
    ]  # fmt: skip
    told = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], "\n".join(told)
    weights, losses = zip(*(zip(*_told(tmp_path / f"rank{rank}.txt"), strict=True) for rank in range(2)), strict=True)
    assert weights[0] == weights[1] and len(set(weights[0])) == 2  # equal in both, and every step changes them
    assert losses[0] != losses[1]  # each learned from crops of its own
    assert sorted(p.name for p in out.iterdir()) == ["captioner.safetensors", "state.pt", "weights.safetensors"]
    encoder_and_captioner(out)


def _told(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()]
