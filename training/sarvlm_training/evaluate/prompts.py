"""Sentences around the words for a class, and the vectors that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sarvlm_app.core.importing.json_files import read_json
from sarvlm_app.errors import QueryError
from sarvlm_app.paths import resource
from sarvlm_models.api import TextEncoder
from sarvlm_models.types import Float32

from .coco_boxes import words_of

TEMPLATE_SETS: Final = ("sar", "optical", "sar_opt", "isprs", "simple")


def read_templates(name_or_file: str) -> tuple[str, ...]:
    """A set of templates by name, or the JSON list of a file; each holds “{}” where the word goes.

    Raises
    ------
    QueryError
        It is neither, or a template has no place for the word.
    """
    if name_or_file in TEMPLATE_SETS:
        path = resource(f"prompts/templates/{name_or_file}.json")
    else:
        path = Path(name_or_file)
        if not path.exists():
            sets = ", ".join(TEMPLATE_SETS)
            raise QueryError(f"There are no templates “{name_or_file}”; use one of {sets}, or a JSON file that exists.")
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise QueryError(f"{path} holds no list of templates; give one such as [“a SAR image of {{}}”].")
    for template in content:
        if not isinstance(template, str) or "{}" not in template:
            raise QueryError(f"{path} has the template {template!r} without {{}}; put {{}} where the word goes.")
    return tuple(content)


def read_label_words(path: Path | None, labels: Sequence[str], source: Path) -> dict[str, tuple[str, ...]]:
    """The words for every label of NAMES.json; without it the labels themselves, sorted.

    Parameters
    ----------
    path : Path or None
        NAMES.json.
    labels : sequence of str
        Of the table.
    source : Path
        The table, for sentences.

    Raises
    ------
    QueryError
        The file cannot be used, or lacks a label.
    """
    if path is None:
        return {label: (label,) for label in sorted(set(labels))}
    given = read_json(path)
    if not isinstance(given, dict) or not given:
        raise QueryError(f"{path} is no JSON object; give the words for each label as a string or a list of strings.")
    lost = sorted(set(labels) - given.keys())
    if lost:
        listed = ", ".join(f"“{label}”" for label in lost[:5]) + (" …" if len(lost) > 5 else "")
        raise QueryError(f"{path} has no words for {listed}, which {source} has as labels; add them.")
    return {label: words_of(value, label, path) for label, value in given.items()}


def class_vectors(encoder: TextEncoder, words: Mapping[str, Sequence[str]], templates: Sequence[str]) -> Float32:
    """One unit vector for each class, float32 (classes, d).

    The mean over all its words in all templates, each of unit length, brought
    to unit length again (PAPER.md B.3; several words count alike: with the set
    `sar`, letting the best word win differed by under a point on three sets).
    """
    return np.stack([_class_vector(encoder, own, templates) for own in words.values()])


def _class_vector(encoder: TextEncoder, words: Sequence[str], templates: Sequence[str]) -> Float32:
    vectors = encoder.encode_text([template.replace("{}", word) for word in words for template in templates])
    mean = vectors.astype(np.float64).mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)
