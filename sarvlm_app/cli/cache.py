"""`sarvlm cache`: what is kept of scenes, and removing it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sarvlm_app.cli.given import open_given
from sarvlm_app.cli.output import print_json
from sarvlm_app.core.kept import Kept, list_kept, remove
from sarvlm_app.errors import SceneError
from sarvlm_app.paths import cache_dir


def cache(options: argparse.Namespace) -> int:
    """List or clear what is kept: encoded scenes, overviews, boxes of windows that were looked at."""
    folder = cache_dir()
    kept = _kept_of(options.scenes, list_kept(folder))
    if options.action == "clear":
        freed = remove(kept)
        if options.json:
            print_json({"folder": str(folder), "removed": len(kept), "bytes_freed": freed})
        else:
            print(f"Removed {_counted(kept)}, {freed / 1e6:.1f} MB.")
        return 0
    total = sum(entry.bytes for entry in kept)
    if options.json:
        print_json({"folder": str(folder), "bytes": total, "kept": [_as_json(entry) for entry in kept]})
        return 0
    print(f"{folder}: {total / 1e6:.1f} MB in {_counted(kept)}")
    for entry in kept:
        state = "complete" if entry.complete else "unfinished"
        print(f"{entry.bytes / 1e6:9.1f} MB  {entry.kind:<9}  {state:<10}  {entry.scene or entry.fingerprint}")
    return 0


def _kept_of(scenes: Sequence[str], kept: Sequence[Kept]) -> list[Kept]:
    """What is kept of the named scenes (of all, where none is named): all images of a product, also when it is gone."""
    if not scenes:
        return list(kept)
    wanted: set[str] = set()
    for name in scenes:
        place = str(Path(name).expanduser().absolute())
        known = {entry.fingerprint for entry in kept if entry.scene == place}
        try:
            known.add(open_given(name).fingerprint)
        except SceneError:
            if not known:
                raise
        wanted |= known
    return [entry for entry in kept if entry.fingerprint in wanted]


def _counted(kept: Sequence[Kept]) -> str:
    return "1 item" if len(kept) == 1 else f"{len(kept)} items"


def _as_json(entry: Kept) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "scene": entry.scene or None,
        "fingerprint": entry.fingerprint or None,
        "model": entry.model or None,
        "path": str(entry.path),
        "bytes": entry.bytes,
        "complete": entry.complete,
        "used": datetime.fromtimestamp(entry.used, UTC).isoformat(),
    }
