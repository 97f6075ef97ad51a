"""What the subcommands of `sarvlm evaluate` share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.output import print_json
from sarvlm_app.paths import data_dir

if TYPE_CHECKING:
    from sarvlm_models.api import DenseEncoder


def asked_encoder(options: argparse.Namespace) -> DenseEncoder:
    """The encoder of --model on --device."""
    from sarvlm_models.registry import load_encoder

    return load_encoder(options.model, options.device, data_dir())


def show(options: argparse.Namespace, result: Mapping[str, Any], lines: Iterable[str]) -> None:
    """The result as JSON where asked for, else as lines to read."""
    if options.json:
        print_json(result)
    else:
        print("\n".join(lines))


def note_faults(faults: Mapping[Any, str], count: int) -> None:
    """Tell on standard error what was left out."""
    if faults:
        counted, first = "is" if len(faults) == 1 else "are", next(iter(faults.values()))
        print(
            f"{len(faults)} of {count} pictures cannot be read and {counted} not counted; first: {first}",
            file=sys.stderr,
        )


def rounded(value: Any) -> Any:
    """The same with fractions to six decimals."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list | tuple) else value
