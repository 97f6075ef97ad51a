"""`sarvlm gui`: the window."""

from __future__ import annotations

import argparse
import os
import sys

from sarvlm_app.errors import SarvlmError

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def gui(options: argparse.Namespace) -> int:
    """Open the window on the given scenes, or on the demo scene."""
    if options.project is not None:
        print("sarvlm gui: projects come with the workbench and are not part of this version yet.", file=sys.stderr)
        return 2
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _DISPLAYS):
        raise SarvlmError(  # Qt would end the process without a word that helps
            "There is no display to open the window on; start sarvlm in a desktop session, or as xvfb-run -a sarvlm."
        )
    from sarvlm_app.ui.app import run_gui

    return run_gui(options.scenes, None)
