"""What goes over the pipe between the window and the models' process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["encoder", "captioner", "detector"]

METHODS: dict[Kind, tuple[str, ...]] = {
    "encoder": ("encode_text", "encode_patches", "encode_chips", "encode_pictures"),
    "captioner": ("caption", "caption_picture"),
    "detector": ("class_vectors", "detect", "renamed", "fitted"),
}
"""What may be called, where the model can do it."""

VALUES: dict[Kind, tuple[str, ...]] = {
    "encoder": ("spec", "logit_scale", "logit_bias"),
    "captioner": ("model_id", "uses_counts"),
    "detector": ("spec",),
}
"""What is known of a model once it is loaded."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model.

    Attributes
    ----------
    kind : str
    model : str or None
        Registry name or file; None is the shipped one.
    device : str
        "auto", "cpu", "cuda" or "cuda:N".
    """

    kind: Kind
    model: str | None
    device: str


@dataclass(frozen=True, slots=True)
class Load:
    """Load a model; answered by `Loaded`."""

    target: Target


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a model can do and what is known of it."""

    methods: tuple[str, ...]
    values: dict[str, Any]
    device: str


@dataclass(frozen=True, slots=True)
class Call:
    """Call a method of a model (which is loaded where it is not); answered by `Answer`."""

    target: Target
    method: str
    arguments: tuple[Any, ...]
    named: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a method gave."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A call ended in an error.

    Attributes
    ----------
    error : Exception or None
        One of the application's own, which carries its sentence.
    report : str
        The traceback of any other.
    """

    error: Exception | None
    report: str = ""
