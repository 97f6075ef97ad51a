"""Sentences about a part of a scene, or all of it.

A part that a model sees at once is described by the captioning model, which
is told what was counted there. What is larger is summed up from what was
found: shares of the ground, counted objects and where they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sarvlm_app.core.answering import Answering
from sarvlm_app.core.counting import count_objects
from sarvlm_app.core.jobs import JobContext
from sarvlm_app.core.landcover import cover_shares
from sarvlm_app.core.patches import Patches, fits_alone, part_of, picture_patches
from sarvlm_app.core.prominence import Peak
from sarvlm_app.core.query import TextVectors
from sarvlm_app.core.scene import Scene, read_chip, scene_stats
from sarvlm_app.core.scene_index import Layout, filled, layout_of
from sarvlm_app.core.summary import Share, picture_of, summary
from sarvlm_app.errors import SceneError
from sarvlm_models.api import Captioner, DenseEncoder
from sarvlm_models.types import Caption, Chip, Float32, Window

CaptionerProvider = Callable[[], Captioner]
CHIP_PX: Final = 200
"""A whole file with no longer edge is a chip of one target or one kind of ground: there is nothing to count."""
SAMPLE_PX: Final = 64
SAMPLES: Final = 5
"""Windows along each edge by which it is found out whether a large part holds anything."""


@dataclass(frozen=True, slots=True)
class CaptionRequest:
    """What to describe: all that decides the answer.

    Attributes
    ----------
    band : int
        From 1.
    window : Window or None
        In full-resolution pixels, cut at the scene's edges; None is the whole scene.
    beams : int or None
        Captions followed at a time; None is what suits the model.
    """

    scene: Scene
    band: int
    window: Window | None = None
    beams: int | None = None


@dataclass(frozen=True, slots=True)
class Captioned:
    """What was said.

    Attributes
    ----------
    text : str
        To be read: sentence case, joined digits, closed punctuation. It states
        the counts: where the decoder's words do not, what was found is put
        into sentences instead.
    raw : str
        As decoded; of a summary, `text`.
    logprob : float or None
        Natural logarithm of the probability of `raw`; None of a summary.
    counts : mapping of concept key to int
        Of every kind that was counted, 0 where none stands out
        (`counting.COUNTABLES` has the names); empty where nothing was.
    cover : tuple of (name, share)
        Land cover: shares 0..1 of the area with data, the largest first; what
        has no name is left out.
    model_id : str
        Of the captioning model.
    """

    request: CaptionRequest
    text: str
    raw: str
    logprob: float | None
    counts: Mapping[str, int]
    cover: tuple[tuple[str, float], ...]
    model_id: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the heat maps tell of a part of a scene: objects as places in it, and the ground."""

    objects: Mapping[str, tuple[Share, ...]]
    cover: tuple[tuple[str, float], ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return {key: len(places) for key, places in self.objects.items()}


@dataclass(frozen=True, slots=True)
class PictureCaption:
    """What was said of a picture that stands alone; `text` and `counts` as of `Captioned`."""

    said: Caption
    text: str
    counts: Mapping[str, int]


class Captioning:
    """Describes scenes on the compute lane.

    Parameters
    ----------
    captioner : callable
        Gives the captioning model.
    answering : Answering
        With the encoder by which things are found, and the scenes' indices.
    """

    def __init__(self, captioner: CaptionerProvider, answering: Answering) -> None:
        self._provide = captioner
        self._answering = answering

    def caption(self, request: CaptionRequest, ctx: JobContext) -> Captioned:
        """Describe a part of a scene, or all of it.

        Raises
        ------
        JobCancelled, ModelError, StorageError
        QueryError
            The window lies outside the scene.
        SceneError
            The scene cannot be read, or there is nothing in it to describe.
        """
        ctx.step(message="Loading the captioner")
        captioner = self._provide()
        area = part_of(request.scene, request.window)
        layout = layout_of(request.scene, request.band, self._answering.encoder.spec)
        if not fits_alone(layout, area):
            _require_something(request, area)
            return self._summed_up(request, area, captioner, ctx)
        ctx.step(message=f"Reading {request.scene.name}")
        chip = _read(request, area, layout)
        _require_contrast(request, chip)
        if is_chip(request, area):
            caption = captioner.caption_picture(np.sqrt(chip.intensity), layout.key.spacing_m, None, request.beams)
            return Captioned(request, caption.text, caption.raw, caption.logprob, {}, (), captioner.model_id)
        patches = self._answering.patches(request.scene, request.band, area, ctx)
        found = self._find(request, patches, area, ctx, count=captioner.uses_counts)
        ctx.step(message="Finding words")
        stats, counts = scene_stats(request.scene, request.band), found.counts or None
        said = captioner.caption(filled(chip, stats), stats, layout.key.spacing_m, counts, request.beams)
        text = checked_text(said, found)
        return Captioned(request, text, said.raw, said.logprob, found.counts, found.cover, captioner.model_id)

    def _summed_up(self, request: CaptionRequest, area: Window, captioner: Captioner, ctx: JobContext) -> Captioned:
        patches = self._answering.patches(request.scene, request.band, area, ctx)
        if not patches.vectors.any():
            raise _no_data(request)
        found = self._find(request, patches, area, ctx, count=captioner.uses_counts)
        subject = "The scene" if request.window is None else "This part of the scene"
        text = summary(subject, found.cover, found.objects, counted=captioner.uses_counts)
        return Captioned(request, text, text, None, found.counts, found.cover, captioner.model_id)

    def _find(self, request: CaptionRequest, patches: Patches, area: Window, ctx: JobContext, *, count: bool) -> Found:
        """Ground and, where wanted, objects of a part."""
        texts = self._answering.texts
        cover = cover_shares(patches.vectors, texts, ctx, only_sure=request.scene.spacing_m is None)
        if not count:
            return Found({}, cover)
        objects = count_objects(patches.around, patches.cell_px, texts, ctx)
        return Found({key: _inside(peaks, patches, area) for key, peaks in objects.items()}, cover)


def is_chip(request: CaptionRequest, area: Window) -> bool:
    """Whether a whole file is one small picture."""
    scene = request.scene
    return (area.width, area.height) == (scene.width, scene.height) and max(area.width, area.height) <= CHIP_PX


def checked_text(said: Caption, found: Found) -> str:
    """The caption's words, or sentences of what was found where those contradict it or leave it out."""
    return picture_of(found.objects) if said.agrees is False else said.text


def caption_picture(
    amplitude: Float32, captioner: Captioner, encoder: DenseEncoder, texts: TextVectors, beams: int | None = None
) -> PictureCaption:
    """Describe a picture that stands alone, as a scene of that size is described.

    Parameters
    ----------
    amplitude : float32 (h, w)
        Linear amplitude or a grey picture of it, in any unit.
    captioner : Captioner
    encoder : DenseEncoder
        By which things are found.
    texts : TextVectors
        Of `encoder`.
    beams : int, optional
        Captions followed at a time.
    """
    height, width = amplitude.shape
    if max(height, width) <= CHIP_PX or not captioner.uses_counts:
        said = captioner.caption_picture(amplitude, None, None, beams)
        return PictureCaption(said, said.text, {})
    patches, cell = picture_patches(encoder, amplitude), encoder.spec.cell_px
    objects = count_objects(patches, cell, texts)
    places = {key: tuple((peak.x / width, peak.y / height) for peak in peaks) for key, peaks in objects.items()}
    found = Found(places, ())
    said = captioner.caption_picture(amplitude, None, found.counts, beams)
    return PictureCaption(said, checked_text(said, found), found.counts)


def _read(request: CaptionRequest, area: Window, layout: Layout) -> Chip:
    """A part in the model's pixels."""
    factor = layout.key.factor
    shape = (math.ceil(area.height / factor), math.ceil(area.width / factor)) if factor > 1 else None
    return read_chip(request.scene, area, request.band, shape)


def _require_contrast(request: CaptionRequest, chip: Chip) -> None:
    """Refuse what holds nothing, or one value everywhere."""
    values = chip.intensity[chip.valid]
    if values.size == 0:
        raise _no_data(request)
    if values.size > 1 and values.min() == values.max():
        raise _no_contrast(request)


def _require_something(request: CaptionRequest, area: Window) -> None:
    """The same for a large part by a few windows of it, before it is encoded."""
    low, high = math.inf, -math.inf
    for row in np.linspace(area.row, max(area.row, area.row_end - SAMPLE_PX), SAMPLES).astype(int).tolist():
        for col in np.linspace(area.col, max(area.col, area.col_end - SAMPLE_PX), SAMPLES).astype(int).tolist():
            sample = Window(col, row, SAMPLE_PX, SAMPLE_PX).intersection(area)
            assert sample is not None
            chip = read_chip(request.scene, sample, request.band)
            values = chip.intensity[chip.valid]
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low == high:
        raise _no_contrast(request)


def _part(request: CaptionRequest) -> str:
    if request.window is None:
        return str(request.scene.path)
    given = request.window
    return f"The window {given.col},{given.row},{given.width},{given.height} of {request.scene.path}"


def _no_data(request: CaptionRequest) -> SceneError:
    band = request.scene.bands[request.band - 1].name
    return SceneError(f"{_part(request)} holds too little data in {band} to be described; choose another part.")


def _no_contrast(request: CaptionRequest) -> SceneError:
    band = request.scene.bands[request.band - 1].name
    return SceneError(
        f"{_part(request)} has one value in all of {band}, so there is nothing to describe; choose another part."
    )


def _inside(peaks: tuple[Peak, ...], patches: Patches, area: Window) -> tuple[Share, ...]:
    """The peaks that lie in a part, as shares of its width and height."""
    places = ((peak.x + patches.corner[0] - area.col, peak.y + patches.corner[1] - area.row) for peak in peaks)
    shares = ((x / area.width, y / area.height) for x, y in places)
    return tuple((x, y) for x, y in shares if 0.0 <= x < 1.0 and 0.0 <= y < 1.0)
