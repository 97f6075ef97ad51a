"""Every test runs alone: no network, own folders, no window settings of the user.

The variables are set while this file is imported, before any module of the
project is, because some libraries read them at import.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# every run tries the same examples, so that a change is judged by what it changed; SARVLM_EXAMPLES=new looks for others
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("new", deadline=None)
hypothesis.settings.load_profile(os.environ.get("SARVLM_EXAMPLES", "same"))

_SESSION_DIR = tempfile.TemporaryDirectory(prefix="sarvlm-tests-")
_OWN_DIRS = ("SARVLM_CACHE_DIR", "SARVLM_DATA_DIR", "SARVLM_CONFIG_DIR")
_ROOT = Path(__file__).resolve().parents[1]

for _name in _OWN_DIRS:
    os.environ[_name] = str(Path(_SESSION_DIR.name) / _name.split("_")[1].lower())
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    NO_COLOR="1",
    QT_API="pyside6",
    NAPARI_CONFIG=str(Path(_SESSION_DIR.name) / "napari" / "settings.yaml"),
    LIBGL_ALWAYS_SOFTWARE="1",
    TOKENIZERS_PARALLELISM="false",
)

# triton's LLVM and that of Mesa's software OpenGL crash when triton is loaded second, and torch loads it when it is
# merely installed; nothing here compiles models
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]

_LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")
_real_connect = socket.socket.connect
_real_connect_ex = socket.socket.connect_ex
_real_getaddrinfo = socket.getaddrinfo


class NetworkUsedError(AssertionError):
    """Raised where code under test reaches for another machine."""


def _refuse_foreign(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and not str(name).startswith(_LOOPBACK):
        raise NetworkUsedError(f"A test reached for the network: {name!r}. The application must not open connections.")


def _guard_address(sock: socket.socket, address: Any) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        _refuse_foreign(address[0])


def _connect(sock: socket.socket, address: Any) -> None:
    _guard_address(sock, address)
    _real_connect(sock, address)


def _connect_ex(sock: socket.socket, address: Any) -> int:
    _guard_address(sock, address)
    return _real_connect_ex(sock, address)


def _getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
    _refuse_foreign(host)
    return _real_getaddrinfo(host, *args, **kwargs)


def pytest_configure(config: pytest.Config) -> None:
    socket.socket.connect = _connect  # type: ignore[method-assign]
    socket.socket.connect_ex = _connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = _getaddrinfo


def pytest_unconfigure(config: pytest.Config) -> None:
    socket.socket.connect = _real_connect  # type: ignore[method-assign]
    socket.socket.connect_ex = _real_connect_ex  # type: ignore[method-assign]
    socket.getaddrinfo = _real_getaddrinfo
    _SESSION_DIR.cleanup()


def _shared_data() -> Path | None:
    given = os.environ.get("SARVLM_SHARED")
    folder = Path(given) if given else _ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _shared_data() is None:
        skip = pytest.mark.skip(reason="needs ../shared/data (or SARVLM_SHARED), which is not here")
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder ../shared/data beside the repository; the test is skipped where it is absent."""
    folder = _shared_data()
    if folder is None:
        pytest.skip("needs ../shared/data (or SARVLM_SHARED), which is not here")
    return folder


@pytest.fixture(scope="session")
def repo_root() -> Path:
    return _ROOT


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty cache, data and settings folder; returns the folder that holds them.

    Fixtures of a wider scope run earlier and see the session's folders.
    """
    base = tmp_path_factory.mktemp("own")
    for name in _OWN_DIRS:
        monkeypatch.setenv(name, str(base / name.split("_")[1].lower()))
    return base


@pytest.fixture(autouse=True)
def cut_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """sarpy, which tests hold ours against, has pillow take cut pictures for whole ones; the program undoes it too."""
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", False)


@pytest.fixture
def no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves a non-daemon thread running (for tests of jobs and windows)."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(timeout=5)
    alive = [thread.name for thread in left if thread.is_alive()]
    assert not alive, f"threads left running: {alive}"
