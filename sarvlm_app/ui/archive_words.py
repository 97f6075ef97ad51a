"""How the archive reads in the window."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sarvlm_app.core.archive.ingest import AddProgress
from sarvlm_app.core.archive.search import ArchiveAnswer, ArchiveHit
from sarvlm_app.core.archive_question import ArchiveQuestion, ExampleKind, ExampleOf
from sarvlm_app.core.archive_reading import ArchiveFacts
from sarvlm_app.core.archive_work import WorkKind
from sarvlm_app.core.jobs import JobState, JobStatus
from sarvlm_app.ui.formats import seconds_text

NO_ARCHIVE = (
    "An archive is an index of all your scenes: made once, then searched by words or by example in milliseconds. "
    "Create one in a new folder (it takes a few hundredths of the scenes' size), or open one that is there."
)
EMPTY = (
    "This archive is empty. Add folders or files with Add…, or drop them here; you can go on working meanwhile, and "
    "pause or stop at any time."
)
FILLING = "The first scenes are being indexed; what is there can be searched a moment later, while the rest goes on."
INVITATION = (
    "Type words above and press Return, or choose an example: a region that you draw, the view, a selected place, or a "
    "picture."
)
NOTHING = (
    "Nothing in the archive comes above its background. Try other words, take out what you excluded, or widen the "
    "filters."
)
KIND_NAMES = {
    ExampleKind.VIEW: "view of",
    ExampleKind.REGION: "region of",
    ExampleKind.PLACE: "place in",
    ExampleKind.FILE: "",
    ExampleKind.HIT: "hit in",
}


def bytes_text(size: int) -> str:
    """`312 MB`, `1.4 GB`."""
    if size < 1e6:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


def fast_text(seconds: float) -> str:
    """How long a search took: `4 ms`, `0.31 s`."""
    return f"{max(1, round(1000 * seconds))} ms" if seconds < 0.1 else seconds_text(seconds)


def counted(count: int, one: str, many: str) -> str:
    """`1 scene`, `1,204 scenes`."""
    return f"{count:,} {one if count == 1 else many}"


def facts_text(facts: ArchiveFacts | None) -> str:
    """How much an archive holds, in one line."""
    if facts is None:
        return "Reading…"
    info = facts.info
    parts = [counted(info.scenes, "scene", "scenes"), counted(info.tiles, "tile", "tiles"), bytes_text(info.bytes)]
    return " · ".join(parts)


def model_text(facts: ArchiveFacts | None) -> str:
    """The model of the index and how it is searched."""
    if facts is None or not facts.info.model:
        return ""
    return f"{facts.info.model.partition('@')[0]} · {facts.info.index}"


def tip_text(folder: Path | None, facts: ArchiveFacts | None) -> str:
    """All that is known of an archive."""
    lines = [str(folder)] if folder is not None else []
    if facts is not None:
        info = facts.info
        lines += [f"{info.vectors:,} vectors, {info.gone:,} files gone", f"Model: {info.model or 'none yet'}"]
        lines += [f"Searched: {info.index}", *(f"{name} = {path}" for name, path in info.roots)]
        if facts.span is not None:
            first, last = (datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d") for moment in facts.span)
            lines.append(f"Acquired from {first} to {last}")
        lines += info.notes
    return "\n".join(lines)


def example_text(example: ExampleOf) -> str:
    """Where an example is from."""
    words = f"{KIND_NAMES[example.kind]} {example.path.stem}".strip()
    return words if example.likes else f"not like: {words}"


def asked_text(question: ArchiveQuestion) -> str:
    """What was asked, in one line."""
    parts = [f"“{question.text}”"] if question.text else []
    parts += [f"like the {example_text(example)}" for example in question.examples if example.likes]
    parts += [f"not “{word}”" for word in question.negatives]
    parts += [example_text(example) for example in question.examples if not example.likes]
    return ", ".join(parts)


def headline(answer: ArchiveAnswer | None, *, searching: bool) -> str:
    """How many hits there are."""
    if answer is None:
        return "Searching…" if searching else "Search"
    count = len(answer.hits)
    if not count:
        return "Nothing stands out"
    return f"{count}{'+' if answer.more else ''} {'hit' if count == 1 and not answer.more else 'hits'}"


def hit_tip(hit: ArchiveHit) -> str:
    """All that is known of a hit."""
    window = hit.window
    lines = [str(hit.scene), f"score {hit.score:.2f}", f"{window.width} × {window.height} px at row {window.row}, col "
             f"{window.col}"]  # fmt: skip
    lines.append(f"acquired {hit.acquired}" if hit.acquired else "time of acquisition not known")
    lines += ["no georeference"] if hit.lon is None else []
    return "\n".join([*lines, "Click to open the scene there;  N and P go to the next and the previous hit."])


def work_title(kind: WorkKind, status: JobStatus | None, progress: AddProgress | None) -> str:
    """What is done, and how many files are."""
    if kind is WorkKind.VERIFY:
        return "Verifying"
    if kind is WorkKind.COMPACT:
        return "Compacting"
    if progress is not None:
        return f"Adding · {progress.files:,} of {counted(progress.total, 'file', 'files')}"
    return status.title if status is not None else "Adding"


def work_detail(status: JobStatus | None, progress: AddProgress | None, rate: float | None) -> str:
    """How fast, how long still, and what failed."""
    if status is None or status.state is JobState.QUEUED:
        return "Waiting…"
    parts = ["paused"] if status.paused else []
    if rate is not None and not status.paused:
        parts.append(f"{rate:.0f} tiles/s" if rate >= 10 else f"{rate:.1f} tiles/s")
    if status.eta_s is not None and not status.paused:
        left = f"{max(1, round(status.eta_s))} s" if status.eta_s < 90 else seconds_text(status.eta_s)
        parts.append(f"{left} left")
    if progress is not None:
        parts += [counted(progress.tiles, "tile", "tiles")] if progress.tiles else []
        parts += [f"{len(progress.faults):,} failed"] if progress.faults else []
    return " · ".join(parts) or status.message or "Beginning…"
