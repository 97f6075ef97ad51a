"""The command line: every command of the contract, each importing what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sarvlm_app.errors import SarvlmError

from .parser import Usage, build_parser, with_default_command

EXIT_FAULT, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code (0, 1 fault of the input, 2 usage, 130 interrupted)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = build_parser().parse_args(with_default_command(given))
    except Usage as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    from sarvlm_app.paths import scrub_geo_environment

    scrub_geo_environment()
    try:
        return int(options.run(options))
    except SarvlmError as error:
        print(error, file=sys.stderr)
        return EXIT_FAULT
    except KeyboardInterrupt:
        print("Interrupted; what was finished is kept and the next run goes on from there.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
