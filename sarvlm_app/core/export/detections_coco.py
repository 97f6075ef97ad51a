"""Detections as a COCO file of one image."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from sarvlm_app.core.boxes import quad_areas
from sarvlm_app.core.export.detection_table import DetectionTable

KEPT_APART = ("label", "polygon_px", "bbox_px", "score")


def coco_json(table: DetectionTable) -> str:
    """`images` (one), `categories` (from 1), and `annotations` with `bbox`, `segmentation`, `area` and `score`.

    What else is known of a box stands in the members of its annotation, what is known of the scene in `info`.
    """
    found, scene = table.detections, table.scene
    areas = np.round(quad_areas(found.corners_px), 2).tolist()
    image = {"id": 1, "file_name": scene.path.name, "width": scene.width, "height": scene.height}
    if scene.acquired:
        image["date_captured"] = scene.acquired.isoformat()
    content: dict[str, Any] = {
        "info": {"description": f"Detections in {scene.name}", **table.origin()},
        "images": [image],
        "categories": [{"id": number, "name": name} for number, name in enumerate(found.names, start=1)],
    }
    lines = [
        json.dumps(
            {
                "id": number,
                "image_id": 1,
                "category_id": category + 1,
                "bbox": record["bbox_px"],
                "segmentation": [[value for corner in record["polygon_px"] for value in corner]],
                "area": area,
                "iscrowd": 0,
                "score": record["score"],
                **{name: value for name, value in record.items() if name not in KEPT_APART},
            },
            ensure_ascii=False,
            allow_nan=False,
        )
        for number, (record, category, area) in enumerate(
            zip(table.records(), found.class_ids.tolist(), areas, strict=True), start=1
        )
    ]
    head = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return head[:-1] + ', "annotations": [\n' + ",\n".join(lines) + "\n]}\n"
