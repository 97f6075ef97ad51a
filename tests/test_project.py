"""What holds for the project as a whole: its rules, its layers, its packaging."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = ("sarvlm_app", "models/sarvlm_models", "training/sarvlm_training")
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60


def run_tool(*command: str) -> None:
    roots = [str(ROOT), str(ROOT / "models"), str(ROOT / "training")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(roots), NO_COLOR="1")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def script(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        pytest.fail(f"{name} is not in the environment; make install")
    return found


def source_files() -> list[Path]:
    return sorted(path for root in SOURCE_ROOTS for path in (ROOT / root).rglob("*.py"))


def tracked_files() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def constraints() -> dict[str, list[Requirement]]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found: dict[str, list[Requirement]] = {}
    for line in lines:
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_ruff_finds_nothing():
    run_tool(script("ruff"), "check", ".")


@pytest.mark.slow
def test_mypy_finds_nothing():
    run_tool(sys.executable, "-m", "mypy")


def test_the_layers_hold():
    run_tool(script("lint-imports"), "--no-logo")


def test_no_file_is_longer_than_one_room():
    long = {
        str(path): count for path in source_files() if (count := len(path.read_text().splitlines())) > MAX_FILE_LINES
    }
    assert not long


def test_no_function_is_longer_than_a_screen():
    long = []
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({lines} lines)")
    assert not long, "\n".join(long)


@pytest.mark.parametrize("folder", ["models", "training", "resources", "packaging"])
def test_folders_that_must_not_become_packages(folder):
    assert not (ROOT / folder / "__init__.py").exists()


def test_every_dependency_is_pinned_exactly():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    pins = constraints()
    for line in wanted:
        requirement = Requirement(line)
        found = pins.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} has no line in constraints.txt"
        for pin in found:
            version = re.fullmatch(r"==([\w.]+)", str(pin.specifier))
            assert version, f"{pin}: an exact version without a local part is wanted"
            assert requirement.specifier.contains(version[1], prereleases=True), f"{pin} is not within {line}"


def test_pins_name_one_version_for_each_environment():
    for name, pins in constraints().items():
        for python in ("3.11", "3.12", "3.13"):
            environment = {**default_environment(), "python_version": python}
            applying = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(environment)]
            assert len(applying) <= 1, f"{name} is pinned twice for Python {python}"


def test_tracked_files_name_no_registry_and_no_local_wheels():
    this = Path(__file__).name
    wrong = re.compile(r"index[-_]url|find[-_]links|/opt/wheels|https?://[^ ]*(/simple/|/repository/)", re.IGNORECASE)
    hits = []
    for name in tracked_files():
        if name.endswith((".safetensors", ".png", ".tif", ".npz")) or Path(name).name == this:
            continue
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        hits += [f"{name}: {found[0]}" for found in wrong.finditer(text)]
    assert not hits


def test_tracked_files_are_few_megabytes():
    total = sum((ROOT / name).stat().st_size for name in tracked_files() if name.startswith("resources/weights/"))
    assert total <= 100_000_000
    large = [name for name in tracked_files() if (ROOT / name).stat().st_size > 60_000_000]
    assert not large


@pytest.mark.slow
def test_the_wheel_holds_the_three_packages_and_the_resources(tmp_path):
    if not (ROOT / "README.md").exists():
        pytest.fail("README.md, which the package metadata names, is not there")
    run_tool(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for expected in ("sarvlm_app/paths.py", "sarvlm_models/types.py", "sarvlm_training/__init__.py"):
        assert expected in names
    shipped = {
        path.relative_to(ROOT / "resources").as_posix() for path in (ROOT / "resources").rglob("*") if path.is_file()
    }
    assert {f"sarvlm_app/_resources/{name}" for name in shipped} <= names
    assert not any(name.startswith(("tests/", "packaging/", "resources/")) for name in names)


@dataclass(frozen=True)
class FakeSystem:
    """A folder of commands that stands for another machine."""

    folder: Path

    def command(self, name: str, lines: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)

    def run(self, *groups: str) -> subprocess.CompletedProcess[str]:
        text = (ROOT / "packaging" / "linux" / "system_packages.sh").read_text()
        tool = self.folder / "tool.sh"
        tool.write_text(text.replace("PATH=$PATH:/usr/sbin:/sbin", ""))
        environment = {"PATH": str(self.folder)}
        return subprocess.run(
            ["/bin/sh", str(tool), *groups], env=environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def debian(tmp_path):
    """A Debian machine that lacks xvfb; its administrator is root."""
    if not Path("/bin/sh").exists():
        pytest.skip("needs a POSIX shell")
    system = FakeSystem(tmp_path)
    for name in ("cat", "env", "grep", "sed", "tr"):
        (tmp_path / name).symlink_to(shutil.which(name))
    system.command("id", "echo 0")
    system.command("dpkg-query", "echo 'ii  xauth'")
    system.command("apt-cache", "exit 0")
    system.command("apt-get", f"echo apt-get $*; echo 'ii  xvfb' > {tmp_path}/done")
    return system


def test_missing_system_packages_are_installed_by_root(debian):
    done = debian.run("display")
    assert done.returncode == 0, done.stderr
    assert "install -y --no-install-recommends xvfb" in done.stdout
    assert "xauth" not in done.stdout


def test_an_old_list_of_packages_is_renewed_once(debian):
    fresh = debian.folder / "fresh"
    debian.command("apt-get", f"case $* in *update*) : > {fresh};; *) [ -e {fresh} ];; esac")
    assert debian.run("display").returncode == 0
    assert fresh.exists()


def test_an_installation_that_fails_says_so(debian):
    debian.command("apt-get", "exit 100")
    done = debian.run("display")
    assert done.returncode == 1
    assert "could not install" in done.stderr


def test_without_an_administrator_the_command_is_named(debian):
    debian.command("id", "echo 1000")
    done = debian.run("display")
    assert done.returncode == 1
    assert "sudo apt-get install --no-install-recommends xvfb\n" in done.stderr


def test_nothing_is_said_where_nothing_is_missing(debian):
    debian.command("dpkg-query", "echo 'ii  xauth'; echo 'hi  xvfb'")
    done = debian.run("display")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_distribution_is_told_what_to_look_for(debian):
    for name in ("dpkg-query", "apt-get", "apt-cache"):
        (debian.folder / name).unlink()
    done = debian.run("display")
    assert done.returncode == 1
    assert "Missing on this system: Xvfb xauth." in done.stderr
    debian.command("Xvfb", "exit 0")
    debian.command("xauth", "exit 0")
    assert debian.run("display").returncode == 0


def test_an_unknown_group_of_system_packages_is_refused(debian):
    done = debian.run("nonsense")
    assert done.returncode != 0
    assert "unknown group" in done.stderr
