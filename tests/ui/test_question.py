"""A typed line becomes words and negatives."""

from hypothesis import given
from hypothesis import strategies as st

from sarvlm_app.ui.question import Question, parse_question

words = st.lists(st.from_regex(r"[a-z][a-z-]{0,8}", fullmatch=True), min_size=1, max_size=4).map(" ".join)


def test_what_follows_a_minus_is_excluded():
    assert parse_question("ships at a pier -open water -land") == Question("ships at a pier", ("open water", "land"))


def test_a_hyphen_inside_a_word_is_part_of_it():
    assert parse_question("X-band corner reflector") == Question("X-band corner reflector")


def test_a_lone_minus_excludes_nothing():
    assert parse_question("ships - ") == Question("ships -")


def test_the_same_negative_counts_once():
    assert parse_question("a −b -b").negatives == ("b",)


@given(words, st.lists(words, max_size=3, unique=True))
def test_words_and_negatives_come_back(text, negatives):
    line = " ".join([text, *("-" + word for word in negatives)])
    assert parse_question(line) == Question(text, tuple(negatives))
