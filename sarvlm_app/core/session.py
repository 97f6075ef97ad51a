"""The open work: its state and its verbs. Lives on the main thread; knows no Qt and no torch.

Every verb returns at once; what takes time goes to the job runner and comes
back as a change of state and an event. Views render the state and call verbs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from psygnal import Signal

from sarvlm_app.core.answering import Answering, EncoderProvider
from sarvlm_app.core.archive_reading import ModelProvider, with_own_model
from sarvlm_app.core.archive_session import ArchiveSession
from sarvlm_app.core.caption_session import CaptionModel, CaptionSession
from sarvlm_app.core.caption_store import CaptionStore
from sarvlm_app.core.captioning import CaptionerProvider, Captioning
from sarvlm_app.core.context.store import ContextStore
from sarvlm_app.core.context_session import ContextSession
from sarvlm_app.core.detection import Detecting, DetectorProvider
from sarvlm_app.core.detection_session import DetectionSession
from sarvlm_app.core.detection_store import DetectionStore
from sarvlm_app.core.display.settings import DisplaySettings, Mode
from sarvlm_app.core.display_session import DisplaySession
from sarvlm_app.core.display_store import DisplayStore
from sarvlm_app.core.export.candidates import write_candidates
from sarvlm_app.core.export.heatmap import write_heatmap
from sarvlm_app.core.export.picture import write_picture
from sarvlm_app.core.jobs import JobContext, JobRunner, Lane, Work
from sarvlm_app.core.link_session import LinkSession
from sarvlm_app.core.measure_session import MeasureSession
from sarvlm_app.core.query import MOST_CANDIDATES, Answer, Candidate, Question, check_text, peaks
from sarvlm_app.core.radiometry import Stretch
from sarvlm_app.core.scene import Scene, close_handles, default_band, default_stretch, open_scene, scene_stats
from sarvlm_app.core.simulate.demo import write_demo
from sarvlm_app.errors import ModelError, QueryError, SarvlmError, SceneError
from sarvlm_app.paths import cache_dir
from sarvlm_app.settings import Settings
from sarvlm_models.api import Captioner, Detector
from sarvlm_models.types import TextQuery, Window

QUERY_KEY = "query"
BAND_KEY = "band"
DEMO_NAME = "demo_harbour_simulated.tif"

EXAMPLE_QUERIES = ("ships moored at a pier", "storage tanks", "airport runways")


@dataclass(slots=True)
class OpenScene:
    """What the session keeps of one open scene."""

    scene: Scene
    band: int
    stretch: Stretch
    answer: Answer | None = None
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Words put to the model, as they were typed."""

    text: str
    negatives: tuple[str, ...] = ()
    visible: Window | None = field(default=None, compare=False)


class Session:
    """State of the open work, its verbs and its events.

    Parameters
    ----------
    runner : JobRunner
    encoder : callable
        Gives the model; called on the compute lane.
    settings : Settings
    cache : Path, optional
        Folder of what can be made again; the user's cache folder by default.
    captioner : callable, optional
        Gives the captioning model; called on the compute lane.
    detector : callable, optional
        Gives the detector; called on the compute lane.
    archive_model : callable, optional
        Gives the model of an archive's index; default: `encoder`, whatever it is made with.

    Attributes
    ----------
    archive : ArchiveSession
        Everything that is held, indexed.
    captions : CaptionSession
        Descriptions of the scene on view.
    detections : DetectionSession
        Boxes of the scene on view.
    display : DisplaySession
        How the scene on view is shown.
    context : ContextSession
        Files of lines, places, tiles and ships laid over the scene on view.
    linking : LinkSession
        The scene on view compared with another open one.
    measures : MeasureSession
        What was measured on the scene on view.
    """

    scenes_changed = Signal()
    active_changed = Signal()
    answer_changed = Signal()
    selection_changed = Signal()
    stretch_changed = Signal()
    encoded_changed = Signal()
    failed = Signal(SarvlmError)
    message = Signal(str)

    def __init__(
        self,
        runner: JobRunner,
        encoder: EncoderProvider,
        settings: Settings,
        cache: Path | None = None,
        captioner: CaptionerProvider | None = None,
        detector: DetectorProvider | None = None,
        archive_model: ModelProvider | None = None,
    ) -> None:
        self._runner = runner
        self._cache = cache or cache_dir()
        self._answering = Answering(encoder, self._cache)
        self._open: list[OpenScene] = []
        self._active: OpenScene | None = None
        self._asking: OpenScene | None = None
        self._asked = Asked("")
        self._threshold = settings.threshold
        self._top = MOST_CANDIDATES
        self._selected: int | None = None
        provide = captioner or _no_captioner
        model = CaptionModel(provide, Captioning(provide, self._answering))
        self.captions = CaptionSession(runner, model, CaptionStore())
        self.captions.failed.connect(self.failed.emit)
        self.captions.message.connect(self.message.emit)
        self.captions.described.connect(self._on_described)
        detecting = Detecting(detector or _no_detector, self._cache)
        self.detections = DetectionSession(runner, detecting, DetectionStore())
        self.detections.failed.connect(self.failed.emit)
        self.detections.message.connect(self.message.emit)
        self.display = DisplaySession(runner, DisplayStore(self._cache / "display"))
        self.display.changed.connect(self.stretch_changed.emit)
        self.display.message.connect(self.message.emit)
        self.context = ContextSession(runner, ContextStore())
        self.context.failed.connect(self.failed.emit)
        self.linking = LinkSession(runner, lambda: self.scenes)
        self.linking.failed.connect(self.failed.emit)
        self.linking.message.connect(self.message.emit)
        self.scenes_changed.connect(self.linking.look_around)
        self.measures = MeasureSession(runner)
        self.measures.failed.connect(self.failed.emit)
        self.measures.message.connect(self.message.emit)
        self.archive = ArchiveSession(runner, archive_model or with_own_model(encoder))
        self.archive.failed.connect(self.failed.emit)
        self.archive.message.connect(self.message.emit)

    # ---- state -----------------------------------------------------------
    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The open scenes in the order of opening."""
        return tuple(entry.scene for entry in self._open)

    @property
    def active(self) -> Scene | None:
        """The scene on view."""
        return self._active.scene if self._active else None

    @property
    def band(self) -> int:
        """Band on view and asked, from 1."""
        return self._active.band if self._active else 1

    @property
    def answer(self) -> Answer | None:
        """The answer shown for the active scene."""
        return self._active.answer if self._active else None

    @property
    def query_text(self) -> str:
        """The words asked last."""
        return self._asked.text

    @property
    def negatives(self) -> tuple[str, ...]:
        """What the answer must not be."""
        return self._asked.negatives

    @property
    def threshold(self) -> float:
        """Score from which a place stands out."""
        return self._threshold

    @property
    def selected(self) -> Candidate | None:
        """The candidate that is selected."""
        answer = self.answer
        if answer is None or self._selected is None or self._selected > len(answer.candidates):
            return None
        return answer.candidates[self._selected - 1]

    @property
    def stretch(self) -> Stretch | None:
        """Black and white points of the active scene, as small pictures take them."""
        return self.display.stretch(self._active.stretch) if self._active else None

    @property
    def encoded(self) -> bool:
        """Whether the active scene is encoded, so that a question costs next to nothing."""
        return self._active is not None and self._active.encoded

    # ---- scenes ----------------------------------------------------------
    def open(self, path: Path, part: str | None = None) -> None:
        """Open a scene file, or one `part` of a product of several images, and make it the active one."""
        title = f"Opening {Path(path).name}" + (f", {part}" if part else "")
        self._submit_open(title, lambda _ctx: _entry_of(open_scene(Path(path), part)))

    def open_derived(self, title: str, make: Callable[[], Scene]) -> None:
        """Open a scene that `make` derives from another one (on the I/O lane) under a name of its own."""
        self._submit_open(title, lambda _ctx: _entry_of(make()))

    def open_demo(self) -> None:
        """Open the simulated demo scene, made at the first call."""

        def run(ctx: JobContext) -> OpenScene:
            place = self._cache / "demo" / DEMO_NAME
            if not place.exists():
                ctx.step(0, 0, "Simulating the demo scene")
                place.parent.mkdir(parents=True, exist_ok=True)
                write_demo(place)
            return _entry_of(open_scene(place))

        self._submit_open("Preparing the demo scene", run)

    def _submit_open(self, title: str, run: Callable[[JobContext], OpenScene]) -> None:
        self._runner.submit(Work(title, run, Lane.IO, on_done=self._opened, on_failed=self.failed.emit))

    def _opened(self, entry: OpenScene) -> None:
        same = entry.scene.fingerprint, entry.scene.path  # copies of a file have the same content
        known = next((other for other in self._open if (other.scene.fingerprint, other.scene.path) == same), None)
        if known is not None:
            self.activate(known.scene)
            return
        self._open.append(entry)
        self.scenes_changed.emit()
        self.activate(entry.scene)

    def close(self, scene: Scene) -> None:
        """Close a scene; its index stays in the cache."""
        entry = self._entry(scene)
        if entry is None:
            return
        place = self._open.index(entry)
        self._open.remove(entry)
        close_handles(scene)
        self.captions.close(scene)
        self.detections.close(scene)
        self.context.close(scene)
        self.measures.close(scene)
        self.scenes_changed.emit()
        self._stop_asking(entry)
        if entry is self._active:
            self._show(self._open[min(place, len(self._open) - 1)] if self._open else None)

    def activate(self, scene: Scene) -> None:
        """Bring an open scene on view."""
        entry = self._entry(scene)
        if entry is not None and entry is not self._active:
            self._show(entry)

    def set_band(self, band: int) -> None:
        """Show and ask another band of the active scene; its stretch is read anew."""
        entry = self._active
        if entry is None:
            return
        self._runner.cancel_key(BAND_KEY)
        if band == entry.band:
            return
        scene = entry.scene

        def done(stretch: Stretch) -> None:
            self._stop_asking(entry)
            entry.band, entry.stretch, entry.answer, entry.encoded = band, stretch, None, False
            if entry is self._active:
                self._show(entry)

        work = Work("Reading the band", lambda _ctx: default_stretch(scene, band), Lane.IO, BAND_KEY, on_done=done)
        self._runner.submit(replace(work, on_failed=self.failed.emit))

    def _entry(self, scene: Scene) -> OpenScene | None:
        return next((entry for entry in self._open if entry.scene == scene), None)

    def _show(self, entry: OpenScene | None) -> None:
        self._active = entry
        self._selected = None
        self.captions.show(self.active, self.band)
        self.detections.show(self.active, self.band)
        self.active_changed.emit()
        self.display.show(self.active, self.band)
        self.context.show(self.active)
        self.linking.show(self.active, self.band)
        self.measures.show(self.active, self.band)
        self.answer_changed.emit()
        self.selection_changed.emit()
        self.encoded_changed.emit()
        if entry is None:
            return
        if not entry.encoded:
            self._look_for_index(entry)
        if entry.answer is not None and entry.answer.query.threshold != self._threshold:
            self._find_anew(entry, entry.answer)

    def _look_for_index(self, entry: OpenScene) -> None:
        scene, band = entry.scene, entry.band

        def done(encoded: bool) -> None:
            if entry.band == band:
                self._mark_encoded(entry, encoded or entry.encoded)

        self._runner.submit(
            Work("", lambda _ctx: self._answering.is_encoded(scene, band), Lane.COMPUTE, "index", on_done=done,
                 on_failed=self.failed.emit)
        )  # fmt: skip

    def _on_described(self, scene: Scene) -> None:
        """Look whether what was encoded for a caption makes the whole scene."""
        entry = self._entry(scene)
        if entry is not None and not entry.encoded:
            self._look_for_index(entry)

    def _mark_encoded(self, entry: OpenScene, encoded: bool) -> None:
        if entry.encoded != encoded:
            entry.encoded = encoded
            if entry is self._active:
                self.encoded_changed.emit()

    def set_stretch(self, stretch: Stretch) -> None:
        """Change how the active scene is displayed; the model sees no difference."""
        if self._active is not None and stretch != self.stretch:
            by_hand = Mode.MANUAL if stretch.unit == "dB" else Mode.LINEAR
            own = stretch == self._active.stretch
            self.display.set(DisplaySettings() if own else DisplaySettings(by_hand, (stretch.low, stretch.high)))

    # ---- questions -------------------------------------------------------
    def ask(self, text: str, negatives: tuple[str, ...] = (), visible: Window | None = None) -> None:
        """Ask the active scene; what cannot be asked is told through `failed`."""
        try:
            check_text(text, negatives)
        except QueryError as error:
            self.failed.emit(error)
            return
        if self._active is None:
            self.failed.emit(SceneError("No scene is open to ask: open one first (Ctrl+O)."))
            return
        self._asked = Asked(text.strip(), tuple(negatives), visible)
        self._submit_question(self._active, f"Looking for {text.strip()}")

    def type_ahead(self, text: str, negatives: tuple[str, ...] | None = None) -> None:
        """Follow the typing on a scene that is encoded; half-typed words are no error."""
        if self._active is None or not self._active.encoded:
            return
        asked = Asked(text.strip(), self._asked.negatives if negatives is None else negatives)
        try:
            check_text(asked.text, asked.negatives)
        except QueryError:
            return
        self._asked = asked
        self._submit_question(self._active, "")

    def encode(self, visible: Window | None = None) -> None:
        """Encode the active scene without a question of one's own."""
        if self._active is not None:
            self._submit_question(self._active, "Encoding the scene", Asked("ship", (), visible), show=False)

    def _submit_question(self, entry: OpenScene, title: str, asked: Asked | None = None, *, show: bool = True) -> None:
        words = asked or self._asked
        query = TextQuery(words.text, words.negatives, self._threshold)
        question = Question(query, entry.scene, entry.band, self._top)

        def deliver(answer: Answer) -> None:
            if entry.band != answer.band:
                return
            self._mark_encoded(entry, answer.complete)
            if show:
                self._set_answer(entry, answer)

        self._asking = entry
        self._runner.submit(
            Work(
                title, lambda ctx: self._answering.answer(question, ctx, words.visible), Lane.COMPUTE, QUERY_KEY,
                on_done=deliver, on_partial=deliver, on_failed=self.failed.emit,
            )
        )  # fmt: skip

    def _stop_asking(self, entry: OpenScene) -> None:
        """Drop the question that runs on a scene; those of other scenes go on."""
        if entry is self._asking:
            self._asking = None
            self._runner.cancel_key(QUERY_KEY)

    def _set_answer(self, entry: OpenScene, answer: Answer | None) -> None:
        if answer is not None and answer.query.threshold != self._threshold:
            query = replace(answer.query, threshold=self._threshold)
            answer = _rethreshold(answer, query, self._top)
        before = self.selected if entry is self._active else None
        entry.answer = answer
        if entry is self._active:
            had = self._selected
            self._selected = _same_place(before, answer)
            self.answer_changed.emit()
            if had is not None:
                self.selection_changed.emit()

    def set_threshold(self, threshold: float) -> None:
        """Move the score from which a place stands out; the places are found anew, the scores stay."""
        if threshold == self._threshold:
            return
        self._threshold = threshold
        entry = self._active
        if entry is not None and entry.answer is not None:
            self._find_anew(entry, entry.answer)

    def _find_anew(self, entry: OpenScene, answer: Answer) -> None:
        """The places of an answer at the present threshold (I/O lane)."""
        query = replace(answer.query, threshold=self._threshold)

        def done(fresh: Answer) -> None:
            if entry.answer is not None and entry.answer.heatmap.scores is fresh.heatmap.scores:
                self._set_answer(entry, fresh)

        run = Work("", lambda _ctx: _rethreshold(answer, query, self._top), Lane.IO, "threshold", on_done=done)
        self._runner.submit(run)

    def clear_answer(self) -> None:
        """Forget the question and its answer."""
        self._runner.cancel_key(QUERY_KEY)
        self._asked = Asked("")
        if self._active is not None:
            self._set_answer(self._active, None)

    # ---- candidates ------------------------------------------------------
    def select(self, rank: int | None) -> None:
        """Select the candidate of a rank, or none."""
        answer = self.answer
        if rank is not None and (answer is None or not 1 <= rank <= len(answer.candidates)):
            return
        if rank != self._selected:
            self._selected = rank
            self.selection_changed.emit()

    def next_candidate(self) -> None:
        """Select the next place, the first after the last."""
        self._step_selection(1)

    def previous_candidate(self) -> None:
        """Select the previous place, the last before the first."""
        self._step_selection(-1)

    def _step_selection(self, step: int) -> None:
        count = len(self.answer.candidates) if self.answer else 0
        if count:
            start = self._selected - 1 if self._selected else (-1 if step > 0 else 0)
            self.select((start + step) % count + 1)

    # ---- export ----------------------------------------------------------
    def export_heatmap(self, path: Path) -> None:
        """Write the heat map as GeoTIFF."""
        self._export(path, lambda answer: write_heatmap(answer, path, self._answering.encoder.spec.weights_sha256))

    def export_candidates(self, path: Path) -> None:
        """Write the places as GeoJSON."""
        self._export(path, lambda answer: write_candidates(answer, path))

    def export_picture(self, path: Path) -> None:
        """Write the annotated picture as PNG."""
        stretch = self.stretch
        self._export(path, lambda answer: write_picture(answer, path, stretch=stretch))

    def _export(self, path: Path, write: Callable[[Answer], None]) -> None:
        answer = self.answer
        if answer is None:
            self.failed.emit(QueryError("There is nothing to export yet: ask a question first."))
            return
        work = Work(
            f"Writing {path.name}", lambda _ctx: write(answer), Lane.IO,
            on_done=lambda _none: self.message.emit(f"Written: {path}"), on_failed=self.failed.emit,
        )  # fmt: skip
        self._runner.submit(work)

    def cancel(self, job: int) -> None:
        """Cancel a job; what it finished is kept."""
        self._runner.cancel(job)


def _entry_of(scene: Scene) -> OpenScene:
    """A scene with its statistics, which are read now (I/O lane)."""
    band = default_band(scene)
    scene_stats(scene, band)
    return OpenScene(scene, band, default_stretch(scene, band))


def _no_captioner() -> Captioner:
    raise ModelError("No captioning model was given to this session: start the window by `sarvlm`.")


def _no_detector() -> Detector:
    raise ModelError("No detector was given to this session: start the window by `sarvlm`.")


def _rethreshold(answer: Answer, query: TextQuery, top: int) -> Answer:
    heatmap = replace(answer.heatmap, query=query)
    places = peaks(heatmap, answer.scene, query.threshold, top)
    return replace(answer, query=query, heatmap=heatmap, candidates=places, stands_out=bool(places))


def _same_place(before: Candidate | None, answer: Answer | None) -> int | None:
    """Rank in a fresh answer of the place that was selected, within one and a half cells of it."""
    if before is None or answer is None:
        return None
    reach = 1.5 * answer.heatmap.cell_px
    near = (c for c in answer.candidates if abs(c.col - before.col) <= reach and abs(c.row - before.row) <= reach)
    return next((candidate.rank for candidate in near), None)
