"""Put the measured numbers of `sarvlm_training.evaluate.compact` into the model card and the README.

``python packaging/fill_numbers.py NUMBERS.json`` rewrites what stands between the markers `numbers:begin` and
`numbers:end`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROWS = (
    ("mstar_raw15_ten_way", "MSTAR raw, 15 degrees, ten-way by text", ("top1", "mean_per_class")),
    ("sar_acd_test", "SAR-ACD test, six aircraft types by text", ("top1", "mean_per_class")),
    ("tsx_landcover_test", "TerraSAR-X land cover test, eight classes by text", ("top1", "mean_per_class")),
    ("tsx_landcover_unseen_words", "the same with words of no template", ("top1", "mean_per_class")),
    (
        "s1_validation_regions",
        "Sentinel-1 regions, five kept-back tiles, places among eight kinds",
        ("mean_per_class",),
    ),
    ("ssdd_validation_ship", "SSDD kept back, “ship”", ("pointing", "brightest_pixel")),
    ("ssdd_validation_unseen_words", "SSDD kept back, “a coaster steaming along”", ("pointing",)),
    ("ssdd_validation_absent", "SSDD kept back, four absent things", ("false_alarms",)),
)
NAMES = {
    "top1": "top-1",
    "mean_per_class": "mean of classes",
    "pointing": "pointing",
    "brightest_pixel": "brightest pixel",
    "false_alarms": "false alarms",
}


def table(numbers: dict[str, Any]) -> str:
    """The Markdown table of the measures."""
    lines = ["| measured on | result | n |", "|---|---|---:|"]
    for key, title, parts in ROWS:
        values = ", ".join(f"{NAMES[part]} {100 * numbers[key][part]:.1f} %" for part in parts)
        lines.append(f"| {title} | {values} | {numbers[key]['n']} |")
    return "\n".join([*lines, "", f"Weights SHA-256 `{numbers['weights'][:16]}…`."])


def main() -> int:
    """Rewrite both files."""
    numbers = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    block = f"<!-- numbers:begin -->\n{table(numbers)}\n<!-- numbers:end -->"
    between = re.compile(r"<!-- numbers:begin -->.*?<!-- numbers:end -->", flags=re.DOTALL)
    for name in ("README.md", "resources/weights/MODEL_CARD.md"):
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        path.write_text(between.sub(lambda _: block, text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
