"""`sarvlm query`: words to places."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

from sarvlm_app.cli.progress import Progress, print_json
from sarvlm_app.core.answering import Answering
from sarvlm_app.core.export.candidates import write_candidates
from sarvlm_app.core.export.heatmap import write_heatmap
from sarvlm_app.core.export.picture import write_picture
from sarvlm_app.core.kept import keep_within
from sarvlm_app.core.query import Answer, Question, Timing, check_text, masked, peaks
from sarvlm_app.core.scene import open_scene, resolve_band
from sarvlm_app.errors import QueryError
from sarvlm_app.paths import cache_dir, data_dir
from sarvlm_app.settings import load_settings
from sarvlm_models.types import TextQuery, Window


def query(options: argparse.Namespace) -> int:
    """Answer one question; see INTERFACE.md."""
    check_text(options.text, options.negative)
    scene = open_scene(options.scene)
    band = resolve_band(scene, options.band)
    settings = load_settings().settings
    threshold = settings.threshold if options.threshold is None else options.threshold
    area = Window(*options.window) if options.window else None
    if area is not None and area.intersection(Window(0, 0, scene.width, scene.height)) is None:
        raise QueryError(
            f"The window {options.window} lies outside {scene.path.name}, which has {scene.width} x {scene.height} px: "
            "choose one inside."
        )
    question = Question(TextQuery(options.text.strip(), tuple(options.negative), threshold), scene, band, options.top, area)
    progress = Progress()

    def encoder() -> Any:
        from sarvlm_models.registry import load_encoder

        return load_encoder(options.model, options.device, data_dir())

    answering = Answering(encoder, cache_dir())
    try:
        answer = _by_reference(answering, question, progress) if options.reference else answering.answer(question, progress)
    finally:
        progress.end()
    keep_within(cache_dir(), settings.cache_limit_gb * 1e9, frozenset([scene.fingerprint]))
    if options.heatmap:
        write_heatmap(answer, options.heatmap, answering.encoder.spec.weights_sha256)
    if options.candidates:
        write_candidates(answer, options.candidates)
    if options.png:
        write_picture(answer, options.png)
    print_json(as_json(answer)) if options.json else _print(answer)
    return 0


def _by_reference(answering: Answering, question: Question, progress: Progress) -> Answer:
    """The crop method of the paper: everything is encoded for every question."""
    from sarvlm_app.core.reference import reference_heatmap, scale_note

    scene, began = question.scene, time.perf_counter()
    asked = replace(question.query, model_id=answering.encoder.spec.model_id)
    heatmap = reference_heatmap(scene, question.band, asked, answering.encoder, progress)
    heatmap = replace(heatmap, scores=masked(heatmap.scores, heatmap.cell_px, question.area))
    spent = time.perf_counter() - began
    places = peaks(heatmap, scene, asked.threshold, question.top)
    note = scale_note(scene.width, scene.height)
    if note:
        import sys

        print(note, file=sys.stderr)
    timing = Timing(encode=0.0, score=spent, total=spent)
    return Answer(heatmap.query, scene, question.band, heatmap, places, bool(places), timing, cached=False, complete=True)


def as_json(answer: Answer) -> dict[str, Any]:
    """The answer as INTERFACE.md names it."""
    seconds = answer.seconds
    return {
        "scene": str(answer.scene.path),
        "query": answer.query.text,
        "negatives": list(answer.query.negatives),
        "model": answer.query.model_id,
        "band": answer.scene.bands[answer.band - 1].name,
        "threshold": answer.query.threshold,
        "stands_out": answer.stands_out,
        "cells": list(answer.heatmap.scores.shape),
        "cell_px": answer.heatmap.cell_px,
        "seconds": {key: round(getattr(seconds, key), 4) for key in ("encode", "score", "total")},
        "cached": answer.cached,
        "candidates": [
            {
                "rank": place.rank,
                "score": round(place.score, 4),
                "col": round(place.col, 2),
                "row": round(place.row, 2),
                "lon": None if place.lon is None else round(place.lon, 7),
                "lat": None if place.lat is None else round(place.lat, 7),
                "bbox_px": list(place.bbox_px),
            }
            for place in answer.candidates
        ],
    }


def _print(answer: Answer) -> None:
    if not answer.stands_out:
        print(f"Nothing stands out for “{answer.query.text}” (threshold {answer.query.threshold:.2f}).")
    for place in answer.candidates:
        where = f"col {place.col:.0f} row {place.row:.0f}"
        if place.lon is not None and place.lat is not None:
            where = f"{place.lat:.5f} {place.lon:.5f}  {where}"
        print(f"{place.rank:4d}  {place.score:.2f}  {where}")
