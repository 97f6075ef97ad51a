"""`python -m sarvlm_app`: the same as the installed script `sarvlm`."""

import sys

from sarvlm_app.cli import main

if __name__ == "__main__":
    sys.exit(main())
