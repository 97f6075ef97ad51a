"""Every way in which a product places its pixels: there and back ends where it began."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.transform
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.core.boxes import polygon_iou
from sarvlm_app.core.export.detections import write_detections
from sarvlm_app.core.georef import GridGeoref
from sarvlm_app.core.importing.detections import read_detections
from sarvlm_app.core.products.range_doppler import Orbit, ZeroDoppler, geolocated
from sarvlm_app.core.scene import open_scene
from sarvlm_models.types import Detections
from tests.core.products.hdf5_files import write_cosmo, write_geocoded, write_rslc
from tests.core.products.nitf_files import sidd_tree, simple_sicd, write_sidd
from tests.core.products.orbits import moments, state
from tests.core.products.palsar_files import write_palsar
from tests.core.products.radarsat_files import write_rcm, write_rs2
from tests.core.products.safe_files import Safe, write_safe
from tests.core.products.terrasar_files import write_product
from tests.core.products.test_hdf5_products import corners
from tests.core.products.test_nitf import gdal_nitf, polynomials
from tests.core.products.test_sidd import SHAPE, on_grid
from tests.core.products.test_terrasar import grid
from tests.core.products.vendor_files import write_capella, write_iceye_slc, write_umbra
from tests.core.scene_files import write_tif


def spline(folder: Path) -> Path:
    main = write_rs2(folder) / "product.xml"
    main.write_text(main.read_text().replace("<pixel>2.30000000e+01", "<pixel>2.31000000e+01", 1))
    return main


def burst(folder: Path) -> Path:
    text = "".join(
        f'<imageAttributes beam="H-5" burst="{number}"><ipdf pole="HH">../imagery/2116811_1_HH.tif</ipdf>'
        f"<pixelOffset>0</pixelOffset><lineOffset>{50 * number}</lineOffset><numLines>50</numLines>"
        "<samplesPerLine>70</samplesPerLine></imageAttributes>"
        for number in range(2)
    )
    return write_rcm(folder, ("HH",), text)


def sidd(folder: Path, kind: str) -> Path:
    root = sidd_tree(SHAPE, "MONO8I")
    if kind:
        root = on_grid(root, kind)
    if kind == "GeographicProjection":
        for step in root.find("{*}Measurement/{*}GeographicProjection/{*}SampleSpacing"):
            step.text = "0.02"
    return write_sidd(folder / "a.ntf", [(root, np.ones(SHAPE, np.uint8), None)])


def rational(folder: Path) -> Path:
    tif = write_tif(folder / "a.tif", np.ones(SHAPE, np.uint8), rpcs=polynomials())
    rasterio.shutil.copy(tif, folder / "a.ntf", driver="NITF", RPC00B="YES")
    return folder / "a.ntf"


def cornered(folder: Path) -> Path:
    transform = rasterio.transform.from_bounds(11.0, 46.9, 11.1, 47.0, SHAPE[1], SHAPE[0])
    return gdal_nitf(folder / "a.ntf", np.ones(SHAPE, np.uint8), ICORDS="G", crs="EPSG:4326", transform=transform)


WAYS = {
    "Sentinel-1 GRD": lambda folder: write_safe(Safe(folder)),
    "Sentinel-1 SLC": lambda folder: write_safe(Safe(folder, level="SLC", swath="IW1", bursts=3)),
    "TerraSAR-X by its orbit": write_product,
    "TerraSAR-X by its grid": lambda folder: write_product(folder, grid=grid()),
    "TerraSAR-X on a map": lambda folder: write_product(folder, "GEC", grid=grid()),
    "RADARSAT-2 by tie points": write_rs2,
    "RADARSAT-2 by a spline": spline,
    "RCM": write_rcm,
    "a burst of RCM": burst,
    "PALSAR 1.1": lambda folder: write_palsar(folder, True),
    "PALSAR 1.5": lambda folder: write_palsar(folder, False),
    "COSMO-SkyMed by its orbit": write_cosmo,
    "COSMO-SkyMed, late lines and far columns first": lambda folder: write_cosmo(
        folder, root={"Lines Order": "LATE-EARLY", "Columns Order": "FAR-NEAR"}
    ),
    "COSMO-SkyMed by its corners": lambda folder: write_cosmo(
        folder, detected=True, root={"Projection ID": "GROUND RANGE/AZIMUTH"}, image=corners()
    ),
    "COSMO-SkyMed, second generation": lambda folder: write_cosmo(folder, second=True),
    "NISAR RSLC in degrees": write_rslc,
    "NISAR RSLC in a map": lambda folder: write_rslc(folder, epsg=32632),
    "NISAR GCOV": write_geocoded,
    "Capella SLC": lambda folder: write_capella(folder, "SLC"),
    "Capella GEO": write_capella,
    "ICEYE SLC": write_iceye_slc,
    "Umbra": write_umbra,
    "SICD": lambda folder: simple_sicd(folder / "a.ntf"),
    "SIDD on a plane": lambda folder: sidd(folder, ""),
    "SIDD, geographic": lambda folder: sidd(folder, "GeographicProjection"),
    "SIDD, cylindrical": lambda folder: sidd(folder, "CylindricalProjection"),
    "SIDD, polynomial": lambda folder: sidd(folder, "PolynomialProjection"),
    "NITF by rational polynomials": rational,
    "NITF by its corners": cornered,
}
"""Writers of a product for each; the scene that opens has a geometry."""

_MADE: dict[str, object] = {}


def opened(way: str, factory: pytest.TempPathFactory):
    if way not in _MADE:
        _MADE[way] = open_scene(WAYS[way](factory.mktemp("place")))
    return _MADE[way]


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=15, deadline=None)
@given(across=st.floats(0, 1), down=st.floats(0, 1), height=st.one_of(st.none(), st.floats(-200.0, 1500.0)))
def test_there_and_back_ends_where_it_began(way, tmp_path_factory, across, down, height):
    scene = opened(way, tmp_path_factory)
    assert scene.georef is not None, scene.facts["geometry"]
    if scene.facts.get("bursts"):  # the overlap of two bursts comes back in one of them
        down = 0.02 + 0.2 * down
    place = across * scene.width, down * scene.height
    lon, lat = scene.georef.to_lonlat(*place, height)
    assert -180 <= lon <= 180 and -90 <= lat <= 90
    back = scene.georef.from_lonlat(lon, lat, height)
    assert np.array(back, dtype=float) == pytest.approx(place, abs=0.05)


@pytest.mark.parametrize("way", WAYS)
def test_the_outline_encloses_the_middle_and_pixels_have_a_size(way, tmp_path_factory):
    scene = opened(way, tmp_path_factory)
    ring = np.array(scene.georef.footprint_lonlat())
    assert np.isfinite(ring).all() and scene.spacing_m is not None and min(scene.spacing_m) > 0
    lon, lat = scene.georef.to_lonlat(scene.width / 2, scene.height / 2)
    assert ring[:, 0].min() < lon < ring[:, 0].max() and ring[:, 1].min() < lat < ring[:, 1].max()


@pytest.mark.parametrize("way", WAYS)
def test_a_box_that_left_as_degrees_lies_where_it_was(way, tmp_path_factory):
    scene = opened(way, tmp_path_factory)
    down = 0.1 if scene.facts.get("bursts") else 0.45
    col, row = 0.4 * scene.width, down * scene.height
    width, height = 0.2 * scene.width, 0.1 * scene.height
    box = np.array([[col, row], [col + width, row], [col + width, row + height], [col, row + height]], np.float32)
    if height > width:
        box = np.roll(box, 1, axis=0)
    box_px = np.array([[col, row, width, height]], np.float32)
    found = Detections(box[None], box_px, np.array([0.9], np.float32), np.zeros(1, np.int32), ("ship",), "x")
    path = tmp_path_factory.mktemp("box") / "box.geojson"
    write_detections(found, scene, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    for feature in content["features"]:
        feature["properties"] = {"class": "ship"}  # no pixels: its degrees alone say where it lies
    path.write_text(json.dumps(content), encoding="utf-8")
    back = read_detections(path, scene)
    assert polygon_iou(back.corners_px, found.corners_px) > 0.97


LARGE = (12_000, 15_000)
NEAR_POLE_S = (np.pi / 2 - np.deg2rad(45.0)) / 1.095e-3
"""Seconds after which the orbit of `orbits` is farthest north."""


@cache
def swath(where: str, right: bool) -> GridGeoref:
    """A zero-Doppler image as large as real ones: inland, across the antimeridian, over the north pole."""
    middle = NEAR_POLE_S if where == "pole" else 0.0
    times = moments(-5.0, 8.0, 0.5)
    vectors = [np.concatenate(state(middle + time)) for time in times]
    table = np.array(vectors)
    if where == "antimeridian":  # turned about the Earth's axis until the middle lies there
        half = geolocated(Orbit(np.array(times), table[:, :3], table[:, 3:]), _image(right, 640_000.0))
        turn = np.deg2rad(180.0 - half[len(half) // 2].lon)
        spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]])
        table = np.hstack([table[:, :3] @ spin.T, table[:, 3:] @ spin.T])
    orbit = Orbit(np.array(times), table[:, :3], table[:, 3:])
    return GridGeoref(geolocated(orbit, _image(right, 1_035_000.0 if where == "pole" else 640_000.0)), LARGE)


def _image(right: bool, near: float) -> ZeroDoppler:
    return ZeroDoppler(0.0, 2e-4, near, 1.2, LARGE, right, 120.0)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("where", ["inland", "antimeridian", "pole"])
@settings(max_examples=25, deadline=None)
@given(col=st.floats(0, LARGE[0]), row=st.floats(0, LARGE[1]))
def test_large_images_placed_by_an_orbit_come_back(where, right, col, row):
    georef = swath(where, right)
    back = georef.from_lonlat(*georef.to_lonlat(col, row))
    assert np.array(back, dtype=float) == pytest.approx((col, row), abs=0.05)


def test_those_images_lie_where_they_should():
    lon, lat = swath("antimeridian", True).to_lonlat(np.linspace(0, LARGE[0], 9), np.full(9, LARGE[1] / 2))
    assert lon.min() < -179 and lon.max() > 179
    cols, rows = np.meshgrid(np.linspace(0, LARGE[0], 40), np.linspace(0, LARGE[1], 40))
    lon, lat = swath("pole", True).to_lonlat(cols, rows)
    assert lat.max() > 89.9 and np.ptp(lon) > 300
