"""`sarvlm models`: the registry."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from sarvlm_app.cli.progress import print_json
from sarvlm_app.paths import data_dir


def models(options: argparse.Namespace) -> int:
    """List models, tell of one, or add a checkpoint."""
    from sarvlm_models import registry

    if options.action == "list":
        found = [_facts(info) for info in registry.list_models(data_dir())]
        if options.json:
            print_json({"models": found})
        else:
            for entry in found:
                print(f"{entry['name']:<28}  {entry['architecture']:<18}  {entry['state']:<20}  {entry['path']}")
        return 0
    if options.action == "add":
        entry = registry.add_checkpoint(options.file, options.activation, options.profile, registry_dir=data_dir())
        facts = {**asdict(entry), "state": "ready"}
    else:
        facts = _facts(registry.model_info(options.name, data_dir()))
    facts = {key: str(value) if key == "path" else value for key, value in facts.items()}
    if options.json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print(f"{key:>16}  {value}")
    return 0


def _facts(info: Any) -> dict[str, Any]:
    return {**asdict(info.entry), "path": str(info.entry.path), "state": info.state, "shipped": info.shipped}
