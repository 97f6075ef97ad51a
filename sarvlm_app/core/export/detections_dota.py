"""Detections as DOTA text."""

from __future__ import annotations

import math

from sarvlm_app.core.export.detection_table import DetectionTable


def dota_text(table: DetectionTable) -> str:
    """Two lines about the image, then a line a box: x1 y1 ... x4 y4, class, difficulty 0, score.

    DOTA parts its cells by blanks, so those in a class become hyphens. The score is a cell more than DOTA's
    ground truth has, which its readers pass over.
    """
    spacing = table.scene.spacing_m
    known = spacing is not None and all(map(math.isfinite, spacing))
    lines = [
        f"imagesource:{table.scene.name}{' (simulated)' if table.scene.simulated else ''}",
        f"gsd:{math.sqrt(spacing[0] * spacing[1]):.6g}" if known and spacing is not None else "gsd:null",
    ]
    for record in table.records():
        corners = " ".join(
            f"{value:g}" if value == int(value) else f"{value:.3f}" for p in record["polygon_px"] for value in p
        )
        lines.append(f"{corners} {'-'.join(record['label'].split())} 0 {record['score']}")
    return "\n".join(lines) + "\n"
