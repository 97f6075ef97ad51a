"""How a hit and what was asked read, in the window and on paper."""

from __future__ import annotations

from sarvlm_app.core.archive.search import ArchiveHit, ArchiveQuery, Where
from sarvlm_app.core.coordinates import lonlat_text


def hit_lines(hit: ArchiveHit) -> tuple[str, str, str]:
    """Title and two lines of a hit: scene; date, sensor and polarisation, else its folder; place, else pixels."""
    facts = [hit.acquired[:10]] if hit.acquired else []
    facts += [word for word in (hit.sensor, hit.polarisation) if word]
    if hit.lon is None or hit.lat is None:
        place = f"row {hit.window.row}  col {hit.window.col}"
    else:
        place = lonlat_text(hit.lon, hit.lat)
    if hit.missing:
        facts.insert(0, "file is missing")
    return hit.scene.stem, " · ".join(facts) or f"in {hit.scene.parent.name}", place


def query_text(query: ArchiveQuery) -> str:
    """What was looked for, in one line."""
    parts = [f"\u201c{query.text}\u201d"] if query.text else []
    parts += [f"like {example.scene.name}" for example in query.examples if example.weight > 0]
    parts += [f"not \u201c{word}\u201d" for word in query.negatives]
    parts += [f"not like {example.scene.name}" for example in query.examples if example.weight <= 0]
    return ", ".join(parts)


def where_text(where: Where) -> str:
    """Within what it was looked for, in one line; empty without a filter."""
    parts = []
    if where.bbox is not None:
        parts.append("between {:.4f}, {:.4f} and {:.4f}, {:.4f} degrees".format(*where.bbox))
    parts += [f"{word} {day}" for word, day in (("after", where.after), ("before", where.before)) if day is not None]
    parts += [word for word in (where.sensor, where.polarisation) if word]
    return " · ".join(parts)
