"""Everything the window can be told to do, in one table: menus and shortcuts come from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QWidget


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One command.

    Attributes
    ----------
    name : str
        Its key.
    shortcuts : tuple of str
        In Qt's portable text.
    for_boxes : bool
        The keys hold while the boxes stand in the right column; those of other commands rest meanwhile where they
        are the same.
    for_measures : bool
        The same for the measures.
    in_place : bool
        The keys hold only where the canvas has the focus: elsewhere they mean something else.
    in_table : bool
        They hold in the table of boxes too.
    """

    name: str
    menu: str
    text: str
    shortcuts: tuple[str, ...] = ()
    checkable: bool = False
    begins_group: bool = False
    for_boxes: bool = False
    for_measures: bool = False
    in_place: bool = False
    in_table: bool = False


def _box(text: str, name: str, *shortcuts: str, **how: bool) -> ActionSpec:
    return ActionSpec(name, "Detect", text, shortcuts, for_boxes=True, **how)


def _measure(text: str, name: str, *shortcuts: str, **how: bool) -> ActionSpec:
    return ActionSpec(name, "Measure", text, shortcuts, for_measures=True, **how)


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "File", "Open scene…", ("Ctrl+O",)),
    ActionSpec("open_folder", "File", "Open a product's folder…", ("Ctrl+Alt+O",)),
    ActionSpec("open_demo", "File", "Open the demo scene"),
    ActionSpec("add_context", "File", "Add context (coastlines, places, tiles, AIS)…", ("Ctrl+Shift+M",)),
    ActionSpec("close_scene", "File", "Close this scene", ("Ctrl+W",)),
    ActionSpec("export", "File", "Export…", ("Ctrl+E",), begins_group=True),
    ActionSpec("export_heatmap", "File", "Export heat map (GeoTIFF)…"),
    ActionSpec("export_candidates", "File", "Export places (GeoJSON)…"),
    ActionSpec("export_picture", "File", "Export picture (PNG)…"),
    ActionSpec("export_captions", "File", "Export captions (GeoJSON or CSV)…", ("Ctrl+Shift+E",)),
    ActionSpec("export_boxes", "File", "Export boxes (GeoJSON, KML, COCO, DOTA…)…", ("Ctrl+Alt+E",)),
    ActionSpec("export_measures", "File", "Export measures (JSON or CSV)…", ("Ctrl+Alt+U",)),
    ActionSpec("export_change", "File", "Export the change of two scenes (GeoTIFF)…"),
    ActionSpec("export_hits", "File", "Export hits of the archive (GeoJSON, contact sheet…)…", ("Ctrl+Alt+H",)),
    ActionSpec("import_boxes", "File", "Import boxes (COCO, DOTA, GeoJSON)…", ("Ctrl+I",), begins_group=True),
    ActionSpec("quit", "File", "Quit", ("Ctrl+Q",), begins_group=True),
    ActionSpec("focus_query", "Query", "Type a question", ("Ctrl+K",)),
    ActionSpec("ask", "Query", "Ask", ("Ctrl+Return",)),
    ActionSpec("clear", "Query", "Clear the answer", ("Ctrl+Backspace",)),
    ActionSpec("next", "Query", "Next place or hit", ("N", "]"), begins_group=True),
    ActionSpec("previous", "Query", "Previous place or hit", ("P", "[")),
    ActionSpec("cancel", "Query", "Cancel the running job", ("Esc",), begins_group=True),
    ActionSpec("show_boxes", "Detect", "Show the objects", ("O",), checkable=True),
    _box("Run the detector", "detect", "D", begins_group=True),
    _box("Look at a region: draw it", "detect_region", "R"),
    _box("Next box", "next_box", "N", begins_group=True),
    _box("Previous box", "previous_box", "P"),
    _box("Next box, on the map", "tab_box", "Tab", in_place=True),
    _box("Previous box, on the map", "backtab_box", "Shift+Tab", in_place=True),
    _box("Draw a box that is missing", "draw_box", "W", begins_group=True),
    _box("Confirm the box", "confirm_box", "A"),
    _box("Strike the box out", "strike_box", "Del", "X", in_place=True, in_table=True),
    _box("Move the box 1 px left", "box_left", "Left", begins_group=True, in_place=True),
    _box("Move the box 1 px right", "box_right", "Right", in_place=True),
    _box("Move the box 1 px up", "box_up", "Up", in_place=True),
    _box("Move the box 1 px down", "box_down", "Down", in_place=True),
    _box("Move the box 10 px left", "box_far_left", "Shift+Left", in_place=True),
    _box("Move the box 10 px right", "box_far_right", "Shift+Right", in_place=True),
    _box("Move the box 10 px up", "box_far_up", "Shift+Up", in_place=True),
    _box("Move the box 10 px down", "box_far_down", "Shift+Down", in_place=True),
    _box("Turn the box 1° to the left", "turn_left", "["),
    _box("Turn the box 1° to the right", "turn_right", "]"),
    _box("Undo the last change of a box", "undo_box", "Ctrl+Z", begins_group=True),
    _box("Redo it", "redo_box", "Ctrl+Shift+Z"),
    ActionSpec("clear_boxes", "Detect", "Take away boxes that nobody worked on"),
    ActionSpec("describe_view", "Caption", "Describe the view", ("Ctrl+D",)),
    ActionSpec("describe_place", "Caption", "Describe the selected place", ("D",)),
    ActionSpec("describe_region", "Caption", "Describe a region: draw it", ("R",)),
    ActionSpec("describe_scene", "Caption", "Describe the whole scene", ("Ctrl+Shift+D",)),
    ActionSpec("show_captions", "Caption", "Show the captions", ("C",), checkable=True, begins_group=True),
    ActionSpec("undo_caption", "Caption", "Undo the last change of a caption", ("Ctrl+Z",), begins_group=True),
    ActionSpec("redo_caption", "Caption", "Redo it", ("Ctrl+Shift+Z",)),
    ActionSpec("show_measures", "Measure", "Show the measures", ("U",), checkable=True),
    _measure("Line: distance and azimuth", "measure_line", "1", begins_group=True),
    _measure("Profile along a line", "measure_profile", "2"),
    _measure("Region: area and statistics", "measure_region", "3"),
    _measure("Box: the same of a rectangle", "measure_box", "4"),
    _measure("Point target", "measure_point", "5"),
    _measure("End what is drawn", "finish_measure", "Return", "Enter", begins_group=True, in_place=True),
    _measure("Take the last point back", "measure_back", "Backspace", in_place=True),
    _measure("Bring the measure into view", "fly_to_measure", "Z", begins_group=True),
    _measure("Copy all measures as text", "copy_measures", "Ctrl+Shift+C"),
    _measure("Remove the selected measure", "remove_measure", "Del", in_place=True),
    ActionSpec("clear_measures", "Measure", "Remove all measures of the scene"),
    _measure("Undo the last step", "undo_measure", "Ctrl+Z", begins_group=True),
    _measure("Redo it", "redo_measure", "Ctrl+Shift+Z"),
    ActionSpec("show_archive", "Archive", "Show the archive", ("S",), checkable=True),
    ActionSpec("focus_archive", "Archive", "Search the archive by words", ("Ctrl+Shift+K",)),
    ActionSpec("like_view", "Archive", "Search by the view", ("Ctrl+L",), begins_group=True),
    ActionSpec("like_region", "Archive", "Search by a region: draw it", ("Alt+R",)),
    ActionSpec("like_place", "Archive", "Search by the selected place", ("L",)),
    ActionSpec("like_file", "Archive", "Search by a picture…"),
    ActionSpec("more_like", "Archive", "More like the selected hit", ("Shift+L",)),
    ActionSpec("open_archive", "Archive", "Open an archive…", ("Ctrl+Shift+O",), begins_group=True),
    ActionSpec("create_archive", "Archive", "Create an archive…"),
    ActionSpec("add_folder", "Archive", "Add a folder and all below…", ("Ctrl+Shift+A",), begins_group=True),
    ActionSpec("add_files", "Archive", "Add files…"),
    ActionSpec("pause_archive", "Archive", "Pause or resume the work", ("Ctrl+Shift+P",)),
    ActionSpec("stop_archive", "Archive", "Stop the work"),
    ActionSpec("verify_archive", "Archive", "Verify the archive", begins_group=True),
    ActionSpec("compact_archive", "Archive", "Compact the archive…"),
    ActionSpec("metadata", "Scene", "Metadata…", ("Ctrl+M",)),
    ActionSpec("calibrate_sigma0", "Scene", "Calibrate to sigma0", begins_group=True),
    ActionSpec("calibrate_beta0", "Scene", "Calibrate to beta0"),
    ActionSpec("calibrate_gamma0", "Scene", "Calibrate to gamma0"),
    ActionSpec("calibrate_sigma0_denoised", "Scene", "Calibrate to sigma0, thermal noise removed", begins_group=True),
    ActionSpec("calibrate_beta0_denoised", "Scene", "Calibrate to beta0, thermal noise removed"),
    ActionSpec("calibrate_gamma0_denoised", "Scene", "Calibrate to gamma0, thermal noise removed"),
    ActionSpec("filter", "Scene", "Filter speckle…", ("Ctrl+Shift+F",), begins_group=True),
    ActionSpec("next_mode", "Display", "Next stretch", ("T",)),
    ActionSpec("next_colours", "Display", "Next colour map", ("K",)),
    ActionSpec("next_composite", "Display", "Next composite, then the band again", ("Shift+C",)),
    ActionSpec("toggle_phase", "Display", "Phase or amplitude", ("Shift+P",)),
    ActionSpec("reset_display", "Display", "Reset the display", ("Shift+T",), begins_group=True),
    ActionSpec("display_everywhere", "Display", "Show all scenes in this way"),
    ActionSpec("compare_side", "Compare", "Side by side", ("Alt+1",), checkable=True),
    ActionSpec("compare_swipe", "Compare", "Swipe", ("Alt+2",), checkable=True),
    ActionSpec("compare_flicker", "Compare", "Flicker", ("Alt+3",), checkable=True),
    ActionSpec("compare_change", "Compare", "Change (log ratio)", ("Alt+4",), checkable=True),
    ActionSpec("compare_toggle", "Compare", "Compare or not, in the last way", ("Alt+0",), begins_group=True),
    ActionSpec("compare_blink", "Compare", "Flicker by hand: the other scene", ("V",)),
    ActionSpec("toggle_boxes", "View", "Boxes", ("B",), checkable=True),
    ActionSpec("toggle_measures", "View", "Measures", ("Shift+U",), checkable=True),
    ActionSpec("toggle_heatmap", "View", "Heat map", ("H",), checkable=True),
    ActionSpec("toggle_markers", "View", "Numbers", ("M",), checkable=True),
    ActionSpec("fit", "View", "Fit the scene", ("F",), begins_group=True),
    ActionSpec("go_to", "View", "Go to coordinate…", ("Ctrl+G",)),
    ActionSpec("notation", "View", "Next notation of coordinates", ("Ctrl+Shift+G",)),
    ActionSpec("theme", "View", "Dark or light theme", ("Ctrl+Shift+L",), begins_group=True),
    ActionSpec("shortcuts", "Help", "Keyboard shortcuts", ("F1",)),
    ActionSpec("about", "Help", "About SARVLM Desktop"),
)


def build_actions(
    window: QMainWindow, handlers: Mapping[str, Callable[[], object]], canvas: QWidget, table: QWidget
) -> dict[str, QAction]:
    """Makes the actions, hangs them into the window's menus and wires their shortcuts.

    Parameters
    ----------
    canvas, table : QWidget
        Where the keys of commands `in_place` and `in_table` hold.

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
            menu.setToolTipsVisible(spec.menu == "Scene")
        handler = handlers[spec.name]
        action = QAction(spec.text, window, checkable=spec.checkable)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.triggered.connect(lambda _checked=False, run=handler: run())
        if spec.begins_group:
            menu.addSeparator()
        menu.addAction(action)
        if spec.in_place:
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        (canvas if spec.in_place else window).addAction(action)
        if spec.in_table:
            table.addAction(action)
        actions[spec.name] = action
    return actions


def share_keys(actions: Mapping[str, QAction], *, boxes: bool, measures: bool = False) -> None:
    """Gives the keys to the commands for boxes or for measures, or back to the others that have the same."""
    own = {spec.name: (spec.for_boxes and boxes) or (spec.for_measures and measures) for spec in ACTIONS}
    taken = {keys for spec in ACTIONS if own[spec.name] for keys in spec.shortcuts}
    for spec in ACTIONS:
        if spec.for_boxes or spec.for_measures:
            keys = list(spec.shortcuts) if own[spec.name] else []
        else:
            keys = [key for key in spec.shortcuts if key not in taken]
        actions[spec.name].setShortcuts([QKeySequence(key) for key in keys])
