"""Small TerraSAR-X products after DLR's TX-GS-DD-3302 (annotation) and TX-GS-DD-3307 (COSAR); no real image is at hand.

Tags, their order and the way numbers are written follow the annotation of
real products (that of an EEC of 2021, read in a public test collection).
"""

from __future__ import annotations

import struct
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from tests.core.products.orbits import START, moments, stamp, state
from tests.core.scene_files import speckle, write_tif

NAME = "TDX1_SAR__{variant}_RE___SM_S_SRA_20240506T070809_20240506T070813"
STEP, SPACING, NEAR, HEIGHT = 2e-4, 1.2, 640_000.0, 78.0
LIGHT = 299_792_458.0
FACTOR = {"HH": 1.059e-5, "VV": 1.12e-5}
NOISE = (1.5e2, -3.0e6)
SIZE = (70, 50)
UTM53 = {"crs": "EPSG:32653", "transform": Affine(3.0, 0.0, 483_000.0, 0.0, -3.0, 5_408_000.0)}


def tau(column: float) -> float:
    return 2 * (NEAR + SPACING * column) / LIGHT


def cosar(samples: np.ndarray, version: int = 1) -> bytes:
    """One burst: four annotation records, then a line a record with its first and last valid sample before it."""
    lines, columns = samples.shape
    record = 8 + 4 * columns
    header = struct.pack(">7I4sI", record * (lines + 4), 0, columns, lines, 0, record, lines + 4, b"CSAR", version)
    parts = [header.ljust(record, b"\0"), bytes(3 * record)]
    for line in samples:
        pairs = np.stack([line.real, line.imag], axis=-1).astype(">i2" if version == 1 else ">f2")
        parts.append(struct.pack(">2I", 1, columns) + pairs.tobytes())
    return b"".join(parts)


def complex_samples(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = rng.integers(-2000, 2000, (2, SIZE[1], SIZE[0]))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def main_xml(variant: str, files: dict[str, str], **changed: str) -> str:
    said = {"mission": "TDX-1", "look": "RIGHT", "columns": str(SIZE[0]), "rows": str(SIZE[1]), "cal": "CALIBRATED"}
    said |= changed
    images = "".join(
        f'<imageData layerIndex="{n}"><polLayer>{pol}</polLayer><file><location><host>.</host><path>IMAGEDATA</path>'
        f"<filename>{name}</filename></location><size>1</size></file></imageData>"
        for n, (pol, name) in enumerate(files.items(), 1)
    )
    constants = "".join(
        f'<calibrationConstant layerIndex="{n}"><polLayer>{pol}</polLayer><beamID>strip_016</beamID>'
        f"<calFactor>{FACTOR.get(pol, 1e-5):.17E}</calFactor></calibrationConstant>"
        for n, pol in enumerate(files, 1)
    )
    noise = "".join(
        f'<noise layerIndex="{n}"><polLayer>{pol}</polLayer>' + "".join(_noise(line) for line in (0, 49)) + "</noise>"
        for n, pol in enumerate(files, 1)
    )
    vectors = "".join(_vector(second) for second in moments(-30.0, 30.0, 10.0))
    corner = "<sceneCornerCoord><incidenceAngle>{}</incidenceAngle></sceneCornerCoord>"
    stop = stamp(STEP * (SIZE[1] - 1), "Z")
    return f"""<level1Product>
  <generalHeader><mission>TDX-1</mission></generalHeader>
  <productComponents>
    <annotation><type>GEOREF</type></annotation>{images}
  </productComponents>
  <productInfo>
    <missionInfo><mission>{said["mission"]}</mission><absOrbit>61696</absOrbit><relOrbit>103</relOrbit>
      <orbitDirection>ASCENDING</orbitDirection></missionInfo>
    <acquisitionInfo><imagingMode>SM</imagingMode><lookDirection>{said["look"]}</lookDirection></acquisitionInfo>
    <productVariantInfo><productVariant>{variant}</productVariant>
      <radiometricCorrection>{said["cal"]}</radiometricCorrection></productVariantInfo>
    <imageDataInfo><imageRaster><numberOfRows>{said["rows"]}</numberOfRows>
      <numberOfColumns>{said["columns"]}</numberOfColumns></imageRaster></imageDataInfo>
    <sceneInfo>
      <start><timeUTC>{stamp(0.0, "Z")}</timeUTC></start><stop><timeUTC>{stop}</timeUTC></stop>
      <rangeTime><firstPixel>{tau(0):.17E}</firstPixel><lastPixel>{tau(SIZE[0] - 1):.17E}</lastPixel></rangeTime>
      <sceneCenterCoord><incidenceAngle>2.52E+01</incidenceAngle></sceneCenterCoord>
      <sceneAverageHeight>{HEIGHT:.17E}</sceneAverageHeight>
      {corner.format("2.49E+01")}{corner.format("2.56E+01")}{corner.format("2.50E+01")}{corner.format("2.57E+01")}
    </sceneInfo>
  </productInfo>
  <platform><orbit>{vectors}</orbit></platform>
  <calibration>{constants}</calibration>{noise}
</level1Product>"""


def _noise(line: int) -> str:
    terms = "".join(
        f'<coefficient exponent="{n}">{(1 + line / 49) * value:.17E}</coefficient>' for n, value in enumerate(NOISE)
    )
    return (
        f"<imageNoise><timeUTC>{stamp(STEP * line, 'Z')}</timeUTC><noiseEstimate>"
        f"<referencePoint>{tau(35):.17E}</referencePoint><polynomialDegree>1</polynomialDegree>{terms}"
        "</noiseEstimate></imageNoise>"
    )


def _vector(second: float) -> str:
    position, velocity = state(second)
    values = {f"pos{axis}": value for axis, value in zip("XYZ", position, strict=True)}
    values |= {f"vel{axis}": value for axis, value in zip("XYZ", velocity, strict=True)}
    moment = (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%f")
    numbers = "".join(f"<{key}>{value:.17E}</{key}>" for key, value in values.items())
    return f"<stateVec><timeUTC>{moment}</timeUTC>{numbers}</stateVec>"


def georef_xml(points: list[dict[str, float]]) -> str:
    """`points` hold iaz, irg, lat, lon, height, inc and either row and col or t and tau."""
    body = "".join(
        f'<gridPoint iaz="{p["iaz"]}" irg="{p["irg"]}">'
        + "".join(f"<{key}>{value:.17E}</{key}>" for key, value in p.items() if key not in ("iaz", "irg"))
        + "</gridPoint>"
        for p in points
    )
    return f"""<geoReference><geolocationGrid><gridReferenceTime>
      <tReferenceTimeUTC>{stamp(0.0, "Z")}</tReferenceTimeUTC><tauReferenceTime>{tau(0):.17E}</tauReferenceTime>
    </gridReferenceTime>{body}</geolocationGrid></geoReference>"""


def write_product(folder: Path, variant: str = "SSC", pols: tuple[str, ...] = ("HH",), **changed: Any) -> Path:
    """A product's folder; returns its main annotation. `grid`: content of GEOREF.xml; else there is none."""
    grid, version, bursts = changed.pop("grid", None), changed.pop("version", 1), changed.pop("bursts", 1)
    product = folder / NAME.format(variant=variant)
    (product / "IMAGEDATA").mkdir(parents=True)
    (product / "ANNOTATION").mkdir()
    suffix = "cos" if variant == "SSC" else "tif"
    files = {pol: f"IMAGE_{pol}_SRA_strip_016.{suffix}" for pol in pols}
    for seed, name in enumerate(files.values()):
        image = product / "IMAGEDATA" / name
        if variant == "SSC":
            image.write_bytes(b"".join(cosar(complex_samples(seed + 10 * n), version) for n in range(bursts)))
        else:
            options = UTM53 if variant in ("GEC", "EEC") else {}
            write_tif(image, speckle(SIZE[::-1], 300, seed).astype(np.uint16) + 1, **options)
    if grid is not None:
        (product / "ANNOTATION" / "GEOREF.xml").write_text(grid)
    main = product / f"{product.name}.xml"
    main.write_text(main_xml(variant, files, **changed))
    return main
