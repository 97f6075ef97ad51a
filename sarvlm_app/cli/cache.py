"""`sarvlm cache`: what is kept of scenes, and removing it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from sarvlm_app.cli.progress import print_json
from sarvlm_app.core.kept import Kept, list_kept, remove
from sarvlm_app.core.scene import open_scene
from sarvlm_app.paths import cache_dir


def cache(options: argparse.Namespace) -> int:
    """List or clear the kept indices and overviews."""
    folder = cache_dir()
    wanted = {open_scene(name).fingerprint for name in options.scenes}
    kept = [entry for entry in list_kept(folder) if not wanted or entry.fingerprint in wanted]
    if options.action == "clear":
        freed = remove(kept)
        if options.json:
            print_json({"folder": str(folder), "removed": len(kept), "bytes_freed": freed})
        else:
            print(f"Removed {len(kept)} kept folders, {freed / 1e6:.1f} MB.")
        return 0
    if options.json:
        print_json({"folder": str(folder), "bytes": sum(e.bytes for e in kept), "kept": [_as_json(e) for e in kept]})
    else:
        print(f"{folder}: {sum(e.bytes for e in kept) / 1e6:.1f} MB in {len(kept)} folders")
        for entry in kept:
            state = "complete" if entry.complete else "unfinished"
            print(f"{entry.bytes / 1e6:9.1f} MB  {entry.kind:<9}  {state:<10}  {entry.scene or entry.fingerprint}")
    return 0


def _as_json(entry: Kept) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "scene": entry.scene or None,
        "fingerprint": entry.fingerprint,
        "model": entry.model or None,
        "path": str(entry.path),
        "bytes": entry.bytes,
        "complete": entry.complete,
        "used": datetime.fromtimestamp(entry.used, UTC).isoformat(),
    }
