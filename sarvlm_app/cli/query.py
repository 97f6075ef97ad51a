"""`sarvlm query`: words to places."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sarvlm_app.cli.given import open_wanted, require_text
from sarvlm_app.cli.output import print_json, require_places
from sarvlm_app.cli.progress import Progress
from sarvlm_app.core.answering import Answering
from sarvlm_app.core.kept import keep_within
from sarvlm_app.core.patches import part_of
from sarvlm_app.core.query import Answer, Question, Timing, check_text, masked, peaks
from sarvlm_app.core.scene import Scene, resolve_band, scene_stats
from sarvlm_app.errors import SceneError, StorageError
from sarvlm_app.paths import cache_dir, data_dir
from sarvlm_app.settings import Settings, load_settings
from sarvlm_models.types import TextQuery, Window


def query(options: argparse.Namespace) -> int:
    """Answer one question; see INTERFACE.md."""
    question = _question(options)
    scene = question.scene
    require_places([path for path in (options.heatmap, options.candidates, options.png) if path], scene.path)
    cache = cache_dir()

    def encoder() -> Any:
        from sarvlm_models.registry import load_encoder

        return load_encoder(options.model, options.device, data_dir())

    answering = Answering(encoder, cache)
    with Progress("Loading the model") as progress:
        ask = partial(_by_reference, answering) if options.reference else answering.answer
        answer = ask(question, progress)
        _require_cells(answer, question.area)
        _export(answer, answering.encoder.spec.weights_sha256, options, progress)
    if options.reference:
        _note_scales(scene)
    stay_within_limit(cache, scene)
    if options.json:
        print_json(as_json(answer))
    else:
        _print(answer)
    return 0


def _question(options: argparse.Namespace) -> Question:
    """What is asked, held against the scene before anything heavy is loaded."""
    for text in (options.text, *options.negative):
        require_text(text)
    check_text(options.text, options.negative)
    scene = open_wanted(options.scene, options)
    threshold = Settings().threshold if options.threshold is None else options.threshold
    asked = TextQuery(options.text.strip(), tuple(text.strip() for text in options.negative), threshold)
    area = part_of(scene, Window(*options.window)) if options.window else None
    return Question(asked, scene, resolve_band(scene, options.band), options.top, area)


def _by_reference(answering: Answering, question: Question, progress: Progress) -> Answer:
    """The crop method of the paper: everything is encoded for every question."""
    from sarvlm_app.core.reference import reference_heatmap

    scene, encoder, began = question.scene, answering.encoder, time.perf_counter()
    asked = replace(question.query, model_id=encoder.spec.model_id)
    heatmap = reference_heatmap(scene, question.band, asked, encoder, progress)
    heatmap = replace(heatmap, scores=masked(heatmap.scores, heatmap.cell_px, question.area))
    places = peaks(heatmap, scene, asked.threshold, question.top)
    spent = time.perf_counter() - began
    timing = Timing(encode=0.0, score=spent, total=spent)
    found = bool(places)
    return Answer(heatmap.query, scene, question.band, heatmap, places, found, timing, cached=False, complete=True)


def _note_scales(scene: Scene) -> None:
    from sarvlm_app.core.reference import scale_note

    note = scale_note(scene.width, scene.height)
    if note:
        print(note, file=sys.stderr)


def _require_cells(answer: Answer, area: Window | None) -> None:
    """Tell a scene that cannot be asked from one in which nothing stands out (a part may well be empty)."""
    if area is not None or np.isfinite(answer.heatmap.scores).any():
        return
    path, band = answer.scene.path, answer.scene.bands[answer.band - 1].name
    if scene_stats(answer.scene, answer.band).valid_share > 0.0:
        cell = f"{answer.heatmap.cell_px:g}"
        raise SceneError(
            f"{path} has too little data to be asked, no cell of {cell} x {cell} px is half filled; "
            "open a larger piece of the scene."
        )
    raise SceneError(
        f"{path} holds no data in {band}, every pixel is no data, NaN or infinite; "
        "choose another band or copy the scene again."
    )


def _export(answer: Answer, weights_sha256: str, options: argparse.Namespace, progress: Progress) -> None:
    from sarvlm_app.core.export.candidates import write_candidates
    from sarvlm_app.core.export.heatmap import write_heatmap
    from sarvlm_app.core.export.picture import write_picture

    progress.step(message="Writing the results")
    if options.heatmap:
        write_heatmap(answer, options.heatmap, weights_sha256)
    if options.candidates:
        write_candidates(answer, options.candidates)
    if options.png:
        write_picture(answer, options.png)


def stay_within_limit(cache: Path, scene: Scene) -> None:
    """Drop the oldest kept scenes; the answer is there, so a fault here is a remark."""
    loaded = load_settings()
    if loaded.message is not None:
        print(loaded.message, file=sys.stderr)
    try:
        keep_within(cache, loaded.settings.cache_limit_gb * 1e9, frozenset([scene.fingerprint]))
    except StorageError as error:
        print(error, file=sys.stderr)


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
