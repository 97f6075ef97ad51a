"""`sarvlm gui`: the window."""

from __future__ import annotations

import argparse
import sys


def gui(options: argparse.Namespace) -> int:
    """Open the window on the given scenes, or on the demo scene."""
    if options.project is not None:
        print("sarvlm gui: projects come with the workbench and are not part of this version yet.", file=sys.stderr)
        return 2
    from sarvlm_app.ui.app import run_gui

    return run_gui(options.scenes, None)
