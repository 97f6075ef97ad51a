"""`sarvlm detect`: objects of scenes as boxes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.given import open_wanted, require_text
from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.detection import Detected, Detecting, DetectionRequest
from sarvlm_app.core.export.detection_table import detection_table
from sarvlm_app.core.export.detections import FORMATS, require_format, write_detections
from sarvlm_app.core.patches import part_of
from sarvlm_app.core.query import check_text
from sarvlm_app.core.scene import Scene, resolve_band
from sarvlm_app.errors import QueryError
from sarvlm_app.paths import cache_dir, data_dir
from sarvlm_models.types import DetectorSpec, StoredClass, Window

if TYPE_CHECKING:
    from sarvlm_models.api import Detector

MOST_PRINTED = 40


def detect(options: argparse.Namespace) -> int:
    """Find objects; see INTERFACE.md."""
    for text in options.text or []:
        require_text(text)
        check_text(text)
    scenes = [open_wanted(name, options) for name in options.scenes]
    outputs = _outputs(options.out, scenes)

    def detector() -> Detector:
        from sarvlm_models.registry import load_detector

        return load_detector(options.detector, options.device, data_dir())

    detecting = Detecting(detector, cache_dir())
    found = []
    with Progress("Loading the detector") as progress:
        classes = _classes(options, detecting.spec)
        for scene, out in zip(scenes, outputs, strict=True):
            found.append(detecting.detect(_request(scene, classes, options), progress))
            if out is not None:
                progress.step(message="Writing the results")
                write_detections(found[-1].detections, scene, out, detecting.spec.weights_sha256)
    for one in found:
        for note in one.notes:
            print(f"{one.request.scene.name}: {note}", file=sys.stderr)
    if options.json:
        print_json(as_json(found, detecting.spec, outputs))
    else:
        for one in found:
            print("\n".join(_lines(one)))
    return 0


def _outputs(out: Path | None, scenes: list[Scene]) -> list[Path | None]:
    """Where the boxes of each scene go: with several scenes the scene's name stands before the ending."""
    if out is None:
        return [None] * len(scenes)
    places = [out] if len(scenes) == 1 else [_named(out, scene) for scene in scenes]
    for path, scene in zip(places, scenes, strict=True):
        require_format(path, scene)
        require_places([path], scene.path)
    require_places(places)
    return list(places)


def _named(out: Path, scene: Scene) -> Path:
    ending = next((ending for ending in FORMATS if out.name.lower().endswith(ending)), out.suffix)
    return out.with_name(f"{out.name[: len(out.name) - len(ending)]}-{scene.path.stem}{ending}")


def _classes(options: argparse.Namespace, spec: DetectorSpec) -> tuple[StoredClass, ...]:
    """Stored classes by name, free words, or none for all that the detector was taught.

    Raises
    ------
    QueryError
        A class is not known.
    """
    if options.text:
        return tuple(StoredClass(text, (text,)) for text in dict.fromkeys(map(str.strip, options.text)))
    known = {one.name.casefold(): one for one in spec.classes}
    wanted = [name.strip() for name in (options.classes or "").split(",") if name.strip()]
    strange = next((name for name in wanted if name.casefold() not in known), None)
    if strange is not None:
        names = ", ".join(one.name for one in spec.classes)
        raise QueryError(f"The detector has no class “{strange}” (it has {names}); use one, or ask by --text.")
    return tuple(dict.fromkeys(known[name.casefold()] for name in wanted))


def _request(scene: Scene, classes: tuple[StoredClass, ...], options: argparse.Namespace) -> DetectionRequest:
    area = part_of(scene, Window(*options.window)) if options.window else None
    band = resolve_band(scene, options.band)
    return DetectionRequest(scene, band, classes, area, options.min_score, rotated=not options.upright)


def as_json(found: list[Detected], spec: DetectorSpec, outputs: list[Path | None]) -> dict[str, Any]:
    """The boxes as INTERFACE.md names them; those of several scenes in one list, each with its scene."""
    several = len(found) > 1
    detections = []
    for one in found:
        scene = one.request.scene
        for row in detection_table(one.detections, scene).records():
            detections.append({"scene": str(scene.path), **row} if several else row)
    scenes = [
        {
            "scene": str(one.request.scene.path),
            "band": one.request.scene.bands[one.request.band - 1].name,
            "n": len(one.detections),
            "seconds": round(one.seconds, 3),
            "notes": list(one.notes),
            "out": None if out is None else str(out),
        }
        for one, out in zip(found, outputs, strict=True)
    ]
    about = {"model": spec.model_id, "min_score": found[0].request.min_score, "rotated": found[0].request.rotated}
    return {**scenes[0], **about, "scenes": scenes, "detections": detections}


def _lines(found: Detected) -> list[str]:
    scene = found.request.scene
    records = detection_table(found.detections, scene).records()
    count = len(records)
    lines = [f"{scene.name}: {count} box{'' if count == 1 else 'es'} at {found.request.min_score:g} or more"]
    for row in records[:MOST_PRINTED]:
        place = "col {:.0f} row {:.0f}".format(*_middle(row["polygon_px"]))
        if row["lon"] is not None:
            place = f"{row['lat']:.5f} {row['lon']:.5f}  {place}"
        size = "" if row["length_m"] is None else f"  {row['length_m']:.0f} x {row['width_m']:.0f} m"
        axis = "" if row["heading_deg"] is None else f"  axis {row['heading_deg']:.0f} deg"
        lines.append(f"{row['score']:.2f}  {row['label']:<10s} {place}{size}{axis}")
    if count > MOST_PRINTED:
        lines.append(f"... and {count - MOST_PRINTED} more: --out FILE or --json gives them all")
    return lines


def _middle(polygon: list[list[float]]) -> tuple[float, float]:
    return sum(p[0] for p in polygon) / 4, sum(p[1] for p in polygon) / 4
