"""What every speckle filter can do."""

from __future__ import annotations

from typing import ClassVar, Protocol

from sarvlm_app.core.radiometry import Bool, Float32


class SpeckleFilter(Protocol):
    """A filter of linear intensity: a frozen, hashable value whose fields are its parameters.

    Attributes
    ----------
    name : str
        As the command line and the registry call it.
    title, about : str
        For an analyst.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]

    @property
    def margin_px(self) -> int:
        """How far around a pixel the filter looks; a window read with this rim filters as the whole scene does."""
        ...

    def apply(self, intensity: Float32, valid: Bool) -> tuple[Float32, Bool]:
        """Filter one piece of a scene.

        Parameters
        ----------
        intensity : float32 (h, w)
            Linear intensity, never dB.
        valid : bool (h, w)
            False where there is no data; such pixels, NaN, infinity and what
            lies beyond the array enter no mean, and get no value.

        Returns
        -------
        (float32 (h, w), bool (h, w))
            0 where not valid.
        """
        ...
