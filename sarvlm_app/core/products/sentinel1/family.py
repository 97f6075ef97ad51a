"""Sentinel-1 products in SAFE form: GRD and SLC of every mode, as a folder or zipped.

Images of one swath are the bands of a scene; an SLC's swaths, and the
vignettes of wave mode, are its parts. What is missing is listed, and the rest
opens: without annotation an image is a plain raster, without calibration or
noise vectors it stays uncalibrated.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sarvlm_app.core.georef import Georeference
from sarvlm_app.core.products.dataset import borrowed
from sarvlm_app.core.products.fingerprint import DIGITS, fingerprint_file
from sarvlm_app.core.products.pixels import RasterSource, require_whole
from sarvlm_app.core.products.place import Place, read_bytes
from sarvlm_app.core.products.raster import RasterFamily, describe_dataset
from sarvlm_app.core.products.types import Band, Scene
from sarvlm_app.core.radiometry import Calibration, ValueType
from sarvlm_app.errors import SceneError

from .annotation import Annotation, read_annotation
from .calibrator import Sentinel1Calibrator
from .files import Files, ImageName, image_name, list_files, plain_stem, root_of
from .geometry import georeference
from .manifest import Manifest, read_manifest
from .tables import calibration_vectors, noise_vectors

POLARISATIONS = ("VV", "HH", "VH", "HV")
_RELATIVE_ORBIT = {"S1A": 73, "S1B": 27}
"""Offsets of the absolute orbit number; those of later units come from the manifest."""
ORBITS_PER_CYCLE = 175


class Sentinel1Family:
    """Recognises a product's folder, its zip archive, its manifest and the images in its folder."""

    def recognises(self, path: Path) -> bool:
        return root_of(path) is not None

    def describe(self, path: Path, part: str | None = None) -> Scene:
        root = root_of(path)
        if root is None:
            raise SceneError(f"{path} is no product of Sentinel-1; open the folder that ends in .SAFE, or its archive.")
        files = list_files(root)
        chosen = image_name(path.stem) if path.is_file() and root.is_dir() else None
        return _describe(path, files, part or (chosen.part if chosen else None))


@dataclass(frozen=True, slots=True)
class _Image:
    """One image of the product with its annotation."""

    name: ImageName
    measurement: Place
    about: Annotation


def _describe(path: Path, files: Files, part: str | None) -> Scene:
    missing: list[str] = []
    manifest = _manifest(files, missing)
    part, parts, names = _chosen(files, part)
    images = _images(files, names, missing)
    if not images:
        return _bare(files, names, missing)
    about = images[0].about
    same = [image for image in images if (image.about.width, image.about.height) == (about.width, about.height)]
    missing += [f"{image.name.polarisation} (its image has another size)" for image in images if image not in same]
    bands = tuple(_band(files, index, image, missing) for index, image in enumerate(same, start=1))
    facts = _facts(files, about, manifest, bands)
    georef = _georef(about, facts)
    incidence = [point.incidence for point in about.grid if point.incidence is not None]
    return Scene(
        path=path,
        name=files.name if len(parts) == 1 else f"{files.name} {part}",
        product=f"Sentinel-1 {about.mode} {about.product_type}",
        width=about.width,
        height=about.height,
        bands=bands,
        dtype="complex_int16" if about.complex_values else "uint16",
        value_type=bands[0].value_type,
        value_type_assumed=False,
        calibration=Calibration.UNCALIBRATED,
        nodata=0.0,
        georef=georef,
        spacing_m=_spacing(georef, about),
        acquired=about.start,
        facts=facts,
        missing=tuple(dict.fromkeys(missing)),
        simulated=False,
        fingerprint=_fingerprint(files, same),
        part=part,
        parts=parts,
        incidence_deg=(min(incidence), about.incidence_mid_deg, max(incidence)) if incidence else None,
        documents=_documents(files, same),
    )


def _told(name: str, error: SceneError) -> str:
    """A file that is there and cannot be used, with the fault and without the remedy of its sentence."""
    fault = str(error).partition(f"{name.rpartition('/')[2]} ")[2] or str(error)
    return f"{name} ({fault.rpartition(';')[0] or fault})"


def _manifest(files: Files, missing: list[str]) -> Manifest:
    """The manifest; what it names and is not there is missing."""
    if files.manifest is None:
        missing.append("manifest.safe")
        return Manifest((), None)
    try:
        manifest = read_manifest(files.manifest)
    except SceneError as error:
        missing.append(_told("manifest.safe", error))
        return Manifest((), None)
    for name in manifest.files:
        folder, _, file = name.rpartition("/")
        stem = plain_stem(file.rpartition(".")[0])
        kind = folder.rpartition("/")[2]
        key = f"{stem.partition('-')[0]}/{stem.partition('-')[2]}" if kind == "calibration" else f"{kind}/{stem}"
        if key not in files.places:
            missing.append(name)
    return manifest


def _chosen(files: Files, part: str | None) -> tuple[str, tuple[str, ...], list[ImageName]]:
    """The part to open, all parts, and the images of that part that are there, co-polarised first."""
    there = [name for name in files.images() if files.get("measurement", name) is not None]
    if not there:
        raise SceneError(f"{files.root} holds no measurement; download the product again, with its images.")
    parts = tuple(sorted({name.part for name in there}))
    wanted = next((name for name in parts if name.casefold() == (part or parts[0]).casefold()), None)
    if wanted is None:
        raise SceneError(f"{files.root} has no part {part}; choose one of {', '.join(parts)}.")
    names = [name for name in there if name.part == wanted]
    return wanted, parts, sorted(names, key=lambda name: (POLARISATIONS.index(name.polarisation), name.number))


def _images(files: Files, names: list[ImageName], missing: list[str]) -> list[_Image]:
    """Those that can be used; what is wrong with the others is missing, unless none is left.

    Raises
    ------
    SceneError
        Every image is damaged, or contradicts its annotation.
    """
    found: list[_Image] = []
    faults: list[SceneError] = []
    for name in names:
        try:
            image = _image(files, name, missing)
        except SceneError as error:
            faults.append(error)
            missing.append(_told(f"measurement/{name.stem}.tiff", error))
            continue
        if image is not None:
            found.append(image)
    if faults and not found:
        raise faults[0]
    return found


def _image(files: Files, name: ImageName, missing: list[str]) -> _Image | None:
    measurement, annotation = files.get("measurement", name), files.get("annotation", name)
    if measurement is None:
        return None
    if annotation is None:
        missing.append(f"annotation/{name.stem}.xml")
        return None
    try:
        about = read_annotation(annotation)
    except SceneError as error:
        missing.append(_told(f"annotation/{name.stem}.xml", error))
        return None
    _require_match(measurement, about)
    return _Image(name, measurement, about)


def _require_match(measurement: Place, about: Annotation) -> None:
    """Refuse an image that is damaged, or another one than its annotation tells of.

    Raises
    ------
    SceneError
    """
    require_whole(measurement)
    with borrowed(measurement) as dataset:
        width, height, dtype = dataset.width, dataset.height, str(dataset.dtypes[0])
    if (width, height) != (about.width, about.height):
        size, said = f"{width} x {height}", f"{about.width} x {about.height}"
        raise SceneError(f"{measurement} has {size} pixels and its annotation says {said}; download the product again.")
    if dtype.startswith("complex") != about.complex_values:
        kind, said = ("complex", "detected") if dtype.startswith("complex") else ("detected", "complex")
        raise SceneError(f"{measurement} has {kind} pixels and its annotation says {said}; download the product again.")


def _bare(files: Files, names: list[ImageName], missing: list[str]) -> Scene:
    """An image without annotation, as a plain raster."""
    measurement = files.places[f"measurement/{names[0].stem}"]
    if isinstance(measurement, Path):
        plain = RasterFamily().describe(measurement)
    else:
        with borrowed(measurement) as dataset:
            plain = describe_dataset(files.root, dataset, measurement)
        mark = hashlib.sha256(f"{plain.fingerprint}/{names[0].stem}".encode()).hexdigest()[:DIGITS]
        plain = replace(plain, name=names[0].stem, fingerprint=mark)
    return replace(plain, missing=tuple(dict.fromkeys(missing)))


def _band(files: Files, index: int, image: _Image, missing: list[str]) -> Band:
    value_type = ValueType.COMPLEX if image.about.complex_values else ValueType.DN
    source = RasterSource(image.measurement, (1,), value_type, void=0.0)
    polarisation = image.about.polarisation
    return Band(index, polarisation, polarisation, value_type, source, _calibrator(files, image, missing))


def _calibrator(files: Files, image: _Image, missing: list[str]) -> Sentinel1Calibrator | None:
    calibration, noise = files.get("calibration", image.name), files.get("noise", image.name)
    if calibration is None:
        missing.append(f"annotation/calibration/calibration-{image.name.stem}.xml")
        return None
    if noise is None:
        missing.append(f"annotation/calibration/noise-{image.name.stem}.xml")
    try:
        calibration_vectors(calibration)
    except SceneError as error:
        missing.append(_told(f"annotation/calibration/calibration-{image.name.stem}.xml", error))
        return None
    if noise is not None:
        try:
            noise_vectors(noise)
        except SceneError as error:
            missing.append(_told(f"annotation/calibration/noise-{image.name.stem}.xml", error))
            noise = None
    return Sentinel1Calibrator(calibration, None if image.about.noise_removed else noise)


def _facts(files: Files, about: Annotation, manifest: Manifest, bands: tuple[Band, ...]) -> dict[str, str]:
    across = "slant range" if about.complex_values else "ground range"
    facts = {
        "format": "SAFE (zip)" if files.root.is_file() else "SAFE",
        "platform": f"Sentinel-{about.mission[1:]}",
        "mode": about.mode,
        "orbit": _orbit(about, manifest),
        "look": "right",
        "incidence": f"{about.incidence_mid_deg:.2f} deg at mid swath",
        "acquired until": about.stop.isoformat(),
        "sample spacing": f"{about.range_spacing_m:.2f} m {across}, {about.azimuth_spacing_m:.2f} m azimuth",
        "no data": "0",
        "calibration tables": _tables(bands),
        "thermal noise": _noise(about, bands),
    }
    if about.bursts:
        facts["bursts"] = f"{len(about.bursts)} of {about.lines_per_burst} lines; neighbours overlap on the ground"
    return facts


def _orbit(about: Annotation, manifest: Manifest) -> str:
    relative = manifest.relative_orbit
    if relative is None and about.mission in _RELATIVE_ORBIT:
        relative = (about.orbit - _RELATIVE_ORBIT[about.mission]) % ORBITS_PER_CYCLE + 1
    return f"{about.orbit} {about.direction}" + (f", relative {relative}" if relative is not None else "")


def _tables(bands: tuple[Band, ...]) -> str:
    have = [band.name for band in bands if band.calibrator is not None]
    return f"sigma0, beta0, gamma0 for {', '.join(have)}" if have else "none"


def _noise(about: Annotation, bands: tuple[Band, ...]) -> str:
    if about.noise_removed:
        return "removed by the processor"
    have = [band.name for band in bands if band.calibrator is not None and band.calibrator.has_noise]
    return f"not removed; vectors for {', '.join(have)}" if have else "not removed; no vectors"


def _georef(about: Annotation, facts: dict[str, str]) -> Georeference | None:
    try:
        georef = georeference(about)
    except ValueError as error:
        facts["geometry"] = f"none: {error}"
        return None
    facts["geometry"] = f"geolocation grid of {len(about.grid)} points"
    if about.bursts:
        facts["geometry"] += " in azimuth time, burst by burst"
    return georef


def _spacing(georef: Georeference | None, about: Annotation) -> tuple[float, float] | None:
    if georef is None:
        return None
    spacing = georef.spacing_m(about.width / 2, about.height / 2)
    return spacing if all(np.isfinite(spacing)) and min(spacing) > 0 else None


def _fingerprint(files: Files, images: list[_Image]) -> str:
    digest = hashlib.sha256()
    if files.root.is_file():
        digest.update(fingerprint_file(files.root).encode())
    for image in images:
        digest.update(image.name.stem.encode())
        if isinstance(image.measurement, Path):
            digest.update(fingerprint_file(image.measurement).encode())
            digest.update(read_bytes(files.places[f"annotation/{image.name.stem}"]))
    return digest.hexdigest()[:DIGITS]


def _documents(files: Files, images: list[_Image]) -> tuple[Place, ...]:
    found = [files.get(kind, image.name) for image in images for kind in ("annotation", "calibration", "noise")]
    return tuple(place for place in (files.manifest, *found) if place is not None)
