"""Is a question one that the text tower can understand: not empty, not endless, and in English.

A wrong refusal is worse than a missed one, so evidence for another language
must outweigh the evidence for English: words of a small bundled list per
language, and py3langid's opinion where the lists do not decide.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sarvlm_app.errors import QueryError
from sarvlm_app.paths import resource

MAX_CHARACTERS = 1000
_EXAMPLE = "ask in English, for example “ships in the harbour”"
_QUOTED = 60  # characters of the question that the sentence repeats
_SCRIPTS = {
    "CYRILLIC": "Cyrillic", "CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese",
    "HANGUL": "Korean", "ARABIC": "Arabic", "HEBREW": "Hebrew", "GREEK": "Greek", "DEVANAGARI": "Hindi", "THAI": "Thai",
}  # fmt: skip
# py3langid's probability from which it counts alone and beside other evidence, and how many times more likely than
# English its language must be (neighbours such as Spanish and Portuguese share the probability among them)
_SURE, _AGREED, _LEAD = 0.8, 0.5, 10.0


@dataclass(frozen=True, slots=True)
class _Lexicon:
    english: frozenset[str]
    languages: dict[str, str]  # code -> name
    function: dict[str, tuple[str, ...]]  # word -> codes
    nouns: dict[str, tuple[str, ...]]
    in_names: frozenset[str]  # words that place names carry in English texts too


@dataclass(frozen=True, slots=True)
class _Evidence:
    english: int
    function: int
    nouns: int
    votes: Counter[str]
    accented: int
    particles: int
    unknown: int
    names: int

    @property
    def words(self) -> int:
        return self.english + self.foreign + self.unknown + self.names

    @property
    def foreign(self) -> int:
        return self.function + self.nouns + self.accented + self.particles


@dataclass(frozen=True, slots=True)
class _Opinion:
    """py3langid's: the likeliest language, its probability, and that over the probability of English."""

    code: str
    probability: float
    lead: float


def require_english(text: str) -> None:
    """Pass a question that the text tower can understand.

    Parameters
    ----------
    text : str
        What the analyst typed.

    Raises
    ------
    QueryError
        The text is empty, longer than `MAX_CHARACTERS`, or reads as another language.
    """
    if not text.strip():
        raise QueryError("The question is empty: type what to look for, for example “ships in the harbour”.")
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"The question has {len(text)} characters and at most {MAX_CHARACTERS} can be asked: say it in a sentence."
        )
    language = _foreign_language(unicodedata.normalize("NFC", text))
    if language:
        raise QueryError(f"The text tower knows English only, and “{_quote(text)}” reads as {language}: {_EXAMPLE}.")


def _quote(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUOTED else line[: _QUOTED - 1].rstrip() + "…"


def _foreign_language(text: str) -> str:
    """Name of the language the text reads as; "" for English and for what cannot be told."""
    script = _foreign_script(text)
    if script:
        return script
    found = _weigh(text)
    if found.foreign + found.unknown == 0:
        return ""
    opinion = _langid(text) if found.foreign or found.english <= found.unknown else _Opinion("en", 1.0, 1.0)
    if found.words == 1:
        is_foreign = found.nouns > 0 or (found.accented > 0 and opinion.probability >= _SURE)
    elif found.foreign == 0:
        likely = opinion.lead >= _LEAD if found.english == 0 and found.unknown > 1 else opinion.probability >= _SURE
        is_foreign = likely and 2 * found.english <= found.unknown and not text.isupper()
    else:
        is_foreign = _outweighs(found, opinion)
    is_foreign = is_foreign and (opinion.code != "en" or found.foreign > found.english + 1)
    return _name(opinion, found) if is_foreign else ""


def _outweighs(found: _Evidence, opinion: _Opinion) -> bool:
    """Whether words of another language count more than the English ones, py3langid's opinion heard."""
    firm = found.nouns + found.function + found.accented
    if found.foreign > found.english and (firm >= 2 or (found.nouns and found.english == 0)):
        return True
    if found.foreign > found.english:
        return (firm > 0 or found.unknown > 0) and (opinion.probability >= _AGREED or opinion.lead >= _LEAD)
    enough = opinion.probability >= _SURE or (found.accented > 0 and opinion.lead >= _LEAD)
    return firm > 0 and found.foreign + found.unknown >= found.english and enough


def _foreign_script(text: str) -> str:
    """Name of a script other than Latin, where it has a third of the letters or more."""
    letters = [character for character in text if character.isalpha()]
    scripts: Counter[str] = Counter()
    for character in letters:
        word = unicodedata.name(character, "LATIN").split()[0]
        is_symbol = word in ("MICRO", "OHM") or (word == "GREEK" and len(letters) > 1)
        if word.isalpha() and word not in ("LATIN", "FEMININE", "MASCULINE", "MODIFIER", "FULLWIDTH") and not is_symbol:
            scripts[word] += 1
    greek = re.search(r"[\u0370-\u03ff]{3,}", text)
    if greek and len(letters) == len(re.findall(r"[\u0370-\u03ff\u1f00-\u1fff]", text)):
        return "Greek"
    if not letters or sum(scripts.values()) * 3 < len(letters):
        return ""
    if scripts["HIRAGANA"] + scripts["KATAKANA"] and scripts["CJK"]:
        return "Japanese"
    script = scripts.most_common(1)[0][0]
    if script == "CYRILLIC":
        return {"ru": "Russian", "uk": "Ukrainian", "bg": "Bulgarian", "sr": "Serbian"}.get(
            _langid(text).code, "Cyrillic"
        )
    if script == "CJK":
        return "Chinese"
    return _SCRIPTS.get(script, script.capitalize())


def _weigh(text: str) -> _Evidence:
    """Count the words of a Latin text by what they speak for."""
    lexicon = _lexicon()
    shouted = text.isupper()
    counts: Counter[str] = Counter()
    votes: Counter[str] = Counter()
    for word in re.findall(r"[^\W\d_]{2,}", text):
        low = word.lower()
        capital = word[0].isupper() and not shouted
        if low in lexicon.nouns and not (capital and low in lexicon.in_names):
            counts["nouns"] += 1
            votes.update(lexicon.nouns[low] * 2)
        elif low in lexicon.in_names and (low in lexicon.function or low in lexicon.nouns):
            counts["particles"] += 1
            votes.update(lexicon.function.get(low, ()))
        elif low in lexicon.function:
            counts["function"] += 1
            votes.update(lexicon.function[low])
        elif _is_english(low, lexicon.english):
            counts["english"] += 1
        elif not low.isascii() and not capital:
            counts["accented"] += 1
        else:
            counts["names" if capital else "unknown"] += 1
    elisions = re.findall(r"\b(?:l|d|qu|dell|nell|sull|dall|all|un)['’](?=[aeiouhàâéèêîôœ])", text)  # l'eau, dell'acqua
    counts["function"] += len(elisions)
    votes.update("it" if len(elision) > 3 else "fr" for elision in elisions)
    kinds = ("english", "function", "nouns", "accented", "particles", "unknown", "names")
    return _Evidence(votes=votes, **{kind: counts[kind] for kind in kinds})


def _is_english(word: str, english: frozenset[str]) -> bool:
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    stems = (
        plain,
        plain.removesuffix("s"),
        plain.removesuffix("es"),
        plain.removesuffix("ed"),
        plain.removesuffix("ing"),
    )
    return plain.isascii() and any(stem in english and len(stem) > 1 for stem in stems)


def _name(opinion: _Opinion, found: _Evidence) -> str:
    """The language to name: of the words first, py3langid's where they tie."""
    code = opinion.code
    best = max(found.votes.values(), default=0)
    leaders = [vote for vote, count in found.votes.items() if count == best]
    if leaders and code not in leaders:
        code = leaders[0]
    return _lexicon().languages.get(code, "another language")


@lru_cache(maxsize=1)
def _lexicon() -> _Lexicon:
    listed = json.loads(resource("prompts/foreign_words.json").read_text(encoding="utf-8"))
    lines = resource("prompts/english_words.txt").read_text(encoding="utf-8").splitlines()
    tables: dict[str, dict[str, tuple[str, ...]]] = {"function": {}, "words": {}}
    for code, entry in listed["languages"].items():
        for kind, table in tables.items():
            for word in entry[kind].split():
                table[word] = (*table.get(word, ()), code)
    return _Lexicon(
        english=frozenset(line for line in lines if not line.startswith("#")),
        languages={code: entry["name"] for code, entry in listed["languages"].items()},
        function=tables["function"],
        nouns=tables["words"],
        in_names=frozenset(listed["in_names"].split()),
    )


def _langid(text: str) -> _Opinion:
    ranked = _identifier().rank(text.lower())
    code, probability = ranked[0]
    return _Opinion(str(code), float(probability), float(probability) / max(float(dict(ranked)["en"]), 1e-9))


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(["en", *_lexicon().languages, "no", "hu", "ru", "uk", "bg", "sr"])
    return identifier
