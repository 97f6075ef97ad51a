"""NITF files that are neither SICD nor SIDD, and NITF files of every kind that are broken."""

import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

from sarvlm_app.core.georef import RpcGeoref
from sarvlm_app.core.products import FAMILIES
from sarvlm_app.core.products.nitf import NitfFamily, SicdFamily, SiddFamily
from sarvlm_app.core.radiometry import ValueType
from sarvlm_app.core.scene import open_scene
from sarvlm_app.errors import SceneError
from sarvlm_models.types import Window
from tests.core.products.nitf_files import (
    add_radiometry,
    add_valid_data,
    replaced,
    sicd_tree,
    sidd_tree,
    simple_sicd,
    speckle,
    write_sicd,
    write_sidd,
)
from tests.core.scene_files import write_tif

SHAPE = (40, 60)


def refusal(path, part=None):
    with pytest.raises(SceneError) as caught:
        open_scene(path, part)
    text = str(caught.value)
    assert path.name in text and text.endswith(".") and ";" in text and "\n" not in text
    return text


def native(scene, band=0):
    return scene.bands[band].source.native(Window(0, 0, scene.width, scene.height))[0]


def gdal_nitf(path, pixels, **options):
    planes = pixels if pixels.ndim == 3 else pixels[None]
    profile = {"driver": "NITF", "count": len(planes), "height": planes.shape[1], "width": planes.shape[2]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", dtype=planes.dtype, **profile, **options) as out:
            out.write(planes)
    return path


def polynomials():
    # line from latitude, sample from longitude
    line, sample, one = ([0.0] * 20 for _ in range(3))
    line[2], sample[1], one[0] = -1.0, 1.0, 1.0
    return RPC(
        height_off=100.0, height_scale=500.0, lat_off=47.0, lat_scale=0.01, long_off=11.0, long_scale=0.01,
        line_off=20.0, line_scale=20.0, samp_off=30.0, samp_scale=30.0, line_num_coeff=line, line_den_coeff=one,
        samp_num_coeff=sample, samp_den_coeff=one, err_bias=None, err_rand=None,
    )  # fmt: skip


def test_a_detected_image_is_read_by_gdal(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 60000, SHAPE).astype(np.uint16)
    scene = open_scene(gdal_nitf(tmp_path / "a.ntf", pixels, IDATIM="20210203040506", FTITLE="harbour"))
    assert (scene.width, scene.height, scene.value_type) == (60, 40, ValueType.DN)
    assert scene.acquired.isoformat() == "2021-02-03T04:05:06+00:00" and scene.facts["title"] == "harbour"
    np.testing.assert_array_equal(native(scene), pixels)


def test_corner_coordinates_place_it(tmp_path):
    transform = rasterio.transform.from_bounds(11.0, 46.9, 11.1, 47.0, 60, 40)
    path = gdal_nitf(tmp_path / "a.ntf", np.ones(SHAPE, np.uint8), ICORDS="G", crs="EPSG:4326", transform=transform)
    scene = open_scene(path)
    lon, lat = scene.georef.to_lonlat(30.0, 20.0)
    assert (float(lon), float(lat)) == pytest.approx((11.05, 46.95), abs=1e-3)
    assert "IGEOLO" in scene.facts["geometry"]


def test_rational_polynomials_go_before_corner_coordinates(tmp_path):
    transform = rasterio.transform.from_bounds(10.0, 46.0, 11.1, 47.0, 60, 40)
    tif = write_tif(
        tmp_path / "a.tif", np.ones(SHAPE, np.uint8), crs="EPSG:4326", transform=transform, rpcs=polynomials()
    )
    path = tmp_path / "a.ntf"
    rasterio.shutil.copy(tif, path, driver="NITF", ICORDS="G", RPC00B="YES")
    scene = open_scene(path)
    assert isinstance(scene.georef, RpcGeoref) and "rational polynomials" in scene.facts["geometry"]
    lon, lat = scene.georef.to_lonlat(30.5, 20.5)
    assert (float(lon), float(lat)) == pytest.approx((11.0, 47.0), abs=1e-6)


def test_i_and_q_are_one_complex_band(tmp_path):
    """GDAL before 3.11 shows them as two."""
    pixels = speckle(SHAPE)
    path = write_sicd(tmp_path / "sicd.nitf", sicd_tree(SHAPE, "RE32F_IM32F"), pixels)
    plain = replaced(path, b"SICD000   ", b"STRIP     ", "iq.ntf")
    scene = open_scene(plain)
    assert scene.value_type is ValueType.COMPLEX and len(scene.bands) == 1 and not scene.value_type_assumed
    np.testing.assert_array_equal(native(scene), pixels)


def test_images_of_one_file_are_parts(tmp_path):
    rng = np.random.default_rng(1)
    one, two = rng.integers(0, 256, (30, 44), dtype=np.uint8), rng.integers(0, 65536, (17, 9), dtype=np.uint16)
    path = write_sidd(
        tmp_path / "a.ntf", [(sidd_tree(one.shape, "MONO8I"), one, None), (sidd_tree(two.shape, "MONO16I"), two, None)]
    )
    plain = replaced(replaced(path, b"SIDD001001", b"PICT001001"), b"SIDD002001", b"PICT002001", "b.ntf")
    first, second = open_scene(plain), open_scene(plain, "image 2")
    assert first.parts == ("image 1", "image 2") and first.fingerprint != second.fingerprint
    np.testing.assert_array_equal(native(first), one)
    np.testing.assert_array_equal(native(second), two)
    assert "choose one of image 1, image 2" in refusal(plain, "image 3")


FILES = {
    "sicd": lambda path: simple_sicd(path, SHAPE),
    "sidd": lambda path: write_sidd(path, [(sidd_tree(SHAPE, "MONO8I"), np.ones(SHAPE, np.uint8), None)]),
    "other": lambda path: gdal_nitf(path, np.ones(SHAPE, np.uint8)),
}


@pytest.fixture(scope="module")
def wholes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nitf")
    return {kind: write(folder / f"{kind}.ntf").read_bytes() for kind, write in FILES.items()}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("keep", [0.01, 0.05, 0.2, 0.6, 0.97, 0.999])
def test_files_cut_short(tmp_path, wholes, kind, keep):
    path = tmp_path / "cut.ntf"
    path.write_bytes(wholes[kind][: int(len(wholes[kind]) * keep)])
    assert "damaged" in refusal(path)


def test_a_header_that_claims_gigabytes(tmp_path, wholes):
    content = wholes["sicd"]
    path = tmp_path / "large.ntf"
    path.write_bytes(content[:369] + b"9999999998" + content[379:])  # LI001
    assert "announce 10000004" in refusal(path)
    path.write_bytes(content[:363] + b"999999" + content[369:])  # LISH001
    assert "damaged" in refusal(path)
    path.write_bytes(content[:360] + b"999" + content[363:])  # NUMI
    assert "damaged" in refusal(path)
    path.write_bytes(content[:354] + b"999999" + content[360:])  # HL
    assert "damaged" in refusal(path)
    path.write_bytes(content.replace(b"<NumRows>40</NumRows>", b"<NumRows>4e9</NumRows"))
    assert "SICD" in refusal(path)


def changed_sicd(tmp_path, change, name="a.ntf"):
    root = sicd_tree(SHAPE, "RE32F_IM32F")
    add_radiometry(root)
    path = write_sicd(tmp_path / "whole.ntf", root, speckle(SHAPE))
    content = path.read_bytes()
    start = content.index(b"<SICD")
    xml = content[start:]
    new = change(xml)
    assert new != xml
    other = tmp_path / name
    other.write_bytes(content[:start] + new.ljust(len(xml))[: len(xml)])
    return other


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"<NumRows>40</NumRows>", b"<NumRows>99</NumRows>", "contradicts itself"),
        (b"<NumRows>40</NumRows>", b"<NumRows>xx</NumRows>", "no size"),
        (b"<NumRows>40</NumRows>", b"<NumRows>-4</NumRows>", "no size"),
        (b"<PixelType>RE32F_IM32F</PixelType>", b"<PixelType>RE16I_IM16I</PixelType>", "contradicts itself"),
        (b"<PixelType>RE32F_IM32F</PixelType>", b"<PixelType>SOMETHING__</PixelType>", "pixel type SOMETHING__"),
        (b"</SICD>", b"</SIXD>", "not readable XML"),
    ],
)
def test_sicd_xml_that_contradicts_the_file(tmp_path, old, new, words):
    assert words in refusal(changed_sicd(tmp_path, lambda xml: xml.replace(old, new)))


def test_a_bomb_of_entities_is_refused(tmp_path):
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE SICD [<!ENTITY a0 "ha">{lines}]><SICD>&a8;</SICD>'.encode()
    assert "entities" in refusal(changed_sicd(tmp_path, lambda xml: bomb))
    outside = b'<!DOCTYPE SICD [<!ENTITY x SYSTEM "file:///etc/passwd">]><SICD>&x;</SICD>'
    text = refusal(changed_sicd(tmp_path, lambda xml: outside))
    assert "entities" in text and "root:" not in text


def test_polynomials_that_are_no_numbers_leave_the_image_and_are_listed(tmp_path):
    before = b'<BetaZeroSFPoly order1="0" order2="0"><Coef exponent1="'
    path = changed_sicd(tmp_path, lambda xml: xml.replace(before + b"0", before + b"x"))
    scene = open_scene(path)
    assert scene.missing == ("Radiometric/BetaZeroSFPoly (its coefficients are no numbers)",)
    assert scene.bands[0].calibrator.kinds == ("sigma0",)


def test_a_sicd_whose_geometry_is_wrong_opens_without_place(tmp_path):
    scene = open_scene(changed_sicd(tmp_path, lambda xml: xml.replace(b"<SCPPixel><Row>190<", b"<SCPPixel><Row>xyz<")))
    assert scene.georef is None and scene.facts["geometry"].startswith("none: ")


def test_polynomials_that_would_fill_the_memory_are_not_made(tmp_path):
    old = b'<X order1="1"><Coef exponent1="0"'
    new = old.replace(b'exponent1="0"', b'exponent1="999999999"')
    path = changed_sicd(tmp_path, lambda xml: xml.replace(b"<CoreName>core</CoreName>", b"").replace(old, new, 1))
    scene = open_scene(path)
    assert scene.georef is None and "impossible exponent" in scene.facts["geometry"]


def test_a_polygon_that_crosses_itself_hides_nothing_or_a_part(tmp_path):
    root = sicd_tree(SHAPE, "RE32F_IM32F")
    add_valid_data(root, [(0, 0), (39, 59), (0, 59), (39, 0)])
    scene = open_scene(write_sicd(tmp_path / "a.ntf", root, speckle(SHAPE)))
    assert scene.bands[0].source.native(Window(0, 0, 60, 40))[1].shape == SHAPE


HEADERS = st.integers(0, 1500)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["sicd", "sidd", "other"]), at=HEADERS, new=st.binary(min_size=1, max_size=12))
@example(kind="sicd", at=360, new=b"000")
@example(kind="sicd", at=360, new=b"\xb2\xb2\xb2")
@example(kind="sidd", at=404, new=b"IM")
def test_any_damage_to_a_header_is_opened_or_refused_with_a_sentence(tmp_path, wholes, kind, at, new):
    whole = wholes[kind]
    path = tmp_path / "fuzzed.ntf"
    path.write_bytes(whole[:at] + new + whole[at + len(new) :])
    for family in (SicdFamily(), SiddFamily(), NitfFamily()):
        if not family.recognises(path):
            continue
        try:
            scene = family.describe(path)
            native(scene)
        except SceneError as error:
            assert path.name in str(error) and str(error).endswith(".")


def test_the_families_know_their_own(tmp_path):
    for kind, write in FILES.items():
        path = write(tmp_path / f"{kind}.ntf")
        family = next(family for family in FAMILIES if family.recognises(path))
        assert type(family).__name__ == {"sicd": "SicdFamily", "sidd": "SiddFamily", "other": "NitfFamily"}[kind]
