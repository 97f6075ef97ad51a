"""What a display remembers of itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.core.display import Channel, ChannelKind, Composite, DisplaySettings, Mode
from sarvlm_app.core.display.settings import COLOURS

numbers = st.floats(-200, 1e6, allow_nan=False)
limits = st.none() | st.tuples(numbers, numbers).filter(lambda pair: pair[0] < pair[1])
one = st.builds(Channel, st.sampled_from([ChannelKind.BAND, ChannelKind.DOUBLE]), st.tuples(st.integers(1, 9)), limits)
pair = st.builds(
    Channel,
    st.sampled_from([ChannelKind.RATIO, ChannelKind.SUM, ChannelKind.DIFFERENCE]),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    limits,
)
composites = st.builds(Composite, st.text(max_size=20), st.tuples(one | pair, one | pair, one | pair))
every = st.builds(
    DisplaySettings,
    st.sampled_from(Mode),
    limits,
    st.floats(0.2, 3.0),
    st.sampled_from(COLOURS),
    st.booleans(),
    st.none() | composites,
    st.none() | st.integers(1, 9),
)


@given(every)
def test_settings_come_back_from_json_as_they_were(settings):
    assert DisplaySettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    "change",
    [{"mode": "rainbow"}, {"limits": [1, 0]}, {"limits": [0]}, {"gamma": 0}, {"colours": "jet"}, {"composite": {}}],
)
def test_damaged_settings_are_refused(change):
    with pytest.raises((ValueError, KeyError, TypeError)):
        DisplaySettings.from_json(DisplaySettings().to_json() | change)


def test_a_mode_brings_its_own_gamma_and_the_limits_of_the_scene():
    by_hand = DisplaySettings(Mode.MANUAL, (-20.0, 0.0), 1.4)
    assert by_hand.with_mode(Mode.GAMMA) == DisplaySettings(Mode.GAMMA, None, 0.5)
    assert by_hand.with_mode(Mode.LINEAR).gamma == 1.0


def test_channels_have_as_many_bands_as_their_kind_wants():
    with pytest.raises(ValueError, match="2 band"):
        Channel(ChannelKind.RATIO, (1,))
