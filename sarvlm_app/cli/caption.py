"""`sarvlm caption`: a scene, or a part of it, in words."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from sarvlm_app.cli.given import open_wanted
from sarvlm_app.cli.output import print_json
from sarvlm_app.cli.progress import Progress
from sarvlm_app.cli.query import stay_within_limit
from sarvlm_app.core.answering import Answering
from sarvlm_app.core.captioning import Captioned, Captioning, CaptionRequest
from sarvlm_app.core.counting import COUNTABLES
from sarvlm_app.core.patches import part_of
from sarvlm_app.core.scene import resolve_band
from sarvlm_app.paths import cache_dir, data_dir
from sarvlm_models.types import Window

if TYPE_CHECKING:
    from sarvlm_models.api import Captioner, DenseEncoder


def caption(options: argparse.Namespace) -> int:
    """Describe; see INTERFACE.md."""
    request = _request(options)
    cache = cache_dir()

    def encoder() -> DenseEncoder:
        from sarvlm_models.registry import load_encoder

        return load_encoder(options.model, options.device, data_dir())

    answering = Answering(encoder, cache)

    def captioner() -> Captioner:
        from sarvlm_models.captioner import captioner_of

        return captioner_of(answering.encoder)

    with Progress("Loading the model") as progress:
        found = Captioning(captioner, answering).caption(request, progress)
    stay_within_limit(cache, request.scene)
    if options.json:
        print_json(as_json(found))
    else:
        print("\n".join(_lines(found)))
    return 0


def _request(options: argparse.Namespace) -> CaptionRequest:
    """What is to be described, held against the scene before anything heavy is loaded."""
    scene = open_wanted(options.scene, options)
    window = part_of(scene, Window(*options.window)) if options.window else None
    return CaptionRequest(scene, resolve_band(scene, options.band), window, options.beams)


def as_json(found: Captioned) -> dict[str, Any]:
    """The caption as INTERFACE.md names it, and what it was made from."""
    scene = found.request.scene
    area = part_of(scene, found.request.window)
    return {
        "scene": str(scene.path),
        "window": [area.col, area.row, area.width, area.height],
        "band": scene.bands[found.request.band - 1].name,
        "caption": found.text,
        "raw": found.raw,
        "logprob": None if found.logprob is None else round(found.logprob, 6),
        "model": found.model_id,
        "counts": dict(found.counts),
        "cover": [{"name": name, "share": round(share, 4)} for name, share in found.cover],
    }


def _lines(found: Captioned) -> list[str]:
    counted = [kind.named(found.counts[kind.key]) for kind in COUNTABLES if found.counts.get(kind.key)]
    ground = [f"{name} {100 * share:.0f} %" for name, share in found.cover if share >= 0.01]
    facts = [f"{what}: {', '.join(words)}" for what, words in (("counted", counted), ("ground", ground)) if words]
    return [found.text, *facts]
