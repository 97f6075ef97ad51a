"""What the simulator promises about its pictures and its truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sarvlm_app.core.simulate import KINDS, LANDCOVER_NAMES, SimulationSpec, preset_spec, simulate_scene
from sarvlm_app.core.simulate.buildings import Blocks, add_buildings
from sarvlm_app.core.simulate.canvas import Canvas
from sarvlm_app.core.simulate.render import look_weights
from sarvlm_app.core.simulate.scene import compose
from sarvlm_app.core.simulate.shapes import polygon_mask
from sarvlm_app.core.simulate.ships import add_ship
from sarvlm_app.core.simulate.structures import add_tank, add_vehicle
from sarvlm_app.core.simulate.surfaces import Cover
from sarvlm_app.errors import SceneError


def spec_of(kind="open_sea", *, size=256, spacing=3.0, looks=3.0, look="right", seed=0, floor=-26.0):
    return SimulationSpec(size, size, spacing, kind, looks, floor, look, seed)


def inside(scene, thing):
    rows, cols, mask = polygon_mask(thing.polygon_px, scene.intensity.shape)
    whole = np.zeros(scene.intensity.shape, bool)
    whole[rows, cols] = mask
    return whole


def only(cover, *draw):
    def layout(canvas: Canvas):
        canvas.cover[:] = cover
        for one in draw:
            one(canvas)

    return layout


def tower(canvas, *, side=40.0, height=40.0):
    block = Blocks(canvas.size_m[None] / 2, *(np.array([v]) for v in (side, side, height, 0.0)))
    add_buildings(canvas, block)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_a_finite_picture_with_known_classes_and_truth_inside_it(kind):
    scene = simulate_scene(spec_of(kind, size=192, spacing=4.0, seed=5))
    assert scene.intensity.shape == scene.landcover.shape == (192, 192)
    assert scene.intensity.dtype == np.float32 and scene.landcover.dtype == np.uint8
    assert np.isfinite(scene.intensity).all() and (scene.intensity > 0).all()
    assert scene.landcover.max() < len(scene.landcover_names)
    for thing in scene.objects:
        assert (thing.polygon_px.max(0) > 0).all() and (thing.polygon_px.min(0) < 192).all()
        assert thing.length_m > 0 and thing.width_m > 0


def test_a_spec_decides_the_scene_and_a_seed_changes_it():
    first, again, other = (simulate_scene(spec_of("harbour", seed=s)) for s in (4, 4, 5))
    np.testing.assert_array_equal(first.intensity, again.intensity)
    np.testing.assert_array_equal(first.landcover, again.landcover)
    assert [t.label for t in first.objects] == [t.label for t in again.objects]
    assert not np.array_equal(first.landcover, other.landcover)


@pytest.mark.parametrize("preset", ["sentinel1", "terrasar", "spotlight", "vehicle"])
def test_presets_make_scenes_at_their_own_spacing(preset):
    scene = simulate_scene(preset_spec(preset, "coast", 128, seed=2))
    assert scene.spec.spacing_m == {"sentinel1": 10.0, "terrasar": 3.0, "spotlight": 1.0, "vehicle": 0.3}[preset]


@given(st.floats(1.0, 64.0))
def test_look_weights_have_the_equivalent_number_of_looks(looks):
    weights = look_weights(looks)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert 1.0 / np.sum(weights**2) == pytest.approx(looks, rel=1e-6)


@pytest.mark.parametrize("looks", [1.0, 2.5, 4.4, 9.0])
def test_speckle_over_smooth_ground_has_the_looks_asked_for(looks):
    scene = compose(spec_of(looks=looks, size=384, floor=-10.0), only(Cover.RUNWAY))
    blocks = scene.intensity.reshape(12, 32, 12, 32).swapaxes(1, 2).reshape(144, -1).astype(float)
    measured = np.median(blocks.mean(1) ** 2 / blocks.var(1))
    assert measured == pytest.approx(looks, rel=0.15)


def test_speckle_is_correlated_by_the_impulse_response():
    scene = compose(spec_of(looks=1.0, size=256), only(Cover.RUNWAY))
    picture = scene.intensity - scene.intensity.mean()
    neighbour = np.mean(picture[:, 1:] * picture[:, :-1]) / picture.var()
    distant = np.mean(picture[:, 9:] * picture[:, :-9]) / picture.var()
    assert neighbour > 0.05
    assert abs(distant) < 0.05


def test_water_is_darker_than_fields_and_fields_than_towns():
    def mean_db(cover_name):
        index = LANDCOVER_NAMES.index(cover_name)
        levels = []
        for seed in range(6):
            scene = simulate_scene(spec_of("mixed", seed=seed, size=256, spacing=6.0))
            here = ndimage.binary_erosion(scene.landcover == index, iterations=2)
            if here.sum() > 200:
                levels.append(10 * np.log10(scene.intensity[here].mean()))
        return np.mean(levels)

    assert mean_db("river") + 3 < mean_db("field")
    assert mean_db("field") + 1 < mean_db("residential area")


@pytest.mark.parametrize("spacing", [1.0, 3.0, 10.0])
def test_a_ship_is_bright_where_the_truth_says_and_has_its_true_size_in_pixels(spacing):
    scene = compose(
        spec_of(size=384, spacing=spacing),
        only(Cover.SEA, lambda c: add_ship(c, c.size_m / 2, 200.0, 40.0, beam=32.0)),
    )
    (ship,) = scene.objects
    mask = inside(scene, ship)
    far = ~ndimage.binary_dilation(mask, iterations=12)
    assert scene.intensity[mask].mean() > 20 * scene.intensity[far].mean()
    corners = ship.polygon_px
    longest = max(np.hypot(*(a - b)) for a in corners for b in corners)
    assert longest == pytest.approx(200.0 / spacing, rel=0.02)
    assert mask.sum() == pytest.approx(200 * 32 / spacing**2, rel=0.15)
    assert (ship.length_m, ship.width_m, ship.heading_deg) == (200.0, 32.0, 40.0)


@pytest.mark.parametrize(("look", "sign"), [("right", 1), ("left", -1)])
def test_the_shadow_lies_away_from_the_sensor_and_the_bright_wall_towards_it(look, sign):
    scene = compose(spec_of(size=256, spacing=1.0, looks=4.0, look=look, seed=3), only(Cover.FIELD, tower))
    middle, row = 128, slice(118, 138)
    beside = {
        side: scene.intensity[row, middle + side * 22 : middle + side * 34 : side].mean() for side in (sign, -sign)
    }
    ground = np.median(scene.intensity)
    assert beside[sign] < 0.35 * ground
    assert beside[-sign] > 1.5 * ground


def test_a_left_looking_scene_is_the_mirror_of_the_right_looking_one():
    right, left = (simulate_scene(spec_of("harbour", look=look, seed=9)) for look in ("right", "left"))
    np.testing.assert_array_equal(right.intensity[:, ::-1], left.intensity)
    np.testing.assert_array_equal(right.landcover[:, ::-1], left.landcover)
    assert right.objects
    for one, two in zip(right.objects, left.objects, strict=True):
        np.testing.assert_allclose(two.polygon_px[::-1, 0], 256 - one.polygon_px[:, 0])
        if one.heading_deg is not None:
            assert (one.heading_deg + two.heading_deg) % 360 == pytest.approx(0.0, abs=1e-9)


def test_a_tank_shows_a_bright_ring_and_a_vehicle_a_shadow():
    tank = compose(
        spec_of(size=192, spacing=1.0), only(Cover.GRASSLAND, lambda c: add_tank(c, c.size_m / 2, 25.0, 15.0))
    )
    assert tank.intensity[inside(tank, tank.objects[0])].mean() > 5 * np.median(tank.intensity)
    car = compose(
        spec_of(size=128, spacing=0.3, looks=4.0),
        only(Cover.GRASSLAND, lambda c: add_vehicle(c, c.size_m / 2, (7.0, 3.0, 3.0), 0.0)),
    )
    behind = car.intensity[60:68, 64 + 6 : 64 + 9].mean()
    assert behind < 0.4 * np.median(car.intensity)
    assert car.intensity[inside(car, car.objects[0])].mean() > 3 * np.median(car.intensity)


def test_vehicles_and_aircraft_appear_only_where_pixels_are_fine_enough():
    for seed in range(4):
        coarse = simulate_scene(spec_of("vehicles", spacing=3.0, size=128, seed=seed))
        assert not any(t.label == "vehicle" for t in coarse.objects)
        s1 = simulate_scene(spec_of("airport", spacing=10.0, size=256, seed=seed))
        assert not any(t.label == "aircraft" for t in s1.objects)
    fine = [simulate_scene(spec_of("vehicles", spacing=0.3, size=512, seed=seed)) for seed in range(4)]
    assert any(t.label == "vehicle" for scene in fine for t in scene.objects)


def test_seeds_differ_in_number_of_objects_down_to_none():
    counts = {len(simulate_scene(spec_of("open_sea", size=128, spacing=6.0, seed=seed)).objects) for seed in range(25)}
    assert 0 in counts and len(counts) > 2


def test_houses_stand_on_land_only():
    wet = [LANDCOVER_NAMES.index(name) for name in ("sea", "river", "lake")]
    for seed in range(3):
        scene = simulate_scene(spec_of("coast", size=256, seed=seed))
        for thing in scene.objects:
            if thing.label == "house":
                col, row = thing.polygon_px.mean(0).astype(int).clip(0, 255)
                patch = scene.landcover[max(row - 3, 0) : row + 4, max(col - 3, 0) : col + 4]
                assert not np.isin(patch, wet).all()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"size": 8}, "32 x 32"),
        ({"spacing": 0.0}, "pixel spacing"),
        ({"kind": "moon"}, "moon"),
        ({"looks": 0.5}, "looks"),
        ({"look": "up"}, "up"),
        ({"seed": -1}, "seed"),
        ({"floor": 3.0}, "noise floor"),
        ({"spacing": float("nan")}, "nan"),
    ],
)
def test_an_impossible_spec_is_refused_in_one_sentence(change, word):
    values = {"kind": "coast", **change}
    with pytest.raises(SceneError, match=word) as fault:
        spec_of(values.pop("kind"), **values)
    assert str(fault.value).endswith(".") and "\n" not in str(fault.value)


@settings(max_examples=20, deadline=None)
@given(st.integers(32, 90), st.integers(32, 90), st.floats(0.3, 30.0), st.sampled_from(KINDS), st.integers(0, 10**6))
def test_any_size_spacing_and_seed_works(width, height, spacing, kind, seed):
    scene = simulate_scene(SimulationSpec(width, height, spacing, kind, 2.0, -22.0, "left", seed))
    assert scene.intensity.shape == (height, width)
    assert np.isfinite(scene.intensity).all()
