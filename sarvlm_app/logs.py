"""A log file on this machine, for the analyst to read or to attach to a report; nothing is sent anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from .errors import StorageError
from .paths import data_dir

_OWN_LOGGERS = ("sarvlm_app", "sarvlm_models", "sarvlm_training")
_MAX_BYTES = 1_000_000
_KEPT = 3
_FORM = "%(asctime)s %(levelname)s %(name)s [%(threadName)s]: %(message)s"


@contextmanager
def log_to_file(level: int = logging.INFO) -> Iterator[Path | None]:
    """Log to ``logs/sarvlm.log`` in the data folder while the block runs.

    Our own messages from `level` up and other libraries' warnings go to the
    file, which rotates at 1 MB (three old ones are kept).

    Parameters
    ----------
    level : int
        Least level of our own messages.

    Yields
    ------
    Path of the log file, or None where none can be written (that alone never
    stops the program).
    """
    handler = _open_handler()
    if handler is None:
        yield None
        return
    root = logging.getLogger()
    own = [logging.getLogger(name) for name in _OWN_LOGGERS]
    before = [logger.level for logger in own]
    root.addHandler(handler)
    for logger in own:
        logger.setLevel(level)
    try:
        yield Path(handler.baseFilename)
    finally:
        for logger, old in zip(own, before, strict=True):
            logger.setLevel(old)
        root.removeHandler(handler)
        handler.close()


def _open_handler() -> RotatingFileHandler | None:
    try:
        folder = data_dir() / "logs"
        folder.mkdir(exist_ok=True)
        handler = RotatingFileHandler(folder / "sarvlm.log", maxBytes=_MAX_BYTES, backupCount=_KEPT, encoding="utf-8")
    except (StorageError, OSError):
        return None
    handler.setFormatter(logging.Formatter(_FORM))
    return handler
