"""Image files of products: their size and type, their pixels, and the geometry they carry themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.georef.of_dataset import georef_of
from sarvlm_app.core.products.dataset import borrowed
from sarvlm_app.core.products.pixels import require_whole
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.errors import SceneError


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file as it is.

    Attributes
    ----------
    path : Path
    size : (int, int)
        Width and height.
    count : int
        Its bands.
    dtype : str
        NumPy's name, "complex_int16" among them.
    nodata : float or None
    tags : mapping of str to str
    georef : Georeference or None
        What the file itself carries: map, rational polynomials, control points.
    geometry : str
        How it is placed, or why it is not.
    """

    path: Path
    size: tuple[int, int]
    count: int
    dtype: str
    nodata: float | None
    tags: dict[str, str]
    georef: Georeference | None
    geometry: str

    @property
    def is_complex(self) -> bool:
        return self.dtype.startswith("complex")

    @property
    def value_type(self) -> ValueType:
        return ValueType.COMPLEX if self.is_complex else ValueType.DN


def look_at(path: Path) -> ImageFile:
    """What is known of an image file without its pixels.

    Raises
    ------
    SceneError
        It is no image, cut short, or holds no band.
    """
    require_whole(path)
    with borrowed(path) as dataset:
        if dataset.count == 0 or dataset.width == 0 or dataset.height == 0:
            raise SceneError(f"{path} holds no image bands; copy or download the product again.")
        size = (dataset.width, dataset.height)
        georef, geometry = georef_of(dataset)
        return ImageFile(
            path, size, dataset.count, str(dataset.dtypes[0]), dataset.nodatavals[0], dict(dataset.tags()), georef,
            geometry or "map",
        )  # fmt: skip


def one_size(images: Sequence[ImageFile]) -> tuple[tuple[ImageFile, ...], tuple[str, ...]]:
    """The images of the first one's size, and a note for each that is not: polarisations of one scene share it."""
    if not images:
        return (), ()
    size = images[0].size
    fitting = tuple(image for image in images if image.size == size)
    notes = tuple(
        f"{image.path.name} ({image.size[0]} x {image.size[1]} pixels instead of {size[0]} x {size[1]})"
        for image in images
        if image.size != size
    )
    return fitting, notes
