"""SARVLM Desktop: ask a radar scene in words and see where the answer lies."""

import os

# scoring splits its work over threads itself (core.query); a BLAS that splits each small product again gets in the way
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
