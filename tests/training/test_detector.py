"""Training of the detector: crops that keep boxes true, which places stand for what, losses, a run from end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sarvlm_app.cli import main as sarvlm
from sarvlm_app.core.boxes import polygon_iou as core_iou
from sarvlm_app.errors import ModelError
from sarvlm_models.detectors.detector import load_compact_detector, rotated_corners
from sarvlm_models.detectors.network import Found
from sarvlm_models.device import DeviceChoice
from sarvlm_models.locations import weights_dir
from sarvlm_models.types import SceneStats
from sarvlm_training.concepts import load_vocabulary
from sarvlm_training.detector.crops import CROP_PX, Picture, View, crop_of, rotated_box
from sarvlm_training.detector.losses import Naming, judge, polygon_iou
from sarvlm_training.detector.matching import Grid, Targets, as_rotated, gaussian_overlap, match, upright_overlap
from sarvlm_training.detector.recipe import read_detector_recipe
from sarvlm_training.detector.sources import MstarScenes
from sarvlm_training.detector.train import Run
from sarvlm_training.detector.words import Words

pytestmark = pytest.mark.usefixtures("torch_as_it_was")
CPU = torch.device("cpu")
boxes_strategy = st.tuples(
    st.floats(40, 280), st.floats(40, 280), st.floats(12, 80), st.floats(6, 12), st.floats(-1.55, 1.55)
)


def picture(box: tuple[float, ...], size: int = 400) -> Picture:
    """Dark ground with one bright box."""
    corners = rotated_corners(torch.tensor([box], dtype=torch.float64)).numpy()
    rows, cols = np.indices((size, size)) + 0.5
    cos, sin = math.cos(box[4]), math.sin(box[4])
    along = (cols - box[0]) * cos + (rows - box[1]) * sin
    across = (rows - box[1]) * cos - (cols - box[0]) * sin
    bright = (np.abs(along) <= box[2] / 2) & (np.abs(across) <= box[3] / 2)
    upright = np.concatenate((corners.min(1), corners.max(1)), axis=1)
    amplitude = np.where(bright, 20.0, 1.0).astype(np.float32)
    return Picture(amplitude, 1.0, 20.0, ["ship"], corners, upright, np.ones(1, bool))


@settings(max_examples=40, deadline=None)
@given(
    box=boxes_strategy, scale=st.floats(0.5, 1.8), angle=st.floats(-3.1, 3.1), mirror=st.booleans(),
    at=st.tuples(st.floats(120, 200), st.floats(120, 200)),
)  # fmt: skip
def test_boxes_stay_on_their_pixels_however_a_crop_is_turned_scaled_and_mirrored(
    box: tuple[float, ...], scale: float, angle: float, mirror: bool, at: tuple[float, float]
) -> None:
    crop = crop_of(picture(box), View((box[0], box[1]), at, scale, angle, mirror), "test")
    assert crop.rotated.shape == (1, 5)
    x, y, length, width, turned = crop.rotated[0].tolist()
    assert (x, y) == pytest.approx(at, abs=1e-3) and length == pytest.approx(box[2] * scale, rel=1e-3)
    known = ~np.kron(crop.ignore, np.ones((4, 4), bool))  # what lies beyond the picture is mirrored
    rows, cols = np.nonzero((crop.relative > 10) & known)
    assert (cols.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((x, y), abs=1.2)
    along = (cols + 0.5 - x) * math.cos(turned) + (rows + 0.5 - y) * math.sin(turned)
    across = (rows + 0.5 - y) * math.cos(turned) - (cols + 0.5 - x) * math.sin(turned)
    assert np.abs(along).max() <= length / 2 + 2 and np.abs(across).max() <= width / 2 + 2
    assert np.abs(along).max() >= length / 2 - 3


@pytest.mark.parametrize("quarters", range(4))
def test_upright_boxes_are_kept_by_quarter_turns_and_unknown_after_others(quarters: int) -> None:
    one = picture((150.0, 160.0, 60.0, 10.0, 0.4))
    right = crop_of(one, View((150, 160), (160, 160), 1.0, quarters * math.pi / 2, False), "test")
    extent = rotated_corners(torch.from_numpy(right.rotated))[0]
    expected = [*extent.min(0).values.tolist(), *extent.max(0).values.tolist()]
    assert right.upright[0].tolist() == pytest.approx(expected, abs=1e-2)
    slanted = crop_of(one, View((150, 160), (160, 160), 1.0, 0.3, False), "test")
    assert np.isnan(slanted.upright).all() and not np.isnan(slanted.rotated).any()


def test_an_object_of_which_too_little_shows_is_unknown_ground_and_so_is_what_lies_beyond_the_picture() -> None:
    crop = crop_of(picture((150.0, 160.0, 80.0, 12.0, 0.0)), View((150, 160), (-20, 160), 1.0, 0.0, False), "test")
    assert crop.keys == [] and crop.ignore[40, :4].any()
    corner = crop_of(picture((80.0, 60.0, 40.0, 12.0, 0.0)), View((0, 0), (160, 160), 1.0, 0.0, False), "test")
    assert corner.ignore[:39, :39].all() and not corner.ignore[41:, 41:].any()


def test_overlaps_are_one_for_the_same_box_and_fall_with_distance() -> None:
    box = torch.tensor([[50.0, 50.0, 40.0, 12.0, 0.3]])
    moved = box + torch.tensor([[4.0, 0, 0, 0, 0]])
    far = box + torch.tensor([[90.0, 0, 0, 0, 0]])
    same, near, none = (gaussian_overlap(box, other).item() for other in (box, moved, far))
    assert same == pytest.approx(1.0, abs=0.01) and same > near > 0.5 > none
    reverse = box + torch.tensor([[0, 0, 0, 0, math.pi]])
    assert gaussian_overlap(box, reverse).item() == pytest.approx(1.0, abs=0.01)
    a, b = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[5.0, 0, 15, 10]])
    iou, giou = upright_overlap(a, b)
    assert iou.item() == pytest.approx(1 / 3) and giou.item() == pytest.approx(1 / 3)
    assert as_rotated(torch.tensor([[0.0, 0, 4, 10]]))[0].tolist() == pytest.approx([2, 5, 10, 4, math.pi / 2])


def test_the_overlap_that_training_aims_at_is_that_of_core() -> None:
    rng = np.random.default_rng(0)
    low, high = [40, 40, 20, 5, -1.5], [60, 60, 50, 20, 1.5]
    one, other = (torch.from_numpy(rng.uniform(low, high, (50, 5))).float() for _ in range(2))
    ours, theirs = (
        polygon_iou(one, other).numpy(),
        core_iou(rotated_corners(one).numpy(), rotated_corners(other).numpy()),
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert rotated_box(rotated_corners(one[:1])[0].double().numpy()) == pytest.approx(one[0].tolist(), rel=1e-4)


def found_at(targets: Targets) -> tuple[Grid, Found]:
    """A network that says nothing of use."""
    grid = Grid.of(CROP_PX, CROP_PX, CPU)
    count = len(grid.centres)
    torch.manual_seed(0)
    rotated = torch.cat((grid.centres, grid.strides[:, None] * torch.ones(1, 2), torch.zeros(count, 1)), dim=1)
    half = grid.strides[:, None]
    upright = torch.cat((grid.centres - half, grid.centres + half), dim=1)
    embedding = torch.nn.functional.normalize(torch.randn(1, count, 8), dim=-1)
    return grid, Found(torch.full((1, count), -4.6).requires_grad_(), embedding.requires_grad_(),
                       rotated[None].requires_grad_(), upright[None].requires_grad_(),
                       torch.ones(1, count, 2).requires_grad_())  # fmt: skip


def two_objects() -> Targets:
    rotated = torch.tensor([[100.0, 100, 40, 12, 0.5], [float("nan")] * 5])
    upright = torch.tensor([[80.0, 85, 120, 115], [180.0, 180, 290, 290]])
    return Targets(rotated, upright, torch.tensor([[True, False, False], [False, True, True]]))


def test_places_stand_for_the_object_they_lie_in_and_large_objects_for_coarse_strides() -> None:
    targets = two_objects()
    grid, found = found_at(targets)
    taken = match(grid, found.rotated[0], found.upright[0], found.presence[0], targets)
    for number, middle in ((0, (100.0, 100.0)), (1, (235.0, 235.0))):
        mine = taken == number
        assert 1 <= int(mine.sum()) <= 13
        assert (grid.centres[mine] - torch.tensor(middle)).abs().max() < 60
    assert grid.strides[taken == 0].max() <= 8 and grid.strides[taken == 1].min() >= 8
    nothing = Targets(torch.zeros(0, 5), torch.zeros(0, 4), torch.zeros(0, 3, dtype=torch.bool))
    assert (match(grid, found.rotated[0], found.upright[0], found.presence[0], nothing) == -1).all()


def test_losses_have_gradients_for_objects_and_none_from_unknown_ground() -> None:
    targets = two_objects()
    grid, found = found_at(targets)
    texts = torch.nn.functional.normalize(torch.randn(3, 8), dim=-1)
    name = Naming(lambda embedding: embedding @ texts.T, torch.ones(1, 3))
    unknown = (grid.centres[:, 0] < 60)[None]
    judged = judge(found, [targets], unknown, name)
    judged.total().backward()  # type: ignore[no-untyped-call]
    for values in (found.presence, found.embedding, found.rotated, found.upright):
        assert values.grad is not None and values.grad.isfinite().all() and values.grad.abs().sum() > 0
    assert found.presence.grad is not None and found.presence.grad[unknown].abs().sum() == 0
    empty = Targets(torch.zeros(0, 5), torch.zeros(0, 4), torch.zeros(0, 3, dtype=torch.bool))
    assert judge(found, [empty], unknown, name).total().isfinite()


def test_a_name_is_held_against_what_is_wrong_and_known_only() -> None:
    logits = torch.tensor([[2.0, 3.0, 9.0]])
    names = torch.tensor([[True, False, False]])
    loss = Naming(lambda embedding: logits, torch.tensor([[1.0, 1.0, 0.0]]))(logits, names, 0)
    assert loss.item() == pytest.approx(math.log(1 + math.exp(1.0)))


@pytest.fixture(scope="module")
def words() -> Words:
    """With a sentence encoder that only counts."""

    def encode(texts: list[str]) -> torch.Tensor:
        return torch.nn.functional.normalize(torch.ones(len(texts), 384), dim=-1)

    return Words(load_vocabulary(), encode)  # type: ignore[arg-type]


def test_a_tank_is_a_vehicle_too_and_what_a_source_does_not_label_is_not_taught(words: Words) -> None:
    names = words.names(["t72", "ship"], len(words.keys) + 2)
    assert {words.keys[i] for i in names[0].nonzero()[:, 0].tolist()} == {
        "t72",
        "tank",
        "armoured",
        "tracked",
        "vehicle",
    }
    assert names[1].sum() == 1
    airport = words.weights("airports", ["aircraft"], len(words.keys))
    assert airport[words.row["vehicle"]] == 0 and airport[words.row["t72"]] == 0 and airport[words.row["ship"]] == 1
    convoy = words.weights("simulated", ["vehicle"], len(words.keys))
    assert convoy[words.row["vehicle"]] == 1 and convoy[words.row["t72"]] == 0


RECIPE = """
kind = "detector"
steps = 2
batch = 1
warm_up = 1
[shares]
simulated = 1.0
"""


@pytest.mark.slow
def test_a_recipe_of_a_detector_runs_from_the_command_line_and_its_weights_detect(
    small_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sarvlm_training.detector.words._texts", lambda concept: [concept.names[0]])
    recipe = tmp_path / "detector.toml"
    recipe.write_text(RECIPE)
    places = {"out": tmp_path / "out", "simulated": small_scenes, "text": weights_dir()}
    given_ = [word for key, value in places.items() for word in ("--set", f"{key}={value}")]
    assert sarvlm(["finetune", str(recipe), *given_, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1] == {"weights": str(tmp_path / "out/weights.safetensors")} and events[-2]["presence"] > 0
    assert sarvlm(["finetune", str(recipe), *given_, "--set", "steps=3", "--resume", "--json"]) == 0
    resumed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert resumed[0] == {"resumed": 2, "steps": 3} and resumed[-2]["step"] == 3
    cpu = DeviceChoice(CPU, torch.float32, "CPU")
    detector = load_compact_detector(tmp_path / "out/weights.safetensors", weights_dir(), cpu)
    image = np.random.default_rng(0).rayleigh(1.0, (96, 128)).astype(np.float32)
    classes = detector.spec.classes[:1]
    detector.detect(image**2, SceneStats(1.2, 2.8), classes, detector.class_vectors(classes), 0.0)


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_with_the_same_weights(
    small_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sarvlm_training.detector.words._texts", lambda concept: [concept.names[0]])
    path = tmp_path / "detector.toml"
    path.write_text(RECIPE.replace("steps = 2", "steps = 4"))

    def begun(out: str) -> Run:
        made = Run(read_detector_recipe(path, [f"out={tmp_path / out}", f"simulated={small_scenes}"]))
        made.network.train()
        (tmp_path / out).mkdir(exist_ok=True)
        return made

    def go(run: Run, steps: int) -> Run:
        for _ in range(steps):
            run.step([next(run.crops)])
        return run

    whole = go(begun("whole"), 4)
    go(begun("stopped"), 2).keep()
    again = begun("stopped")
    again.take_up()
    go(again, 2)
    assert again.done == whole.done == 4
    for name, values in whole.average.items():
        assert torch.equal(values, again.average[name]), name


@pytest.mark.parametrize(
    ("line", "words_"),
    [
        ("steps = 0", "steps = 0 is no whole number from 1 up"),
        ("rate = 'fast'", "rate = 'fast' is no number"),
        ("colour = 1", "no setting named 'colour'"),
        ("[shares]\nmoon = 1.0", "no source 'moon'"),
        ("[shares]\nssdd = 0", "shares.ssdd = 0 is not above 0"),
        ("[shares]\nsimulated = 1.0", "without scenes"),
        ("steps = 3", "nothing to learn from"),
    ],
)
def test_a_wrong_recipe_is_refused_with_a_sentence(tmp_path: Path, line: str, words_: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(f'kind = "detector"\n{line}\n')
    with pytest.raises(ModelError, match=words_):
        read_detector_recipe(path, [])


def test_missing_data_and_starts_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.toml"
    path.write_text('kind = "detector"\nstart = "/nowhere/w.safetensors"\n[shares]\nssdd = 1.0\n')
    assert sarvlm(["finetune", str(path), "--set", f"out={tmp_path / 'out'}"]) == 1
    assert "/nowhere/w.safetensors is not there" in capsys.readouterr().err


def test_chips_pasted_into_clutter_hide_no_other_vehicle_and_lie_in_their_boxes() -> None:
    dark, box = np.ones((400, 420), np.float32), np.array([[10.0, 10, 90, 90]])
    ground = Picture(dark, 1.0, 2.0, ["t72"], np.zeros((1, 4, 2)), box, np.zeros(1, bool))
    chips = [np.full((96, 96), 9.0, np.float32), np.full((80, 80), 7.0, np.float32)]
    source = MstarScenes([ground], chips, ["t62", "zil131"])
    rng = np.random.default_rng(0)
    pictures = [source.pick(rng) for _ in range(30)]
    assert ground.amplitude.max() == 1.0, "the picture itself is left as it is"
    assert {key for one in pictures for key in one.keys} == {"t72", "t62", "zil131"}
    for one in pictures:
        assert len(one.keys) == len(one.upright) and not one.is_rotated.any()
        for i, (x0, y0, x1, y1) in enumerate(one.upright[1:], start=1):
            assert one.amplitude[int(y0 + y1) // 2, int(x0 + x1) // 2] > 2
            for u0, v0, u1, v1 in one.upright[:i]:
                shared = max(0.0, min(x1, u1) - max(x0, u0)) * max(0.0, min(y1, v1) - max(y0, v0))
                assert shared < 0.1 * (x1 - x0) * (y1 - y0)
