"""Errors whose text an analyst reads.

Every message is one sentence that names the thing at fault, says what is
wrong with it and what to do about it.
"""

from __future__ import annotations


class SarvlmError(Exception):
    """A fault that the user can understand and mend."""


class SceneError(SarvlmError, ValueError):
    """A scene file that cannot be opened or read."""


class QueryError(SarvlmError, ValueError):
    """A question that cannot be asked as it stands."""


class ModelError(SarvlmError, ValueError):
    """A checkpoint or registry entry that cannot be used."""


class StorageError(SarvlmError, OSError):
    """A place that cannot be read from or written to."""


class JobCancelled(SarvlmError):  # noqa: N818 - it is an outcome, not a fault
    """Raised inside a job at its next step after somebody cancelled it."""
