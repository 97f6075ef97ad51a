"""The command line in this process and beside it, on scenes with a few bright spots."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sarvlm_app.cli import main
from tests.cli.spots import SpotEncoder, spot_scene
from tests.core.scene_files import TRANSFORM, UTM33

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output, of a run that went well."""
        assert self.code == 0, self.err
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))

    @property
    def fault(self) -> str:
        """The one sentence of a run whose input was at fault."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert self.out == "", "nothing on standard output"
        text = self.err.rstrip("\n").splitlines()[-1]
        assert text.endswith(".") and ". " not in text, f"one sentence: {text}"
        assert any(mark in text for mark in (";", ":", ", ")), f"it says what to do: {text}"
        assert "Traceback" not in self.err
        return text


@pytest.fixture
def sarvlm(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> SpotEncoder:
    """The model of a few lines in the place of the shipped one."""
    model = SpotEncoder()
    monkeypatch.setattr("sarvlm_models.registry.load_encoder", lambda *_: model)
    return model


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return spot_scene(tmp_path / "harbour.tif", crs=UTM33, transform=TRANSFORM)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python with the project in its path; what is left running is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        path = os.pathsep.join(str(ROOT / part) for part in ("", "models", "training"))
        environment = {**os.environ, "PYTHONPATH": path, **options.pop("environment", {})}
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        command = [sys.executable, *(str(argument) for argument in arguments)]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, encoding="utf-8", **{**pipes, **options})
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def spawn(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line with the model of a few lines as a process: spawn(mode, *arguments)."""

    def run(mode: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        return start(ROOT / "tests" / "cli" / "spot_process.py", mode, *arguments, **options)

    return run


def finished(process: subprocess.Popen[str]) -> Ran:
    """Waits for a process."""
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out or "", err or "")
