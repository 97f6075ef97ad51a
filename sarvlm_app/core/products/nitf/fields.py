"""The fields of a NITF header: text of fixed widths, one after the other."""

from __future__ import annotations


class NitfError(ValueError):
    """A header that does not hold what the standard says; the text is a clause."""


class Fields:
    """A header, read from its start.

    Parameters
    ----------
    content : bytes
        What is there of it.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def raw(self, size: int) -> bytes:
        """The next bytes."""
        found = self._content[self._at : self._at + size]
        if len(found) < size:
            raise NitfError("a header ends too early")
        self._at += size
        return found

    def text(self, size: int) -> str:
        """The next field without the blanks around it."""
        return self.raw(size).decode("latin-1").strip()

    def number(self, size: int, name: str) -> int:
        """The next field as a whole number of at least 0."""
        text = self.raw(size).strip()
        if not text.isdigit():
            raise NitfError(f"{name} is {text[:20]!r} and no number")
        return int(text)

    def skip(self, size: int) -> None:
        """Leave a field out."""
        self.raw(size)
