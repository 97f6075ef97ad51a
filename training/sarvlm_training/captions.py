"""True sentences about a picture, from its boxes and land cover: the four kinds of the paper, and the scene.

Sentences are lower case and carry no final stop. Numbers and places come from
the boxes only; a place is the cell of a 3x3 grid that holds the box's centre,
and a relation is told only where it holds for all centres with a clear gap.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from .caption_words import NUMBER_WORDS, PLACES, RELATIONS, counted, listed, pick, with_article
from .concepts import TEMPLATES, Vocabulary, load_vocabulary
from .seen import Group, Seen, SeenObject, by_cell, named_groups, relations, spot_of

__all__ = ["KINDS", "Seen", "SeenObject", "sentences_for", "spot_of", "write_captions"]

KINDS = ("general", "counts", "absolute", "relative", "scene")
FORMS_FILE = Path(__file__).with_name("caption_forms.toml")
WHOLE, MOSTLY, LEAST = 0.95, 0.6, 0.03
MOST_LISTED = 4


@lru_cache(maxsize=1)
def load_forms() -> dict[str, list[str]]:
    """Sentence forms of `caption_forms.toml`; those of scenes are named "scene.mostly" and the like."""
    table = tomllib.loads(FORMS_FILE.read_text(encoding="utf-8"))
    return {**table, **{f"scene.{name}": forms for name, forms in table.pop("scene").items()}}


def write_captions(seen: Seen, rng: np.random.Generator, kinds: Sequence[str] = KINDS) -> list[str]:
    """One sentence of each kind that applies, in the order of `kinds`.

    Raises
    ------
    ValueError
        If a kind is none of `KINDS`.
    """
    writers = {"general": _general, "counts": _counts, "absolute": _absolute, "relative": _relative, "scene": _scene}
    unknown = [kind for kind in kinds if kind not in writers]
    if unknown:
        raise ValueError(f"“{unknown[0]}” is no kind of caption; use {', '.join(KINDS)}.")
    return [sentence for kind in kinds if (sentence := writers[kind](seen, rng))]


def sentences_for(key: str, vocabulary: Vocabulary | None = None) -> list[str]:
    """All sentences for a picture of one concept: its phrases and its names in templates, lower case."""
    vocabulary = vocabulary or load_vocabulary()
    concept = vocabulary.concepts[vocabulary.index[key]]
    templates = dict.fromkeys(TEMPLATES)
    made = [*concept.phrases, *(template.format(name) for name in concept.names for template in templates)]
    return list(dict.fromkeys(sentence.lower() for sentence in made))


def _form(kind: str, rng: np.random.Generator, things: Sequence[int] = (), **parts: str) -> str:
    """A form of a kind with its parts filled in; `things` are the numbers that its verbs agree with."""
    usable = [form for form in load_forms()[kind] if things or not ("{be}" in form or "{exist}" in form)]
    if not parts.get("percent", "?"):
        usable = [form for form in usable if "{percent}" not in form]
    single = len(things) == 1 and things[0] == 1
    be, exist = ("is" if single else "are"), ("is" if things and things[0] == 1 else "are")
    return pick(usable, rng).format(be=be, exist=exist, s="s" if single else "", **parts)


def _count(group: Group, rng: np.random.Generator, *, digits: bool) -> str:
    return counted(len(group.objects), pick(group.nouns, rng), rng, digits=digits)


def _in(cell: str, rng: np.random.Generator) -> str:
    return pick(PLACES[cell], rng)


def _digits(rng: np.random.Generator) -> bool:
    return bool(rng.random() < 0.5)


def _general(seen: Seen, rng: np.random.Generator) -> str | None:
    groups = named_groups(seen, rng)
    if not groups:
        main = _grounds(seen)
        ground = pick(seen.nouns.cover[main[0][0]], rng) if main and main[0][1] >= MOSTLY else None
        return _form("general", rng, what=ground, bare=ground) if ground else None
    chosen = [(pick(group.nouns, rng), len(group.objects)) for group in groups[:MOST_LISTED]]
    things = listed([with_article(one) if number == 1 else many for (one, many), number in chosen])
    bare = listed([one if number == 1 else many for (one, many), number in chosen])
    return _form("general", rng, [number for _, number in chosen], what=things, bare=bare)


def _counts(seen: Seen, rng: np.random.Generator) -> str | None:
    things = _numbered(seen, rng)
    return _form("counts", rng, things[1], what=things[0]) if things else None


def _numbered(seen: Seen, rng: np.random.Generator) -> tuple[str, list[int]] | None:
    """Every kind with its number, and the numbers."""
    groups = named_groups(seen, rng)
    digits = _digits(rng)
    words = [_count(group, rng, digits=digits) for group in groups]
    return (listed(words), [len(group.objects) for group in groups]) if groups else None


def _absolute(seen: Seen, rng: np.random.Generator) -> str | None:
    whole = named_groups(seen, rng)
    if not whole:
        return None
    digits = _digits(rng)
    parts = by_cell(whole)
    if len(whole) == len(parts) == 1 and rng.random() < 0.5:
        thing, place = _count(parts[0], rng, digits=digits), _in(parts[0].cell or "", rng)
        return _form("all_in_one_place", rng, [len(parts[0].objects)], thing=thing, place=place)
    order = sorted(rng.permutation(len(parts))[: int(rng.integers(1, MOST_LISTED))].tolist())
    told = [parts[i] for i in order]
    words = [f"{_count(part, rng, digits=digits)} {_in(part.cell or '', rng)}" for part in told]
    return _form("absolute", rng, [len(part.objects) for part in told], what=listed(words))


def _relative(seen: Seen, rng: np.random.Generator) -> str | None:
    whole = named_groups(seen, rng)
    groups = [*whole, *by_cell(whole)]
    told = [
        (first, second, relation)
        for first in groups
        for second in groups
        if first is not second and not set(map(id, first.objects)) & set(map(id, second.objects))
        for relation in relations(first, second)
    ]
    if not told:
        return None
    first, second, relation = pick(told, rng)
    digits = _digits(rng) or max(len(first.objects), len(second.objects)) >= len(NUMBER_WORDS)
    words = [_count(first, rng, digits=digits), _definite(second, rng, digits=digits)]
    words = [f"{w} {_in(g.cell, rng)}" if g.cell else w for w, g in zip(words, (first, second), strict=True)]
    how = pick(RELATIONS[relation], rng)
    return _form("relative", rng, [len(first.objects)], first=words[0], second=words[1], relation=how)


def _definite(group: Group, rng: np.random.Generator, *, digits: bool) -> str:
    one, many = pick(group.nouns, rng)
    number = len(group.objects)
    return f"the {one}" if number == 1 else f"the {number if digits else NUMBER_WORDS[number]} {many}"


def _grounds(seen: Seen) -> list[tuple[str, float]]:
    """Ground that has words and a share worth telling, largest first; the general ones give way to the special."""
    nouns = seen.nouns
    known = [(key, share) for key, share in seen.cover if key in nouns.cover and share >= LEAST]
    special = [(k, s) for k, s in known if not any(k != other and k in nouns.ancestors[other] for other, _ in known)]
    return sorted(special, key=lambda entry: (-entry[1], entry[0]))


def _scene(seen: Seen, rng: np.random.Generator) -> str | None:
    grounds = _grounds(seen)
    if not grounds:
        return None
    things = _numbered(seen, rng)
    sentence = _ground_sentence(seen, grounds, rng, alone=seen.complete and not seen.objects)
    if things and rng.random() < 0.5:
        return _form("scene.with_things", rng, scene=sentence, what=things[0])
    return sentence


def _ground_sentence(seen: Seen, grounds: list[tuple[str, float]], rng: np.random.Generator, *, alone: bool) -> str:
    (key, share), main = grounds[0], pick(seen.nouns.cover[grounds[0][0]], rng)
    percent = str(5 * round(share * 20)) if seen.ground_known else ""
    if key == "sea" and alone and share >= MOSTLY and rng.random() < 0.4:
        return _form("scene.empty_sea", rng, main=main, sea=pick(("sea", "ocean"), rng))
    if share >= WHOLE:
        return _form("scene.whole" if alone else "scene.mostly", rng, main=main, percent=percent)
    if len(grounds) == 1:
        return _form("scene.mostly" if share >= MOSTLY else "scene.part", rng, main=main, percent=percent)
    second = pick(seen.nouns.cover[grounds[1][0]], rng)
    if share >= MOSTLY:
        second = f"{second} {_in(seen.spot, rng)}" if seen.spot else second
        return _form("scene.mostly_with", rng, main=main, second=second, percent=percent)
    return _form("scene.mixed", rng, main=main, second=second, percent=percent)
