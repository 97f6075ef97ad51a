"""The main job runs alone: no socket of the internet families is even made.

The job runs in a process of its own, in which an audit hook notes and refuses
every AF_INET and AF_INET6 socket and every look-up of a name; where the
system allows it, the process also has no network at all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

GUARD = '''
"""Python runs this first: notes and refuses everything that reaches for a network."""
import os, socket, sys

_NOTES = os.environ["SARVLM_SOCKET_NOTES"]

def _refuse(event, arguments):
    if event == "socket.__new__":
        reaches = arguments[1] in (socket.AF_INET, socket.AF_INET6)
    elif event in ("socket.connect", "socket.bind", "socket.sendto"):
        reaches = isinstance(arguments[1], tuple)
    else:
        reaches = event in ("socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")
    if reaches:
        with open(_NOTES, "a") as notes:
            notes.write(f"{event} {arguments[1:]!r}\\n")
        raise OSError(f"refused by the test: {event}")

sys.addaudithook(_refuse)
'''


def without_network() -> list[str]:
    """The words that start a command in an empty network namespace; none where the system does not allow it."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    command = [unshare, "--map-root-user", "--net"]
    allowed = subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    return command if allowed else []


class Alone:
    """Runs Python without a network and tells what reached for one."""

    def __init__(self, folder: Path) -> None:
        guard = folder / "guard"
        guard.mkdir()
        (guard / "sitecustomize.py").write_text(GUARD)
        self.notes = folder / "notes.txt"
        roots = [guard, ROOT, ROOT / "models", ROOT / "training"]
        self.environment = dict(
            os.environ, PYTHONPATH=os.pathsep.join(map(str, roots)), SARVLM_SOCKET_NOTES=str(self.notes)
        )
        self.prefix = without_network()

    def python(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [*self.prefix, sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)

    def reached_for(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def alone(tmp_path: Path) -> Alone:
    return Alone(tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_INET6)",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
    ],
)
def test_the_guard_refuses_and_notes(alone, code):
    assert alone.python("-c", code).returncode != 0
    assert alone.reached_for()


def test_the_guard_lets_local_sockets_pass(alone):
    done = alone.python("-c", "import socket; a, b = socket.socketpair(); a.close(); b.close()")
    assert done.returncode == 0, done.stderr
    assert not alone.reached_for()


@pytest.mark.slow
def test_demo_query_and_export_make_no_socket(alone, tmp_path):
    scene, heat, places, picture = (tmp_path / name for name in ("demo.tif", "heat.tif", "places.geojson", "map.png"))
    demo = alone.python("-m", "sarvlm_app", "demo", scene)
    assert demo.returncode == 0, demo.stderr
    query = alone.python(
        *("-m", "sarvlm_app", "query", scene, "ships in the harbour", "--json"),
        *("--heatmap", heat, "--candidates", places, "--png", picture),
    )
    assert query.returncode == 0, query.stderr
    answer = json.loads(query.stdout)
    assert answer["cells"][0] > 1
    for written in (heat, places, picture):
        assert written.stat().st_size > 0
    assert alone.reached_for() == []
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_loading_an_architecture_of_open_clip_makes_no_socket(alone):
    code = "import open_clip; open_clip.create_model('RN50'); open_clip.get_tokenizer('ViT-B-32')(['a ship'])"
    done = alone.python("-c", code)
    assert done.returncode == 0, done.stderr
    assert alone.reached_for() == []
