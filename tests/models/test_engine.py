"""Models in a process of their own: the same answers, errors as sentences, and a process that ended is started anew."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from sarvlm_app.errors import ModelError
from sarvlm_models.api import BoxFitter, BoxNamer, Captioner, DenseEncoder, Detector, PictureEncoder
from sarvlm_models.engine import Engine
from sarvlm_models.types import SceneStats

STATS = SceneStats(20.0, 90.0, 1.0)


@pytest.fixture(scope="module")
def engine():
    made = Engine("cpu")
    yield made
    made.close()


def window(size: int = 128) -> np.ndarray:
    return np.random.default_rng(2).exponential(400.0, (size, size)).astype(np.float32)


def test_stand_ins_keep_the_protocols_and_give_the_same_numbers(engine):
    from sarvlm_models.registry import load_encoder

    far, near = engine.encoder(), load_encoder(None, "cpu")
    assert isinstance(far, DenseEncoder) and isinstance(far, PictureEncoder)
    assert far.spec == near.spec and far.logit_scale == near.logit_scale and far.logit_bias == near.logit_bias
    words = ["ships at a pier", "forest"]
    assert np.array_equal(far.encode_text(words), near.encode_text(words))
    chip = window()
    assert np.allclose(far.encode_patches(chip, STATS, 10.0), near.encode_patches(chip, STATS, 10.0), atol=2e-3)
    assert np.allclose(
        far.encode_pictures([np.sqrt(chip)], None), near.encode_pictures([np.sqrt(chip)], None), atol=1e-3
    )


def test_captioner_and_detector_come_by_the_same_pipe(engine):
    captioner, detector = engine.captioner(), engine.detector()
    assert isinstance(captioner, Captioner) and isinstance(detector, Detector)
    assert isinstance(detector, BoxNamer) and isinstance(detector, BoxFitter)
    assert captioner.caption(window(), STATS, 10.0).text.endswith(".")
    classes = detector.spec.classes[:2]
    found = detector.detect(window(), STATS, classes, detector.class_vectors(classes), 0.5)
    assert found.corners_px.shape == (len(found), 4, 2)
    assert engine.device_words()


def test_what_cannot_be_loaded_is_told_in_the_same_sentence(engine, tmp_path):
    missing = tmp_path / "none.safetensors"
    with pytest.raises(ModelError, match="none.safetensors"):
        engine.encoder(str(missing))
    assert engine.running


def test_an_error_nobody_foresaw_carries_its_report(engine):
    with pytest.raises(RuntimeError, match="Traceback"):
        engine.encoder().encode_patches("no array", STATS, 10.0)
    assert engine.running


def test_a_process_that_ended_is_told_and_started_anew(engine):
    encoder = engine.encoder()
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(ModelError, match="ended unexpectedly.*started anew"):
        encoder.encode_text(["ships"])
    assert encoder.encode_text(["ships"]).shape[0] == 1


def _waits_for_ever(connection) -> None:
    connection.recv()
    threading.Event().wait()


def test_closing_frees_who_waits_for_an_answer():
    engine = Engine("cpu", target=_waits_for_ever)
    told: list[BaseException] = []

    def ask() -> None:
        try:
            engine.encoder()
        except ModelError as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not engine.running:
        asking.join(0.01)
    engine.close()
    asking.join(20)
    assert not asking.is_alive() and len(told) == 1 and not engine.running
    with pytest.raises(ModelError, match="is closing"):
        engine.encoder()


def test_the_window_side_imports_no_torch():
    code = "import sys, sarvlm_models.engine, sarvlm_app.ui.encoder_loader; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
