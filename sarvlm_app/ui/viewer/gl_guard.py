"""A guard against a crash in OpenGL programs that were deleted while in use.

With napari 0.9 on Mesa (and, by report, on Windows: napari/napari#8471)
removing a Shapes layer and adding another ends in `glDrawArrays` with a
segmentation fault: an attribute of the deleted program stays enabled
(vispy/vispy#1611). Not deleting programs costs a few kilobytes for each layer
removed and stops the crash.
"""

from __future__ import annotations

from vispy.gloo.glir import GlirProgram


def _keep(_program: GlirProgram) -> None:
    """Deletes nothing."""


def install_gl_guard() -> None:
    """Stops vispy from deleting OpenGL programs in this process; may be called again."""
    GlirProgram.delete = _keep


def gl_guard_installed() -> bool:
    """Whether OpenGL programs are kept."""
    return bool(GlirProgram.delete is _keep)
