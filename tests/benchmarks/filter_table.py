"""What each speckle filter does to simulated speckle: the table of docs/filters.md.

`python tests/benchmarks/filter_table.py` prints it, `--write` puts it into docs/filters.md between its marks. The
figures follow from seeds and are the same on every machine; a test holds the document to them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from sarvlm_app.core.filters import FILTERS, SpeckleFilter, make_filter, parameters

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "filters.md"
BEGIN, END = "<!-- table: tests/benchmarks/filter_table.py --write -->", "<!-- end of table -->"
LOOKS = (1, 4)
SIDE = 800
HEAD = (
    "| filter (defaults) | mean, 1 look | ENL, from 1 | mean, 4 looks | ENL, from 4 | edge width | point kept |\n"
    "|---|---|---|---|---|---|---|"
)


def clutter(looks: float, seed: int = 0) -> np.ndarray:
    """Homogeneous clutter of mean 1, float32."""
    return np.random.default_rng(seed).gamma(looks, 1 / looks, (SIDE, SIDE)).astype(np.float32)


def with_looks(name: str, looks: float) -> SpeckleFilter:
    knows = any(one.name == "looks" for one in parameters(FILTERS[name]))
    return make_filter(name, **({"looks": looks} if knows else {}))


def run(chosen: SpeckleFilter, image: np.ndarray) -> np.ndarray:
    """The filtered image, float64."""
    return chosen.apply(image, np.ones(image.shape, bool))[0].astype(np.float64)


def mean_and_looks(name: str, looks: float) -> tuple[float, float]:
    image = clutter(looks)
    result = run(with_looks(name, looks), image)[10:-10, 10:-10]
    return result.mean() / float(image.mean(dtype=np.float64)), result.mean() ** 2 / result.var()


def edge_width(name: str) -> float:
    """Pixels of the original from 10 to 90 % of a 10 dB edge in 4-look clutter, on the mean of all rows."""
    image = clutter(4, 1)
    image[:, SIDE // 2 :] *= 10
    chosen = with_looks(name, 4)
    result = run(chosen, image)
    line = result[10:-10].mean(axis=0)
    scale = SIDE / len(line)
    middle, reach = len(line) // 2, round(40 / scale)
    low, high = line[middle - 2 * reach : middle - reach].mean(), line[middle + reach : middle + 2 * reach].mean()
    part = (line[middle - reach : middle + reach] - low) / (high - low)
    fine = np.interp(np.linspace(0, len(part) - 1, 100 * len(part)), np.arange(len(part)), part)
    first, last = np.flatnonzero(fine > 0.1)[0], np.flatnonzero(fine < 0.9)[-1]
    return float(last - first) / 100 * scale


def point_kept(name: str) -> float:
    """Share of the brightness of 3 x 3 px, 20 dB above 4-look clutter, that their middle keeps; mean of 100."""
    image = clutter(4, 2)
    at = np.arange(40, SIDE - 40, 72)
    for row in at:
        for col in at:
            image[row - 1 : row + 2, col - 1 : col + 2] = 100.0
    result = run(with_looks(name, 4), image)
    scale = SIDE // len(result)
    return float(np.mean([result[row // scale, col // scale] for row in at for col in at])) / 100.0


def row_of(name: str) -> str:
    """One line of the table."""
    cells = []
    for looks in LOOKS:
        mean, enl = mean_and_looks(name, looks)
        cells += [f"{100 * (mean - 1):+.1f} %", f"{enl:.1f}"]
    chosen = FILTERS[name]()
    values = ", ".join(
        f"{one.name} {one.default:g}"
        for one in parameters(FILTERS[name])
        if one.default is not None and one.name != "looks"
    )
    cells += [f"{edge_width(name):.1f} px", f"{100 * point_kept(name):.0f} %"]
    return f"| {chosen.title} ({values}) | {' | '.join(cells)} |"


def table() -> str:
    return "\n".join([HEAD, *(row_of(name) for name in FILTERS)])


def main() -> None:
    made = table()
    if "--write" not in sys.argv:
        sys.stdout.write(made + "\n")
        return
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
