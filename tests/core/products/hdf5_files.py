"""Small NISAR and COSMO-SkyMed products in HDF5; no real file is at hand.

NISAR after JPL D-102268, D-102269 and D-102274; COSMO-SkyMed after ASI's SAR
Products Handbook, attribute for attribute as it names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj

from tests.core.products.orbits import START, moments, seen_from, stamp, state

SIZE = (70, 50)
RSLC = "NISAR_L1_PR_RSLC_001_005_A_077_4005_DHDH_A_20240506T070809_20240506T070844_X05007_N_F_J_001.h5"
GCOV = RSLC.replace("L1_PR_RSLC", "L2_PR_GCOV")
GSLC = RSLC.replace("L1_PR_RSLC", "L2_PR_GSLC")
CSK = "CSKS1_SCS_B_HI_05_HH_RA_SF_20240506070809_20240506070816.h5"
CSG = "CSG_SSAR1_SCS_B_0104_STR_012_HH_RA_F_20240506070809_20240506070816_1_F_11S_Z32_N00.h5"
STEP, SPACING, NEAR, HEIGHT = 2e-4, 1.2, 640_000.0, 120.0
LIGHT = 299_792_458.0
HALVES = np.dtype([("r", "<f2"), ("i", "<f2")])


def samples(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    parts = np.random.default_rng(seed).integers(1, 1000, (2, size[1], size[0])).astype(np.float32)
    return (parts[0] + 1j * parts[1]).astype(np.complex64) / 1000


def as_halves(values: np.ndarray) -> np.ndarray:
    stored = np.empty(values.shape, HALVES)
    stored["r"], stored["i"] = values.real, values.imag
    return stored


def identify(root: h5py.Group, kind: str) -> None:
    about = root.require_group("science/LSAR/identification")
    about["productType"] = np.bytes_(kind)
    about["absoluteOrbitNumber"] = np.uint32(1234)
    about["trackNumber"], about["frameNumber"] = np.uint8(5), np.uint16(77)
    about["lookDirection"], about["orbitPassDirection"] = np.bytes_("Left"), np.bytes_("Ascending")
    about["missionId"] = np.bytes_("NISAR")
    about["zeroDopplerStartTime"] = np.bytes_(stamp(0.0) + "000")


def write_rslc(folder: Path, **changed: Any) -> Path:
    """An RSLC with HH and HV of frequency A and HH of B; `epsg`, `drop` and `halves` vary it."""
    path = folder / RSLC
    epsg, drop, halves = changed.get("epsg", 4326), changed.get("drop", ()), changed.get("halves", False)
    with h5py.File(path, "w") as file:
        identify(file, "RSLC")
        swaths = file.require_group("science/LSAR/RSLC/swaths")
        epoch = "seconds since 2024-05-06T00:00:00"
        begin = (START - START.replace(hour=0, minute=0, second=0)).total_seconds()
        swaths["zeroDopplerTime"] = begin + STEP * np.arange(SIZE[1])
        swaths["zeroDopplerTime"].attrs["units"] = np.bytes_(epoch)
        for name, width, pols in (("frequencyA", 70, ("HH", "HV")), ("frequencyB", 35, ("HH",))):
            group = swaths.create_group(name)
            for seed, pol in enumerate(pols):
                values = samples(seed, (width, 50))
                group.create_dataset(pol, data=as_halves(values) if halves else values, chunks=(16, 16), compression=4)
            group["slantRange"] = NEAR + SPACING * (70 / width) * np.arange(width)
            group["processedRangeBandwidth"] = 2e7 if name == "frequencyA" else 5e6
        cube = file.require_group("science/LSAR/RSLC/metadata/geolocationGrid")
        lines, columns = np.arange(-10.0, 61.0, 5.0), np.arange(-14.0, 85.0, 7.0)
        cube["zeroDopplerTime"] = begin + STEP * lines
        cube["zeroDopplerTime"].attrs["units"] = np.bytes_(epoch)
        cube["slantRange"] = NEAR + SPACING * columns
        cube["heightAboveEllipsoid"] = np.array([-500.0, 0.0, 500.0])
        cube["epsg"] = np.int32(epsg)
        row, col = np.meshgrid(lines, columns, indexing="ij")
        lon, lat = 11 + 2e-4 * col, 45 + 1e-4 * row
        x, y = pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform(lon, lat)
        shift = np.array([-0.01, 0.0, 0.01])[:, None, None]
        cube["coordinateX"], cube["coordinateY"] = x[None] + shift, np.broadcast_to(y, (3, *y.shape))
        cube["incidenceAngle"] = np.broadcast_to(35 + 0.01 * col, (3, *col.shape)).astype(np.float32)
        for name in drop:
            del file[name]
    return path


def write_geocoded(folder: Path, kind: str = "GCOV") -> Path:
    path = folder / (GCOV if kind == "GCOV" else GSLC)
    with h5py.File(path, "w") as file:
        identify(file, kind)
        group = file.require_group(f"science/LSAR/{kind}/grids/frequencyA")
        group["xCoordinates"] = 365_005.0 + 10.0 * np.arange(SIZE[0])
        group["yCoordinates"] = 4_999_995.0 - 5.0 * np.arange(SIZE[1])
        group["projection"] = np.int32(32633)
        for seed, pol in enumerate(("HH", "HV")):
            if kind == "GCOV":
                power = np.abs(samples(seed)) ** 2
                power[:5] = np.nan
                group[pol * 2] = power.astype(np.float32)
            else:
                group[pol] = samples(seed)
    return path


def cosmo_attributes(second: bool) -> dict[str, Any]:
    times = moments(-10.0, 10.0, 1.0)
    vectors = [state(time) for time in times]
    return {
        "Mission ID": "CSG" if second else "CSK", "Satellite ID": "SSAR1" if second else "CSKS1",
        "Product Type": "SCS_B", "Acquisition Mode": "HIMAGE", "Look Side": "RIGHT", "Orbit Direction": "ASCENDING",
        "Orbit Number": np.uint32(33891), "Projection ID": "SLANT RANGE/AZIMUTH", "Lines Order": "EARLY-LATE",
        "Columns Order": "NEAR-FAR", "Reference UTC": stamp(0.0), "Scene Sensing Start UTC": stamp(-0.4) + "123",
        "State Vectors Times": np.array(times), "ECEF Satellite Position": np.array([v[0] for v in vectors]),
        "ECEF Satellite Velocity": np.array([v[1] for v in vectors]),
        "Scene Centre Geodetic Coordinates": np.array([45.0, 11.0, HEIGHT]),
        "Rescaling Factor": 1.3e6, "Reference Slant Range": 8.5e5, "Reference Slant Range Exponent": 0.5,
        "Reference Incidence Angle": 40.0, "Range Spreading Loss Compensation Geometry": "ELLIPSOID",
        "Incidence Angle Compensation Geometry": "NONE", "Calibration Constant Compensation Flag": np.uint8(0),
    }  # fmt: skip


IMAGE_ATTRIBUTES = {
    "Zero Doppler Azimuth First Time": 0.0, "Zero Doppler Azimuth Last Time": STEP * 49, "Line Time Interval": STEP,
    "Zero Doppler Range First Time": 2 * NEAR / LIGHT, "Column Time Interval": 2 * SPACING / LIGHT,
    "Near Incidence Angle": 24.5, "Far Incidence Angle": 25.5,
}  # fmt: skip


def write_cosmo(folder: Path, second: bool = False, pols: tuple[str, ...] = ("HH",), **changed: Any) -> Path:
    """`root` and `image` change attributes (None takes one away); `sizes` those of the swaths; `detected` DGM."""
    path = folder / (CSG if second else CSK)
    sizes, detected = changed.get("sizes", [SIZE] * len(pols)), changed.get("detected", False)
    with h5py.File(path, "w") as file:
        for name, value in (cosmo_attributes(second) | changed.get("root", {})).items():
            if value is not None:
                file.attrs[name] = np.bytes_(value) if isinstance(value, str) else value
        for number, (pol, size) in enumerate(zip(pols, sizes, strict=True), start=1):
            group = file.create_group(f"S{number:02d}")
            group.attrs["Polarisation"], group.attrs["Calibration Constant"] = np.bytes_(pol), 2.5e15
            rng = np.random.default_rng(number)
            if detected:
                values = rng.integers(1, 3000, size[::-1]).astype(np.uint16)
            else:
                values = rng.integers(-900, 900, (*size[::-1], 2)).astype(np.int16)
            chunks = (16, 16, 2)[: values.ndim]
            data = group.create_dataset("IMG" if second else "SBI", data=values, chunks=chunks)
            for name, value in (IMAGE_ATTRIBUTES | changed.get("image", {})).items():
                if value is not None:
                    data.attrs[name] = value
    return path


def seen(lon: float, lat: float) -> tuple[float, float]:
    """Column and line, counted from the centre of the first pixel, where a place at `HEIGHT` is seen."""
    seconds, distance = seen_from(lon, lat, HEIGHT)
    return (distance - NEAR) / SPACING, seconds / STEP
