"""Captions made by hand for the tests of lists, files and words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sarvlm_app.core.caption_list import SceneCaption, Where
from sarvlm_models.types import Window


def make_caption(number: int = 1, **changes: Any) -> SceneCaption:
    words = {
        "id": f"{number:016x}",
        "where": Where.REGION,
        "window": Window(80, 96, 64, 32),
        "band": 1,
        "text": f"Caption {number}.",
        "said": f"Caption {number}.",
        "raw": f"caption {number}",
        "logprob": -1.5,
        "counts": (("ship", 3), ("bridge", 0)),
        "cover": (("water", 0.62), ("built-up", 0.2)),
        "model_id": "fake@0123456789ab",
        "made": datetime(2026, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC),
    }
    return SceneCaption(**(words | changes))
