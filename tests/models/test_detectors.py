"""SARDet and SARRot: boxes of the network, words to classes, weight files."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from sarvlm_app.core.boxes import bbox_of, corners_from, sides_px
from sarvlm_app.errors import ModelError
from sarvlm_models.detectors.detector import (
    ARCHITECTURE,
    CompactDetector,
    detector_metadata,
    load_compact_detector,
    rotated_corners,
)
from sarvlm_models.detectors.naming import PictureNamer, crop
from sarvlm_models.detectors.network import (
    STRIDES,
    DetectorConfig,
    DetectorNetwork,
    decoded,
    fold_normalisation,
    places,
)
from sarvlm_models.device import DeviceChoice
from sarvlm_models.locations import weights_dir
from sarvlm_models.registry import add_checkpoint, load_detector, load_encoder, model_info
from sarvlm_models.types import Detections, EncoderSpec, SceneStats, StoredClass

SMALL = DetectorConfig(neck=16, head=16, depth=1)
SHIP = StoredClass("ship", ("ship", "vessel"))
TANK = StoredClass("T72", ("T-72 tank",))
CPU = DeviceChoice(torch.device("cpu"), torch.float32, "CPU")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained weights that call every place an object, in a file."""
    torch.manual_seed(0)
    network = DetectorNetwork(SMALL)
    torch.nn.init.constant_(network.head.present.bias, 2.0)  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("detector") / "small.safetensors"
    about = detector_metadata(
        SMALL, [(SHIP, "ship"), (TANK, "vehicle")], {"ship": ["boat"], "vehicle": ["vehicle"]}, {}
    )
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, str(path), metadata=about)
    return path


@pytest.fixture(scope="module")
def detector(weights: Path) -> CompactDetector:
    return load_compact_detector(weights, weights_dir(), CPU)


def test_a_backbone_with_folded_normalisation_gives_the_same_maps() -> None:
    torch.manual_seed(0)
    backbone: Any = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(1, 2, 3, 4)).eval()
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    folded = fold_normalisation(copy.deepcopy(backbone)).eval()
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules())
    planes = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for before, after in zip(backbone(planes), folded(planes), strict=True):
            torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3 * float(before.abs().max()))


def test_places_are_the_centres_of_cells_and_boxes_are_decoded_around_them() -> None:
    centres = places((2, 3), 8, torch.device("cpu"))
    assert centres.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]
    raw = torch.zeros(1, 6, 10)
    raw[0, 4, :2] = torch.tensor([0.5, -0.25])
    raw[0, 4, 4:6] = torch.tensor([0.0, 2.0])  # twice the axis is 90 degrees
    rotated, upright, _ = decoded(raw, torch.Size((2, 3)), 8)
    assert rotated[0, 4].tolist() == pytest.approx([16, 10, 8, 8, np.pi / 4])
    assert upright[0, 4].tolist() == pytest.approx([4, 4, 20, 20])


def test_an_axis_and_its_reverse_are_one_box() -> None:
    raw = torch.zeros(1, 1, 10)
    raw[..., 2] = 1.0
    boxes = []
    for turn in (0.4, 0.4 + np.pi):
        raw[..., 4:6] = torch.tensor([np.cos(2 * turn), np.sin(2 * turn)], dtype=torch.float32)
        boxes.append(decoded(raw, torch.Size((1, 1)), 4)[0][0, 0])
    torch.testing.assert_close(boxes[0], boxes[1], rtol=0, atol=1e-5)


def test_corners_are_those_of_core(rng_seed: int = 3) -> None:
    rng = np.random.default_rng(rng_seed)
    cx, cy = rng.uniform(0, 100, (2, 20))
    length, width, angle = rng.uniform(20, 40, 20), rng.uniform(2, 15, 20), rng.uniform(-1.5, 1.5, 20)
    ours = rotated_corners(torch.from_numpy(np.stack((cx, cy, length, width, angle), axis=1)))
    np.testing.assert_allclose(ours.numpy(), corners_from(cx, cy, length, width, angle), atol=1e-9)


def test_every_stride_of_the_network_gives_its_places() -> None:
    found = DetectorNetwork(SMALL).eval()(torch.randn(2, 3, 64, 96))
    count = sum((64 // s) * (96 // s) for s in STRIDES)
    shapes = [tuple(values.shape) for values in found]
    assert shapes == [(2, count), (2, count, SMALL.dim), (2, count, 5), (2, count, 4), (2, count, 2)]
    torch.testing.assert_close(found.embedding.norm(dim=-1), torch.ones(2, count))


def test_boxes_of_a_picture_lie_in_it_best_first_and_named(detector: CompactDetector) -> None:
    image = np.random.default_rng(1).rayleigh(1.0, (75, 50)).astype(np.float32)
    classes = (SHIP, TANK)
    found = detector.detect(image**2, SceneStats(1.2, 2.8), classes, detector.class_vectors(classes), 0.2)
    assert len(found) > 0 and found.names == ("ship", "T72")
    middle = found.corners_px.mean(axis=1)
    assert (middle[:, 0] < 50).all() and (middle[:, 1] < 75).all()
    assert (np.diff(found.scores) <= 0).all() and found.scores.min() >= 0.2


def test_what_is_of_another_kind_than_was_asked_for_is_not_the_answer(detector: CompactDetector) -> None:
    """Asked for ships, a place that reads as a tank loses its score to the tank that was not asked for."""
    ship, tank = (torch.from_numpy(detector.class_vectors([one])) for one in (SHIP, TANK))
    embedding = torch.nn.functional.normalize(tank + 0.1 * ship, dim=-1)
    as_ship, _ = detector._named(embedding, detector.class_vectors([SHIP]))
    as_tank, _ = detector._named(embedding, detector.class_vectors([TANK]))
    both, which = detector._named(embedding, detector.class_vectors([SHIP, TANK]))
    assert as_ship.item() < 0.1 and as_tank.item() > 0.9
    assert which.item() == 1 and both.item() > 0.9


def test_two_words_for_one_thing_do_not_take_the_box_away(detector: CompactDetector) -> None:
    words = [StoredClass(word, (word,)) for word in ("ship", "vessel")]
    embedding = torch.from_numpy(detector.class_vectors([SHIP]))
    share, _ = detector._named(embedding, detector.class_vectors(words))
    assert share.item() > 0.5


def test_a_header_tells_classes_with_their_spacing(weights: Path, detector: CompactDetector) -> None:
    assert [one.name for one in detector.spec.classes] == ["ship", "T72"]
    assert detector.spec.classes[0].words == ("ship", "vessel")
    assert detector.spec.model_id.startswith(f"{ARCHITECTURE}@") and len(detector.spec.weights_sha256) == 64
    assert isinstance(load_detector(str(weights), "cpu"), CompactDetector)


def test_files_that_are_no_detector_are_refused_with_a_sentence(tmp_path: Path, weights: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, str(other), metadata={"sarvlm_arch": "sarclip-compact"})
    text = tmp_path / "notes.safetensors"
    text.write_text("no tensors here")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:2000])
    partial = tmp_path / "partial.safetensors"
    save_file({"x": torch.zeros(1)}, str(partial), metadata={"sarvlm_arch": ARCHITECTURE, "config": json.dumps({})})
    for path, words in ((other, "sarclip-compact"), (text, "no safetensors"), (cut, "no safetensors"),
                        (partial, "damaged or of another version"), (tmp_path / "none", "no detector")):  # fmt: skip
        with pytest.raises(ModelError, match=words):
            load_detector(str(path), "cpu")


def test_an_added_detector_is_listed_and_loads_by_its_name(tmp_path: Path, weights: Path) -> None:
    own, folder = tmp_path / "harbours.safetensors", tmp_path / "registry"
    own.write_bytes(weights.read_bytes())
    entry = add_checkpoint(own, registry_dir=folder)
    assert (entry.name, entry.architecture) == ("harbours", ARCHITECTURE)
    assert model_info("harbours", folder).state == "ready"
    assert load_detector("harbours", "cpu", folder).spec.weights_sha256 == entry.sha256
    with pytest.raises(ModelError, match="is a detector .* --detector"):
        load_encoder("harbours", "cpu", folder)
    with pytest.raises(ModelError, match=f"no detector .other.: use {ARCHITECTURE}, harbours, or"):
        load_detector("other", "cpu", folder)
    own.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(ModelError, match="changed since it was added"):
        load_detector("harbours", "cpu", folder)


def test_a_detector_whose_shapes_do_not_fit_is_not_added(tmp_path: Path) -> None:
    partial = tmp_path / "partial.safetensors"
    save_file({"x": torch.zeros(1)}, str(partial), metadata={"sarvlm_arch": ARCHITECTURE, "config": json.dumps({})})
    with pytest.raises(ModelError, match="damaged or of another version"):
        add_checkpoint(partial, registry_dir=tmp_path / "registry")
    assert not (tmp_path / "registry").exists()


class GreyEncoder:
    """Tells pictures and words apart by how bright they are."""

    @property
    def spec(self) -> EncoderSpec:
        return EncoderSpec("grey@0", 2, 8)

    def encode_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([(1.0, 0.0) if "bright" in text else (0.0, 1.0) for text in texts], np.float32)

    def encode_pictures(self, amplitudes: Sequence[np.ndarray], spacing_m: float | None) -> np.ndarray:
        return np.array([(1.0, 0.0) if a.mean() > 3 else (0.0, 1.0) for a in amplitudes], np.float32)


def test_boxes_of_one_kind_are_told_apart_by_the_whole_picture_and_others_keep_their_names() -> None:
    window = np.ones((200, 200), np.float32)
    window[20:60, 20:60] = 25.0
    names, cols, rows = ("ship", "bright tank", "dark tank"), [40, 140, 40, 150], [40, 40, 140, 150]
    corners = corners_from(cols, rows, 40.0, 40.0, 0.0).astype(np.float32)
    scores, ids = np.array([0.9, 0.8, 0.7, 0.01], np.float32), np.array([2, 1, 0, 1], np.int32)
    boxes = Detections(corners, bbox_of(corners).astype(np.float32), scores, ids, names, "x@0")
    classes = [StoredClass(name, (name,)) for name in names]
    found = PictureNamer(GreyEncoder).renamed(window, boxes, classes, ["ship", "vehicle", "vehicle"])
    assert found.labels() == ["bright tank", "dark tank", "ship", "bright tank"], (
        "the last scores too little to be seen"
    )
    assert found.scores[0] == pytest.approx(0.9, abs=0.01) and found.scores[2] == pytest.approx(0.7)


def test_a_crop_is_square_around_the_middle_and_goes_on_beyond_the_window() -> None:
    window = np.arange(100, dtype=np.float32).reshape(10, 10)
    part = crop(window, np.array([6.0, 0.0, 8.0, 4.0], np.float32), 1.0)
    assert (
        part.shape == (8, 8)
        and part[2, 0] == 6.0
        and (part[0] == part[1]).all()
        and (part[:, 4:] == part[:, 4:5]).all()
    )


def test_ships_lose_what_labels_add_to_their_length_and_nothing_of_their_width_or_place(
    detector: CompactDetector,
) -> None:
    corners = corners_from([50, 120, 300], [50, 60, 200], [20, 60, 60], [6, 12, 12], [0.4, 1.2, 1.2]).astype(np.float32)
    ids = np.array([0, 0, 1], np.int32)
    boxes = Detections(
        corners, bbox_of(corners).astype(np.float32), np.ones(3, np.float32), ids, ("ship", "T72"), "x@0"
    )
    fitted = detector.fitted(boxes, (SHIP, TANK))
    for before, after in ((sides_px(boxes.corners_px), sides_px(fitted.corners_px)),):
        assert after[0].tolist() == pytest.approx([16, 56, 60], abs=1e-3)
        assert after[1].tolist() == pytest.approx(before[1].tolist(), abs=1e-3)
        assert after[2].tolist() == pytest.approx(before[2].tolist(), abs=1e-3)
    np.testing.assert_allclose(fitted.corners_px.mean(axis=1), boxes.corners_px.mean(axis=1), atol=1e-3)
    assert (fitted.bbox_px[:2, 2:] < boxes.bbox_px[:2, 2:]).all()
