"""What the application asks of a model; core imports this and `types` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from .types import Caption, Detections, DetectorSpec, EncoderSpec, Float16, Float32, SceneStats, StoredClass


@runtime_checkable
class TextEncoder(Protocol):
    """Turns words into unit vectors."""

    @property
    def spec(self) -> EncoderSpec: ...

    def encode_text(self, texts: Sequence[str]) -> Float32:
        """Unit vectors float32 (n, d) of `texts`."""
        ...


@runtime_checkable
class DenseEncoder(TextEncoder, Protocol):
    """Turns SAR windows into text-aligned vectors, per place and as a whole."""

    @property
    def logit_scale(self) -> float:
        """Factor from a difference of cosines to a logit: the model's own sharpness."""
        ...

    def encode_patches(self, intensity: Float32, stats: SceneStats, spacing_m: float | None) -> Float16:
        """Patch vectors of one window.

        Parameters
        ----------
        intensity : float32 (h, w)
            Linear intensity; h and w are multiples of `spec.cell_px`.
        stats : SceneStats
            Of the whole scene and band.
        spacing_m : float or None
            Ground metres per pixel of `intensity`, None where unknown.

        Returns
        -------
        float16 (h / cell_px, w / cell_px, d), unit length.
        """
        ...

    def encode_chips(self, chips: Sequence[Float32], stats: SceneStats, spacing_m: float | None) -> Float32:
        """One unit vector float32 (n, d) for each chip (linear intensity, any size)."""
        ...


@runtime_checkable
class PictureEncoder(TextEncoder, Protocol):
    """Turns whole pictures (chips), each by its own statistics, into text-aligned vectors."""

    def encode_pictures(self, amplitudes: Sequence[Float32], spacing_m: float | None) -> Float32:
        """One unit vector float32 (n, d) for each picture.

        Parameters
        ----------
        amplitudes : float32 (h, w) each
            Linear amplitude or a grey picture of it, in any unit and of any size.
        spacing_m : float or None
            Ground metres per pixel, None where unknown: one default preprocessing then serves every kind.
        """
        ...


@runtime_checkable
class ContrastedEncoder(PictureEncoder, Protocol):
    """Knows how pictures differ from all others, which is what telling classes apart by words asks for."""

    def standing_out(self, vectors: Float32) -> Float32:
        """Unit vectors float32 (n, d) of those of `encode_pictures` (n, d); cosines only rank texts."""
        ...


@runtime_checkable
class Captioner(Protocol):
    """Turns a picture into a sentence."""

    @property
    def model_id(self) -> str:
        """Name@first 12 digits of the weights' SHA-256."""
        ...

    @property
    def uses_counts(self) -> bool:
        """Whether it can be told what was counted."""
        ...

    def caption(
        self,
        intensity: Float32,
        stats: SceneStats,
        spacing_m: float | None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        """The caption of one chip.

        Parameters
        ----------
        intensity : float32 (h, w)
            Linear intensity, of any size.
        stats : SceneStats
            Of the whole scene and band, or of the picture itself.
        spacing_m : float or None
            Ground metres per pixel of `intensity`, None where unknown.
        counts : mapping of concept key to int, optional
            Objects that were counted, which the model is to state; 0 of a
            kind that was looked for and not found.
        beams : int, optional
            Captions followed at a time; 1 is greedy; default: what suits the model.
        """
        ...

    def caption_picture(
        self,
        amplitude: Float32,
        spacing_m: float | None = None,
        counts: Mapping[str, int] | None = None,
        beams: int | None = None,
    ) -> Caption:
        """The caption of a picture (float32 (h, w), linear amplitude) that stands alone, by its own statistics."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Finds objects as boxes, upright and rotated, and names them by words."""

    @property
    def spec(self) -> DetectorSpec: ...

    def class_vectors(self, classes: Sequence[StoredClass]) -> Float32:
        """Unit vectors float32 (k, d): for each class the mean of the vectors of its words."""
        ...

    def detect(
        self,
        intensity: Float32,
        stats: SceneStats,
        classes: Sequence[StoredClass],
        vectors: Float32,
        min_score: float,
    ) -> Detections:
        """Boxes in one window, best first; several may mean one object (`core.boxes.merge_boxes` joins them).

        Parameters
        ----------
        intensity : float32 (h, w)
            Linear intensity, of any size.
        stats : SceneStats
            Of the whole scene and band, or of the picture itself.
        classes : sequence of StoredClass
            What to look for; `Detections.names` are their names.
        vectors : float32 (k, d)
            `class_vectors` of `classes`.
        min_score : float
            Boxes below are left out.
        """
        ...


@runtime_checkable
class BoxNamer(Protocol):
    """A detector that looks at boxes once more, when those of one object are joined, to tell like things apart."""

    def renamed(self, intensity: Float32, boxes: Detections, classes: Sequence[StoredClass]) -> Detections:
        """The boxes of a window with better names, best first.

        Parameters
        ----------
        intensity : float32 (h, w)
            The window in which `boxes` were found.
        classes : sequence of StoredClass
            What was looked for; `boxes.names` are their names.
        """
        ...


@runtime_checkable
class BoxFitter(Protocol):
    """A detector whose boxes are those of its training labels, and which knows what these add to an object."""

    def fitted(self, boxes: Detections, classes: Sequence[StoredClass]) -> Detections:
        """The boxes with the extents of the objects; measures on labelled pictures do without."""
        ...
