"""Both themes fill the style sheet, and their texts can be read."""

import re

import pytest

from sarvlm_app.paths import resource
from sarvlm_app.ui.theme import THEMES, style_sheet


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", THEMES.values(), ids=list(THEMES))
def test_every_colour_of_the_style_sheet_is_known(palette):
    sheet = style_sheet(palette, resource("styles/app.qss").read_text(encoding="utf-8"))
    assert not re.search(r"@[a-z]", sheet)


@pytest.mark.parametrize("palette", THEMES.values(), ids=list(THEMES))
@pytest.mark.parametrize(
    ("ink", "paper"),
    [("text", "window"), ("text", "field"), ("text", "selection"), ("muted", "window"), ("muted", "selection"),
     ("warm", "window"), ("warm", "selection"), ("danger", "window"), ("on_accent", "accent")],
)  # fmt: skip
def test_text_has_the_contrast_of_wcag_aa(palette, ink, paper):
    assert contrast(getattr(palette, ink), getattr(palette, paper)) >= 4.5


def test_an_unknown_colour_is_refused():
    with pytest.raises(KeyError):
        style_sheet(THEMES["dark"], "QWidget { color: @mauve; }")
