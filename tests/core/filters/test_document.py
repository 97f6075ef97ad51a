"""The table of docs/filters.md says what the filters do."""

import re

import pytest

from tests.benchmarks.filter_table import BEGIN, DOCUMENT, END, table


def numbers(text):
    return [float(found) for found in re.findall(r"[-+]?\d+(?:\.\d+)?", text)]


def test_the_table_in_the_document_is_what_is_measured():
    written = DOCUMENT.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    made = table()
    assert re.sub(r"[-+]?\d+(?:\.\d+)?", "#", written) == re.sub(r"[-+]?\d+(?:\.\d+)?", "#", made)
    assert numbers(written) == pytest.approx(numbers(made), rel=0.02, abs=0.11), "run filter_table.py --write"
