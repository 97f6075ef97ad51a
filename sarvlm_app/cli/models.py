"""`sarvlm models`: the registry."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.output import print_json
from sarvlm_app.cli.progress import Progress
from sarvlm_app.paths import data_dir

if TYPE_CHECKING:
    from sarvlm_models.registry import ModelInfo


def list_all(options: argparse.Namespace) -> int:
    """Every model with the state of its file."""
    from sarvlm_models.registry import list_models

    found = [_facts(info) for info in list_models(data_dir())]
    if options.json:
        print_json({"models": found})
        return 0
    for entry in found:
        print(f"{entry['name']:<28}  {entry['architecture']:<18}  {entry['state']:<20}  {entry['path']}")
    return 0


def info(options: argparse.Namespace) -> int:
    """What is known of one model."""
    from sarvlm_models.registry import model_info

    return _show(_facts(model_info(options.name, data_dir())), options.json)


def add(options: argparse.Namespace) -> int:
    """Verify, hash and remember a checkpoint."""
    from sarvlm_models.registry import ModelInfo, add_checkpoint

    with Progress(f"Verifying {options.file}"):
        entry = add_checkpoint(options.file, options.activation, options.profile, registry_dir=data_dir())
    return _show(_facts(ModelInfo(entry, "ready")), options.json)


def _facts(info: ModelInfo) -> dict[str, Any]:
    return {**asdict(info.entry), "state": info.state, "shipped": info.shipped}


def _show(facts: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print_json(facts)
        return 0
    for key, value in facts.items():
        print(f"{key:>16}  {value}")
    return 0
