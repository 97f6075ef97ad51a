"""Write the licences of everything that is shipped with the program into one file.

    python packaging/collect_licences.py THIRD_PARTY_LICENCES.txt

Looks at the metadata of the installed packages that `sarvlm-desktop` needs to
run, directly or through others; opens no connection.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
_LICENCE_WORDS = ("licen", "copying", "notice", "copyright", "authors")
_BAR = "=" * 100
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Licence:
    """Name, version and licence of one installed package, with the texts that it carries."""

    name: str
    version: str
    licence: str
    texts: tuple[tuple[str, str], ...]


def run_time_packages(project: Path) -> list[Distribution]:
    """The installed packages that the project needs to run here, sorted by name.

    Parameters
    ----------
    project : Path
        pyproject.toml whose dependencies are followed, without its extras.

    Raises
    ------
    PackageNotFoundError
        When one of them is not installed.
    """
    wanted = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    open_ends = [Requirement(line) for line in wanted]
    found: dict[str, Distribution] = {}
    followed: set[tuple[str, str]] = set()
    while open_ends:
        requirement = open_ends.pop()
        name = canonicalize_name(requirement.name)
        extras = ["", *sorted(requirement.extras)]
        if not _applies(requirement, [""]) or all((name, extra) in followed for extra in extras):
            continue
        followed.update((name, extra) for extra in extras)
        found[name] = distribution(name)
        lines = (Requirement(line) for line in found[name].requires or ())
        open_ends += [line for line in lines if _applies(line, extras)]
    return [found[name] for name in sorted(found)]


def _applies(requirement: Requirement, extras: list[str]) -> bool:
    if requirement.marker is None:
        return True
    if any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
        # its marker has been answered: what it leads to must not ask again for our extra
        requirement.marker = None
        return True
    return False


def licence_of(package: Distribution) -> Licence:
    """What the metadata of one installed package says of its licence."""
    metadata = package.metadata
    expression = (metadata.get_all("License-Expression") or [""])[0]
    free_text = _name_of((metadata.get_all("License") or [""])[0])
    classifiers = [
        line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or () if line.startswith("License")
    ]
    licence = expression or free_text or ", ".join(classifiers) or "see the text"
    return Licence(metadata["Name"], package.version, licence, tuple(_texts(package)))


def _name_of(text: str) -> str:
    """`text` where it is the name of a licence; nothing where it is a whole licence or a placeholder."""
    plain = text.strip()
    return plain if "\n" not in plain and len(plain) < _LONGEST_NAME and plain not in ("UNKNOWN", "") else ""


def _texts(package: Distribution) -> Iterator[tuple[str, str]]:
    for file in package.files or ():
        in_metadata = any(part.endswith((".dist-info", ".egg-info")) for part in file.parts)
        named = any(word in file.name.lower() for word in _LICENCE_WORDS)
        if in_metadata and (named or "licenses" in file.parts) and file.suffix not in (".py", ".pyc", ".json"):
            path = Path(str(file.locate()))
            if path.is_file():
                yield file.name, path.read_text(encoding="utf-8", errors="replace").strip()


def render(licences: list[Licence]) -> str:
    """One text: a table of names, versions and licences, then the texts themselves."""
    width = max((len(entry.name) for entry in licences), default=0)
    table = [f"{entry.name:<{width}}  {entry.version:<14}  {entry.licence}" for entry in licences]
    parts = ["SARVLM Desktop is shipped with the following packages.", "", *table]
    for entry in licences:
        for name, text in entry.texts:
            parts += ["", _BAR, f"{entry.name} {entry.version}: {name}", _BAR, "", text]
    return "\n".join(parts) + "\n"


def main(arguments: list[str]) -> int:
    """Write the file that the one argument names; 2 for wrong usage, 1 where a package is missing."""
    if len(arguments) != 1:
        print("usage: collect_licences.py OUT.txt", file=sys.stderr)
        return 2
    try:
        licences = [licence_of(package) for package in run_time_packages(ROOT / "pyproject.toml")]
    except PackageNotFoundError as error:
        print(f"{error.name}: not installed; run make install first.", file=sys.stderr)
        return 1
    Path(arguments[0]).write_text(render(licences), encoding="utf-8")
    print(f"{arguments[0]}: {len(licences)} packages, {sum(not entry.texts for entry in licences)} without a text")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
