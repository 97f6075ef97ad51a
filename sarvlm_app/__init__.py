"""SARVLM Desktop: ask a radar scene in words and see where the answer lies."""

__version__ = "0.1.0"
