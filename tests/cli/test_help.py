"""Help and wrong usage: quick, without torch, exit 0 and 2."""

import subprocess
import sys

import pytest

from tests.cli.conftest import finished

COMMANDS = ("gui", "demo", "info", "query", "cache", "models", "models list", "models info", "models add", "finetune",
            "where", "detect", "caption", "filter", "measure", "archive", "export", "ensemble", "evaluate")  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_answers(sarvlm, command):
    ran = sarvlm(*command.split(), "--help")
    assert ran.code == 0 and ran.out.startswith("usage: sarvlm") and ran.err == ""


def test_help_imports_nothing_heavy(start):
    words = [[*command.split(), "--help"] for command in ("", *COMMANDS)]
    code = (
        "import sys; from sarvlm_app.cli import main\n"
        f"assert all(main(words) == 0 for words in {words!r})\n"
        "heavy = {'torch', 'numpy', 'rasterio', 'scipy', 'PySide6', 'napari', 'open_clip'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    ran = finished(start("-c", code))
    assert ran.code == 0, ran.err


def test_info_does_without_torch(start, scene):
    code = (
        "import sys; from sarvlm_app.cli import main\n"
        f"assert main(['info', {str(scene)!r}]) == 0 and 'torch' not in sys.modules"
    )
    ran = finished(start("-c", code))
    assert ran.code == 0, ran.err


def test_the_module_is_the_same_program(start):
    ran = finished(start("-m", "sarvlm_app", "--version"))
    assert ran.code == 0 and ran.out.startswith("sarvlm ")


def test_the_options_of_the_contract_are_there(sarvlm):
    text = sarvlm("query", "--help").out
    for option in ("--negative", "--top", "--threshold", "--window", "--band", "--heatmap", "--candidates", "--png",
                   "--reference", "--model", "--device", "--json"):  # fmt: skip
        assert option in text
    assert "--project" in sarvlm("gui", "--help").out
    assert "--activation" in sarvlm("models", "add", "--help").out


@pytest.mark.parametrize(
    "words",
    [
        ["query"],
        ["query", "a.tif"],
        ["query", "a.tif", "ships", "--threshold", "2"],
        ["query", "a.tif", "ships", "--threshold", "nan"],
        ["query", "a.tif", "ships", "--threshold", "-0.1"],
        ["query", "a.tif", "ships", "--top", "0"],
        ["query", "a.tif", "ships", "--top", "²"],
        ["query", "a.tif", "ships", "--window", "1,2,3"],
        ["query", "a.tif", "ships", "--window", "0,0,0,5"],
        ["query", "a.tif", "ships", "--window", "a,b,c,d"],
        ["query", "a.tif", "ships", "--window", "0,0," + "9" * 5000 + ",1"],
        ["query", "a.tif", "ships", "--nonsense"],
        ["info", "a.tif", "b.tif"],
        ["cache"],
        ["cache", "burn"],
        ["models"],
        ["models", "add", "a.pt", "--activation", "relu"],
        ["--json", "info", "a.tif"],
        ["gui", "--project", "a"],
        ["export", "a", "--out", "b.pdf"],
        ["qury", "a.tif", "ships"],
    ],
)
def test_wrong_usage_is_exit_2_and_says_why(sarvlm, words):
    ran = sarvlm(*words)
    assert ran.code == 2 and ran.out == ""
    assert ran.err.splitlines()[-1].startswith("sarvlm") and "Traceback" not in ran.err


def test_a_word_that_is_no_command_is_not_taken_for_a_scene(sarvlm):
    assert "neither a command nor a file “qury”" in sarvlm("qury").err


def test_a_scene_alone_opens_the_window(sarvlm, scene, monkeypatch):
    opened = []
    monkeypatch.setitem(sys.modules, "sarvlm_app.ui.app", _FakeApp(opened))
    monkeypatch.setenv("DISPLAY", ":0")
    for words in ([], [scene], ["gui"], ["gui", scene, scene]):
        assert sarvlm(*words).code == 0
    assert opened == [[], [scene], [], [scene, scene]]


class _FakeApp:
    def __init__(self, opened):
        self.run_gui = lambda scenes, project: opened.append(list(scenes)) or 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_the_window_says_so(sarvlm, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert "no display" in sarvlm("gui").fault


def test_a_reader_who_leaves_early_is_no_fault(start, scene):
    process = start("-m", "sarvlm_app", "info", scene, "--json", stdout=subprocess.PIPE)
    process.stdout.close()
    process.stdout = None
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output(start, scene):
    with open("/dev/full", "w") as full:
        ran = finished(start("-m", "sarvlm_app", "info", scene, "--json", stdout=full))
    assert "the disk is full" in ran.fault


def test_the_manual_knows_every_option(sarvlm, repo_root):
    import re

    manual = (repo_root / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command in ("demo", "info", "query", "cache", "models add", "finetune"):
        for option in re.findall(r"--[a-z]+", sarvlm(*command.split(), "--help").out):
            assert option == "--help" or option in manual, (command, option)
