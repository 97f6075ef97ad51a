"""Everything the window can be told to do, in one table: menus and shortcuts come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command: `name` is its key, `shortcuts` in Qt's portable text."""

    name: str
    menu: str
    text: str
    shortcuts: tuple[str, ...] = ()
    checkable: bool = False
    begins_group: bool = False


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "File", "Open scene…", ("Ctrl+O",)),
    ActionSpec("open_demo", "File", "Open the demo scene"),
    ActionSpec("close_scene", "File", "Close this scene", ("Ctrl+W",)),
    ActionSpec("export", "File", "Export…", ("Ctrl+E",), begins_group=True),
    ActionSpec("export_heatmap", "File", "Export heat map (GeoTIFF)…"),
    ActionSpec("export_candidates", "File", "Export places (GeoJSON)…"),
    ActionSpec("export_picture", "File", "Export picture (PNG)…"),
    ActionSpec("export_captions", "File", "Export captions (GeoJSON or CSV)…", ("Ctrl+Shift+E",)),
    ActionSpec("quit", "File", "Quit", ("Ctrl+Q",), begins_group=True),
    ActionSpec("focus_query", "Query", "Type a question", ("Ctrl+K",)),
    ActionSpec("ask", "Query", "Ask", ("Ctrl+Return",)),
    ActionSpec("clear", "Query", "Clear the answer", ("Ctrl+Backspace",)),
    ActionSpec("next", "Query", "Next place", ("N", "]"), begins_group=True),
    ActionSpec("previous", "Query", "Previous place", ("P", "[")),
    ActionSpec("cancel", "Query", "Cancel the running job", ("Esc",), begins_group=True),
    ActionSpec("describe_view", "Caption", "Describe the view", ("Ctrl+D",)),
    ActionSpec("describe_place", "Caption", "Describe the selected place", ("D",)),
    ActionSpec("describe_region", "Caption", "Describe a region: draw it", ("R",)),
    ActionSpec("describe_scene", "Caption", "Describe the whole scene", ("Ctrl+Shift+D",)),
    ActionSpec("show_captions", "Caption", "Show the captions", ("C",), checkable=True, begins_group=True),
    ActionSpec("undo_caption", "Caption", "Undo the last change of a caption", ("Ctrl+Z",), begins_group=True),
    ActionSpec("redo_caption", "Caption", "Redo it", ("Ctrl+Shift+Z",)),
    ActionSpec("toggle_heatmap", "View", "Heat map", ("H",), checkable=True),
    ActionSpec("toggle_markers", "View", "Numbers", ("M",), checkable=True),
    ActionSpec("fit", "View", "Fit the scene", ("F",), begins_group=True),
    ActionSpec("theme", "View", "Dark or light theme", ("Ctrl+Shift+L",), begins_group=True),
    ActionSpec("shortcuts", "Help", "Keyboard shortcuts", ("F1",)),
    ActionSpec("about", "Help", "About SARVLM Desktop"),
)


def build_actions(window: QMainWindow, handlers: Mapping[str, Callable[[], object]]) -> dict[str, QAction]:
    """Makes the actions, hangs them into the window's menus and wires their shortcuts.

    Raises
    ------
    KeyError
        Where the table names a command that has no handler.
    """
    menus: dict[str, QMenu] = {}
    actions: dict[str, QAction] = {}
    for spec in ACTIONS:
        menu = menus.get(spec.menu)
        if menu is None:
            menu = menus[spec.menu] = window.menuBar().addMenu(spec.menu)
        handler = handlers[spec.name]
        action = QAction(spec.text, window, checkable=spec.checkable)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.triggered.connect(lambda _checked=False, run=handler: run())
        if spec.begins_group:
            menu.addSeparator()
        menu.addAction(action)
        window.addAction(action)
        actions[spec.name] = action
    return actions
