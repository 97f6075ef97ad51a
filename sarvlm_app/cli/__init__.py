"""The command line: every command of the contract, each importing what it needs when it runs."""

from __future__ import annotations

import errno
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from sarvlm_app.errors import SarvlmError

from .arguments import Usage
from .parser import build_parser, with_default_command

EXIT_DONE, EXIT_FAULT, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code (0, 1 fault of the input, 2 usage, 130 interrupted)."""
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _tell("Interrupted; what was finished is kept and the next run goes on from there.")
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # who reads has read enough
        _give_up_stdout()
        return EXIT_DONE
    except OSError as error:
        _give_up_stdout()
        _tell(str(error) if isinstance(error, SarvlmError) else _sentence(error))
    except SarvlmError as error:
        _tell(str(error))
    except MemoryError:
        _tell("There is not enough memory for this; close other programs, or ask a part of the scene with --window.")
    return EXIT_FAULT


def _run(given: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what its encoding lacks is escaped and never a reason to fall
            stream.reconfigure(errors="backslashreplace")
    options = _parsed(given)
    if isinstance(options, int):
        return options
    from sarvlm_app.paths import scrub_geo_environment

    scrub_geo_environment()
    return int(options.run(options))


def _parsed(given: list[str]) -> Namespace | int:
    """The options of a command, or the exit code where there is nothing to run (help, version, wrong usage)."""
    try:
        return build_parser().parse_args(with_default_command(given))
    except Usage as error:
        _tell(str(error))
        return EXIT_USAGE
    except SystemExit as left:  # argparse has printed the help
        return int(left.code or EXIT_DONE)


def _tell(text: str) -> None:
    if sys.stderr is not None:  # there is none under pythonw
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _give_up_stdout() -> None:
    """Point standard output at nothing, so that Python's own last flush does not fail again."""
    with suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


def _sentence(error: OSError) -> str:
    """What a fault of the system says, where no module has put it into words."""
    place = str(error.filename or "standard output")
    if error.errno in _NOT_WRITTEN:
        from sarvlm_app.core.export.atomic import storage_error

        return str(storage_error(Path(place), error))
    return f"{place} cannot be used ({error.strerror or error}); check that it is there and its permissions."
