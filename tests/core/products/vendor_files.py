"""Small products of Umbra, Capella and ICEYE as their documents describe them; no real file is at hand.

Umbra: help.umbra.space, and items of the open data catalogue. Capella: SAR
Products Format Specification 1.8. ICEYE: product documentation 5.0 (HDF5, XML)
and the metadata table of the cloud optimised GeoTIFFs (JSON).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from affine import Affine

from tests.core.products.orbits import moments, stamp, state
from tests.core.scene_files import speckle, write_tif

UTM17 = {"crs": "EPSG:32617", "transform": Affine(0.5, 0.0, 656_000.0, 0.0, -0.5, 993_000.0)}
UMBRA = "2023-07-18-02-30-32_UMBRA-04"
CAPELLA = "CAPELLA_C02_SP_{kind}_HH_20240506070809_20240506070813"
ICEYE_GRD = "ICEYE_X7_GRD_SM_154171_20211027T183203"
ICEYE_SLC = "ICEYE_X7_SLC_SM_154171_20240506T070809"
ICEYE_COG = "ICEYE_GBSG1X_20250627T112405Z_5045505_X42_SLF_GRD"


def umbra_json(**collect: Any) -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "vendor": "Umbra Space",
        "imagingMode": "SPOTLIGHT",
        "umbraSatelliteName": "UMBRA_04",
        "collects": [
            {
                "startAtUTC": "2023-07-18T02:30:33+00:00",
                "endAtUTC": "2023-07-18T02:30:36.374803+00:00",
                "polarizations": ["VV"],
                "angleGrazingDegrees": 42.6,
                "angleIncidenceDegrees": 47.4,
                "satelliteTrack": "ASCENDING",
                "observationDirection": "LEFT",
            }
            | collect
        ],
    }


def write_umbra(folder: Path, said: object = None) -> Path:
    pixels = np.clip(speckle((60, 80)), 1, 255).astype(np.uint8)
    pixels[:5] = 0
    path = write_tif(folder / f"{UMBRA}_GEC.tif", pixels, **UTM17)
    (folder / f"{UMBRA}_METADATA.json").write_text(json.dumps(umbra_json() if said is None else said))
    return path


def capella_json(kind: str, size: tuple[int, int], **image: Any) -> dict[str, Any]:
    times = moments(-4.0, 6.0, 0.5)
    vectors = [
        {"time": stamp(t, "Z"), "position": list(state(t)[0]), "velocity": list(state(t)[1])} for t in times
    ]  # fmt: skip
    return {
        "product_type": kind,
        "collect": {
            "platform": "capella-2",
            "mode": "spotlight",
            "start_timestamp": stamp(0.0)[:-3] + "421646Z",
            "radar": {"pointing": "right", "transmit_polarization": "H", "receive_polarization": "H"},
            "state": {"direction": "ascending", "state_vectors": vectors},
            "image": {
                "data_type": "CInt16" if kind == "SLC" else "UInt16",
                "columns": size[0],
                "rows": size[1],
                "scale_factor": 3.4e-4,
                "radiometry": "beta_nought" if kind == "SLC" else "sigma_nought",
                "center_pixel": {"incidence_angle": 35.5},
            }
            | image,
        },
    }


SLANT = {
    "type": "slant_plane",
    "first_line_time": stamp(0.0, "Z"),
    "delta_line_time": 2e-4,
    "range_to_first_sample": 640_000.0,
    "delta_range_sample": 1.2,
}


def write_capella(folder: Path, kind: str = "GEO", said: object = None, tag: object = None) -> Path:
    name = CAPELLA.format(kind=kind)
    rng = np.random.default_rng(3)
    if kind == "SLC":
        pixels = (rng.integers(-900, 900, (50, 70)) + 1j * rng.integers(-900, 900, (50, 70))).astype(np.complex64)
        options: dict[str, Any] = {"stored": "complex_int16"}
    else:
        pixels, options = speckle((50, 70), 900).astype(np.uint16) + 1, dict(UTM17)
    image = {"image_geometry": SLANT} if kind == "SLC" else {}
    said = capella_json(kind, (70, 50), **image) if said is None else said
    tags = {} if tag is None else {"TIFFTAG_IMAGEDESCRIPTION": json.dumps(tag)}
    path = write_tif(folder / f"{name}.tif", pixels, tags=tags, **options)
    (folder / f"{name}_extended.json").write_text(json.dumps(said))
    return path


ICEYE_KEYS = {
    "product_level": "GRD",
    "satellite_name": "ICEYE-X7",
    "acquisition_mode": "stripmap",
    "look_side": "right",
    "acquisition_start_utc": "2021-10-27T18:32:03.611924",
    "number_of_azimuth_samples": "50",
    "number_of_range_samples": "70",
    "orbit_absolute_number": "12652",
    "orbit_direction": "DESCENDING",
    "polarization": "VV",
    "range_spacing": "2.5",
    "incidence_near": "14.803895552358817",
    "incidence_center": "17.02742328957619",
    "incidence_far": "19.205960060369136",
    "calibration_factor": "7.889466891336197e-06",
    "data_orientation": "native",
}
ICEYE_ANGLE = (14.803895572087896, 0.00010193308744691981, -4.1773652340476254e-11)


def iceye_xml(**keys: str) -> str:
    angle = "".join(
        f"<coefficient><number>{n}</number><value>{value!r}</value></coefficient>"
        for n, value in enumerate(ICEYE_ANGLE, 1)
    )
    flat = "".join(f"<{key}>{value}</{key}>" for key, value in (ICEYE_KEYS | keys).items())
    table = f"<Incidence_Angle_Coefficients>{angle}</Incidence_Angle_Coefficients>"
    return f'<?xml version="1.0" encoding="UTF-8"?><Metadata><spec_version>2.3</spec_version>{table}{flat}</Metadata>'


def write_iceye_grd(folder: Path, xml: str | None = None, **options: Any) -> Path:
    path = write_tif(
        folder / f"{ICEYE_GRD}.tif", speckle((50, 70), 400).astype(np.uint16) + 1, **(options or UTM17)
    )  # fmt: skip
    (folder / f"{ICEYE_GRD}.xml").write_text(iceye_xml() if xml is None else xml)
    return path


def write_iceye_slc(folder: Path, **changed: Any) -> Path:
    rng = np.random.default_rng(5)
    times = moments(-5.0, 6.0, 0.5)
    vectors = [state(time) for time in times]
    keys: dict[str, Any] = {
        "product_level": "SLC", "satellite_name": "ICEYE-X7", "acquisition_mode": "stripmap", "look_side": "right",
        "acquisition_start_utc": stamp(-0.3), "zerodoppler_start_utc": stamp(0.0), "azimuth_time_interval": 2e-4,
        "first_pixel_time": 2 * 640_000.0 / 299_792_458.0, "range_sampling_rate": 299_792_458.0 / (2 * 1.2),
        "avg_scene_height": 120.0, "orbit_direction": "ASCENDING", "orbit_absolute_number": 12652,
        "polarization": "VV", "calibration_factor": 2.5e-6,
        "local_incidence_angle": np.array([24.0, 25.0, 26.0]),
        "state_vector_time_utc": np.array([[stamp(time).encode()] for time in times]),
    }  # fmt: skip
    for index, axis in enumerate("XYZ"):
        keys[f"pos{axis}"] = np.array([vector[0][index] for vector in vectors])
        keys[f"vel{axis}"] = np.array([vector[1][index] for vector in vectors])
    keys |= {"s_i": rng.integers(-900, 900, (50, 70)).astype(np.int16)}
    keys |= {"s_q": rng.integers(-900, 900, (50, 70)).astype(np.int16)}
    path = folder / f"{ICEYE_SLC}.h5"
    with h5py.File(path, "w") as file:
        for key, value in (keys | changed).items():
            if value is not None:
                file[key] = value
    return path


def iceye_json(**properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {
            "start_datetime": "2025-06-27T11:24:05.785Z",
            "platform": "ICEYE-X42",
            "sar:instrument_mode": "spotlight",
            "sar:observation_direction": "right",
            "sar:polarizations": ["VV"],
            "sar:product_type": "GRD-COG",
            "sat:orbit_state": "descending",
            "view:incidence_angle": 31.94,
            "proj:shape": [50, 70],
            "raster:bands": [{"data_type": "ui16"}],
            "iceye:amplitude_mapping": {"function": "power", "parameters": {"exponent": 0.25, "scale": 2}},
            "iceye:calibration_factor": 2.3701258619904503e-05,
            "iceye:incidence_angle_near": 31.84,
            "iceye:incidence_angle_far": 32.05,
        }
        | properties,
    }


def write_iceye_cog(folder: Path, said: object = None, tags: dict[str, str] | None = None) -> Path:
    path = write_tif(
        folder / f"{ICEYE_COG}.tif", (speckle((50, 70), 9) + 1).astype(np.uint16), tags=tags or {}, **UTM17
    )
    if said is not None:
        (folder / f"{ICEYE_COG}.json").write_text(json.dumps(said))
    return path
