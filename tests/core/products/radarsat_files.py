"""Small RADARSAT-2 and RCM products; no real image is at hand.

RADARSAT-2 after MDA's Product Format Definition (RN-RP-51-2713) and what
GDAL's RS2 driver reads; RCM after CSA's RCM-SP-53-0419 and the annotation of a
real GRD of 2022, read in a public test collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.core.scene_files import speckle, write_tif

SIZE = (70, 50)
RS2 = "RS2_OK135107_PK1187782_DK1151894_FQ5W_20240506_070809_HH_HV_{kind}"
RCM = "RCM2_OK2116806_PK2116811_1_16M5_20220605_070317_HH_HV_GRD"
NOISE_DB = (-26.0, -29.0, -27.0)


def angle(columns: np.ndarray, decreasing: bool = False) -> np.ndarray:
    """Incidence in degrees: 24 at near, 27 at far range."""
    share = columns / (SIZE[0] - 1)
    return 24.0 + 3.0 * (1 - share if decreasing else share)


def factors(kind: str, complex_: bool, decreasing: bool = False) -> np.ndarray:
    """A of each column, such that sigma0 = beta0 sin and gamma0 = beta0 tan of the angle."""
    columns = np.arange(SIZE[0])
    theta = np.deg2rad(angle(columns, decreasing))
    beta = 1.3e3 * (1 + 0.002 * columns) if complex_ else 2.5e6 * (1 + 0.002 * columns)
    ratio = {"Beta": np.ones(SIZE[0]), "Sigma": np.sin(theta), "Gamma": np.tan(theta)}[kind]
    return beta / (np.sqrt(ratio) if complex_ else ratio)


def tie_points(step: int = 23) -> str:
    points = []
    for line in range(0, 50, 7):
        for pixel in range(0, 70, step):
            points.append(
                f"<imageTiePoint><imageCoordinate><line>{line:.8e}</line><pixel>{pixel:.8e}</pixel></imageCoordinate>"
                f'<geodeticCoordinate><latitude units="deg">{45 + line * 1e-4 + pixel * 1e-5:.15e}</latitude>'
                f'<longitude units="deg">{11 + pixel * 2e-4:.15e}</longitude>'
                '<height units="m">1.2e+02</height></geodeticCoordinate></imageTiePoint>'
            )
    return f"<geolocationGrid>{''.join(points)}</geolocationGrid>"


def rs2_xml(kind: str = "SGF", pols: tuple[str, ...] = ("HH", "HV"), **changed: str) -> str:
    said = {"grid": tie_points(), "columns": str(SIZE[0]), "order": "Increasing"} | changed
    noise = "".join(
        f'<referenceNoiseLevel incidenceAngleCorrection="{name}"><pixelFirstNoiseValue>0</pixelFirstNoiseValue>'
        "<stepSize>34</stepSize><numberOfNoiseLevelValues>3</numberOfNoiseLevelValues>"
        f'<noiseLevelValues units="dB">{" ".join(map(str, NOISE_DB))}</noiseLevelValues></referenceNoiseLevel>'
        for name in ("Beta Nought", "Sigma Nought")
    )
    images = "".join(
        f'<fullResolutionImageData pole="{pol}">imagery_{pol}.tif</fullResolutionImageData>' for pol in pols
    )
    tables = "".join(
        f'<lookupTable incidenceAngleCorrection="{name}">lut{file}.xml</lookupTable>'
        for name, file in (("Beta Nought", "Beta"), ("Sigma Nought", "Sigma"), ("Gamma", "Gamma"))
    )
    data = "Complex" if kind == "SLC" else "Magnitude Detected"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<product xmlns="http://www.rsi.ca/rs2/prod/xml/schemas" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <productId>PDS_1</productId>
  <sourceAttributes><satellite>RADARSAT-2</satellite><sensor>SAR</sensor><imageId>1</imageId>
    <beamModeMnemonic>FQ5W</beamModeMnemonic><rawDataStartTime>2024-05-06T07:08:09.123456Z</rawDataStartTime>
    <radarParameters><acquisitionType>Wide Fine Quad</acquisitionType><beams>FQ5W</beams>
      <polarizations>{" ".join(pols)}</polarizations><antennaPointing>Right</antennaPointing>{noise}</radarParameters>
    <orbitAndAttitude><orbitInformation><passDirection>Descending</passDirection></orbitInformation></orbitAndAttitude>
  </sourceAttributes>
  <imageGenerationParameters>
    <generalProcessingInformation><productType>{kind}</productType></generalProcessingInformation>
    <sarProcessingInformation>
      <zeroDopplerTimeFirstLine>2024-05-06T07:08:09.200000Z</zeroDopplerTimeFirstLine>
      <incidenceAngleNearRange units="deg">2.4e+01</incidenceAngleNearRange>
      <incidenceAngleFarRange units="deg">2.7e+01</incidenceAngleFarRange></sarProcessingInformation>
  </imageGenerationParameters>
  <imageAttributes><productFormat>GeoTIFF</productFormat>
    <rasterAttributes><dataType>{data}</dataType><bitsPerSample dataStream="Magnitude">16</bitsPerSample>
      <numberOfSamplesPerLine>{said["columns"]}</numberOfSamplesPerLine><numberOfLines>{SIZE[1]}</numberOfLines>
      <sampledPixelSpacing units="m">6.25</sampledPixelSpacing><sampledLineSpacing units="m">6.25</sampledLineSpacing>
      <lineTimeOrdering>Increasing</lineTimeOrdering><pixelTimeOrdering>{said["order"]}</pixelTimeOrdering>
    </rasterAttributes>
    <geographicInformation>{said["grid"]}</geographicInformation>{images}{tables}
  </imageAttributes>
</product>"""


def rs2_lut(values: np.ndarray, offset: float = 0.0) -> str:
    return (
        '<?xml version="1.0"?><lut xmlns="http://www.rsi.ca/rs2/prod/xml/schemas">'
        f"<offset>{offset:e}</offset><gains>{' '.join(f'{value:.15e}' for value in values)}</gains></lut>"
    )


def iq(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, (2, SIZE[1], SIZE[0])).astype(np.int16)


def write_rs2(folder: Path, kind: str = "SGF", pols: tuple[str, ...] = ("HH", "HV"), **changed: Any) -> Path:
    product = folder / RS2.format(kind=kind)
    product.mkdir()
    for seed, pol in enumerate(pols):
        pixels = iq(seed) if kind == "SLC" else (speckle(SIZE[::-1], 500, seed) + 1).astype(np.uint16)
        write_tif(product / f"imagery_{pol}.tif", pixels)
    for name in ("Beta", "Sigma", "Gamma"):
        (product / f"lut{name}.xml").write_text(rs2_lut(factors(name, kind == "SLC")))
    (product / "product.xml").write_text(rs2_xml(kind, pols, **changed))
    return product


def rcm_xml(pols: tuple[str, ...] = ("HH", "HV"), pieces: str | None = None) -> str:
    tables = "".join(
        f'<lookupTableFileName sarCalibrationType="{name}" pole="{pol}">lut{file}_{pol}.xml</lookupTableFileName>'
        for pol in pols
        for name, file in (("Beta Nought", "Beta"), ("Sigma Nought", "Sigma"), ("Gamma", "Gamma"))
    )
    noise = "".join(f'<noiseLevelFileName pole="{pol}">noiseLevels_{pol}.xml</noiseLevelFileName>' for pol in pols)
    images = "".join(f'<ipdf pole="{pol}">../imagery/2116811_1_{pol}.tif</ipdf>' for pol in pols)
    pieces = pieces or (
        f'<imageAttributes sampleType="Magnitude Detected" beam="H-5">{images}<pixelOffset>0</pixelOffset>'
        f"<lineOffset>0</lineOffset><numLines>{SIZE[1]}</numLines><samplesPerLine>{SIZE[0]}</samplesPerLine>"
        '<incAngNearRng units="deg">2.4e+01</incAngNearRng><incAngFarRng units="deg">2.7e+01</incAngFarRng>'
        "</imageAttributes>"
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<product xmlns="rcmGsProductSchema" copyright="none">
  <productId>2116811_1</productId>
  <sourceAttributes><satellite>RCM-2</satellite><sensor>SAR</sensor><beamMode>Medium Resolution 16m</beamMode>
    <beamModeMnemonic>16M5</beamModeMnemonic><rawDataStartTime>2022-06-05T07:03:17.441000Z</rawDataStartTime>
    <radarParameters><polarizations>{" ".join(pols)}</polarizations><antennaPointing>Right</antennaPointing>
    </radarParameters>
    <orbitAndAttitude><orbitInformation><passDirection>Ascending</passDirection></orbitInformation></orbitAndAttitude>
  </sourceAttributes>
  <imageGenerationParameters>
    <generalProcessingInformation><productType>GRD</productType></generalProcessingInformation>
  </imageGenerationParameters>
  <imageReferenceAttributes>{tables}<incidenceAngleFileName>incidenceAngles.xml</incidenceAngleFileName>{noise}
    <rasterAttributes><sampleType>Magnitude Detected</sampleType><dataType>Integer</dataType>
      <bitsPerSample dataStream="Magnitude">16</bitsPerSample><lineTimeOrdering>Increasing</lineTimeOrdering>
      <pixelTimeOrdering>Decreasing</pixelTimeOrdering></rasterAttributes>
    <geographicInformation>{tie_points()}</geographicInformation>
  </imageReferenceAttributes>
  <sceneAttributes><numberOfEntries>1</numberOfEntries>{pieces}</sceneAttributes>
</product>"""


def rcm_lut(values: np.ndarray, step: int = -1) -> str:
    """Values from far range at column 0 to near range at the last; the table begins at the last column."""
    listed = values[::step]
    return (
        f'<lut xmlns="rcmGsProductSchema"><pixelFirstLutValue>{SIZE[0] - 1}</pixelFirstLutValue>'
        f"<stepSize>{step}</stepSize><numberOfValues>{listed.size}</numberOfValues><offset>0</offset>"
        f"<gains>{' '.join(f'{value:.15e}' for value in listed)}</gains></lut>"
    )


def write_rcm(folder: Path, pols: tuple[str, ...] = ("HH", "HV"), pieces: str | None = None) -> Path:
    product = folder / RCM
    (product / "metadata" / "calibration").mkdir(parents=True)
    (product / "imagery").mkdir()
    for seed, pol in enumerate(pols):
        pixels = (speckle(SIZE[::-1], 5000, seed) + 1).clip(1, 65535).astype(np.uint16)
        write_tif(product / "imagery" / f"2116811_1_{pol}.tif", pixels)
        calibration = product / "metadata" / "calibration"
        for name in ("Beta", "Sigma", "Gamma"):
            (calibration / f"lut{name}_{pol}.xml").write_text(rcm_lut(factors(name, False, decreasing=True)))
        levels = "".join(
            f"<referenceNoiseLevel><sarCalibrationType>{name}</sarCalibrationType>"
            f"<pixelFirstNoiseValue>{SIZE[0] - 1}</pixelFirstNoiseValue><stepSize>-34</stepSize>"
            f'<numberOfValues>3</numberOfValues><noiseLevelValues units="dB">{" ".join(map(str, NOISE_DB))}'
            "</noiseLevelValues></referenceNoiseLevel>"
            for name in ("Beta Nought", "Sigma Nought", "Gamma")
        )
        text = f'<noiseLevels xmlns="rcmGsProductSchema">{levels}</noiseLevels>'
        (calibration / f"noiseLevels_{pol}.xml").write_text(text)
    (product / "metadata" / "product.xml").write_text(rcm_xml(pols, pieces))
    return product
