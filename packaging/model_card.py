"""The numbers of the model card and the README, from the commands that the card names.

``python packaging/model_card.py [--only TEXT] [--show]`` runs the commands of card.toml that have not been run on
the shipped weights yet, keeps what they print in runs/card.json, and rewrites the table between the markers
`numbers:begin` and `numbers:end`. With `--only` rows that were not measured here stay as they are: for when only some
weights changed. Run it with the Python of .venv, at the root of the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "resources/weights"
KEPT = ROOT / "runs/card.json"
SARCLIP = ("sarclip-compact", "sarcap-compact", "minilm-text")
"""Weights of the rows that name none."""
FILES = ("README.md", "resources/weights/MODEL_CARD.md")


def weights_digest(names: tuple[str, ...] = ("*",)) -> str:
    """SHA-256 over shipped weights (stems of their files; all by default)."""
    total = hashlib.sha256()
    for path in sorted({path for name in names for path in WEIGHTS.glob(f"{name}.safetensors")}):
        total.update(path.read_bytes())
    return total.hexdigest()


def digest_of(row: dict[str, Any]) -> str:
    """Of the weights that a row is measured on."""
    return weights_digest(tuple(row.get("weights", SARCLIP)))


def expanded(command: str, abbreviations: dict[str, str]) -> str:
    """A command with its abbreviations written out."""
    while found := re.search(r"\b(" + "|".join(abbreviations) + r")\b", command):
        command = command.replace(found[0], abbreviations[found[0]], 1)
    return command


def run(command: str) -> str:
    """What a command prints; the tools are those beside this Python."""
    name, *rest = shlex.split(command)
    return subprocess.run([str(Path(sys.executable).with_name(name)), *rest], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True).stdout  # fmt: skip


def measure(plan: dict[str, Any], kept: dict[str, Any], only: str) -> None:
    """Run what is missing; `kept` takes the figures by command."""
    for row in plan["row"]:
        command = expanded(row["command"], plan["abbreviations"])
        if only not in row["title"] or kept.get(command, {}).get("weights") == digest_of(row):
            continue
        print(command, file=sys.stderr, flush=True)
        result = json.loads(run(f"{command} --json" if command.startswith("sarvlm") else command))
        kept[command] = {"weights": digest_of(row), "result": result}
        KEPT.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def table(plan: dict[str, Any], kept: dict[str, Any], before: str = "") -> str:
    """The table of what has been measured, as Markdown; a row that was not measured here stays as it is in `before`."""
    lines = ["| measured on | result | n |", "|---|---|---:|"]
    stand = before.splitlines()
    for row in plan["row"]:
        found = kept.get(expanded(row["command"], plan["abbreviations"]), {})
        old = next((line for line in stand if line.startswith(f"| {row['title']} |")), None)
        if old is not None:
            stand = stand[stand.index(old) + 1 :]  # titles such as "the same" come again
        if found.get("weights") != digest_of(row) and old is not None:
            lines.append(old)
        elif found.get("weights") == digest_of(row):
            result = found["result"]
            shown = (f"{name} {_figure(key, result[key])}" for key, name in row["figures"].items())
            lines.append(f"| {row['title']} | {', '.join(shown)} | {result[row.get('n', 'n')]} |")
    return "\n".join(lines)


def _figure(key: str, value: float) -> str:
    if key.endswith("_deg") or "_deg_" in key:
        return f"{value:.1f}°"
    return f"{value:.3f}" if key in ("rmi", "rsu", "ras", "rda") else f"{100 * value:.1f} %"


def commands(plan: dict[str, Any]) -> str:
    """All commands, in the order of the table, for the card."""
    rows = [expanded(row["command"], plan["abbreviations"]) for row in plan["row"]]
    return "\n".join(["```sh", *plan["prepare"], *rows, "```"])


def rewrite(path: Path, marker: str, content: str) -> None:
    """Replace what stands between the markers in a file."""
    between = re.compile(rf"<!-- {marker}:begin -->.*?<!-- {marker}:end -->", flags=re.DOTALL)
    text = path.read_text(encoding="utf-8")
    block = f"<!-- {marker}:begin -->\n{content}\n<!-- {marker}:end -->"
    path.write_text(between.sub(lambda _: block, text), encoding="utf-8")


def main() -> int:
    """Measure and rewrite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose title holds this")
    parser.add_argument("--show", action="store_true", help="print the table and leave the files as they are")
    options = parser.parse_args()
    plan = tomllib.loads((ROOT / "packaging/card.toml").read_text(encoding="utf-8"))
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    if not kept:
        for command in plan["prepare"]:
            run(command)
    measure(plan, kept, options.only)
    if options.show:
        print(table(plan, kept))
        return 0
    for name in FILES:
        before = (ROOT / name).read_text(encoding="utf-8") if options.only else ""
        rewrite(
            ROOT / name,
            "numbers",
            f"{table(plan, kept, before)}\n\nSHA-256 over all weights `{weights_digest()[:16]}…`.",
        )
    rewrite(ROOT / FILES[1], "commands", commands(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
