"""One window at work: the session, its lanes, the panels, and every wire between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMessageBox

from sarvlm_app.core.caption_list import Where
from sarvlm_app.core.caption_session import CAPTION_KEY
from sarvlm_app.core.captioning import CaptionerProvider
from sarvlm_app.core.detection import DetectorProvider
from sarvlm_app.core.detection_session import DETECT_KEY
from sarvlm_app.core.jobs import JobRunner, JobState, JobStatus, Lane
from sarvlm_app.core.session import QUERY_KEY, Session
from sarvlm_app.errors import QueryError, SarvlmError, StorageError
from sarvlm_app.settings import Settings, save_settings
from sarvlm_app.ui.actions import build_actions, share_keys
from sarvlm_app.ui.archive_commands import ArchiveCommands
from sarvlm_app.ui.archive_presenter import ArchivePresenter
from sarvlm_app.ui.bridge import Background, MainThreadPost
from sarvlm_app.ui.canvas_presenter import CanvasPresenter
from sarvlm_app.ui.caption_presenter import CaptionPresenter
from sarvlm_app.ui.commands import Commands
from sarvlm_app.ui.context_commands import ContextCommands
from sarvlm_app.ui.context_presenter import ContextPresenter
from sarvlm_app.ui.detection_presenter import DetectionPresenter
from sarvlm_app.ui.dialogs.report import ReportDialog, report_text
from sarvlm_app.ui.encoder_loader import ArchiveModelLoader, EncoderLoader
from sarvlm_app.ui.link_commands import LinkCommands
from sarvlm_app.ui.link_presenter import LinkPresenter
from sarvlm_app.ui.main_window import MainWindow
from sarvlm_app.ui.measure_commands import MeasureCommands
from sarvlm_app.ui.scene_commands import PROCESS, SceneCommands
from sarvlm_app.ui.theme import Theme
from sarvlm_app.ui.view_state import ViewState
from sarvlm_models.engine import Engine

_ANSWER_ACTIONS = ("export", "export_heatmap", "export_candidates", "export_picture")


class Workplace(QObject):
    """Builds the window and connects session events to views and wishes of the user to verbs.

    Parameters
    ----------
    app : QApplication
    settings : Settings
        As remembered from the last time; saved again when the window closes.
    encoder : EncoderLoader, optional
        Gives the model; default: the shipped one on the device of the settings.
    captioner : callable, optional
        Gives the captioning model; default: the one that belongs to the encoder.
    detector : callable, optional
        Gives the detector; default: the shipped one.
    """

    def __init__(
        self,
        app: QApplication,
        settings: Settings,
        encoder: EncoderLoader | None = None,
        captioner: CaptionerProvider | None = None,
        detector: DetectorProvider | None = None,
    ) -> None:
        super().__init__()
        self._question_job = 0
        self._warm = False
        self._post = MainThreadPost()
        self.runner = JobRunner(self._post)
        self.engine = Engine(settings.device)
        self.encoder = encoder if encoder is not None else EncoderLoader(self.engine)
        provide = captioner if captioner is not None else self.engine.captioner
        finder = detector if detector is not None else self.engine.detector
        models = ArchiveModelLoader(self.encoder, self.engine.encoder)
        self.session = Session(
            self.runner, self.encoder, settings, captioner=provide, detector=finder, archive_model=models
        )
        self.session.archive.remember(tuple(Path(folder) for folder in settings.recent_archives))
        self.theme = Theme(app, settings.theme)
        self.theme.apply()
        self.view = ViewState()
        self.view.heatmap.set_opacity(settings.heatmap_opacity)
        self.background = Background(self.runner)
        self.window = MainWindow(self.session, self.theme, self.view, self.background)
        self.commands = Commands(self.session, self.window, self.view, self.theme)
        self.commands.settings = settings
        self.commands.cancel_job = self.window.jobs.cancel_by_key
        self.detector = DetectionPresenter(
            self.session, self.window.canvas, self.view, self.window.detections, self.window.colours
        )
        self.commands.boxes = self.detector
        self.archivist = ArchivePresenter(self.session, self.window.canvas, self.view, self.window.archive)
        self.commands.archive = archive = ArchiveCommands(self.session, self.window, self.view, self.archivist)
        archive.folder = self.commands.folder
        self.commands.step_hits = self.archivist.step
        self.commands.scene = self.scene = SceneCommands(self.session, self.window, self.background)
        window = self.window
        self.actions = build_actions(window, self._handlers(), window.canvas, window.detections.table)
        exports = ("export_heatmap", "export_candidates", "export_picture")
        self.window.selected.set_exports([self.actions[name] for name in exports])
        self.window.facts.set_actions([self.actions[name] for name in PROCESS])
        panels = (self.window.display, self.window.pointer)
        self.presenter = CanvasPresenter(self.session, self.window.canvas, self.view, self.background, panels)
        self.presenter.scene_shown.connect(self.archivist.scene_shown)
        self.comparer = self._make_comparer()
        self.describer = CaptionPresenter(self.session, self.window.canvas, self.view)
        self.commands.describe = self.describer.describe
        self.window.may_close = self.keep_work
        self.window.closing = self.shut_down
        self._wire_session()
        self._wire_window()
        self._show_active()
        self._show_answer()
        self._show_captions()
        self._show_detections()
        self._show_archive()

    def _handlers(self) -> dict[str, Callable[[], object]]:
        """Of every command in the table."""
        session, window, commands = self.session, self.window, self.commands
        self.comparing = LinkCommands(session, window, commands.folder)
        self.laying = ContextCommands(session, window, commands.folder, commands.open_paths)
        self.measuring = MeasureCommands(session, window, self.view, commands.folder)
        commands.leave_measure = self.measuring.presenter.leave
        others = (self.comparing, self.laying, self.measuring)
        return {**commands.handlers(), **{name: run for one in others for name, run in one.handlers().items()}}

    def _make_comparer(self) -> LinkPresenter:
        window = self.window
        made = LinkPresenter(self.session, window.canvas, window.stage, self.background, self.presenter.pictures)
        self.comparing.presenter = made
        self.runner.changed.connect(lambda job: made.on_job(job, self.runner.statuses()))
        self.surroundings = ContextPresenter(self.session.context, window.canvas, self.runner)
        return made

    def start(self, scene_paths: Sequence[Path]) -> None:
        """Opens the first scenes, or the demo scene; the model is loaded when a question is begun."""
        if scene_paths:
            self.commands.open_paths(list(scene_paths))
        else:
            self.session.open_demo()
        self.window.show_model("Model: starts with the first question", "")
        self.window.query.line.setFocus()

    def _warm_up(self) -> None:
        """Loads the model, once; who only looks at scenes is spared its memory."""
        if not self._warm:
            self._warm = True
            self.background.compute("Loading the model", self.encoder.load_now, self._show_model, self._show_fault)

    def restore_window(self) -> None:
        """Gives the window the size, the place and the folded parts that it had the last time."""
        self.window.fold(self.commands.settings.folded)
        geometry, _ = self.commands.settings.window_bytes()
        if not geometry or not self.window.restoreGeometry(geometry):
            screen = self.window.screen().availableGeometry()
            self.window.resize(min(1600, screen.width()), min(1000, screen.height()))

    def keep_work(self) -> bool:
        """Writes what is not on disk yet; where it cannot be written, whether the user closes all the same."""
        self.window.captions.list.finish_editing()
        captions, boxes = self.session.captions, self.session.detections
        return self._keep("Captions", captions.flush, lambda: captions.unkept, "Ctrl+Shift+E") and self._keep(
            "Boxes", boxes.flush, lambda: boxes.unkept, "Ctrl+Alt+E"
        )

    def _keep(self, what: str, flush: Callable[[], None], unkept: Callable[[], int], keys: str) -> bool:
        try:
            flush()
        except StorageError as error:
            box = QMessageBox(QMessageBox.Icon.Warning, f"{what} are not saved", str(error), parent=self.window)
            box.setInformativeText(
                f"{what} not saved: {unkept()}. They can still be exported to another place ({keys})."
            )
            back = box.addButton("Back to the window", QMessageBox.ButtonRole.RejectRole)
            box.addButton("Close without saving", QMessageBox.ButtonRole.DestructiveRole)
            box.setDefaultButton(back)
            box.exec()
            return box.clickedButton() is not back
        return True

    def shut_down(self) -> None:
        """Remembers the choices, cancels every job and waits for the lanes."""
        settings = replace(
            self.commands.settings.with_window(bytes(self.window.saveGeometry().data()), b""),
            heatmap_opacity=self.view.heatmap.opacity,
            threshold=self.session.threshold,
            recent_archives=tuple(str(folder) for folder in self.session.archive.recent),
            folded=self.window.folded(),
        )
        try:
            save_settings(settings)
        except StorageError as error:
            self.window.toast.show_fault(str(error))
        self.presenter.stop()
        self.comparer.stop()
        self.detector.stop()
        self.archivist.stop()
        self.engine.close()  # what waits for a model need not wait any more
        self.runner.close()
        self.session.archive.shut_down()

    # ---- session -> views ------------------------------------------------
    def _wire_session(self) -> None:
        session = self.session
        session.scenes_changed.connect(self.window.scenes.show_scenes)
        session.active_changed.connect(self._show_active)
        session.answer_changed.connect(self._show_answer)
        session.selection_changed.connect(self._show_selection)
        session.failed.connect(self._show_fault)
        session.message.connect(self.window.toast.show_message)
        session.display.changed.connect(lambda: self.scene.show_active(self.actions))
        session.encoded_changed.connect(self._show_encoded)
        session.linking.changed.connect(lambda: self.comparing.show_state(self.actions))
        session.measures.changed.connect(lambda: self.measuring.show_state(self.actions))
        session.captions.changed.connect(self._show_captions)
        session.detections.changed.connect(self._show_detections)
        session.detections.running_changed.connect(self._show_detections)
        archive = session.archive
        for event in (archive.changed, archive.answer_changed, archive.selection_changed, archive.work.changed):
            event.connect(self._show_archive)
        archive.question_changed.connect(self._show_archive_question)
        self.runner.changed.connect(self._show_job)
        self.runner.crashed.connect(self._show_crash)

    def _show_active(self) -> None:
        scene = self.session.active
        self.window.scenes.show_scenes()
        self.window.facts.show_scene(scene, self.session.band)
        self.window.results.show_answer()
        self._show_who_is_asked()
        self.actions["close_scene"].setEnabled(scene is not None)
        self.scene.show_active(self.actions)
        self.laying.show_active(self.actions)
        self.comparing.show_state(self.actions)
        self.measuring.show_state(self.actions)
        self.window.setWindowTitle(f"{scene.name} - SARVLM Desktop" if scene is not None else "SARVLM Desktop")

    def _show_answer(self) -> None:
        answer = self.session.answer
        if answer is not None and answer.complete:
            self.window.results.set_looking(False)
        self.window.results.show_answer()
        self.window.selected.show_selection()
        if not self.view.archive.visible:
            self.window.query.show_question(self.session.query_text, self.session.negatives)
        for name in _ANSWER_ACTIONS:
            self.actions[name].setEnabled(self.session.answer is not None)
        self._show_steps()

    def _show_captions(self) -> None:
        captions = self.session.captions
        self.actions["export_captions"].setEnabled(bool(captions.captions))
        for name, what in (("undo_caption", captions.undo_name), ("redo_caption", captions.redo_name)):
            self.actions[name].setEnabled(bool(what))

    def _show_detections(self) -> None:
        detections = self.session.detections
        self.actions["export_boxes"].setEnabled(len(detections.boxes) > 0)
        self.actions["clear_boxes"].setEnabled(len(detections.boxes) > 0)
        self.actions["detect"].setEnabled(not detections.running and detections.scene is not None)
        for name in ("import_boxes", "draw_box", "detect_region"):
            self.actions[name].setEnabled(detections.scene is not None)
        for name, what in (("undo_box", detections.undo_name), ("redo_box", detections.redo_name)):
            self.actions[name].setEnabled(bool(what))

    def _show_archive(self) -> None:
        archive = self.session.archive
        some = archive.answer is not None and bool(archive.answer.hits)
        self.actions["export_hits"].setEnabled(some)
        self.actions["more_like"].setEnabled(archive.selected is not None)
        for name in ("pause_archive", "stop_archive"):
            self.actions[name].setEnabled(archive.work.kind is not None)
        for name in ("add_folder", "add_files", "verify_archive", "compact_archive"):
            self.actions[name].setEnabled(archive.folder is not None)
        self._show_who_is_asked()
        self._show_steps()

    def _show_steps(self) -> None:
        """Whether there is anything to go through: hits while the archive is on view, else places."""
        archive = self.session.archive
        hits = archive.answer is not None and bool(archive.answer.hits)
        some = hits if self.view.archive.visible else self.session.answer is not None
        for name in ("next", "previous"):
            self.actions[name].setEnabled(some)
        asked = archive.question.asks if self.view.archive.visible else self.session.answer is not None
        self.actions["clear"].setEnabled(asked)

    def _show_archive_question(self) -> None:
        self._show_steps()
        if self.view.archive.visible:
            question = self.session.archive.question
            self.window.query.replace_question(question.text, question.negatives)

    def _show_who_is_asked(self) -> None:
        """The question line asks the archive while that is on view."""
        archive = self.view.archive.visible
        self.window.query.set_asks_archive(archive)
        ready = self.session.archive.folder is not None if archive else self.session.active is not None
        self.window.query.button.setEnabled(ready)

    def _on_archive_mode(self) -> None:
        """The line keeps a question of each: the archive's and the scene's."""
        self._show_who_is_asked()
        self._show_steps()
        if self.view.archive.visible:
            self._show_archive_question()
        else:
            self.window.query.replace_question(self.session.query_text, self.session.negatives)

    def _show_encoded(self) -> None:
        """Words typed while the scene was not encoded yet are answered now."""
        self.window.results.show_answer()
        words = self.window.query.typed_words()
        if self.session.encoded and words != self.session.query_text:
            self.commands.typed(words)

    def _show_selection(self) -> None:
        self.window.results.show_selection()
        self.window.selected.show_selection()
        if self.session.selected is not None:
            self.presenter.fly_to(self.session.selected)

    def _show_fault(self, error: SarvlmError) -> None:
        self.window.facts.show_band(self.session.band)
        if isinstance(error, QueryError):
            self.window.query.show_error(str(error))
        else:
            self.window.toast.show_fault(str(error))

    def _show_job(self, job: JobStatus) -> None:
        if job.lane is Lane.COMPUTE:
            self._warm_up()  # for the badge: the job has loaded it
        self.window.jobs.show_job(job)
        if job.key == CAPTION_KEY:
            self.window.captions.show_job(job)
        if job.key == DETECT_KEY:
            self.window.detections.run.show_job(job)
        if job.key != QUERY_KEY or job.id < self._question_job or not job.title:
            return
        self._question_job = job.id
        if job.state is not JobState.DONE:
            self.window.results.set_looking(job.active)

    def _show_crash(self, _title: str, error: BaseException) -> None:
        dialog = ReportDialog(report_text(type(error), error, error.__traceback__), self.window)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_model(self, badge: tuple[str, str]) -> None:
        self.window.show_model(*badge)

    # ---- user -> verbs ---------------------------------------------------
    def _wire_window(self) -> None:
        window, commands, view = self.window, self.commands, self.view
        window.query.line.textEdited.connect(lambda _text: self._warm_up())
        window.query.asked.connect(commands.ask)
        window.query.typed.connect(commands.typed)
        window.results.chosen.connect(self.session.select)
        window.results.threshold_moved.connect(self.presenter.show_threshold)
        window.results.example_chosen.connect(window.query.ask_words)
        window.facts.band_chosen.connect(self.session.set_band)
        window.facts.part_chosen.connect(self.scene.open_part)
        window.facts.metadata_clicked.connect(self.scene.show_metadata)
        window.scenes.open_clicked.connect(commands.open_dialog)
        window.scenes.demo_clicked.connect(self.session.open_demo)
        window.canvas.files_dropped.connect(self.laying.take_dropped)
        window.jobs.cancel_clicked.connect(self.session.cancel)
        self._wire_captions()
        self._wire_detections()
        view.archive.changed.connect(self._on_archive_mode)
        toggles = (
            ("toggle_heatmap", view.heatmap), ("toggle_markers", view.numbers), ("toggle_boxes", view.boxes),
            ("show_captions", view.captions), ("show_boxes", view.detections), ("show_archive", view.archive),
            ("show_measures", view.measures), ("toggle_measures", view.measured),
        )  # fmt: skip
        for action, shown in toggles:
            self.actions[action].setChecked(shown.visible)
            shown.changed.connect(lambda name=action, layer=shown: self.actions[name].setChecked(layer.visible))

    def _wire_captions(self) -> None:
        panel = self.window.captions
        panel.wanted.connect(self.describer.describe)
        panel.chosen.connect(self.describer.fly)
        panel.export_clicked.connect(self.commands.export_captions)
        panel.cancel_clicked.connect(self.session.cancel)
        panel.told.connect(self.window.toast.show_message)
        self.window.selected.describe.clicked.connect(lambda: self.describer.describe(Where.PLACE))
        self.window.canvas.drawing_changed.connect(panel.show_drawing)

    def _wire_detections(self) -> None:
        panel = self.window.detections
        panel.run.stop_clicked.connect(self.session.detections.cancel)
        panel.import_clicked.connect(self.commands.import_boxes)
        panel.export_clicked.connect(lambda shown: self.commands.export_boxes(shown_only=shown))
        for shown in (self.view.detections, self.view.measures):
            shown.changed.connect(self._share_keys)
        self._share_keys()

    def _share_keys(self) -> None:
        share_keys(self.actions, boxes=self.view.detections.visible, measures=self.view.measures.visible)
