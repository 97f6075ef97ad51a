"""METEOR 1.5 (Denkowski and Lavie 2014) by its own Java program, where that is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from sarvlm_app.errors import ModelError

from .caption_tokens import Words

_OPTIONS: Final = ("-", "-", "-stdio", "-l", "en", "-norm")
_MARK: Final = " ||| "
NO_JAVA: Final = "it needs Java, which is not installed"
NO_JAR: Final = "it needs METEOR's jar, which pycocoevalcap brings: pip install pycocoevalcap"


@dataclass(frozen=True, slots=True)
class Meteor:
    """Where Java and METEOR's program are."""

    java: str
    jar: Path

    def score(self, candidates: Sequence[Words], references: Sequence[Sequence[Words]]) -> float:
        """METEOR of the corpus, 0..1.

        Raises
        ------
        ModelError
            The program does not answer as METEOR 1.5 does.
        """
        command = [self.java, "-Xmx2G", "-jar", str(self.jar), *_OPTIONS]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=self.jar.parent, encoding="utf-8"
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                return _ask(process.stdin, process.stdout, candidates, references)
            except (ValueError, OSError) as fault:
                raise ModelError(
                    f"{self.jar} does not answer as METEOR 1.5 does ({fault}); install pycocoevalcap again."
                ) from fault
            finally:
                process.kill()
                with suppress(OSError):  # what was not sent to a program that has gone
                    process.stdin.close()


def find_meteor() -> Meteor | str:
    """Where METEOR is, or the reason why it is left out."""
    java = shutil.which("java")
    if java is None:
        return NO_JAVA
    package = find_spec("pycocoevalcap")
    folders = [Path(folder) for folder in (package.submodule_search_locations or ())] if package else []
    jars = [jar for folder in folders if (jar := folder / "meteor" / "meteor-1.5.jar").is_file()]
    return (
        Meteor(java, jars[0])
        if jars
        else "it needs METEOR's jar, which pycocoevalcap brings: pip install pycocoevalcap"
    )


def _ask(
    questions: IO[str], answers: IO[str], candidates: Sequence[Words], references: Sequence[Sequence[Words]]
) -> float:
    """One line of statistics for each caption, then one question with all of them; the last answer is the corpus's."""
    statistics = []
    for candidate, own in zip(candidates, references, strict=True):
        _tell(questions, _MARK.join(["SCORE", *(_plain(words) for words in own), _plain(candidate)]))
        statistics.append(answers.readline().strip())
    _tell(questions, _MARK.join(["EVAL", *statistics]))
    scores = [float(answers.readline()) for _ in range(len(statistics) + 1)]
    return scores[-1]


def _tell(questions: IO[str], line: str) -> None:
    questions.write(f"{line}\n")
    questions.flush()


def _plain(words: Words) -> str:
    return " ".join(word for word in words if "|||" not in word)
