"""Small Sentinel-1 products as ESA's product specification lays them out, with truth that is known."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

FIRST_LINE = datetime(2023, 5, 17, 5, 11, 22, 594441)
LINE_SECONDS = 0.0015
CALIBRATION = {"sigmaNought": 500.0, "betaNought": 350.0, "gamma": 450.0}


@dataclass
class Safe:
    """What a written product shall be."""

    root: Path
    mode: str = "IW"
    level: str = "GRD"
    swath: str = "IW"
    polarisations: tuple[str, ...] = ("VV", "VH")
    width: int = 420
    height: int = 300
    bursts: int = 0
    noise: bool = True
    seed: int = 3
    pixels: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"S1A_{self.mode}_{self.level}H_1SDV_20230517T051122_20230517T051147_048578_05D7F5_0A1B"

    @property
    def folder(self) -> Path:
        return self.root / f"{self.name}.SAFE"


def stem(safe: Safe, polarisation: str, number: int) -> str:
    times = "20230517t051122-20230517t051147"
    return f"s1a-{safe.swath.lower()}-{safe.level.lower()}-{polarisation.lower()}-{times}-048578-05d7f5-{number:03d}"


def write_safe(safe: Safe) -> Path:
    """Writes (or adds a swath to) the product; gives its folder."""
    for name in ("measurement", "annotation/calibration"):
        (safe.folder / name).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(safe.seed)
    there = len(list((safe.folder / "measurement").glob("*.tiff")))
    for number, polarisation in enumerate(safe.polarisations, start=1 + there):
        file = stem(safe, polarisation, number)
        safe.pixels[polarisation] = _write_pixels(safe, safe.folder / "measurement" / f"{file}.tiff", rng)
        _write(safe.folder / "annotation" / f"{file}.xml", annotation(safe, polarisation))
        _write(safe.folder / "annotation/calibration" / f"calibration-{file}.xml", calibration(safe))
        if safe.noise:
            _write(safe.folder / "annotation/calibration" / f"noise-{file}.xml", noise(safe))
    _write(safe.folder / "manifest.safe", manifest(safe))
    return safe.folder


def _write(path: Path, text: str) -> None:
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')


def _write_pixels(safe: Safe, path: Path, rng: np.random.Generator) -> np.ndarray:
    shape = (safe.height, safe.width)
    if safe.level == "SLC":
        parts = rng.normal(0, 300, (2, *shape)).round()
        pixels = (parts[0] + 1j * parts[1]).astype(np.complex64)
        dtype = "complex_int16"
    else:
        pixels = np.clip(np.sqrt(rng.exponential(90_000.0, shape)), 1, 65_535).astype(np.uint16)
        pixels[:, :9] = 0  # the frame of zeros
        dtype = "uint16"
    profile = {"driver": "GTiff", "width": safe.width, "height": safe.height, "count": 1, "dtype": dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile) as dataset:
            dataset.write(pixels, 1)
    return pixels


def place(safe: Safe, line: float, pixel: float, seconds: float | None = None) -> tuple[float, float]:
    """Longitude and latitude of a sample: a swath that bends a little."""
    down = (line * LINE_SECONDS if seconds is None else seconds) / LINE_SECONDS
    x, y = pixel / 420, down / 300
    return 10.0 + 0.09 * x - 0.012 * y + 0.001 * x * x, 54.0 - 0.05 * y + 0.008 * x + 0.0008 * x * y


def burst_starts(safe: Safe) -> list[float]:
    """Seconds of the bursts' first lines: each begins before the one above it ends."""
    lines = safe.height // safe.bursts
    return [0.85 * lines * LINE_SECONDS * number for number in range(safe.bursts)]


def _iso(seconds: float) -> str:
    return (FIRST_LINE + timedelta(seconds=seconds)).isoformat()


def _grid(safe: Safe) -> str:
    if safe.bursts:
        lines_each = safe.height // safe.bursts
        rows = [(lines_each * number, start) for number, start in enumerate(burst_starts(safe))]
        rows.append((safe.height - 1, burst_starts(safe)[-1] + (lines_each - 1) * LINE_SECONDS))
    else:
        rows = [(line, line * LINE_SECONDS) for line in np.linspace(0, safe.height - 1, 6).round().tolist()]
    points = []
    for line, seconds in rows:
        for pixel in np.linspace(0, safe.width - 1, 8).round().tolist():
            lon, lat = place(safe, line, pixel, seconds)
            points.append(
                f"<geolocationGridPoint><azimuthTime>{_iso(seconds)}</azimuthTime>"
                f"<slantRangeTime>{5.3e-3 + pixel * 1e-7}</slantRangeTime><line>{int(line)}</line>"
                f"<pixel>{int(pixel)}</pixel><latitude>{lat!r}</latitude><longitude>{lon!r}</longitude>"
                f"<height>0.0</height><incidenceAngle>{30 + 15 * pixel / safe.width}</incidenceAngle>"
                "<elevationAngle>27</elevationAngle></geolocationGridPoint>"
            )
    return f'<geolocationGridPointList count="{len(points)}">{"".join(points)}</geolocationGridPointList>'


def annotation(safe: Safe, polarisation: str) -> str:
    bursts = (
        "".join(f"<burst><azimuthTime>{_iso(start)}</azimuthTime></burst>" for start in burst_starts(safe))
        if safe.bursts
        else ""
    )
    lines = safe.height // safe.bursts if safe.bursts else 0
    return f"""<product><adsHeader><missionId>S1A</missionId><productType>{safe.level}</productType>
<polarisation>{polarisation}</polarisation><mode>{safe.mode}</mode><swath>{safe.swath}</swath>
<startTime>{_iso(0)}</startTime><stopTime>{_iso(25)}</stopTime><absoluteOrbitNumber>48578</absoluteOrbitNumber></adsHeader>
<generalAnnotation><productInformation><pass>Descending</pass></productInformation></generalAnnotation>
<imageAnnotation><imageInformation><productFirstLineUtcTime>{_iso(0)}</productFirstLineUtcTime>
<pixelValue>{"Complex" if safe.level == "SLC" else "Detected"}</pixelValue><rangePixelSpacing>10.0</rangePixelSpacing>
<azimuthPixelSpacing>10.0</azimuthPixelSpacing><azimuthTimeInterval>{LINE_SECONDS}</azimuthTimeInterval>
<numberOfSamples>{safe.width}</numberOfSamples><numberOfLines>{safe.height}</numberOfLines>
<incidenceAngleMidSwath>38.9</incidenceAngleMidSwath></imageInformation><processingInformation>
<thermalNoiseCorrectionPerformed>false</thermalNoiseCorrectionPerformed></processingInformation></imageAnnotation>
<swathTiming><linesPerBurst>{lines}</linesPerBurst><burstList>{bursts}</burstList></swathTiming>
<geolocationGrid>{_grid(safe)}</geolocationGrid></product>"""


def vector_value(base: float, line: float, pixel: float) -> float:
    """Bilinear in line and pixel, so that interpolation gives it exactly."""
    return base + 0.05 * pixel - 0.02 * line + 0.0001 * line * pixel


def _vectors(safe: Safe, tag: str, tables: dict[str, float], lines: list[int]) -> str:
    pixels = sorted({*range(0, safe.width, 40), safe.width - 1})
    found = []
    for line in lines:
        values = "".join(
            f"<{name}>{' '.join(repr(vector_value(base, line, p)) for p in pixels)}</{name}>"
            for name, base in tables.items()
        )
        found.append(f"<{tag}><line>{line}</line><pixel>{' '.join(map(str, pixels))}</pixel>{values}</{tag}>")
    return "".join(found)


def calibration(safe: Safe) -> str:
    lines = [-20, 90, 180, safe.height + 10]
    vectors = _vectors(safe, "calibrationVector", CALIBRATION, lines)
    return f"<calibration><calibrationVectorList>{vectors}</calibrationVectorList></calibration>"


def noise(safe: Safe) -> str:
    ranges = _vectors(safe, "noiseRangeVector", {"noiseRangeLut": 2000.0}, [0, 150, safe.height])
    half = safe.width // 2
    blocks = "".join(
        f"<noiseAzimuthVector><swath>IW{k + 1}</swath><firstAzimuthLine>0</firstAzimuthLine>"
        f"<firstRangeSample>{left}</firstRangeSample><lastAzimuthLine>{safe.height - 1}</lastAzimuthLine>"
        f"<lastRangeSample>{right}</lastRangeSample><line>0 {safe.height - 1}</line>"
        f"<noiseAzimuthLut>{factor} {factor + 0.5}</noiseAzimuthLut></noiseAzimuthVector>"
        for k, (left, right, factor) in enumerate([(0, half - 1, 1.0), (half, safe.width - 1, 1.2)])
    )
    return (
        f"<noise><noiseRangeVectorList>{ranges}</noiseRangeVectorList>"
        f"<noiseAzimuthVectorList>{blocks}</noiseAzimuthVectorList></noise>"
    )


def manifest(safe: Safe) -> str:
    files = sorted(
        p.relative_to(safe.folder).as_posix() for p in safe.folder.rglob("*.*") if p.suffix in (".xml", ".tiff")
    )
    objects = "".join(
        f'<dataObject><byteStream><fileLocation href="./{name}"/></byteStream></dataObject>' for name in files
    )
    space = 'xmlns:safe="http://www.esa.int/safe/sentinel-1.0"'
    orbit = '<safe:relativeOrbitNumber type="start">81</safe:relativeOrbitNumber>'
    about = f"<metadataSection>{orbit}</metadataSection>"
    return f"<XFDU {space}>{about}<dataObjectSection>{objects}</dataObjectSection></XFDU>"
