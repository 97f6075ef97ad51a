"""The script that the frozen program starts with."""

from __future__ import annotations

import multiprocessing
import sys

from sarvlm_app.cli import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
