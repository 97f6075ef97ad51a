"""Questions at fault are refused before anything is loaded."""

import pytest


@pytest.fixture
def refusal(sarvlm, scene, monkeypatch):
    def no_model(*_):
        raise AssertionError("the model must not be loaded for a question that cannot be asked")

    monkeypatch.setattr("sarvlm_models.registry.load_encoder", no_model)

    def run(text, *options):
        return sarvlm("query", scene, text, *options, "--json").fault

    return run


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_an_empty_question(refusal, text):
    assert "empty" in refusal(text)


def test_an_endless_question(refusal):
    assert "5000 characters" in refusal("ship " * 1000)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("bateaux dans le port", "French"),
        ("Schiffe im Hafen", "German"),
        ("港口里的船", "Chinese"),
        ("корабли в порту", "Russian"),
    ],
)
def test_a_question_in_another_language(refusal, text, language):
    assert language in refusal(text) and language in refusal("ships", "--negative", text)


def test_an_empty_negative(refusal):
    assert "negative" in refusal("ships", "--negative", " ")


def test_bytes_that_are_no_text(refusal):
    assert "UTF-8" in refusal("ships \udcff")
    assert "UTF-8" in refusal("ships", "--negative", "\udcff")


@pytest.mark.parametrize("window", ["240,0,10,10", "0,200,10,10", "-20,0,20,20", "5000,5000,1,1"])
def test_a_window_outside_the_scene(refusal, window):
    fault = refusal("ships", f"--window={window}")
    assert "harbour.tif" in fault and window in fault and "240 x 200 px" in fault


def test_places_that_cannot_be_written_are_told_first(refusal, tmp_path):
    assert "does not exist" in refusal("ships", "--heatmap", tmp_path / "no" / "h.tif")


def test_a_question_like_an_option_follows_two_dashes(sarvlm, scene, encoder):
    assert sarvlm("query", "--json", "--", scene, "-ships").json["query"] == "-ships"
